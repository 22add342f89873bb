"""A stunnel process as the kernel shows it.  Identity is pid + start time + executable."""

from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from tuimon.model.access import Credentials
from tuimon.model.endpoint import Socket
from tuimon.model.failure import Failure


class ProcessId(NamedTuple):
    """A process for good: a pid alone may be handed on.

    `started` is seconds since the epoch, as the clock had it when the process was seen first; `since_boot`
    the same moment as the kernel counts it, whatever becomes of the clock (0.0 where nobody asked).
    """

    pid: int
    started: float
    exe: str
    since_boot: float = 0.0


class OpenLog(NamedTuple):
    """A regular file that the process holds open to log to.

    `path` is the outer path, which follows the file when it is renamed; `inode` tells whether the name
    in the configuration still leads to it.
    """

    path: str
    deleted: bool
    inode: int = 0


class Holder(NamedTuple):
    """The process that holds a socket."""

    pid: int
    name: str

    def __str__(self) -> str:
        return f"{self.name} pid {self.pid}"


class Owner(NamedTuple):
    """Who but systemd's own units started a process and would have to end it, and the command to give
    there; both empty where nobody is known, the command where there is none to name."""

    name: str = ""
    command: str = ""


NOBODY = Owner()
_ALIVE = frozenset({"running", "sleeping", "disk-sleep", "idle"})  # psutil's words


class Process(Struct, frozen=True, gc=False):
    """One stunnel main process.

    `config` is the absolute path of its configuration as seen from outside, empty where it cannot be
    known; `argument` what the command line says (empty: the compiled-in default).  `status` is
    psutil's word (`sleeping`, `stopped`, `zombie`, …), `tracer` who stopped it if that was a debugger,
    `frozen` the control group that is frozen with it.  `inodes` are its socket inodes.
    `cgroup` is its control group, `cgroup_unit` the system's service that this belongs to, `parent_words`
    how its parent is called and was started, `owner` what follows from them.
    `exe_replaced` and `libraries_replaced` tell that its executable, or the TLS libraries named, are
    no longer the files on disk.  `credentials` are None where they may not be seen.  `hidden`
    names what this user may not see of it.
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
    tracer: str = ""
    frozen: str = ""
    threads: int = 0
    fds: int | None = None
    fd_limit: int | None = None
    memory: int = 0
    cgroup: str = ""
    cgroup_unit: str = ""
    parent_words: tuple[str, ...] = ()
    owner: Owner = NOBODY
    net: str = ""
    inodes: frozenset[int] = frozenset()
    exe_replaced: bool = False
    libraries_replaced: tuple[str, ...] = ()
    credentials: Credentials | None = None
    hidden: tuple[str, ...] = ()

    @property
    def client_limit(self) -> int | None:
        """How many clients stunnel allows itself, which it works out once from RLIMIT_NOFILE at its start."""
        if self.fd_limit is None:
            return None
        files = max(self.fd_limit, 16)
        return files * 125 // 256 if files >= 256 else (files - 6) // 2

    @property
    def lasting(self) -> "Process":
        """Itself without what differs from one moment to the next: a change of that changes nothing else."""
        status = "" if self.status in _ALIVE else self.status
        return replace(self, status=status, threads=0, fds=None, memory=0, inodes=frozenset())

    @property
    def pid(self) -> int:
        """The process id, for showing; never for identity."""
        return self.id.pid

    @property
    def halted(self) -> bool:
        """Whether a signal, a debugger or its control group keeps it from doing anything."""
        return self.status in {"stopped", "tracing-stop"} or bool(self.frozen)


class SocketTable(Struct, frozen=True, gc=False):
    """Listening and connected sockets of one network namespace (`net`, empty: our own).

    `unprivileged_from` is the first port that anybody may bind, None where that cannot be seen.
    """

    net: str = ""
    listening: tuple[Socket, ...] = ()
    established: tuple[Socket, ...] = ()
    unprivileged_from: int | None = None
    failure: Failure | None = None
