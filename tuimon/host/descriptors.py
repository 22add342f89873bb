"""What a process holds open: its descriptors counted, its sockets, the files that it logs to.

Rule: only what /proc shows; nothing is opened but what the kernel writes there.
"""

import os
import stat
from contextlib import suppress

from tuimon.model.process import Holder, OpenLog
from tuimon.text import printable

DELETED = " (deleted)"
"""What the kernel appends to the name of a file that is gone."""

_STANDARD = {"0", "1", "2"}  # a file that the shell redirected them to is a log only if it is appended to


def descriptors(pid: int) -> tuple[int, frozenset[int], tuple[OpenLog, ...]]:
    """Count of descriptors, inodes of the sockets among them, regular files open for logging.

    Raises `OSError` where they may not be seen.
    """
    folder = f"/proc/{pid}/fd"
    inodes: set[int] = set()
    logs: list[OpenLog] = []
    names = os.listdir(folder)
    for name in names:
        try:
            target = os.readlink(f"{folder}/{name}")
            if target.startswith("socket:["):
                inodes.add(int(target[8:-1]))
            elif target.startswith("/") and not target.startswith(("/dev/", "/proc/", "/memfd:")):
                log = _log(pid, name, target)
                if log is not None:
                    logs.append(log)
        except OSError:
            continue  # closed between the listing and the look
    return len(names), frozenset(inodes), tuple(logs)


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
