"""Locks by which of several tuimons one acts at a time, whoever runs them.

Rule: a lock is the kernel's, on an open file: it is let go of when its holder ends, however that ends.
"""

import fcntl
import os
import stat
import tempfile

from tuimon.model.failure import Failure, Reason
from tuimon.text import printable


class FileLock:
    """Locks that the kernel lets go of when their holder ends."""

    def __init__(self, *fds: int) -> None:
        self.fds = fds

    def release(self) -> None:
        """Let the next one in; harmless when repeated."""
        fds, self.fds = self.fds, ()
        for fd in fds:
            os.close(fd)


def lock(name: str, holder: str, shared: str) -> FileLock | Failure:
    """Take the lock of this name, or say who holds it; `shared` is a file that other users lock too."""
    folder = _runtime_folder()
    os.makedirs(folder, mode=0o755, exist_ok=True)
    status = os.lstat(folder)
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():
        return Failure(Reason.OTHER, f"{folder} is not ours")
    fd = os.open(f"{folder}/{name}", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        said = printable(os.pread(fd, 300, 0)) or "another tuimon"
        os.close(fd)
        return Failure(Reason.REFUSED, said)
    among = _among_users(shared)
    if among is None:
        os.close(fd)
        return Failure(Reason.REFUSED, "another user's tuimon")
    os.ftruncate(fd, 0)
    os.pwrite(fd, os.fsencode(holder)[:300], 0)
    return FileLock(fd, *among)


def _among_users(path: str) -> tuple[int, ...] | None:
    """Lock a file that everybody has who may act on it: each user's own folder is closed to the others.
    Nothing where it cannot be read, None where somebody holds it."""
    if not path:
        return ()
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        return ()
    try:
        if stat.S_ISREG(os.fstat(fd).st_mode):
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        return None
    except OSError:  # a file system that knows no locks
        os.close(fd)
        return ()
    return (fd,)


def _runtime_folder() -> str:
    if os.geteuid() == 0:
        return "/run/tuimon"
    base = os.environ.get("XDG_RUNTIME_DIR")
    return f"{base}/tuimon" if base else f"{tempfile.gettempdir()}/tuimon-{os.geteuid()}"
