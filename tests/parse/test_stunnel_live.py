"""LogReader on the log that a real stunnel writes at debug 7 while it is being driven."""

import socket
import socketserver
import ssl
import subprocess
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from tests.fixtures import free_port
from tuimon.model.log import LogRecord
from tuimon.parse.stunnel_connections import LogReader
from tuimon.parse.stunnel_reasons import reason_in_words

CONFIG = """
foreground = quiet
debug = 7
syslog = no
output = {folder}/stunnel.log
cert = {folder}/server.pem

[web]
accept = 127.0.0.1:{web}
connect = 127.0.0.1:{echo}
[dead]
accept = 127.0.0.1:{dead}
connect = 127.0.0.1:{closed}
[mutual]
accept = 127.0.0.1:{mutual}
connect = 127.0.0.1:{echo}
CAfile = {folder}/client.pem
verifyChain = yes
[front]
accept = 127.0.0.1:{front}
connect = 127.0.0.1:{echo}
[back-b]
sni = front:b.example
connect = 127.0.0.1:{echo}
[tunnel]
client = yes
accept = 127.0.0.1:{tunnel}
connect = 127.0.0.1:{web}
CAfile = {folder}/server.pem
verifyChain = yes
"""


class Echo(socketserver.StreamRequestHandler):
    """Sends back one line."""

    def handle(self) -> None:
        self.wfile.write(self.rfile.readline())


class EchoServer(socketserver.ThreadingTCPServer):
    """A back end."""

    daemon_threads = True
    allow_reuse_address = True


class Live:
    """A running stunnel process with one service of each kind."""

    def __init__(self, folder: Path, ports: dict[str, int]) -> None:
        self.folder = folder
        self.ports = ports
        self.log = folder / "stunnel.log"

    def wait_for(self, text: str) -> None:
        """Until the log holds `text`."""
        deadline = time.monotonic() + 10
        while not (self.log.exists() and text in self.log.read_text()):
            assert time.monotonic() < deadline, f"{text!r} is not in the log"
            time.sleep(0.01)

    def records_of(self, sock: socket.socket | ssl.SSLSocket) -> list[LogRecord]:
        """Close the client's socket and return all records of its connection."""
        peer = f"{sock.getsockname()[0]}:{sock.getsockname()[1]}"
        sock.close()
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            records = LogReader().feed(self.log.read_bytes().split(b"\n")[:-1])
            ours = [record for record in records if record.peer == peer and record.id != "ui"]
            if ours and " finished (" in ours[-1].message:
                return ours
            time.sleep(0.01)
        raise AssertionError(f"the connection of {peer} has no end in the log")

    def connect(self, service: str) -> socket.socket:
        """A TCP connection to a service."""
        return socket.create_connection(("127.0.0.1", self.ports[service]), timeout=10)

    def handshake(self, service: str, name: str | None = None, *, cert: bool = False) -> ssl.SSLSocket:
        """A TLS connection to a service."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        if cert:
            context.load_cert_chain(self.folder / "client.pem")
        return context.wrap_socket(self.connect(service), server_hostname=name)


def free_ports(names: Iterable[str]) -> dict[str, int]:
    """A free port for each name."""
    return {name: free_port() for name in names}


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A stunnel that runs while the tests of this module do."""
    folder = tmp_path_factory.mktemp("live")
    for name in ("server", "client"):
        key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}"]
        files = ["-keyout", f"{name}.key", "-out", f"{name}.crt"]
        subprocess.run(["openssl", "req", "-x509", *key, *files], cwd=folder, check=True, capture_output=True)
        pem = folder / f"{name}.pem"
        pem.write_bytes((folder / f"{name}.key").read_bytes() + (folder / f"{name}.crt").read_bytes())
        pem.chmod(0o600)
    with EchoServer(("127.0.0.1", 0), Echo) as echo:
        threading.Thread(target=echo.serve_forever, daemon=True).start()
        ports = free_ports(("web", "dead", "mutual", "front", "tunnel", "closed"))
        config = folder / "stunnel.conf"
        config.write_text(CONFIG.format(folder=folder, echo=echo.server_address[1], **ports))
        process = subprocess.Popen(["stunnel", str(config)], cwd=folder)
        try:
            running = Live(folder, ports)
            running.wait_for("Accepting new connections")
            yield running
        finally:
            process.terminate()
            process.wait(10)
            echo.shutdown()


def story(records: list[LogRecord]) -> str:
    """The events of the records, in order."""
    return " ".join(record.event.value for record in records if record.event)


def test_plain_http_to_the_tls_port(live: Live) -> None:
    """A browser without TLS: the handshake fails and the reason is said in words."""
    sock = live.connect("web")
    sock.sendall(b"GET / HTTP/1.0\r\n\r\n")
    with pytest.raises(ConnectionResetError):
        sock.recv(100)
    records = live.records_of(sock)
    assert {record.service for record in records} == {"web"}
    assert story(records) == "accepted tls-failed closed"
    assert "plain HTTP sent to the TLS port" in [reason_in_words(record.message) for record in records]


def test_target_that_refuses(live: Live) -> None:
    """TLS succeeds, then the target does not."""
    records = live.records_of(live.handshake("dead"))
    assert {record.service for record in records} == {"dead"}
    assert story(records) == "accepted tls-ok connecting connect-failed connect-failed closed"
    assert "connection refused" in [reason_in_words(record.message) for record in records]


def test_sni_switch(live: Live) -> None:
    """The connection begins as the primary's and ends as the secondary's."""
    sock = live.handshake("front", "b.example")
    sock.sendall(b"hello\n")
    assert sock.recv(100) == b"hello\n"
    records = live.records_of(sock)
    assert list(dict.fromkeys(record.service for record in records)) == ["front", "back-b"]
    assert story(records) == "accepted sni tls-ok connecting connected connected closed"


def test_mutual_tls(live: Live) -> None:
    """With a certificate the peer is verified; without one the handshake fails."""
    sock = live.handshake("mutual", cert=True)
    sock.sendall(b"hello\n")
    assert sock.recv(100) == b"hello\n"
    good = live.records_of(sock)
    assert story(good) == "accepted peer-verified tls-ok connecting connected connected closed"
    sock = live.handshake("mutual")
    with pytest.raises(ssl.SSLError, match="certificate required"):
        sock.recv(1)
    bad = live.records_of(sock)
    assert story(bad) == "accepted tls-failed closed"
    assert "peer did not send a certificate" in [reason_in_words(record.message) for record in bad]


def test_client_mode_and_its_far_end(live: Live) -> None:
    """Both ends of a tunnel are logged by this process, each with its own peer."""
    sock = live.connect("tunnel")
    sock.sendall(b"hello\n")
    assert sock.recv(100) == b"hello\n"
    records = live.records_of(sock)
    assert {record.service for record in records} == {"tunnel"}
    assert story(records) == "accepted connecting connected connected sni peer-verified tls-ok closed"


def test_concurrent_connections_are_kept_apart(live: Live) -> None:
    """Interleaved lines of several services find their own peers."""
    socks = [live.handshake(service) for service in ("web", "front", "web", "front")]
    for sock in socks:
        sock.sendall(b"hello\n")
    for sock, service in zip(socks, ("web", "front", "web", "front"), strict=True):
        assert sock.recv(100) == b"hello\n"
        assert {record.service for record in live.records_of(sock)} == {service}
