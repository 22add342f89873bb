"""This machine, as a `Host`: files, commands, and the executor that blocking calls run on.

Rule: nothing here blocks the loop.  Every blocking call runs on the host's own threads under a
timeout; a path on a file system that stalls costs one thread and a `Failure` at once from then on, until
it answers; it never costs the screen, the other files or the end of the program.
"""

import asyncio
import os
import pwd
import socket
import stat
import threading
import time
from collections.abc import Callable, Sequence, Set
from functools import cached_property, partial
from typing import TYPE_CHECKING, TypeVar

from tuimon.host import commands, sock_diag
from tuimon.host.base import MAX_READ, Completed, Entry, FileContent, Pipe, Stream, Tail, Watch
from tuimon.host.descriptors import holders
from tuimon.host.failures import failure_of
from tuimon.host.net import connect
from tuimon.host.threads import Threads
from tuimon.host.watch import Watcher
from tuimon.host.ways import walk
from tuimon.model.access import Way
from tuimon.model.endpoint import Endpoint
from tuimon.model.failure import Failure, Reason
from tuimon.model.output import Room
from tuimon.model.process import Holder, Process
from tuimon.model.service import Stamp
from tuimon.text import printable

if TYPE_CHECKING:
    from tuimon.host.procs import ProcessTable

T = TypeVar("T")

_LAST = 16 * 1024  # bytes: less than that is no room
_FLAGS = {"e": os.F_OK, "r": os.R_OK, "w": os.W_OK, "x": os.X_OK}
_PATIENCE = 5.0  # seconds for one look at a file system
_MANY, _HASTE = 4, 0.5  # while so many paths are silent, every other one gets this many seconds
_AT_ONCE = 32  # calls: several of them may be about to be found silent


def _stamp(status: os.stat_result) -> Stamp:
    return Stamp(status.st_ino, status.st_size, status.st_mtime_ns)


def _owner(uid: int) -> str:
    try:
        return printable(pwd.getpwuid(uid).pw_name)
    except KeyError:
        return str(uid)


def _open_regular(path: str) -> tuple[int, os.stat_result] | Failure:
    """Open without blocking on a FIFO or a device, and refuse what is not a regular file."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError as error:
        return failure_of(error, path)
    status = os.fstat(fd)
    if stat.S_ISREG(status.st_mode):
        return fd, status
    os.close(fd)
    kind = "a folder" if stat.S_ISDIR(status.st_mode) else "not a regular file"
    return Failure(Reason.NOT_REGULAR, f"{printable(path)} is {kind}")


def _read(path: str, limit: int) -> FileContent | Failure:
    opened = _open_regular(path)
    if isinstance(opened, Failure):
        return opened
    fd, status = opened
    with os.fdopen(fd, "rb", buffering=0) as file:
        chunks, size = [], 0
        try:
            while chunk := file.read(min(1 << 20, limit + 1 - size)):
                chunks.append(chunk)
                size += len(chunk)
                if size > limit:
                    return Failure(Reason.TOO_LARGE, f"{printable(path)} is larger than {limit} bytes")
        except OSError as error:
            return failure_of(error, path)
    mode = stat.S_IMODE(status.st_mode)
    return FileContent(b"".join(chunks), _stamp(status), mode, _owner(status.st_uid), status.st_ctime)


def _write(path: str, data: bytes) -> Failure | None:
    folder = os.path.dirname(path)
    fresh = os.path.join(folder, f".{os.path.basename(path)}.{os.urandom(4).hex()}")
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        status = os.stat(folder)
        if status.st_uid != os.geteuid() or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            return Failure(Reason.DENIED, f"{printable(folder)} is not ours alone to write to")
        fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(fd, "wb") as file:
                file.write(data)
            os.replace(fresh, path)
        except OSError:
            os.unlink(fresh)
            raise
    except OSError as error:
        return failure_of(error, path)
    return None


def _list(path: str) -> tuple[Entry | str, ...] | Failure:
    """Every entry; of a symlink only the name, since it may lead to a file system that stalls."""
    try:
        with os.scandir(path) as entries:
            return tuple(
                each.name if each.is_symlink() else Entry(each.name, each.is_file()) for each in entries
            )
    except OSError as error:
        return failure_of(error, path)


def _names(path: str) -> tuple[str, ...] | Failure:
    try:
        return tuple(os.listdir(path))
    except OSError as error:
        return failure_of(error, path)


def _entries(folder: str, names: Sequence[str]) -> tuple[Entry, ...]:
    return tuple(Entry(name, os.path.isfile(f"{folder}/{name}")) for name in names)


def _stat(path: str) -> Stamp | Failure:
    try:
        return _stamp(os.stat(path))
    except OSError as error:
        return failure_of(error, path)


def _room(path: str) -> Room:
    """What is left there; inodes count only where they are counted (not on btrfs)."""
    left = os.statvfs(path)
    if left.f_flag & os.ST_RDONLY:
        return Room.READ_ONLY
    if left.f_bfree * left.f_frsize < _LAST:
        return Room.NONE
    if left.f_bavail * left.f_frsize < _LAST:
        return Room.RESERVE
    return Room.NO_INODES if left.f_files and not left.f_favail else Room.ENOUGH


class _Opening:
    """Opens a regular file; what is opened after it was given up is closed again."""

    def __init__(self, path: str) -> None:
        self._path, self._lock, self._wanted, self._fd = path, threading.Lock(), True, -1

    def __call__(self) -> tuple[int, os.stat_result] | Failure:
        opened = _open_regular(self._path)
        with self._lock:
            if not isinstance(opened, Failure):
                self._fd = opened[0]
                if not self._wanted:
                    os.close(self._fd)
        return opened

    def give_up(self) -> None:
        """Nobody will take the descriptor."""
        with self._lock:
            self._wanted = False
            if self._fd >= 0:
                os.close(self._fd)


class LocalTail:
    """An open regular file read with `pread`, so that a renamed log can be read to its end."""

    def __init__(self, host: "LocalHost", path: str, fd: int, inode: int) -> None:
        self._host, self._path, self._fd, self.inode = host, path, fd, inode
        self._offset = 0

    async def size(self) -> int | Failure:
        """The file's size in bytes now."""
        fd = self._fd
        status = await self._host.blocking(lambda: os.fstat(fd), path=self._path)
        return status if isinstance(status, Failure) else status.st_size

    async def read(self, limit: int) -> bytes | Failure:
        """Up to `limit` bytes from the offset on, empty at the end; a failure moves nothing."""
        fd, offset = self._fd, self._offset
        data = await self._host.blocking(lambda: os.pread(fd, limit, offset), path=self._path)
        if not isinstance(data, Failure):
            self._offset += len(data)
        return data

    def seek(self, offset: int) -> None:
        """Set the offset of the next read."""
        self._offset = offset

    @property
    def offset(self) -> int:
        """Where the next read starts."""
        return self._offset

    def close(self) -> None:
        """Release the file; harmless when repeated."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


class LocalHost:
    """This machine.  `poll`: seconds between two looks at all files that are watched; `hears`: whether
    changes are heard from the kernel as well."""

    def __init__(self, *, poll: float = 5.0, name: str = "", hears: bool = True) -> None:
        self.name = name or printable(socket.gethostname().partition(".")[0])
        self._threads, self._names = Threads(_AT_ONCE, "host"), Threads(16, "names")
        self._silent: set[str] = set()  # paths with a call that has not come back
        self._watcher = Watcher(poll, self.blocking, hears=hears)

    @cached_property
    def _processes(self) -> "ProcessTable":
        from tuimon.host.procs import ProcessTable  # noqa: PLC0415 - psutil can wait for the first look

        return ProcessTable()

    def monotonic(self) -> float:
        """Seconds of a clock that never goes back, and goes on while the machine sleeps."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)

    async def blocking(
        self, call: Callable[[], T], timeout: float = _PATIENCE, path: str = ""
    ) -> T | Failure:
        """Run `call` on the host's threads; `Failure` after `timeout` seconds or on an OSError.

        While a call that is about `path` has not come back, the next one is a `Failure` at once.
        """
        silent = Failure(Reason.TIMEOUT, "no answer from the file system")
        if path in self._silent:
            return silent
        if path and len(self._silent) >= _MANY:
            timeout = min(timeout, _HASTE)
        future = self._threads.submit(call)
        try:
            async with asyncio.timeout(timeout):  # wait_for of Python 3.11 can swallow a cancellation
                return await asyncio.wrap_future(future)
        except TimeoutError:
            self._threads.give_up(future)
            if path:
                self._silent.add(path)
                future.add_done_callback(lambda _: self._silent.discard(path))
            return silent
        except OSError as error:
            return Failure(Reason.OTHER, printable(error.strerror or str(error)))

    async def read(self, path: str, limit: int = MAX_READ) -> FileContent | Failure:
        """A regular file's content; anything else (FIFO, device, folder) is a `Failure`."""
        return await self.blocking(lambda: _read(path, limit), path=path)

    async def write(self, path: str, data: bytes) -> Failure | None:
        """Put a file of our own in place whole or not at all, readable for us alone."""
        return await self.blocking(lambda: _write(path, data), path=path)

    async def stamp(self, path: str) -> Stamp | Failure:
        """The identity of what `path` leads to."""
        return await self.blocking(lambda: _stat(path), path=path)

    async def room(self, path: str) -> Room | Failure:
        """What the file system of `path` has left."""
        return await self.blocking(lambda: _room(path), path=path)

    async def way(self, path: str) -> Way:
        """Every folder on the way to what `path` leads to, with who may cross it."""
        way = await self.blocking(lambda: walk(path), path=path)
        return Way(printable(path), failure=way) if isinstance(way, Failure) else way

    async def allows(self, path: str, flag: str) -> bool | None:
        """What test(1) says to `-e`, `-r`, `-w` or `-x` (`flag` without the dash); None without an answer."""
        answer = await self.blocking(lambda: os.access(path, _FLAGS[flag], effective_ids=True), path=path)
        return None if isinstance(answer, Failure) else answer

    async def names(self, path: str) -> tuple[str, ...] | Failure:
        """The names in a folder, in no order, wherever they lead."""
        return await self.blocking(lambda: _names(path), path=path)

    async def list(self, path: str) -> tuple[Entry, ...] | Failure:
        """The names in a folder, in no order."""
        listed = await self.blocking(lambda: _list(path), path=path)
        if isinstance(listed, Failure):
            return listed
        links = tuple(each for each in listed if isinstance(each, str))
        return (*(each for each in listed if isinstance(each, Entry)), *await self._led_to(path, links))

    async def _led_to(self, folder: str, links: Sequence[str]) -> tuple[Entry, ...]:
        """What these symlinks lead to; one that gets no answer may be a file: whoever reads it is told."""
        if not links:
            return ()
        whole = await self.blocking(lambda: _entries(folder, links), _HASTE, path=f"{folder}/")
        if not isinstance(whole, Failure):
            return whole
        paths = [f"{folder}/{name}" for name in links]
        answers = await asyncio.gather(
            *(self.blocking(partial(os.path.isfile, path), path=path) for path in paths)
        )
        return tuple(Entry(name, answer is not False) for name, answer in zip(links, answers, strict=True))

    async def tail(self, path: str) -> Tail | Failure:
        """Open a regular file for reading onwards, at offset 0."""
        opening = _Opening(path)
        try:
            opened = await self.blocking(opening, path=path)
        except asyncio.CancelledError:
            opening.give_up()
            raise
        if isinstance(opened, Failure):
            opening.give_up()
            return opened
        fd, status = opened
        return LocalTail(self, path, fd, status.st_ino)

    def watch(self) -> Watch:
        """A new subscription to file changes; they share one watcher."""
        return self._watcher.subscribe()

    async def connect(self, endpoint: Endpoint, timeout: float, local: str = "") -> Stream | Failure:
        """Open a connection within `timeout` seconds, from the address `local` if given."""
        return await connect(endpoint, timeout, local, self._names)

    async def run(self, argv: tuple[str, ...], timeout: float) -> Completed | Failure:
        """Run a command to its end, without a shell and without input."""
        return await commands.run(argv, timeout)

    async def stream(self, argv: tuple[str, ...]) -> Pipe | Failure:
        """Start a command that runs on, without a shell and without input; it ends with us."""
        return await commands.stream(argv)

    async def sock_diag(self, request: bytes) -> bytes | Failure:
        """What the kernel answers to a question about the sockets of our own network."""
        return await self.blocking(lambda: sock_diag.ask(request))

    async def processes(self, there: Set[int] = frozenset()) -> tuple[Process, ...] | Failure:
        """Every stunnel main process; `config` is not filled in."""
        return await self.blocking(lambda: self._processes.scan(there))

    async def holders(self, inodes: frozenset[int]) -> dict[int, Holder] | Failure:
        """Which process holds each of these sockets; every process's descriptors are looked through."""
        return await self.blocking(lambda: holders(inodes))

    async def close(self) -> None:
        """Release the watcher and the threads; a thread that is stuck is left behind."""
        await self._watcher.close()
        for threads in (self._threads, self._names):
            threads.shutdown()
