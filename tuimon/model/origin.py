"""How a process came to be: who started it, where it lives, and what it takes to start it again."""

from typing import NamedTuple

from msgspec import Struct

from tuimon.model.process import ProcessId


class Kin(NamedTuple):
    """A parent or a child: its pid, the name of its program, whether it leads a session on a terminal."""

    pid: int
    name: str
    argv: tuple[str, ...] = ()
    on_terminal: bool = False


class Limit(NamedTuple):
    """One resource limit of getrlimit(2) by its number; -1 is unlimited."""

    resource: int
    soft: int
    hard: int


class Guard(NamedTuple):
    """Who may replace a file: owner, group and mode of it or of a folder on the way to it."""

    path: str
    uid: int
    gid: int
    mode: int


class Launch(Struct, frozen=True, gc=False):
    """What it takes to start a program; nothing of it is ever shown, for its environment may hold secrets.

    `uid` and `gid` None: as whoever asks.  `outputs` are files or terminals for descriptors 1 and 2,
    empty: kept for the answer.  `cgroup` is the control group to start in, as far as we may; `daemon`
    says that it goes to the background.
    """

    argv: tuple[str, ...]
    exe: str = ""
    cwd: str = "/"
    environment: tuple[tuple[str, str], ...] | None = None
    umask: int = 0o022
    limits: tuple[Limit, ...] = ()
    uid: int | None = None
    gid: int | None = None
    groups: tuple[int, ...] = ()
    outputs: tuple[str, str] = ("", "")
    cgroup: str = ""
    daemon: bool = False

    def __repr__(self) -> str:
        return f"{type(self).__name__}(…)"


class Origin(Struct, frozen=True, gc=False):
    """What the kernel tells of a process's start; `hidden` names what this user may not see.

    `cgroup` is its control group's path, `foreign` the namespaces that are not ours (`mnt`, `net`, …),
    `capabilities` the effective set, `sockets` how many listening sockets were handed to it
    (LISTEN_FDS), `outputs` where its descriptors 1 and 2 lead.  `program` is its name under a supervisor that
    says it in the environment.
    """

    id: ProcessId
    parent: Kin | None = None
    children: tuple[Kin, ...] = ()
    cgroup: str = ""
    foreign: frozenset[str] = frozenset()
    uid: int = -1
    capabilities: int = 0
    ambient: int = 0
    sockets: int = 0
    outputs: tuple[str, str] = ("", "")
    program: str = ""
    launch: Launch | None = None
    hidden: tuple[str, ...] = ()


class Actor(NamedTuple):
    """Who acts: the user, and who became that user through sudo."""

    uid: int
    user: str
    sudo_user: str = ""

    def __str__(self) -> str:
        return f"{self.user} (sudo by {self.sudo_user})" if self.sudo_user else self.user
