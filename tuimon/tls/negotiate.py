"""What is said in plain text before TLS: one generator per `protocol` of stunnel(8), as a client.

Rule: each dialogue says what its standard says a client must, no more, and goes on to TLS only after
the answer that the standard calls a go-ahead.
"""

import base64
from collections.abc import Callable

from tuimon.text import printable
from tuimon.tls.dialogue import (
    MAX_LINE,
    MAX_LINES,
    Answer,
    Dialogue,
    Exactly,
    Line,
    NegotiationFailed,
    Send,
    quote,
)


def _expect(answer: bytes, start: tuple[bytes, ...], what: str) -> None:
    """Fail with `what` was refused and the peer's words unless `answer` begins with one of `start`."""
    if not answer.startswith(start):
        raise NegotiationFailed(f"{what}: {quote(answer)}")


def _reply() -> Answer:
    """An SMTP reply (RFC 5321 section 4.2.1): its last line, the one without a hyphen after the code."""
    for _ in range(MAX_LINES):
        line = yield Line()
        if line[3:4] != b"-":
            return line
    raise NegotiationFailed(f"a reply of more than {MAX_LINES} lines")


def _smtp(host: str) -> Dialogue:
    """RFC 3207.  A stunnel server sends its greeting only after 200 ms of silence: waiting is enough."""
    _expect((yield from _reply()), (b"220",), "not an SMTP greeting")
    yield Send(b"EHLO " + _token(host or "localhost") + b"\r\n")
    _expect((yield from _reply()), (b"250",), "EHLO refused")
    yield Send(b"STARTTLS\r\n")
    _expect((yield from _reply()), (b"220",), "STARTTLS refused")


def _pop3(_host: str) -> Dialogue:
    """RFC 2595 section 4."""
    _expect((yield Line()), (b"+OK",), "not a POP3 greeting")
    yield Send(b"STLS\r\n")
    _expect((yield Line()), (b"+OK",), "STLS refused")


def _imap(_host: str) -> Dialogue:
    """RFC 3501 section 6.2.1; untagged lines before the tagged answer are data and are passed over."""
    _expect((yield Line()), (b"* OK",), "not an IMAP greeting that allows STARTTLS")
    yield Send(b"a1 STARTTLS\r\n")
    for _ in range(MAX_LINES):
        line = yield Line()
        if not line.startswith(b"* "):
            return _expect(line, (b"a1 OK",), "STARTTLS refused")
        if line.upper().startswith(b"* BYE"):
            raise NegotiationFailed(f"STARTTLS refused: {quote(line)}")
    raise NegotiationFailed(f"an answer of more than {MAX_LINES} lines")


def _nntp(_host: str) -> Dialogue:
    """RFC 4642."""
    _expect((yield Line()), (b"200", b"201"), "not an NNTP greeting")
    yield Send(b"STARTTLS\r\n")
    _expect((yield Line()), (b"382",), "STARTTLS refused")


def _pgsql(_host: str) -> Dialogue:
    """SSLRequest of the PostgreSQL protocol: length 8, code 80877103, answered by one byte."""
    yield Send(bytes.fromhex("00000008 04d2162f"))
    answer = yield Exactly(1)
    if answer == b"N":
        raise NegotiationFailed("the PostgreSQL server does not do TLS (answer N)")
    _expect(answer, (b"S",), "not a PostgreSQL answer to SSLRequest")


def _cifs(_host: str) -> Dialogue:
    """A NetBIOS session request; stunnel's go-ahead is a negative session response with code 8e."""
    yield Send(bytes.fromhex("81000000"))
    header = yield Exactly(4)
    if header != bytes.fromhex("83000001"):
        raise NegotiationFailed(f"not a NetBIOS negative session response: bytes {header.hex(' ')}")
    code = yield Exactly(1)
    if code != b"\x8e":
        raise NegotiationFailed(f"the NetBIOS session was refused with code {code.hex()}")


_LDAP_STARTTLS = bytes.fromhex("301d 020101 7718 8016") + b"1.3.6.1.4.1.1466.20037"
_LDAP_RESULTS = {1: "operationsError", 2: "protocolError", 52: "unavailable", 53: "unwillingToPerform"}


def _element(data: bytes) -> tuple[int, bytes, bytes]:
    """Split BER `data` into tag, contents and what follows.  Raises NegotiationFailed."""
    if len(data) < 2:
        raise NegotiationFailed("a truncated LDAP response")
    size, start = data[1], 2
    if size & 0x80:
        start += size & 0x7F
        size = int.from_bytes(data[2:start])
    if len(data) < start + size:
        raise NegotiationFailed("a truncated LDAP response")
    return data[0], data[start : start + size], data[start + size :]


def _ldap(_host: str) -> Dialogue:
    """StartTLS extended operation, RFC 4511 section 4.14."""
    yield Send(_LDAP_STARTTLS)
    envelope = yield Exactly(2)
    _expect(envelope, (b"\x30",), "not an LDAP message")
    size = envelope[1]
    if size & 0x80:
        width = size & 0x7F
        if not 1 <= width <= 4:
            raise NegotiationFailed("not an LDAP message: a length without bound")
        size = int.from_bytes((yield Exactly(width)))
    if not 0 < size <= MAX_LINE:
        raise NegotiationFailed(f"an LDAP response of {size} bytes")
    _, _, rest = _element((yield Exactly(size)))  # the message id
    tag, response, _ = _element(rest)
    if tag != 0x78:
        raise NegotiationFailed("not an LDAP extended response")
    tag, result, rest = _element(response)
    code = int.from_bytes(result)
    if tag != 0x0A or code:
        _, _, rest = _element(rest)  # matchedDN
        words = _element(rest)[1]
        raise NegotiationFailed(
            f"StartTLS refused: {_LDAP_RESULTS.get(code, f'result code {code}')} {quote(words)}"
        )


def _token(text: str) -> bytes:
    """`text` as one word of a command line.  Raises NegotiationFailed where it would be more."""
    if not text or not text.isascii() or any(c <= " " or c == "\x7f" for c in text):
        raise NegotiationFailed(f"protocolHost is not one word of ASCII: '{printable(text, 120)}'")
    return text.encode("ascii")


def _connect(host: str, username: str, password: str) -> Dialogue:
    """HTTP CONNECT, RFC 9110 section 9.3.6, with Basic authorization where a user name is given."""
    if not host:
        raise NegotiationFailed("protocolHost is not set: there is no host to ask the proxy for")
    target = _token(host)
    request = [b"CONNECT " + target + b" HTTP/1.1", b"Host: " + target]
    if username:
        credentials = base64.b64encode(f"{username}:{password}".encode())
        request.append(b"Proxy-Authorization: Basic " + credentials)
    yield Send(b"\r\n".join(request) + b"\r\n\r\n")
    status = yield Line()
    _expect(status, (b"HTTP/1.0 2", b"HTTP/1.1 2"), "CONNECT refused")
    for _ in range(MAX_LINES):
        if not (yield Line()):
            return
    raise NegotiationFailed(f"an answer of more than {MAX_LINES} lines")


def _unspoken(protocol: str) -> Dialogue:
    yield Send(b"")  # a generator, like its neighbours
    raise NegotiationFailed(f"tuimon does not speak the protocol '{printable(protocol, 40)}'")


_DIALOGUES: dict[str, Callable[[str], Dialogue]] = {
    "smtp": _smtp,
    "pop3": _pop3,
    "imap": _imap,
    "nntp": _nntp,
    "ldap": _ldap,
    "pgsql": _pgsql,
    "cifs": _cifs,
}

TLS_FIRST = frozenset({"", "proxy", "socks", "capwin"})
"""Values of `protocol` where TLS begins at once."""


def negotiation(protocol: str, *, host: str = "", username: str = "", password: str = "") -> Dialogue | None:
    """The dialogue that precedes TLS under `protocol` (any case), or None where TLS comes first.

    `host` is protocolHost: `host:port` for connect, the EHLO name for smtp.  The credentials are for
    connect only and never appear in a detail.
    """
    name = protocol.lower()
    if name in TLS_FIRST:
        return None
    if name == "connect":
        return _connect(host, username, password)
    dialogue = _DIALOGUES.get(name)
    return dialogue(host) if dialogue else _unspoken(name)
