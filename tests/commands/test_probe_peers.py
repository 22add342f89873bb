"""`tuimon probe` and what peers do before and instead of TLS: a verdict within the deadline."""

import socket
import time

import pytest

from tests.commands.conftest import Back, One, Serve, ServeTls, Start, section
from tests.fixtures import free_port
from tuimon.commands import probe

# protocols

GREETINGS = {
    "smtp": b"220 mail.example ESMTP\r\n",
    "pop3": b"+OK ready\r\n",
    "imap": b"* OK ready\r\n",
}


@pytest.mark.parametrize("protocol", ["smtp", "pop3", "imap", "pgsql", "cifs", "proxy", "SMTP"])
def test_protocols_that_a_stunnel_server_speaks(
    one: One,
    start_stunnel: Start,
    backend: Back,
    protocol: str,
) -> None:
    """The negotiation, then TLS, with the real thing."""
    port, target = free_port(), backend(GREETINGS.get(protocol.lower(), b""))
    start_stunnel(section(port, target.port, f"protocol = {protocol}"))
    found = one(port, "--protocol", protocol, "--sni", "server")
    assert (found["verdict"], found["codes"]) == ("ok", []), found
    assert found["chain"]


def test_proxies_of_a_stunnel_server(one: One, start_stunnel: Start, backend: Back) -> None:
    """connect goes as far as the certificate where no name is given, so that nobody is connected to."""
    first, second, target = free_port(), free_port(), backend()
    services = section(first, target.port, "protocol = connect")
    services += f"[k]\naccept = 127.0.0.1:{second}\nprotocol = socks\n"
    program = start_stunnel(services)
    found = one(first, "--protocol", "connect")
    assert (found["verdict"], found["depth"], found["codes"]) == ("ok", "certificate", ["name-mismatch"])
    assert "s_connect" not in program.text()
    found = one(first, "--protocol", "connect", "--sni", "nowhere.invalid")
    assert found["verdict"] == "negotiation-failed"
    assert "404" in found["detail"]
    assert one(second, "--protocol", "socks", "--sni", "server")["verdict"] == "ok"


def test_protocols_that_only_others_serve(one: One, peer: Serve, serve_tls: ServeTls) -> None:
    """nntp and ldap with peers that do as RFC 4642 and RFC 4511 say."""
    accepted = bytes.fromhex("300c020101 7807 0a0100 0400 0400")

    def nntp(connection: socket.socket) -> None:
        connection.sendall(b"201 no posting\r\n")
        assert connection.recv(99) == b"STARTTLS\r\n"
        connection.sendall(b"382 go\r\n")
        serve_tls(connection)

    def ldap(connection: socket.socket) -> None:
        assert b"1.3.6.1.4.1.1466.20037" in connection.recv(99)
        connection.sendall(accepted)
        serve_tls(connection)

    for protocol, behave in (("nntp", nntp), ("ldap", ldap)):
        found = one(peer(behave), "--protocol", protocol, "--sni", "server")
        assert (found["status"], found["verdict"]) == (0, "ok"), found


@pytest.mark.parametrize("protocol", [each for each in probe.PROTOCOLS if each not in {"proxy", "socks"}])
def test_nonsense_instead_of_a_negotiation(one: One, peer: Serve, protocol: str) -> None:
    """Every protocol ends in a verdict with the peer's words or bytes."""

    def babble(connection: socket.socket) -> None:
        connection.sendall(b"\x00\x01nonsense\x1b[2J\r\n" * 20)
        connection.recv(9999)

    found = one(peer(babble), "--protocol", protocol, "--timeout", "3")
    assert found["status"] == 2
    assert found["verdict"] in {"negotiation-failed", "not-tls"}
    assert found["detail"]
    assert "\x1b" not in found["detail"]


@pytest.mark.parametrize("protocol", ["", "smtp", "pgsql", "ldap", "connect"])
def test_silence_ends_at_the_deadline(one: One, peer: Serve, protocol: str) -> None:
    """The stage is told in words."""
    silent = peer(lambda connection: [connection.recv(9999) for _ in range(2)])
    began = time.monotonic()
    found = one(silent, *(("--protocol", protocol) if protocol else ()), "--timeout", "0.4")
    assert (found["status"], found["verdict"]) == (2, "timeout")
    assert found["detail"]
    assert time.monotonic() - began < 3


def flood(connection: socket.socket, data: bytes) -> None:
    until = time.monotonic() + 8
    while time.monotonic() < until:
        connection.sendall(data)


@pytest.mark.parametrize("protocol", ["", "smtp", "imap", "cifs"])
@pytest.mark.parametrize("data", [b"* x\r\n" * 5000, b"\x16\x03\x03\x40\x00" + bytes(16384)])
def test_a_flood_ends_in_a_verdict(one: One, peer: Serve, protocol: str, data: bytes) -> None:
    """Without end, without line ends, or as records of TLS."""
    began = time.monotonic()
    found = one(
        peer(lambda connection: flood(connection, data)),
        *(("--protocol", protocol) if protocol else ()),
        *("--timeout", "3"),
    )
    assert (found["status"], bool(found["detail"])) == (2, True)
    assert time.monotonic() - began < 5


def test_a_flood_after_the_handshake_does_not_hold_us(one: One, peer: Serve, serve_tls: ServeTls) -> None:
    """The wait for an early close is bounded although there is always something to read."""
    port = peer(lambda connection: serve_tls(connection, lambda tls: flood(tls, bytes(65536))))
    began = time.monotonic()
    found = one(port, "--sni", "server", "--timeout", "5")
    assert (found["status"], found["verdict"]) == (0, "ok")
    assert time.monotonic() - began < 4


def test_plain_text_behind_the_go_ahead_is_refused(one: One, peer: Serve) -> None:
    """Nobody injects commands into the session to come."""

    def inject(connection: socket.socket) -> None:
        connection.sendall(b"+OK\r\n")
        connection.recv(99)
        connection.sendall(b"+OK begin\r\n+OK injected\r\n")
        connection.recv(99)

    found = one(peer(inject), "--protocol", "pop3")
    assert (found["status"], found["verdict"]) == (2, "negotiation-failed")
    assert "plain text after the go-ahead" in found["detail"]


def test_a_reset_is_closed(one: One, peer: Serve) -> None:
    """In the middle of the handshake."""

    def reset(connection: socket.socket) -> None:
        connection.recv(1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    found = one(peer(reset))
    assert (found["status"], found["verdict"]) == (2, "closed")


def test_an_ordinary_web_server_is_not_tls(one: One, peer: Serve) -> None:
    """Its own words are quoted."""
    found = one(
        peer(lambda connection: connection.recv(999) and connection.sendall(b"HTTP/1.1 400 no\r\n\r\n"))
    )
    assert (found["status"], found["verdict"]) == (2, "not-tls")
    assert "HTTP" in found["detail"]


def test_an_echo_is_not_tls(one: One, peer: Serve) -> None:
    """It answers in TLS, with our own words."""
    found = one(peer(lambda connection: connection.sendall(connection.recv(9999))))
    assert (found["status"], found["verdict"]) == (2, "not-tls")
    assert "it sends back what it hears" in found["detail"]


def test_a_dead_target_behind_a_good_handshake_is_told(one: One, start_stunnel: Start) -> None:
    """The handshake is complete, so the verdict is ok; the detail says what came next."""
    port = free_port()
    start_stunnel(section(port, free_port()))
    found = one(port, "--sni", "server")
    assert found["verdict"] == "ok"
    assert "right after the handshake" in found["detail"]
