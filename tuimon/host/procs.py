"""Processes of this machine: which of them are stunnel, and what this user may see of each.

Rule: what may not be seen is named in `Process.hidden`, never guessed.  Identity is pid + start time
+ executable.  A full look at a foreign process costs, so other programs are remembered as such; young
ones are looked at again, because `setpriv`, shells and wrappers become stunnel by exec.
"""

import os
import stat
import time

import psutil

from tuimon.model.process import OpenLog, Process, ProcessId
from tuimon.text import printable

NAMES = frozenset({"stunnel", "stunnel4", "stunnel5"})
_YOUNG = 10.0  # seconds after which a process is believed to stay the program it is
_FORGET = 60.0  # seconds after which every process is looked at again
_DELETED = " (deleted)"


def _is_stunnel(process: psutil.Process) -> bool:
    """Whether the executable (or, where it may not be seen, the name) is stunnel's."""
    if process.name().removesuffix(_DELETED) in NAMES:
        return True
    try:
        return os.path.basename(process.exe().removesuffix(_DELETED)) in NAMES
    except psutil.Error:
        return False


def _argument(cmdline: list[str]) -> str:
    """The configuration named on the command line, `-fd N` for a descriptor, or empty."""
    rest = cmdline[1:]
    if rest and rest[0] == "-fd":
        return printable(" ".join(rest[:2]))
    return printable(rest[0]) if rest else ""


def _descriptors(pid: int) -> tuple[int, frozenset[int], tuple[OpenLog, ...]]:
    """Count of descriptors, inodes of the sockets among them, regular files open for appending."""
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
    if not stat.S_ISREG(os.stat(f"/proc/{pid}/fd/{fd}").st_mode):
        return None
    with open(f"/proc/{pid}/fdinfo/{fd}", "rb") as info:
        flags = int(info.read(200).split(b"flags:\t")[1].split()[0], 8)
    if not flags & os.O_ACCMODE or not flags & os.O_APPEND:
        return None
    return OpenLog(printable(target.removesuffix(_DELETED)), target.endswith(_DELETED))


def _unit(pid: int) -> str:
    """The systemd service whose control group holds the process, or empty."""
    try:
        with open(f"/proc/{pid}/cgroup", "rb") as file:
            lines = file.read(4096).decode("utf-8", "replace").splitlines()
    except OSError:
        return ""
    for line in lines:
        for part in reversed(line.rpartition(":")[2].split("/")):
            if part.endswith(".service"):
                return printable(part)
    return ""


def _fd_limit(pid: int) -> int | None:
    try:
        with open(f"/proc/{pid}/limits", "rb") as file:
            for line in file:
                if line.startswith(b"Max open files"):
                    return int(line[14:].split()[0])
    except (OSError, ValueError):
        pass
    return None


def _link(pid: int, name: str) -> str | None:
    try:
        return printable(os.readlink(f"/proc/{pid}/{name}"))
    except OSError:
        return None


def _look(process: psutil.Process) -> Process:
    """Everything this user may see of one stunnel process; raises `psutil.NoSuchProcess`."""
    pid = process.pid
    with process.oneshot():
        exe = _link(pid, "exe")
        cwd, root, net = _link(pid, "cwd"), _link(pid, "root"), _link(pid, "ns/net")
        hidden = [name for name, value in (("exe", exe), ("cwd", cwd)) if value is None]
        fds: int | None = None
        inodes: frozenset[int] = frozenset()
        logs: tuple[OpenLog, ...] = ()
        try:
            fds, inodes, logs = _descriptors(pid)
        except PermissionError:
            hidden.append("open files")
        except OSError:
            raise psutil.NoSuchProcess(pid) from None
        return Process(
            id=ProcessId(pid, process.create_time(), exe or process.name()),
            parent=process.ppid(),
            user=printable(process.username()),
            argument=_argument(process.cmdline()),
            cwd=cwd or "",
            root=root or "/",
            logs=logs,
            status=str(process.status()),
            threads=process.num_threads(),
            fds=fds,
            fd_limit=_fd_limit(pid),
            memory=process.memory_info().rss,
            cgroup_unit=_unit(pid),
            net="" if net == _link(os.getpid(), "ns/net") else net or "",
            inodes=inodes,
            hidden=tuple(hidden),
        )


class ProcessTable:
    """Scans for stunnel processes, remembering which pids are something else."""

    def __init__(self) -> None:
        self._others: dict[int, float] = {}  # pid → monotonic time until which it is looked at again
        self._ours: dict[int, psutil.Process] = {}
        self._forget_at = 0.0

    def scan(self) -> tuple[Process, ...]:
        """Every stunnel main process (children of another stunnel with the same arguments left out)."""
        now = time.monotonic()
        if now > self._forget_at:  # an old shell may have become stunnel by exec
            self._others.clear()
            self._forget_at = now + _FORGET
        pids = set(psutil.pids())
        self._others = {pid: until for pid, until in self._others.items() if pid in pids}
        self._ours = {pid: process for pid, process in self._ours.items() if pid in pids}
        found: dict[int, Process] = {}
        for pid in sorted(pids):
            if self._others.get(pid, now) < now:
                continue
            process = self._examine(pid, now)
            if process is not None and process.status != psutil.STATUS_ZOMBIE:
                found[pid] = process
        return tuple(each for each in found.values() if not _is_helper(each, found))

    def _examine(self, pid: int, now: float) -> Process | None:
        try:
            process = self._ours.get(pid)
            if process is None or not process.is_running():
                process = psutil.Process(pid)
            if _is_stunnel(process):
                self._ours[pid] = process
                self._others.pop(pid, None)
                return _look(process)
            self._ours.pop(pid, None)
            if pid not in self._others:
                age = time.time() - process.create_time()
                self._others[pid] = now + max(0.0, _YOUNG - age)
        except (psutil.Error, OSError):
            self._ours.pop(pid, None)
        return None


def _is_helper(process: Process, found: dict[int, Process]) -> bool:
    """A libwrap helper: a child of a stunnel with the same arguments (reference, section g)."""
    parent = found.get(process.parent)
    return parent is not None and parent.argument == process.argument and parent.id.exe == process.id.exe
