"""Connections of this machine: name resolution, TCP and Unix sockets, under one total deadline."""

import asyncio
import contextlib
import errno
import os
import socket
import struct
import time
from concurrent.futures import Executor

from tuimon.model.endpoint import Endpoint
from tuimon.model.failure import Failure, Reason
from tuimon.model.handshake import DENIED
from tuimon.text import printable

_Address = tuple[socket.AddressFamily, object]

_FULL = 0.05  # seconds between two knocks at a Unix socket whose queue is full: no event tells of its end
_NAMED = "localhost"  # stunnel's word for whoever comes from a Unix socket with an abstract name
_REFUSED = {errno.ECONNREFUSED: "connection refused", errno.ENOENT: "no such socket"}
_UNREACHABLE = {
    errno.EHOSTUNREACH: "no route to host",
    errno.ENETUNREACH: "network unreachable",
    errno.EADDRNOTAVAIL: "address not available",
    errno.EACCES: "permission denied",
    errno.EPERM: "blocked by the local firewall",
}


def _show(name: object) -> str:
    """A socket's address as stunnel's log writes it: `IP:port`, or the path of a Unix socket."""
    if isinstance(name, tuple):
        return f"{name[0]}:{name[1]}"
    return printable(name) if isinstance(name, (str, bytes)) else ""


def _local(sock: socket.socket) -> str:
    """Our end as stunnel's log names it."""
    name = sock.getsockname()
    return _NAMED if name and sock.family == socket.AF_UNIX else _show(name)


def _failure(error: OSError, where: str) -> Failure:
    code = error.errno or 0
    if code in _REFUSED:
        return Failure(Reason.REFUSED, _REFUSED[code])
    if code in (errno.EACCES, errno.EPERM) and where.startswith("/"):
        return Failure(Reason.DENIED, DENIED)
    if code in _UNREACHABLE:
        return Failure(Reason.UNREACHABLE, _UNREACHABLE[code])
    if code in (errno.ECONNRESET, errno.EPIPE, errno.ENOTCONN):  # reset before we could ask for its name
        return Failure(Reason.RESET, "connection reset")
    if code == errno.ETIMEDOUT:
        return Failure(Reason.TIMEOUT, "connection timed out")
    return Failure(Reason.OTHER, f"{printable(where)}: {printable(error.strerror or str(error))}")


class LocalStream:
    """A connected non-blocking socket.  A peer that has hung up already shows at the first read."""

    def __init__(self, sock: socket.socket, connect_ms: float) -> None:
        self._socket = sock
        self._waiter: asyncio.Future[bytes] | None = None
        self._limit, self._watched = 0, False
        self.connect_ms = connect_ms
        self.local = _local(sock)
        self.peer = ""
        with contextlib.suppress(OSError):
            self.peer = _show(sock.getpeername())

    async def send(self, data: bytes) -> None:
        """Send everything; raises `ConnectionError` when the peer is gone."""
        sent = 0
        with contextlib.suppress(BlockingIOError, InterruptedError):
            sent = self._socket.send(data)
        if sent < len(data):
            await asyncio.get_running_loop().sock_sendall(self._socket, data[sent:])

    async def receive(self, limit: int = 65536) -> bytes:
        """What has arrived, empty at the end; raises `ConnectionError` on a reset."""
        try:
            return self._socket.recv(limit)
        except (BlockingIOError, InterruptedError):
            pass
        loop = asyncio.get_running_loop()
        self._limit, self._waiter = limit, loop.create_future()
        if not self._watched:
            loop.add_reader(self._socket.fileno(), self._readable)
            self._watched = True
        return await self._waiter

    def _readable(self) -> None:
        """Something has arrived, or the end.  Watched from the first wait on: `loop.sock_recv` would enter
        and leave the selector for each."""
        waiter = self._waiter
        if waiter is None or waiter.done():  # nobody waits: or this would be called without end
            self._unwatch()
            return
        try:
            waiter.set_result(self._socket.recv(self._limit))
        except (BlockingIOError, InterruptedError):
            pass
        except OSError as error:
            waiter.set_exception(error)

    def _unwatch(self) -> None:
        if self._watched:
            asyncio.get_running_loop().remove_reader(self._socket.fileno())
            self._watched = False

    def close(self, *, abort: bool = False) -> None:
        """Close; `abort` sends a reset instead of a FIN."""
        self._unwatch()
        if abort:
            linger = struct.pack("ii", 1, 0)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self._socket.close()


async def _resolve(endpoint: Endpoint, threads: Executor) -> list[_Address] | Failure:
    if endpoint.path:
        return [(socket.AF_UNIX, endpoint.path)]
    port: str | int | None = endpoint.number
    host = endpoint.host or None  # None asks for loopback, ::1 first, as stunnel does

    def look_up(flags: int = 0) -> list[_Address]:
        number = endpoint.port if port is None else port
        kind, protocol = socket.SOCK_STREAM, socket.IPPROTO_TCP
        found = socket.getaddrinfo(host, number, type=kind, proto=protocol, flags=flags)
        return [(entry[0], entry[4]) for entry in found]

    if port is not None:
        with contextlib.suppress(OSError, UnicodeError):  # a number has nobody to be asked for, and no thread
            return look_up(socket.AI_NUMERICHOST | socket.AI_NUMERICSERV)
    try:
        return await asyncio.get_running_loop().run_in_executor(threads, look_up)
    except socket.gaierror as error:
        words = printable(error.strerror or "name lookup failed")
        return Failure(Reason.UNRESOLVED, f"{printable(endpoint.text)}: {words}")
    except (UnicodeError, OSError) as error:
        return Failure(Reason.UNRESOLVED, f"{printable(endpoint.text)}: {printable(str(error))}")


async def _call(sock: socket.socket, address: object) -> None:
    """Connect; raises OSError where nobody answers.

    `loop.sock_connect` takes two turns of the selector in any case, and a Unix socket whose queue is full
    for one that is connected.
    """
    while True:
        try:
            sock.connect(address)  # type: ignore[arg-type]
        except BlockingIOError as error:
            if error.errno == errno.EINPROGRESS:
                return await _answered(sock)
        else:
            return None
        await asyncio.sleep(_FULL)


async def _answered(sock: socket.socket) -> None:
    """Wait for what comes of a connection that is under way; raises OSError where it is refused."""
    with contextlib.suppress(OSError):
        if sock.getpeername():  # on this machine it takes no longer than the call
            return
    loop = asyncio.get_running_loop()
    decided = loop.create_future()
    loop.add_writer(sock.fileno(), _wake, decided)
    try:
        await decided
    finally:
        loop.remove_writer(sock.fileno())
    if code := sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
        raise OSError(code, os.strerror(code))


def _wake(waiter: "asyncio.Future[None]") -> None:
    if not waiter.done():
        waiter.set_result(None)


async def _connect_one(family: socket.AddressFamily, address: object, local: str) -> LocalStream:
    sock = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
    try:
        if local and family in (socket.AF_INET, socket.AF_INET6):
            sock.bind((local, 0))
        if family == socket.AF_UNIX:
            with contextlib.suppress(OSError):
                sock.bind("")  # a name of the kernel's choice: clients have none, so the log tells us apart
        began = time.monotonic()
        with contextlib.suppress(ConnectionResetError):  # it took us in, and hung up before we looked
            await _call(sock, address)
        return LocalStream(sock, (time.monotonic() - began) * 1000)
    except BaseException:
        sock.close()
        raise


async def connect(endpoint: Endpoint, timeout: float, local: str, threads: Executor) -> LocalStream | Failure:
    """Open a connection; every address that the name resolves to is tried within `timeout` seconds."""
    failure = Failure(Reason.UNRESOLVED, f"{printable(endpoint.text)}: no address")
    try:
        async with asyncio.timeout(timeout):
            addresses = await _resolve(endpoint, threads)
            if isinstance(addresses, Failure):
                return addresses
            for family, address in addresses:
                try:
                    return await _connect_one(family, address, local)
                except OSError as error:
                    failure = _failure(error, endpoint.text)
    except TimeoutError:
        return Failure(Reason.TIMEOUT, f"no answer within {timeout:g} s")
    return failure
