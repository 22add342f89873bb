"""Telling TLS from what is not TLS by the first bytes of an answer.

Rule: only for words; whether a handshake goes on is OpenSSL's decision in every other case.
"""

from tuimon.text import printable

_GREETINGS = (
    (b"HTTP/", "HTTP"),
    (b"SSH-", "SSH"),
    (b"220", "SMTP or FTP"),
    (b"+OK", "POP3"),
    (b"* OK", "IMAP"),
    (b"* PREAUTH", "IMAP"),
    (b"* BYE", "IMAP"),
    (b"200 ", "NNTP"),
    (b"201 ", "NNTP"),
)


def looks_like_tls(head: bytes) -> bool:
    """Whether an answer may begin like this: a record type of RFC 8446 section 5.1, major version 3, and
    not with the message that only a client sends."""
    return 20 <= head[0] <= 23 and head[1:2] in {b"", b"\x03"} and not _greets_as_client(head)


def _greets_as_client(head: bytes) -> bool:
    return head[:1] == b"\x16" and head[5:6] == b"\x01"  # a record of type handshake, its message ClientHello


def describe(head: bytes) -> str:
    """What a peer that does not speak TLS answered, by the first bytes of it."""
    if _greets_as_client(head):
        return "answers with a ClientHello: it sends back what it hears, or is a TLS client itself"
    line = head.splitlines()[0] if head.splitlines() else b""
    text = printable(line)
    if "\ufffd" in text or not text:
        return f"does not answer in TLS: bytes {head[:16].hex(' ')}"
    for start, name in _GREETINGS:
        if line.startswith(start):
            return f"answers like {name}: '{text}'"
    return f"does not answer in TLS: '{text}'"
