"""What precedes TLS: with real stunnel servers, with standards-true peers, and with wrong ones."""

import socket
import ssl
import threading
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuimon.model.handshake import Verdict
from tuimon.tls.dialogue import MAX_BYTES, MAX_LINE, Negotiation
from tuimon.tls.handshake import Handshake
from tuimon.tls.negotiate import negotiation

LDAP_OID = b"1.3.6.1.4.1.1466.20037"
LDAP_REQUEST = bytes.fromhex("301d 020101 7718 8016") + LDAP_OID
LDAP_SUCCESS = bytes.fromhex("300c 020101 7807 0a0100 0400 0400")
LDAP_LONG_FORM = bytes.fromhex("3084 00000028 020101 7884 0000001f 0a0100 0400 0400 8a16") + LDAP_OID
LDAP_REFUSED = bytes.fromhex("301a 020101 7815 0a0134 0400 040e") + b"not configured"

# protocol, the back end's greeting
STUNNEL_SERVERS = {
    "smtp": b"220 mail.example ESMTP\r\n",
    "pop3": b"+OK POP3 ready\r\n",
    "imap": b"* OK [CAPABILITY IMAP4rev1] ready\r\n",
    "pgsql": b"",
    "cifs": b"",
    "connect": b"",
}

# protocol, what the peer says at each turn up to and including its go-ahead
GOOD = {
    "smtp": [b"220-mail.example\r\n220 ESMTP\r\n", b"250-mail.example\r\n250 STARTTLS\r\n", b"220 go\r\n"],
    "pop3": [b"+OK POP3\r\n", b"+OK begin\r\n"],
    "imap": [b"* OK IMAP4rev1\r\n", b"* CAPABILITY IMAP4rev1\r\na1 OK begin\r\n"],
    "nntp": [b"201 no posting\r\n", b"382 continue\r\n"],
    "ldap": [b"", LDAP_LONG_FORM],
    "pgsql": [b"", b"S"],
    "cifs": [b"", bytes.fromhex("830000018e")],
    "connect": [b"", b"HTTP/1.0 200 OK\r\nServer: stunnel/5.68\r\n\r\n"],
}

WRONG = [
    ("smtp", b"554 go away\r\n", "not an SMTP greeting: '554 go away'"),
    ("smtp", b"220 x\r\n250 x\r\n454 TLS not available\r\n", "STARTTLS refused: '454 TLS not available'"),
    ("smtp", b"220 x\r\n502 what?\r\n", "EHLO refused: '502 what?'"),
    ("pop3", b"-ERR busy\r\n", "not a POP3 greeting: '-ERR busy'"),
    ("pop3", b"+OK\r\n-ERR no TLS\r\n", "STLS refused: '-ERR no TLS'"),
    ("imap", b"* PREAUTH hello\r\n", "not an IMAP greeting that allows STARTTLS: '* PREAUTH hello'"),
    ("imap", b"* OK\r\na1 BAD unknown\r\n", "STARTTLS refused: 'a1 BAD unknown'"),
    ("imap", b"* OK\r\n* BYE full\r\n", "STARTTLS refused: '* BYE full'"),
    ("nntp", b"200 news\r\n580 no TLS\r\n", "STARTTLS refused: '580 no TLS'"),
    ("ldap", LDAP_REFUSED, "StartTLS refused: unavailable 'not configured'"),
    ("ldap", b"SSH-2.0-x\r\n", "not an LDAP message: 'SS'"),
    ("ldap", b"\x30\x80", "not an LDAP message: a length without bound"),
    ("ldap", b"\x30\x84\x7f\xff\xff\xff", "an LDAP response of 2147483647 bytes"),
    ("ldap", b"\x30\x02\x02\x09", "a truncated LDAP response"),
    ("ldap", bytes.fromhex("3005 020101 6100"), "not an LDAP extended response"),
    ("pgsql", b"N", "the PostgreSQL server does not do TLS (answer N)"),
    ("pgsql", b"E", "not a PostgreSQL answer to SSLRequest: 'E'"),
    ("cifs", bytes.fromhex("82000000"), "not a NetBIOS negative session response: bytes 82 00 00 00"),
    ("cifs", bytes.fromhex("8300000180"), "the NetBIOS session was refused with code 80"),
    (
        "connect",
        b"HTTP/1.1 407 Proxy Authentication Required\r\n",
        "CONNECT refused: 'HTTP/1.1 407 Proxy Authentication Required'",
    ),
    ("smtp", b"220 \x1b[2J\r\n250 x\r\n500 \x1b[2J\r\n", "STARTTLS refused: '500 \ufffd[2J'"),
]


def begin(protocol: str, **arguments: str) -> Negotiation:
    """A negotiation with a target, where one is needed."""
    arguments.setdefault("host", "back.example:25" if protocol == "connect" else "")
    return Negotiation(negotiation(protocol, **arguments))


@pytest.fixture
def encounter(negotiate, shake, pki):
    """Negotiate with a port, shake hands on the same connection, and check whose certificate it was."""

    def run(dialogue: Negotiation, port: int, chunk: int = 65536) -> None:
        connection = negotiate(dialogue, port, chunk)
        assert dialogue.done, dialogue.detail
        handshake = Handshake()
        shake(handshake, connection, chunk)
        connection.sendall(handshake.close())
        assert handshake.outcome.verdict is Verdict.OK
        assert handshake.outcome.chain_der == (pki.der("server.pem"),)

    return run


@pytest.mark.parametrize("chunk", [65536, 1], ids=["whole", "bytewise"])
@pytest.mark.parametrize("protocol", STUNNEL_SERVERS)
def test_a_real_stunnel_server_is_led_to_tls(stunnel, backend, encounter, protocol, chunk):
    """Negotiation, then a whole handshake."""
    target = backend(STUNNEL_SERVERS[protocol])
    port, _ = stunnel(f"protocol = {protocol}", f"connect = 127.0.0.1:{target.port}")
    dialogue = begin(protocol, host=f"127.0.0.1:{target.port}" if protocol == "connect" else "probe")
    encounter(dialogue, port, chunk)


@pytest.mark.parametrize("protocol", ["ldap", "nntp", "pgsql", "cifs"])
def test_the_first_words_are_those_of_stunnel(stunnel, backend, protocol):
    """stunnel in client mode says the same to the same remote, byte for byte."""
    greeting = GOOD[protocol][0]
    remote = backend(greeting)
    port, _ = stunnel("client = yes", f"protocol = {protocol}", f"connect = 127.0.0.1:{remote.port}")
    with closing(socket.create_connection(("127.0.0.1", port), 10)):
        said = remote.heard.get(timeout=10)
    dialogue = begin(protocol)
    assert dialogue.start() + (dialogue.feed(greeting) if greeting else b"") == said


class Upgrading(threading.Thread):
    """A server that greets, waits for one exact request, answers it and goes on in TLS."""

    def __init__(self, pki, greeting: bytes, request: bytes, answer: bytes) -> None:
        super().__init__(daemon=True)
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(pki.path("server.pem"), pki.path("server.key"))
        self._script = (greeting, request, answer)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.start()

    def run(self) -> None:
        greeting, request, answer = self._script
        with self._listener, self._listener.accept()[0] as connection:
            connection.sendall(greeting)
            heard = b""
            while len(heard) < len(request):
                heard += connection.recv(len(request) - len(heard))
            if heard == request:
                connection.sendall(answer)
                with self._context.wrap_socket(connection, server_side=True) as tls:
                    tls.recv(1)


@pytest.mark.parametrize(
    ("protocol", "script"),
    [
        ("ldap", (b"", LDAP_REQUEST, LDAP_SUCCESS)),
        ("ldap", (b"", LDAP_REQUEST, LDAP_LONG_FORM)),
        ("nntp", (b"200 news.example\r\n", b"STARTTLS\r\n", b"382 Continue with TLS negotiation\r\n")),
    ],
    ids=["ldap", "ldap-long-form", "nntp"],
)
def test_ldap_and_nntp_servers_are_led_to_tls(encounter, pki, protocol, script):
    """RFC 4511 section 4.14 in short and long BER lengths, and RFC 4642."""
    peer = Upgrading(pki, *script)
    encounter(begin(protocol), peer.port)
    peer.join(10)
    assert not peer.is_alive()


@pytest.mark.parametrize("protocol", GOOD)
def test_byte_by_byte_says_the_same(protocol):
    """A go-ahead in one piece a turn, or in single bytes, leads to TLS with the same words of ours."""
    said = []
    for single in (False, True):
        dialogue = begin(protocol)
        words = dialogue.start()
        for turn in GOOD[protocol]:
            for piece in [bytes([value]) for value in turn] if single else [turn] if turn else []:
                assert not dialogue.done
                words += dialogue.feed(piece)
        assert dialogue.done, dialogue.detail
        assert dialogue.leftover == b""
        said.append(words)
    assert said[0] == said[1]


@pytest.mark.parametrize(("protocol", "answer", "detail"), WRONG)
def test_a_wrong_answer_is_quoted(protocol, answer, detail):
    """The verdict says at which step, in the peer's printable words."""
    dialogue = begin(protocol)
    dialogue.start()
    dialogue.feed(answer)
    assert dialogue.failed
    assert not dialogue.done
    assert dialogue.detail == detail


@pytest.mark.parametrize("protocol", GOOD)
def test_an_end_of_file_at_any_byte_fails_as_closed(protocol):
    """Whatever part of the answers was there before."""
    answers = b"".join(GOOD[protocol])
    for cut in range(len(answers)):
        dialogue = begin(protocol)
        dialogue.start()
        for value in answers[:cut]:
            dialogue.feed(bytes([value]))
        dialogue.feed(b"")
        assert dialogue.closed
        assert dialogue.failed
        assert dialogue.detail == "closed during the negotiation"


@pytest.mark.parametrize("protocol", GOOD)
def test_plain_text_with_the_go_ahead_is_refused(protocol):
    """Nothing may come between the go-ahead and our ClientHello: it would be taken as said in TLS."""
    dialogue = begin(protocol)
    dialogue.start()
    *before, last = GOOD[protocol]
    for turn in before:
        if turn:
            dialogue.feed(turn)
    dialogue.feed(last + b"RSET\r\n")
    assert dialogue.failed
    assert not dialogue.done
    assert dialogue.detail == "plain text after the go-ahead for TLS: 'RSET\ufffd\ufffd'"
    assert dialogue.leftover == b"RSET\r\n"


@pytest.mark.parametrize("piece", [b"x" * 1000, b"220-more\r\n* more\r\nServer: x\r\n" * 20, b"\n" * 5000])
@pytest.mark.parametrize("protocol", GOOD)
def test_a_flood_ends_the_negotiation(protocol, piece):
    """Endless lines and endlessly many lines are both cut off."""
    dialogue = begin(protocol)
    dialogue.start()
    for turn in GOOD[protocol][:-1]:
        if turn:
            dialogue.feed(turn)
    fed = 0
    while not dialogue.failed:
        assert fed <= MAX_BYTES + len(piece)
        dialogue.feed(piece)
        fed += len(piece)
    assert dialogue.detail
    assert len(dialogue.leftover) <= MAX_BYTES


def test_a_line_without_end_is_cut_off():
    """At `MAX_LINE`, whether it comes at once or in pieces."""
    for size in (1, 100, MAX_LINE):
        dialogue = begin("smtp")
        dialogue.start()
        for _ in range(0, MAX_LINE, size):
            dialogue.feed(b"2" * size)
        assert dialogue.detail.startswith(f"a line of more than {MAX_LINE} bytes: '2222")


@given(st.sampled_from(sorted(GOOD)), st.lists(st.binary(min_size=1, max_size=40), max_size=8))
def test_nonsense_never_raises(protocol, pieces):
    """Any bytes lead to waiting, to a failure with words, or (when they are right) to TLS."""
    dialogue = begin(protocol)
    dialogue.start()
    for piece in pieces:
        dialogue.feed(piece)
    assert not (dialogue.done and dialogue.failed)
    assert dialogue.failed is bool(dialogue.detail)


@pytest.mark.parametrize("protocol", ["", "proxy", "SOCKS"])
def test_tls_comes_first_without_a_negotiation(protocol):
    """proxy and socks speak their part after or inside TLS."""
    assert negotiation(protocol) is None
    dialogue = Negotiation(None)
    assert dialogue.done
    assert dialogue.start() == b""


def test_credentials_go_to_the_proxy_and_nowhere_else():
    """Basic authorization (RFC 7617) in the request, never in a detail."""
    dialogue = begin("connect", username="fleet", password="s3cret:é")  # noqa: S106 - nobody's
    assert b"\r\nProxy-Authorization: Basic ZmxlZXQ6czNjcmV0OsOp\r\n" in dialogue.start()
    dialogue.feed(b"HTTP/1.1 403 Forbidden\r\n")
    assert "s3cret" not in dialogue.detail


@pytest.mark.parametrize(
    ("protocol", "host", "detail"),
    [
        ("connect", "", "protocolHost is not set: there is no host to ask the proxy for"),
        ("connect", "a:1\r\nX: y", "protocolHost is not one word of ASCII: 'a:1\ufffd\ufffdX: y'"),
        ("capwinctrl", "", "tuimon does not speak the protocol 'capwinctrl'"),
    ],
)
def test_what_cannot_be_said_fails_before_a_byte_is_sent(protocol, host, detail):
    """A target that would inject lines, a missing one, a protocol that nobody here speaks."""
    dialogue = Negotiation(negotiation(protocol, host=host))
    assert dialogue.start() == b""
    assert dialogue.failed
    assert dialogue.detail == detail


def test_an_ehlo_name_cannot_inject_commands():
    """protocolHost comes from a configuration file and must stay one word."""
    dialogue = begin("smtp", host="x\r\nMAIL FROM:<a>")
    dialogue.start()
    assert dialogue.feed(b"220 ready\r\n") == b""
    assert dialogue.failed
