"""Sessions on what a real stunnel writes at every level, under every kind of id."""

import socket
import ssl
import struct
import subprocess
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from tests.fixtures import PATIENCE, Backend, Pki, Stunnel, free_port
from tuimon.model.connection import Connection, Outcome, Tls
from tuimon.parse.stunnel_log import parse_tagged
from tuimon.parse.stunnel_sessions import Sessions

SERVICES = """
[web]
accept = 127.0.0.1:{web}
connect = 127.0.0.1:{echo}
[dead]
accept = 127.0.0.1:{dead}
connect = 127.0.0.1:{closed}
[mutual]
accept = 127.0.0.1:{mutual}
connect = 127.0.0.1:{echo}
CAfile = {ca}
verifyChain = yes
[front]
accept = 127.0.0.1:{front}
connect = 127.0.0.1:{echo}
[back]
sni = front:b.example
connect = 127.0.0.1:{echo}
[program]
accept = 127.0.0.1:{program}
exec = /bin/cat
[psk]
accept = 127.0.0.1:{psk}
connect = 127.0.0.1:{echo}
PSKsecrets = {secrets}
ciphers = PSK
sslVersion = TLSv1.2
[psk-client]
client = yes
accept = 127.0.0.1:{psk_client}
connect = 127.0.0.1:{psk}
PSKsecrets = {secrets}
ciphers = PSK
sslVersion = TLSv1.2
"""
PORTS = ("web", "dead", "closed", "mutual", "front", "program", "psk", "psk_client")


def read(log: bytes) -> list[Connection]:
    sessions = Sessions()
    return sessions.feed(parse_tagged(line, None, None) for line in log.split(b"\n")) + sessions.flush()


class Driven:
    """A stunnel, its ports, and how often a connection was closed."""

    def __init__(self, program: Stunnel, ports: dict[str, int]) -> None:
        self.program, self.ports, self.ended = program, ports, 0

    def connect(self, service: str) -> socket.socket:
        deadline = time.monotonic() + PATIENCE
        while True:  # it binds its ports after the last line of its start
            try:
                return socket.create_connection(("127.0.0.1", self.ports[service]), timeout=PATIENCE)
            except ConnectionRefusedError:
                assert time.monotonic() < deadline
                time.sleep(0.01)

    def shake(self, service: str, name: str | None = None) -> ssl.SSLSocket:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context.wrap_socket(self.connect(service), server_hostname=name)

    def talk(self, sock: socket.socket) -> None:
        """Exchange five bytes with an echo."""
        sock.sendall(b"hello")
        assert sock.recv(5) == b"hello"

    def finish(self, *socks: socket.socket, count: int = 1) -> None:
        """Close, and wait for that many close lines."""
        for sock in socks:
            with suppress(OSError):
                sock.close()
        self.ended += count
        self.program.wait_for("sent to socket", self.ended)

    def connections(self) -> list[Connection]:
        return read(self.program.log.read_bytes())

    def drive(self) -> None:
        """One connection of every kind, one after the other."""
        for service, name in (("web", None), ("front", "b.example"), ("program", None)):
            sock = self.shake(service, name)
            self.talk(sock)
            self.finish(sock)
        sock = self.shake("dead")
        with suppress(OSError):
            sock.recv(1)
        self.finish(sock)
        sock = self.shake("mutual")
        with pytest.raises(ssl.SSLError, match="certificate required"):
            sock.recv(1)
        self.finish(sock)
        plain = self.connect("web")
        plain.sendall(b"GET / HTTP/1.0\r\n\r\n")
        with suppress(OSError):
            plain.recv(100)
        self.finish(plain)
        gone = self.connect("front")
        self.program.wait_for("[front] accepted connection", 2)
        gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.finish(gone)


@pytest.fixture
def driven(
    start_stunnel: Callable[..., Stunnel], backend: Callable[..., Backend], pki: Pki, tmp_path: Path
) -> Callable[..., Driven]:
    """Start one with these options."""

    def start(options: str) -> Driven:
        ports = {name: free_port() for name in PORTS}
        secrets = tmp_path / "secrets"
        secrets.write_text("alice:0123456789abcdef0123456789abcdef\n")
        secrets.chmod(0o600)
        echo = backend(answers={b"hello": b"hello"}).port
        text = SERVICES.format(**ports, echo=echo, ca=pki.path("ca.pem"), secrets=secrets)
        return Driven(start_stunnel(text, options=options), ports)

    return start


@pytest.mark.parametrize("debug", [5, 6, 7])
@pytest.mark.parametrize("log_id", ["sequential", "unique", "thread", "process"])
def test_every_outcome_at_every_level_under_every_id(
    driven: Callable[..., Driven], debug: int, log_id: str
) -> None:
    """What does not overlap is certain even when all connections have the same id."""
    run = driven(f"debug = {debug}\nlogId = {log_id}")
    run.drive()
    version = "TLSv1.3" if debug > 5 else ""
    facts = [(c.service, c.outcome.value, c.tls.value, c.tls_version, c.reason) for c in run.connections()]
    assert [fact[:4] for fact in facts] == [
        ("web", "closed", "ok", version),
        ("back", "closed", "ok", version),
        ("program", "closed", "ok", version),
        ("dead", "reset", "ok" if debug > 5 else "unknown", version),
        ("mutual", "reset", "failed", ""),
        ("web", "reset", "failed", ""),
        ("front", "reset", "failed", ""),
    ]
    assert [fact[4] for fact in facts[3:]] == [
        "connection refused",
        "peer did not send a certificate",
        "plain HTTP sent to the TLS port",
        "connection reset by peer during the handshake",
    ]
    web = run.connections()[0]
    assert (web.bytes_to_tls, web.bytes_to_socket) == (5, 5)
    assert web.peer.startswith("127.0.0.1:")
    assert web.target.startswith("127.0.0.1:")


@pytest.mark.parametrize("debug", [5, 7])
def test_a_tunnel_with_pre_shared_keys_and_its_end(driven: Callable[..., Driven], debug: int) -> None:
    """Both ends are connections; those open at SIGTERM are cut, at its time."""
    run = driven(f"debug = {debug}")
    sock = run.connect("psk_client")
    run.talk(sock)
    run.finish(sock, count=2)
    assert {(c.service, c.outcome, c.tls) for c in run.connections()} == {
        ("psk", Outcome.CLOSED, Tls.OK),
        ("psk-client", Outcome.CLOSED, Tls.OK),
    }
    held = run.shake("web")
    run.talk(held)
    assert [c.outcome for c in run.connections() if c.service == "web"] == [Outcome.OPEN]
    run.program.close()
    (cut,) = (c for c in run.connections() if c.service == "web")
    held.close()
    assert (cut.outcome, cut.reason, cut.duration is None) == (Outcome.CUT, "stunnel was stopped", False)


@pytest.mark.parametrize(("log_id", "known"), [("sequential", 5), ("process", None)])
def test_overlapping_connections(driven: Callable[..., Driven], log_id: str, known: int | None) -> None:
    """Under sequential ids each has its own facts, under `process` only what is certain of all."""
    run = driven(f"debug = 7\nlogId = {log_id}")
    socks = [run.shake("web") for _ in range(3)]
    for sock in socks:
        run.talk(sock)
    run.finish(*socks, count=3)
    found = run.connections()
    assert [(c.service, c.outcome.value, c.bytes_to_tls) for c in found] == [("web", "closed", known)] * 3
    assert len({c.peer for c in found}) == 3


def test_too_many_clients(start_stunnel: Callable[..., Stunnel], backend: Callable[..., Backend]) -> None:
    """A real limit: 32 descriptors are 13 clients."""
    ports = {"web": free_port()}
    program = start_stunnel(
        f"[web]\naccept = 127.0.0.1:{ports['web']}\nconnect = 127.0.0.1:{backend().port}", options="debug = 7"
    )
    program.close()
    program.log.unlink()
    run = Driven(program, ports)
    argv = ["setpriv", "--pdeathsig", "TERM", "prlimit", "--nofile=32", "stunnel", str(program.config)]
    process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with ExitStack() as held:
        held.callback(process.wait, PATIENCE)
        held.callback(process.terminate)
        # A client counts once its thread runs: first fill the places, then knock.
        for wanted, words, clients in ((13, "] accepted connection", 14), (4, "too many clients", 4)):
            for _ in range(clients):
                held.enter_context(run.connect("web"))
            deadline = time.monotonic() + PATIENCE
            while program.text().count(words) < wanted:
                assert time.monotonic() < deadline, program.text()[-2000:]
                time.sleep(0.01)
        rejected = [c for c in run.connections() if c.outcome is Outcome.REJECTED]
    assert {(c.service, c.reason) for c in rejected} == {("web", "too many clients (>=13)")}
    assert all(c.peer.startswith("127.0.0.1:") for c in rejected)
