"""Peers that do whatever a peer can do wrong, in a process of their own.

Rule: nothing here is tuimon's.  They run beside the tests, so that what the tests count of their own
process (descriptors, memory) is the prober's alone.  `python -m tests.robust.peers FOLDER` serves until
its standard input ends; FOLDER holds `NAME.pem` and `NAME.key` of sound, chain and names.
"""

import json
import random
import select
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_FLOOD = 50 * 1024 * 1024
_PIECE = 1 << 16
_RESET = b"\1\0\0\0\0\0\0\0"  # struct linger: a close is a reset
_ROOT = Path(__file__).parents[2]
_STAYS = 60.0  # seconds after which a peer gives up
_USER_CANCELED = bytes.fromhex("15 0303 0002 01 5a")  # a warning, RFC 8446 section 6.1

Behaviour = Callable[[socket.socket, Path], None]
PEERS: dict[str, Behaviour] = {}


def peer(behave: Behaviour) -> Behaviour:
    """Note a peer under the name of its function."""
    PEERS[behave.__name__.replace("_", "-")] = behave
    return behave


def _wait(connection: socket.socket) -> None:
    """Stay until the other side has gone."""
    while connection.recv(_PIECE):
        pass


def _slowly(connection: socket.socket, data: bytes) -> None:
    for value in data:
        connection.sendall(bytes([value]))
        time.sleep(1)


def _garbage() -> bytes:
    """A piece that never begins like a record of TLS."""
    return b"\xff" + random.Random(8446).randbytes(_PIECE - 1)  # noqa: S311 - a seed


def _flood(connection: socket.socket) -> None:
    piece = _garbage()
    for _ in range(_FLOOD // _PIECE):
        connection.sendall(piece)
    _wait(connection)


def _tls(connection: socket.socket, folder: Path, name: str) -> ssl.SSLSocket:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / f"{name}.pem", folder / f"{name}.key")
    return context.wrap_socket(connection, server_side=True)


@peer
def tarpit(connection: socket.socket, folder: Path) -> None:
    """Accepts and says nothing."""
    _wait(connection)


@peer
def a_byte_a_second(connection: socket.socket, folder: Path) -> None:
    """What looks like the beginning of a long record, too slowly for any deadline."""
    _slowly(connection, bytes.fromhex("16 0303 4000 02 003ffc 0303") + bytes(64))


@peer
def a_word_a_second(connection: socket.socket, folder: Path) -> None:
    """No TLS, but nobody knows before the first bytes."""
    _slowly(connection, b"220 mail.example ESMTP\r\n" * 9)


@peer
def garbage(connection: socket.socket, folder: Path) -> None:
    """50 MB at once."""
    _flood(connection)


@peer
def garbage_in_tls(connection: socket.socket, folder: Path) -> None:
    """A sound handshake, then 50 MB of data nobody asked for."""
    _flood(_tls(connection, folder, "sound"))


@peer
def garbage_behind_tls(connection: socket.socket, folder: Path) -> None:
    """A sound handshake, then 50 MB that is no TLS any more."""
    secure = _tls(connection, folder, "sound")
    with socket.socket(fileno=secure.detach()) as bare:
        _flood(bare)


@peer
def plain_http(connection: socket.socket, folder: Path) -> None:
    """A web server's answer to a ClientHello."""
    connection.recv(_PIECE)
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")


@peer
def ssh_banner(connection: socket.socket, folder: Path) -> None:
    """Speaks first."""
    connection.sendall(b"SSH-2.0-OpenSSH_9.2p1\r\n")
    _wait(connection)


@peer
def hundred_certificates(connection: socket.socket, folder: Path) -> None:
    """A chain as long as OpenSSL follows one."""
    _wait(_tls(connection, folder, "chain"))


@peer
def ten_thousand_names(connection: socket.socket, folder: Path) -> None:
    """A certificate as large as OpenSSL takes one."""
    _wait(_tls(connection, folder, "names"))


@peer
def endless_warnings(connection: socket.socket, folder: Path) -> None:
    """One warning alert after the other."""
    while True:
        connection.sendall(_USER_CANCELED * 100)


@peer
def endless_tickets(connection: socket.socket, folder: Path) -> None:
    """Empty records of a handshake that never comes."""
    while True:
        connection.sendall(bytes.fromhex("16 0303 0001 00") * 1000)


@peer
def hangs_up(connection: socket.socket, folder: Path) -> None:
    """Accepts and closes."""


@peer
def resets(connection: socket.socket, folder: Path) -> None:
    """Accepts and resets."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)


def _serve(listener: socket.socket, behave: Callable[[socket.socket], None]) -> None:
    def one(connection: socket.socket) -> None:
        with connection, suppress(OSError):  # ssl's errors are OSErrors
            connection.settimeout(_STAYS)
            behave(connection)

    while True:
        connection, _ = listener.accept()
        threading.Thread(target=one, args=(connection,), daemon=True).start()


def _cut(connection: socket.socket, port: int, after: int) -> None:
    """Stand between a client and a server until `after` bytes of the server's have passed, then reset."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with socket.create_connection(("127.0.0.1", port), 10) as server:
        while after:
            for each in select.select((connection, server), (), (), _STAYS)[0]:
                if each is server and (data := server.recv(after)):
                    connection.sendall(data)
                    after -= len(data)
                elif each is connection and (data := connection.recv(_PIECE)):
                    server.sendall(data)
                else:
                    return
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)


def _main(folder: Path, count: int, behind: list[int]) -> None:
    """Serve each peer on `count` ports, a listener that accepts nobody, and a proxy in front of each port
    of `behind` that resets its n-th connection after n bytes."""
    ports: dict[str, list[int]] = {}
    listeners = []

    def listen(name: str, behave: Callable[[socket.socket], None] | None) -> None:
        listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        listeners.append(listener)
        ports.setdefault(name, []).append(listener.getsockname()[1])
        if behave:
            threading.Thread(target=_serve, args=(listener, behave), daemon=True).start()

    for name, behave in PEERS.items():
        for _ in range(count):
            listen(name, lambda connection, behave=behave: behave(connection, folder))  # type: ignore[misc]
    for _ in range(count):
        listen("accepts-nobody", None)
    for port in behind:
        counted = iter(range(1 << 20))
        listen("cut", lambda connection, port=port, counted=counted: _cut(connection, port, next(counted)))  # type: ignore[misc]
    print(json.dumps(ports), flush=True)
    sys.stdin.read()


@contextmanager
def crowd(folder: Path, count: int = 1, behind: tuple[int, ...] = ()) -> Iterator[dict[str, list[int]]]:
    """The ports of each peer, while they are there."""
    argv = [sys.executable, "-m", "tests.robust.peers", str(folder), str(count), *map(str, behind)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=_ROOT) as process:
        assert process.stdin
        assert process.stdout
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.kill()


if __name__ == "__main__":
    _main(Path(sys.argv[1]), int(sys.argv[2]), [int(each) for each in sys.argv[3:]])
