"""Sans-IO: the handshake over memory BIOs, and the negotiations that precede it."""
