"""Real peers for the TLS tests: stunnel, `openssl s_server`, back ends that count, and a small PKI."""

import datetime
import queue
import random
import socket
import subprocess
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tuimon.tls.dialogue import Negotiation
from tuimon.tls.handshake import Handshake

DAY = datetime.timedelta(days=1)

_dice = random.Random()  # noqa: S311 - other than that of tests that run beside these
_given: set[int] = set()


class Pki:
    """A CA, a server and a client certificate under it, an expired server one, and a stranger's CA."""

    def __init__(self, folder: Path, now: datetime.datetime | None = None) -> None:
        self.folder = folder
        self.now = now or datetime.datetime.now(datetime.UTC)
        ca, ca_key = self.issue("ca", ca=True)
        stranger, stranger_key = self.issue("stranger", ca=True)
        self.issue("server", issuer=ca, issuer_key=ca_key)
        self.issue("client", issuer=ca, issuer_key=ca_key)
        self.issue("intruder", issuer=stranger, issuer_key=stranger_key)
        self.issue("expired", issuer=ca, issuer_key=ca_key, start=-20, end=-10)

    def issue(
        self,
        name: str,
        *,
        issuer: x509.Certificate | None = None,
        issuer_key: ec.EllipticCurvePrivateKey | None = None,
        ca: bool = False,
        start: int = -30,
        end: int = 30,
    ) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
        """Write NAME.pem and NAME.key; days are counted from now."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name(
            [
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Tuimon, Test"),
                x509.NameAttribute(NameOID.COMMON_NAME, name),
            ]
        )
        certificate = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer.subject if issuer else subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(self.now + start * DAY)
            .not_valid_after(self.now + end * DAY)
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .sign(issuer_key or key, hashes.SHA256())
        )
        (self.folder / f"{name}.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        (self.folder / f"{name}.key").write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return certificate, key

    def path(self, file: str) -> str:
        return str(self.folder / file)

    def pem(self, file: str) -> bytes:
        return (self.folder / file).read_bytes()

    def der(self, file: str) -> bytes:
        return x509.load_pem_x509_certificate(self.pem(file)).public_bytes(serialization.Encoding.DER)


class Backend:
    """A listener that says `greeting` to everyone, counts connections and keeps what it was told."""

    def __init__(self, greeting: bytes = b"", answers: dict[bytes, bytes] | None = None) -> None:
        self.connections = 0
        self.heard: queue.Queue[bytes] = queue.Queue()
        self._greeting = greeting
        self._answers = answers or {}
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            try:
                connection.sendall(self._greeting)
                while data := connection.recv(4096):
                    self.heard.put(data)
                    connection.sendall(self._answers.get(data, b""))
            except OSError:
                return

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(5)


class Program:
    """A child process and the stream on which it says what it does."""

    def __init__(self, argv: list[str], *, ready: str, stream: str) -> None:
        pipes = {stream: subprocess.PIPE, "stdin": subprocess.PIPE}
        other = "stderr" if stream == "stdout" else "stdout"
        self._process = subprocess.Popen(argv, text=True, **pipes, **{other: subprocess.DEVNULL})
        self._stream = getattr(self._process, stream)
        self.seen: list[str] = []
        self.ready_line = self.wait_for(ready)

    def wait_for(self, text: str) -> str:
        """Read until a line that holds `text`, and return that line."""
        for line in self._stream:
            self.seen.append(line)
            if text in line:
                return line
        raise AssertionError(f"ended before {text!r}: {''.join(self.seen)}")

    def close(self) -> str:
        """End it and return everything it said."""
        if self._process.poll() is None:
            self._process.terminate()
            self.seen += self._stream.readlines()
            self._process.wait(10)
        self._stream.close()
        self._process.stdin.close()
        return "".join(self.seen)


def free_port() -> int:
    """A port that nobody has, on any address.  It is below those that the kernel gives away: until it is
    bound, no connection of anybody can come by it."""
    first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    while True:
        port = _dice.randrange(10_000, max(first, 20_000))
        with suppress(OSError), socket.socket() as knocking:
            knocking.bind(("", port))
            if port not in _given:
                _given.add(port)
                return port


@pytest.fixture
def stunnel(cleanup: ExitStack, tmp_path: Path, pki: Pki) -> Callable[..., tuple[int, Program]]:
    """Start a real stunnel with one server service of these options; returns its port and process."""

    def start(*options: str, cert: str = "server") -> tuple[int, Program]:
        port = free_port()
        lines = ["foreground = yes", "pid =", "debug = 5", "[service]", f"accept = 127.0.0.1:{port}"]
        lines += [f"cert = {pki.path(cert + '.pem')}", f"key = {pki.path(cert + '.key')}", *options]
        config = tmp_path / f"stunnel-{port}.conf"
        config.write_text("\n".join(lines) + "\n")
        argv = ["setpriv", "--pdeathsig", "TERM", "stunnel", str(config)]
        program = Program(argv, ready="Configuration successful", stream="stderr")
        cleanup.callback(program.close)
        return port, program

    return start


@pytest.fixture
def s_server(cleanup: ExitStack, pki: Pki) -> Callable[..., int]:
    """Start `openssl s_server` with these arguments and return its port."""

    def start(*arguments: str, cert: str = "server") -> int:
        argv = ["setpriv", "--pdeathsig", "TERM", "openssl", "s_server", "-accept", "127.0.0.1:0"]
        if cert:
            argv += ["-cert", pki.path(cert + ".pem"), "-key", pki.path(cert + ".key")]
        program = Program([*argv, *arguments], ready="ACCEPT", stream="stdout")
        cleanup.callback(program.close)
        return int(program.ready_line.rpartition(":")[2])

    return start


@pytest.fixture
def negotiate(cleanup: ExitStack) -> Callable[..., socket.socket]:
    """Drive a negotiation over a new blocking socket until it is done or has failed."""

    def run(negotiation: Negotiation, port: int, chunk: int = 65536) -> socket.socket:
        connection = cleanup.enter_context(socket.create_connection(("127.0.0.1", port), 10))
        outgoing = negotiation.start()
        while True:
            connection.sendall(outgoing)
            if negotiation.done or negotiation.failed:
                return connection
            outgoing = negotiation.feed(connection.recv(chunk))

    return run


@pytest.fixture
def shake(cleanup: ExitStack) -> Callable[..., socket.socket]:
    """Drive a handshake over a blocking socket: to its depth, or with `to_the_end` to alert or EOF."""

    def run(
        handshake: Handshake, peer: int | socket.socket, chunk: int = 65536, *, to_the_end: bool = False
    ) -> socket.socket:
        if isinstance(peer, int):
            peer = cleanup.enter_context(socket.create_connection(("127.0.0.1", peer), 10))
        outgoing = handshake.start()
        while True:
            with suppress(ConnectionError):  # a peer that refuses does not wait for our alert
                peer.sendall(outgoing)
            ended = handshake.closed_early if to_the_end else handshake.done
            if ended or handshake.failed:
                return peer
            try:
                data = peer.recv(chunk)
            except ConnectionResetError:
                data = b""
            outgoing = handshake.receive(data)

    return run
