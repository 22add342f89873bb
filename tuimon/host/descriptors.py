"""What a process holds open: its descriptors counted, its sockets, the files that it logs to.

Rule: only what /proc shows; nothing is opened but what the kernel writes there.
"""

import os
import stat
from collections.abc import Iterator, Set
from contextlib import suppress

from tuimon.model.process import Holder, OpenLog
from tuimon.text import printable

DELETED = " (deleted)"
"""What the kernel appends to the name of a file that is gone."""

_STANDARD = {"0", "1", "2"}  # a file that the shell redirected them to is a log only if it is appended to


class Descriptors:
    """What one process holds open, look after look.

    A link costs 3 µs to follow, and who listens a thousand times has a thousand of them.  A descriptor that
    was a socket which is still there is believed to be that one, unless anything else changed.
    """

    def __init__(self, pid: int) -> None:
        self._pid, self._folder = pid, f"/proc/{pid}/fd"
        self._sockets: dict[str, int] = {}  # inodes by descriptor
        self._files: dict[str, str] = {}  # where all others lead
        self._inodes: frozenset[int] = frozenset()

    def look(self, there: Set[int]) -> tuple[int, frozenset[int], tuple[OpenLog, ...]]:
        """Count of descriptors, inodes of the sockets among them, regular files open for logging.

        `there` are sockets that the kernel named a moment ago.  Raises `OSError` where they may not be seen.
        """
        names = os.listdir(self._folder)
        believed = {name: inode for name, inode in self._sockets.items() if inode in there}
        sockets, files = self._links(names, believed)
        if believed and files != self._files:  # one of them may stand where a socket was
            sockets, files = self._links(names, {})
        if sockets != self._sockets:
            self._inodes = frozenset(sockets.values())
        self._sockets, self._files = sockets, files
        return len(names), self._inodes, tuple(self._logs())

    def _links(self, names: list[str], believed: dict[str, int]) -> tuple[dict[str, int], dict[str, str]]:
        sockets: dict[str, int] = {}
        files: dict[str, str] = {}
        for name in names:
            inode = believed.get(name)
            if inode is not None:
                sockets[name] = inode
                continue
            with suppress(OSError):  # closed between the listing and the look
                target = os.readlink(f"{self._folder}/{name}")
                if target.startswith("socket:["):
                    sockets[name] = int(target[8:-1])
                else:
                    files[name] = target
        return sockets, files

    def _logs(self) -> Iterator[OpenLog]:
        for name, target in self._files.items():
            if target.startswith("/") and not target.startswith(("/dev/", "/proc/", "/memfd:")):
                with suppress(OSError):
                    log = _log(self._pid, name, target)
                    if log is not None:
                        yield log


def _log(pid: int, fd: str, target: str) -> OpenLog | None:
    """The file if it is one that stunnel logs to: appended to, or with `log = overwrite` written."""
    status = os.stat(f"/proc/{pid}/fd/{fd}")
    if not stat.S_ISREG(status.st_mode):
        return None
    with open(f"/proc/{pid}/fdinfo/{fd}", "rb") as info:
        flags = int(info.read(200).split(b"flags:\t")[1].split()[0], 8)
    if not flags & os.O_ACCMODE or (fd in _STANDARD and not flags & os.O_APPEND):
        return None
    deleted = target.endswith(DELETED)
    return OpenLog(printable(target.removesuffix(DELETED)), deleted, status.st_ino)


def holders(inodes: frozenset[int]) -> dict[int, Holder]:
    """Which process holds each of these sockets, as far as this user may see; the oldest of several."""
    wanted, found = {f"socket:[{inode}]": inode for inode in inodes}, dict[int, Holder]()
    for pid in sorted(int(name) for name in os.listdir("/proc") if name.isdigit()):
        with suppress(OSError):
            for fd in os.listdir(f"/proc/{pid}/fd"):
                with suppress(OSError):
                    inode = wanted.pop(os.readlink(f"/proc/{pid}/fd/{fd}"), None)
                    if inode is not None:
                        found[inode] = Holder(pid, _name(pid))
        if not wanted:
            break
    return found


def _name(pid: int) -> str:
    with open(f"/proc/{pid}/comm", "rb") as file:
        return printable(file.read(64).decode("utf-8", "replace").rstrip("\n"))
