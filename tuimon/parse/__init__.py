"""Sans-IO: bytes or str in, model out.  No file, no clock; outside text passes `printable` here."""
