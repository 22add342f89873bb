"""How a process of this machine came to be, from /proc.

Rule: what may not be seen is named in `Origin.hidden`; nothing of an environment leaves but what starts
the process again.
"""

import contextlib
import os
import resource

import psutil

from tuimon.host.procs import NAMES, since_boot
from tuimon.model.failure import Failure, Reason
from tuimon.model.origin import Kin, Launch, Limit, Origin
from tuimon.model.process import ProcessId
from tuimon.text import printable

_NAMESPACES = ("mnt", "pid", "net", "user", "uts", "ipc")
_LIMITS = {
    "Max address space": resource.RLIMIT_AS,
    "Max core file size": resource.RLIMIT_CORE,
    "Max cpu time": resource.RLIMIT_CPU,
    "Max data size": resource.RLIMIT_DATA,
    "Max file size": resource.RLIMIT_FSIZE,
    "Max locked memory": resource.RLIMIT_MEMLOCK,
    "Max open files": resource.RLIMIT_NOFILE,
    "Max processes": resource.RLIMIT_NPROC,
    "Max stack size": resource.RLIMIT_STACK,
}
_DELETED = " (deleted)"
_SAME = 0.05  # seconds by which two readings of one start time may differ
_CHILDREN = 50


def same(process: ProcessId) -> bool:
    """Whether this pid is still that process."""
    try:
        now = psutil.Process(process.pid)
        told = since_boot(process.pid) if process.since_boot else now.create_time()
        known = process.since_boot or process.started
        if abs(told - known) > _SAME or now.status() == psutil.STATUS_ZOMBIE:
            return False
        exe = os.readlink(f"/proc/{process.pid}/exe")
    except PermissionError:
        return True
    except (psutil.Error, OSError):
        return False
    return printable(exe.removesuffix(_DELETED)) == process.exe.removesuffix(_DELETED)


def gone(process: ProcessId) -> Failure:
    """What to say where it is not."""
    return Failure(Reason.MISSING, f"pid {process.pid} is not the process any more that was looked at")


def look(process: ProcessId) -> Origin | Failure:
    """Everything this user may see of how a process came to be."""
    if not same(process):
        return gone(process)
    pid = process.pid
    try:
        status = _status(pid)
        parent = _kin(int(status["PPid"]))
        children = _children(pid)
        cgroup = _cgroup(pid)
    except (OSError, KeyError, ValueError, psutil.Error):
        return gone(process)
    hidden: list[str] = []
    environment: dict[str, str] = {}
    launch: Launch | None = None
    outputs = ("", "")
    foreign: frozenset[str] = frozenset()
    try:
        foreign = frozenset(name for name in _NAMESPACES if _namespace(pid, name) != _namespace("self", name))
        environment = _environment(pid)
        outputs = (_output(pid, 1), _output(pid, 2))
        launch = _launch(pid, status, environment, outputs, cgroup)
    except OSError:
        hidden.append("environment")
    if not same(process):
        return gone(process)
    return Origin(
        id=process,
        parent=parent,
        children=children,
        cgroup=printable(cgroup),
        foreign=foreign,
        uid=int(status["Uid"].split()[1]),
        capabilities=int(status.get("CapEff", "0"), 16),
        ambient=int(status.get("CapAmb", "0"), 16),
        sockets=_sockets(pid, environment),
        outputs=outputs,
        program=printable(environment.get("SUPERVISOR_PROCESS_NAME", "")),
        launch=launch,
        hidden=tuple(hidden),
    )


def _status(pid: int) -> dict[str, str]:
    with open(f"/proc/{pid}/status", encoding="utf-8", errors="replace") as file:
        return {name: value.strip() for name, _, value in (line.partition(":") for line in file)}


def _arguments(pid: int) -> tuple[str, ...]:
    with open(f"/proc/{pid}/cmdline", "rb") as file:
        data = file.read(1 << 20)
    return tuple(os.fsdecode(each) for each in data.removesuffix(b"\0").split(b"\0")) if data else ()


def _kin(pid: int) -> Kin | None:
    """The parent; None where it lies in another pid namespace."""
    if pid == 0:
        return None
    with open(f"/proc/{pid}/stat", "rb") as file:
        head, _, tail = file.read(4096).rpartition(b")")
    fields = tail.split()
    session, terminal = int(fields[3]), int(fields[4])
    name = printable(head.partition(b"(")[2])
    return Kin(pid, name, tuple(map(printable, _arguments(pid)[:4])), session == pid and terminal != 0)


def _children(pid: int) -> tuple[Kin, ...]:
    """Programs that it runs; stunnel's own helpers for libwrap are part of itself."""
    ours, found = _arguments(pid), []
    for child in psutil.Process(pid).children()[:_CHILDREN]:
        with contextlib.suppress(psutil.Error, OSError):
            name, arguments = child.name(), _arguments(child.pid)
            if not (name in NAMES and arguments == ours) and child.status() != psutil.STATUS_ZOMBIE:
                found.append(Kin(child.pid, printable(name), tuple(map(printable, arguments[:4]))))
    return tuple(found)


def _cgroup(pid: int) -> str:
    """The path in the hierarchy that systemd uses: the unified one, else its own."""
    with open(f"/proc/{pid}/cgroup", encoding="utf-8", errors="replace") as file:
        lines = [line.rstrip("\n").split(":", 2) for line in file]
    named = {controllers: path for _, controllers, path in lines}
    unified = named.get("", "")
    return unified if unified not in {"", "/"} else named.get("name=systemd", unified)


def _namespace(pid: int | str, name: str) -> str:
    return os.readlink(f"/proc/{pid}/ns/{name}")


def _environment(pid: int) -> dict[str, str]:
    with open(f"/proc/{pid}/environ", "rb") as file:
        pairs = [os.fsdecode(each).partition("=") for each in file.read(1 << 20).split(b"\0") if each]
    return {name: value for name, equals, value in pairs if equals}


def _output(pid: int, fd: int) -> str:
    try:
        return os.readlink(f"/proc/{pid}/fd/{fd}")
    except FileNotFoundError:
        return ""


def _sockets(pid: int, environment: dict[str, str]) -> int:
    if environment.get("LISTEN_PID") != str(pid):
        return 0
    count = environment.get("LISTEN_FDS", "")
    return int(count) if count.isascii() and count.isdigit() else 0


def _limits(pid: int) -> tuple[Limit, ...]:
    """From the table that everybody may read: to ask the kernel of another user's needs CAP_SYS_RESOURCE."""
    found = []
    with open(f"/proc/{pid}/limits", encoding="ascii") as file:
        for line in file:
            number = _LIMITS.get(line[:26].rstrip())
            if number is not None:
                soft, hard = (-1 if each == "unlimited" else int(each) for each in line[26:].split()[:2])
                found.append(Limit(number, soft, hard))
    return tuple(found)


def _launch(
    pid: int, status: dict[str, str], environment: dict[str, str], outputs: tuple[str, str], cgroup: str
) -> Launch:
    return Launch(
        argv=_arguments(pid),
        exe=os.readlink(f"/proc/{pid}/exe").removesuffix(_DELETED),
        cwd=os.readlink(f"/proc/{pid}/cwd").removesuffix(_DELETED),
        environment=tuple(environment.items()),
        umask=int(status.get("Umask", "0022"), 8),
        limits=_limits(pid),
        uid=int(status["Uid"].split()[1]),
        gid=int(status["Gid"].split()[1]),
        groups=tuple(map(int, status.get("Groups", "").split())),
        outputs=outputs,
        cgroup=cgroup,
    )
