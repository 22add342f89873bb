"""Processes of this machine: which of them are stunnel, and what this user may see of each.

Rule: what may not be seen is named in `Process.hidden`, never guessed.  Identity is pid + start time
+ executable.  Other programs are remembered as such; new ones are looked at again, because `setpriv`,
shells and wrappers become stunnel by exec.
"""

import os
import time
from collections.abc import Sequence, Set

import psutil

from tuimon.host.descriptors import DELETED, Descriptors
from tuimon.host.standing import Standings, link
from tuimon.model.process import OpenLog, Process, ProcessId
from tuimon.text import printable

NAMES = frozenset({"stunnel", "stunnel4", "stunnel5"})
_PRINTS = frozenset({"-help", "-version", "-sockets", "-options"})  # stunnel(8): says something and ends
_TICKS = os.sysconf("SC_CLK_TCK")
_YOUNG = 10.0  # seconds that a process was seen as something else, after which it is believed to stay that
_FORGET = 60.0  # seconds after which every process is looked at again


def _is_stunnel(pid: int) -> bool:
    """Whether the executable (or, where it may not be seen, the name) is stunnel's.

    Asked of every process there is, hence of the kernel itself: psutil takes six times as long.
    """
    try:
        with open(f"/proc/{pid}/comm", encoding="utf-8", errors="replace") as file:
            name = file.read(64).rstrip("\n")
    except OSError:  # it has ended
        return False
    exe = link(pid, "exe") or ""  # a thread of the kernel has none
    return any(each.removesuffix(DELETED) in NAMES for each in (name, os.path.basename(exe)))


def since_boot(pid: int) -> float:
    """When it was started, in seconds since the boot (proc(5), field 22 of stat); what psutil tells is the
    time of day, which is another once the clock is set.  Raises `psutil.NoSuchProcess`.
    """
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()  # the name before may hold anything
    except OSError:
        raise psutil.NoSuchProcess(pid) from None
    return int(fields[19]) / _TICKS


def _argument(cmdline: Sequence[str]) -> str:
    """The configuration named on the command line, `-fd N` for a descriptor, or empty."""
    rest = cmdline[1:]
    if rest and rest[0] == "-fd":
        return printable(" ".join(rest[:2]))
    return printable(rest[0]) if rest else ""


def _tracer(pid: int) -> str:
    """Who traces the process, `strace 4711`; empty where nobody does."""
    try:
        with open(f"/proc/{pid}/status", "rb") as file:
            found = next((line for line in file if line.startswith(b"TracerPid:")), b"0")
        tracer = int(found.split()[-1])
        return f"{printable(psutil.Process(tracer).name())} {tracer}" if tracer else ""
    except (OSError, ValueError, psutil.Error):
        return ""


def _look(
    process: psutil.Process, born: float, standings: Standings, held: Descriptors, there: Set[int]
) -> Process:
    """Everything this user may see of one stunnel process; raises `psutil.NoSuchProcess`."""
    pid = process.pid
    with process.oneshot():
        exe = link(pid, "exe")
        known = standings.of(process, exe or "")
        # An ending process has no words left that tell what it runs; one that only prints runs nothing.
        if not known.arguments or known.arguments[-1].lower() in _PRINTS:
            raise psutil.NoSuchProcess(pid)
        hidden = [name for name, value in (("exe", exe), ("cwd", known.cwd)) if value is None]
        fds: int | None = None
        inodes: frozenset[int] = frozenset()
        logs: tuple[OpenLog, ...] = ()
        try:
            fds, inodes, logs = held.look(there)
        except PermissionError:
            hidden.append("open files")
        except OSError:
            raise psutil.NoSuchProcess(pid) from None
        program, status = (exe or process.name()).removesuffix(DELETED), str(process.status())
        return Process(
            id=ProcessId(pid, process.create_time(), program, born),
            parent=process.ppid(),
            user=known.user,
            argument=_argument(known.arguments),
            cwd=known.cwd or "",
            root=known.root or "/",
            logs=logs,
            status=status,
            tracer=_tracer(pid) if status == psutil.STATUS_TRACING_STOP else "",
            frozen=known.frozen,
            threads=process.num_threads(),
            fds=fds,
            fd_limit=known.fd_limit,
            memory=process.memory_info().rss,
            cgroup=known.cgroup,
            parent_words=known.parent,
            net="" if known.net == link(os.getpid(), "ns/net") else known.net or "",
            inodes=inodes,
            exe_replaced=exe is not None and exe.endswith(DELETED),
            libraries_replaced=known.libraries_replaced,
            credentials=known.credentials,
            hidden=tuple(hidden),
        )


class ProcessTable:
    """Scans for stunnel processes, remembering which pids are something else."""

    def __init__(self) -> None:
        self._others: dict[int, float] = {}  # pid → monotonic time until which it is looked at again
        self._ours: dict[int, psutil.Process] = {}
        self._held: dict[int, Descriptors] = {}
        self._born: dict[int, float] = {}
        self._standings = Standings()
        self._forget_at = 0.0

    def scan(self, there: Set[int] = frozenset()) -> tuple[Process, ...]:
        """Every stunnel main process (children of another stunnel with the same arguments left out); `there`
        are sockets that the kernel named a moment ago."""
        now = time.monotonic()
        if now > self._forget_at:  # an old shell may have become stunnel by exec
            self._others.clear()
            self._forget_at = now + _FORGET
        pids = set(psutil.pids())
        self._others = {pid: until for pid, until in self._others.items() if pid in pids}
        self._ours = {pid: process for pid, process in self._ours.items() if pid in pids}
        self._held = {pid: held for pid, held in self._held.items() if pid in pids}
        self._born = {pid: born for pid, born in self._born.items() if pid in pids}
        self._standings.keep(pids)
        found: dict[int, Process] = {}
        for pid in sorted(pids):
            if self._others.get(pid, now) < now:
                continue
            process = self._examine(pid, now, there)
            if process is not None and process.status != psutil.STATUS_ZOMBIE:
                found[pid] = process
        return tuple(each for each in found.values() if not _is_helper(each, found))

    def _examine(self, pid: int, now: float, there: Set[int]) -> Process | None:
        try:
            if _is_stunnel(pid):
                process = self._ours.get(pid)
                if process is None or not process.is_running():
                    process = psutil.Process(pid)
                    self._held[pid], self._born[pid] = Descriptors(pid), since_boot(pid)
                self._ours[pid] = process
                self._others.pop(pid, None)
                return _look(process, self._born[pid], self._standings, self._held[pid], there)
            self._ours.pop(pid, None)
            self._others.setdefault(pid, now + _YOUNG)
        except (psutil.Error, OSError):
            self._ours.pop(pid, None)
        return None


def _is_helper(process: Process, found: dict[int, Process]) -> bool:
    """A libwrap helper: a child of a stunnel with the same arguments (reference, section g)."""
    parent = found.get(process.parent)
    return parent is not None and parent.argument == process.argument and parent.id.exe == process.id.exe
