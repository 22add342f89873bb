"""Files and folders of this machine.

Rule: what is read is a regular file and nothing else, and any call may be for ever: plain functions are
for threads that may be left behind, and coroutines are given the way there as `blocking`.
"""

import asyncio
import os
import pwd
import stat
import threading
from collections.abc import Sequence
from functools import partial

from tuimon.host.base import Entry, FileContent
from tuimon.host.failures import failure_of
from tuimon.host.threads import Blocking
from tuimon.model.failure import Failure, Reason
from tuimon.model.output import Room
from tuimon.model.service import Stamp
from tuimon.text import printable

_LAST = 16 * 1024  # bytes: less than that is no room
_TOGETHER = 0.5  # seconds for all symlinks of a folder; then each is asked by itself


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
    kind = "a folder" if stat.S_ISDIR(status.st_mode) else "no regular file"
    return Failure(Reason.NOT_REGULAR, f"{printable(path)}: it is {kind}")


def read(path: str, limit: int) -> FileContent | Failure:
    """A regular file's content; anything else (FIFO, device, folder) is a `Failure`."""
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
                    return Failure(Reason.TOO_LARGE, f"{printable(path)}: it is larger than {limit} bytes")
        except OSError as error:
            return failure_of(error, path)
    mode = stat.S_IMODE(status.st_mode)
    return FileContent(b"".join(chunks), _stamp(status), mode, _owner(status.st_uid), status.st_ctime)


def write(path: str, data: bytes) -> Failure | None:
    """Put a file of our own in place whole or not at all, readable for us alone."""
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


def names(path: str) -> tuple[str, ...] | Failure:
    """The names in a folder, in no order, wherever they lead."""
    try:
        return tuple(os.listdir(path))
    except OSError as error:
        return failure_of(error, path)


def stamp(path: str) -> Stamp | Failure:
    """The identity of what `path` leads to."""
    try:
        return _stamp(os.stat(path))
    except OSError as error:
        return failure_of(error, path)


def room(path: str) -> Room:
    """What is left there; inodes count only where they are counted (not on btrfs)."""
    left = os.statvfs(path)
    if left.f_flag & os.ST_RDONLY:
        return Room.READ_ONLY
    if left.f_bfree * left.f_frsize < _LAST:
        return Room.NONE
    if left.f_bavail * left.f_frsize < _LAST:
        return Room.RESERVE
    return Room.NO_INODES if left.f_files and not left.f_favail else Room.ENOUGH


async def entries(blocking: Blocking, path: str) -> tuple[Entry, ...] | Failure:
    """The names in a folder, in no order, and whether each leads to a regular file."""
    listed = await blocking(lambda: _list(path), path=path)
    if isinstance(listed, Failure):
        return listed
    links = tuple(each for each in listed if isinstance(each, str))
    return (*(each for each in listed if isinstance(each, Entry)), *await _led_to(blocking, path, links))


def _list(path: str) -> tuple[Entry | str, ...] | Failure:
    """Every entry; of a symlink only the name, since it may lead to a file system that stalls."""
    try:
        with os.scandir(path) as entries:
            return tuple(
                each.name if each.is_symlink() else Entry(each.name, each.is_file()) for each in entries
            )
    except OSError as error:
        return failure_of(error, path)


async def _led_to(blocking: Blocking, folder: str, links: Sequence[str]) -> tuple[Entry, ...]:
    """What these symlinks lead to; one that gets no answer may be a file: whoever reads it is told."""
    if not links:
        return ()
    whole = await blocking(lambda: _entries(folder, links), _TOGETHER, f"{folder}/")
    if not isinstance(whole, Failure):
        return whole
    paths = [f"{folder}/{name}" for name in links]
    answers = await asyncio.gather(*(blocking(partial(os.path.isfile, path), path=path) for path in paths))
    return tuple(Entry(name, answer is not False) for name, answer in zip(links, answers, strict=True))


def _entries(folder: str, names: Sequence[str]) -> tuple[Entry, ...]:
    return tuple(Entry(name, os.path.isfile(f"{folder}/{name}")) for name in names)


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

    def __init__(self, blocking: Blocking, path: str, fd: int, inode: int) -> None:
        self._blocking, self._path, self._fd, self.inode = blocking, path, fd, inode
        self._offset = 0

    async def size(self) -> int | Failure:
        """The file's size in bytes now."""
        fd = self._fd
        status = await self._blocking(lambda: os.fstat(fd), path=self._path)
        return status if isinstance(status, Failure) else status.st_size

    async def read(self, limit: int) -> bytes | Failure:
        """Up to `limit` bytes from the offset on, empty at the end; a failure moves nothing."""
        fd, offset = self._fd, self._offset
        data = await self._blocking(lambda: os.pread(fd, limit, offset), path=self._path)
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


async def tail(blocking: Blocking, path: str) -> LocalTail | Failure:
    """Open a regular file for reading onwards, at offset 0."""
    opening = _Opening(path)
    try:
        opened = await blocking(opening, path=path)
    except asyncio.CancelledError:
        opening.give_up()
        raise
    if isinstance(opened, Failure):
        opening.give_up()
        return opened
    fd, status = opened
    return LocalTail(blocking, path, fd, status.st_ino)
