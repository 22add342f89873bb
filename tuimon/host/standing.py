"""What of a process changes rarely: its user, its limits, its control group, the files it was made of.

Rule: this costs more to see than it is worth every second.  It is looked at again after `_AGAIN`
seconds, the mapped libraries after `_MAPS`; a process that is young, and may be about to change its
root and its user, is looked at every time.
"""

import os
import time
from pathlib import PurePosixPath

import psutil
from msgspec import Struct, field

from tuimon.host.descriptors import DELETED
from tuimon.model.access import Credentials
from tuimon.text import printable

_AGAIN = 5.0  # seconds
_MAPS = 60.0
_YOUNG = 10.0
_LIBRARIES = (b"/libssl.", b"/libcrypto.", b"/libssl-", b"/libcrypto-")
_CGROUP2 = (
    "/sys/fs/cgroup",
    "/sys/fs/cgroup/unified",
)  # where a unified hierarchy is mounted, also beside v1
_FREEZER = "/sys/fs/cgroup/freezer"


class Standing(Struct, frozen=True):
    """See `tuimon.model.process.Process` for what each field means."""

    user: str = ""
    arguments: tuple[str, ...] = ()
    cwd: str | None = None
    root: str | None = None
    net: str | None = None
    fd_limit: int | None = None
    cgroup: str = ""
    parent: tuple[str, ...] = ()
    frozen: str = ""
    libraries_replaced: tuple[str, ...] = ()
    credentials: Credentials | None = None


class _Kept(Struct):
    standing: Standing
    exe: str
    until: float
    maps_until: float = field(default=0.0)


class Standings:
    """Remembers what was seen of each process, by pid and start time."""

    def __init__(self) -> None:
        self._kept: dict[tuple[int, float], _Kept] = {}

    def keep(self, alive: set[int]) -> None:
        """Forget the processes that have ended."""
        self._kept = {key: kept for key, kept in self._kept.items() if key[0] in alive}

    def of(self, process: psutil.Process, exe: str) -> Standing:
        """What stands for this process now, or stood a few seconds ago; raises `psutil.Error`."""
        key, now = (process.pid, process.create_time()), time.monotonic()
        kept = self._kept.get(key)
        if kept is not None and kept.exe == exe and now < kept.until:
            return kept.standing
        young = abs(time.time() - key[1]) < _YOUNG  # or for hours, once the clock is set back
        if kept is not None and kept.exe == exe and now < kept.maps_until:
            libraries, maps_until = kept.standing.libraries_replaced, kept.maps_until
        else:
            libraries, maps_until = _replaced_libraries(process.pid), now + _MAPS
        seen = _look(process, libraries)
        self._kept[key] = _Kept(seen, exe, now if young else now + _AGAIN, maps_until)
        return seen


def link(pid: int, name: str) -> str | None:
    """Where a link of /proc/PID leads, None if that may not be seen."""
    try:
        return printable(os.readlink(f"/proc/{pid}/{name}"))
    except OSError:
        return None


def _look(process: psutil.Process, libraries: tuple[str, ...]) -> Standing:
    pid = process.pid
    groups = _text(f"/proc/{pid}/cgroup").splitlines()
    return Standing(
        user=printable(process.username()),
        arguments=tuple(process.cmdline()),
        cwd=link(pid, "cwd"),
        root=link(pid, "root"),
        net=link(pid, "ns/net"),
        fd_limit=_fd_limit(pid),
        cgroup=_group(groups),
        parent=_parent(process),
        frozen=_frozen(groups),
        libraries_replaced=libraries,
        credentials=_credentials(_text(f"/proc/{pid}/status")),
    )


def _credentials(status: str) -> Credentials | None:
    """What /proc/PID/status tells of effective user, groups and capabilities (capabilities(7))."""
    told = {name: rest.split() for name, _, rest in (line.partition(":") for line in status.splitlines())}
    try:
        groups = frozenset(map(int, told["Groups"]))
        return Credentials(int(told["Uid"][1]), int(told["Gid"][1]), groups, int(told["CapEff"][0], 16))
    except (KeyError, IndexError, ValueError):
        return None


def _text(path: str, limit: int = 8192) -> str:
    try:
        with open(path, "rb") as file:
            return file.read(limit).decode("utf-8", "replace")
    except OSError:
        return ""


def _fd_limit(pid: int) -> int | None:
    for line in _text(f"/proc/{pid}/limits").splitlines():
        if line.startswith("Max open files"):
            soft = line[14:].split()[0]
            return int(soft) if soft.isdigit() else None
    return None


def _group(groups: list[str]) -> str:
    """The control group in the hierarchy that systemd uses: the unified one, else its own."""
    paths = {line.split(":", 2)[1]: line.split(":", 2)[2] for line in groups if line.count(":") > 1}
    unified = paths.get("", "")
    return printable(unified if unified.strip("/.") else paths.get("name=systemd", unified))


def _parent(process: psutil.Process) -> tuple[str, ...]:
    """The name of its parent and what that was started with: no more of it, it may hold secrets."""
    try:
        parent = process.parent()
        if parent is None or parent.pid <= 1:
            return ()
        return tuple(printable(each, 200) for each in (parent.name(), *parent.cmdline()[:2]))
    except psutil.Error:
        return ()


def _frozen(groups: list[str]) -> str:
    """The control group that is frozen (systemctl freeze, docker pause), or empty: cgroups(7)."""
    for line in groups:
        _, controllers, path = line.split(":", 2) if line.count(":") > 1 else ("", "?", "")
        if not controllers and any("frozen 1" in _text(f"{at}{path}/cgroup.events") for at in _CGROUP2):
            return printable(path)
        if (
            controllers == "freezer"
            and path != "/"
            and "THAWED" not in _text(f"{_FREEZER}{path}/freezer.state")
        ):
            return printable(path) if _text(f"{_FREEZER}{path}/freezer.state") else ""
    return ""


def _replaced_libraries(pid: int) -> tuple[str, ...]:
    """The TLS libraries that the process has mapped and that are no longer at their place."""
    try:
        with open(f"/proc/{pid}/maps", "rb", buffering=0) as file:
            maps = file.readall()
    except OSError:
        return ()
    if DELETED.encode() not in maps:
        return ()
    lines = [line for line in maps.splitlines() if any(name in line for name in _LIBRARIES)]
    mapped = (line.split(None, 5)[-1].decode("utf-8", "replace") for line in lines)
    gone = {PurePosixPath(path.removesuffix(DELETED)).name for path in mapped if path.endswith(DELETED)}
    return tuple(sorted(map(printable, gone)))
