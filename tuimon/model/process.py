"""A stunnel process as the kernel shows it.  Identity is pid + start time + executable."""

from dataclasses import dataclass
from typing import NamedTuple

from tuimon.model.endpoint import Socket
from tuimon.model.failure import Failure


class ProcessId(NamedTuple):
    """A process for good: a pid alone may be handed on.  `started` is seconds since the epoch."""

    pid: int
    started: float
    exe: str


class OpenLog(NamedTuple):
    """A regular file that the process holds open for appending; `path` is the outer path."""

    path: str
    deleted: bool


@dataclass(frozen=True, slots=True)
class Process:
    """One stunnel main process.

    `config` is the absolute path of its configuration as seen from outside, empty where it cannot be
    known; `argument` what the command line says (empty: the compiled-in default).  `status` is
    psutil's word (`sleeping`, `stopped`, `zombie`, …).  `inodes` are its socket inodes.
    `hidden` names what this user may not see of it.
    """

    id: ProcessId
    parent: int = 0
    user: str = ""
    argument: str = ""
    config: str = ""
    cwd: str = ""
    root: str = "/"
    logs: tuple[OpenLog, ...] = ()
    status: str = ""
    threads: int = 0
    fds: int | None = None
    fd_limit: int | None = None
    memory: int = 0
    cgroup_unit: str = ""
    net: str = ""
    inodes: frozenset[int] = frozenset()
    hidden: tuple[str, ...] = ()

    @property
    def pid(self) -> int:
        """The process id, for showing; never for identity."""
        return self.id.pid


@dataclass(frozen=True, slots=True)
class SocketTable:
    """LISTEN and ESTABLISHED sockets of one network namespace (`net`, empty: our own)."""

    net: str = ""
    listening: tuple[Socket, ...] = ()
    established: tuple[Socket, ...] = ()
    failure: Failure | None = None
