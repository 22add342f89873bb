"""An action on an instance: the way to it, what it would change, whom it touches, and how it ended."""

from enum import StrEnum
from typing import NamedTuple

from msgspec import Struct

from tuimon.model.origin import Launch
from tuimon.model.process import ProcessId
from tuimon.model.service import InstanceKey, Stamp

ACTION_LOG = "actions.jsonl"
"""The file of all actions, in the state folder."""


class Action(StrEnum):
    """What can be done to an instance."""

    RELOAD = "reload"
    RESTART = "restart"
    START = "start"
    STOP = "stop"

    @property
    def doing(self) -> str:
        """`reloading`, as a row says it meanwhile."""
        return _DOING[self]

    @property
    def done(self) -> str:
        """`reloaded`."""
        return _DONE[self]


_DOING = {
    Action.RELOAD: "reloading",
    Action.RESTART: "restarting",
    Action.START: "starting",
    Action.STOP: "stopping",
}
_DONE = {
    Action.RELOAD: "reloaded",
    Action.RESTART: "restarted",
    Action.START: "started",
    Action.STOP: "stopped",
}


class Route(StrEnum):
    """Through whom an action goes."""

    UNIT = "unit"
    SCRIPT = "init-script"
    DIRECT = "direct"
    NONE = "none"


class Door(Struct, frozen=True, gc=False):
    """The way to an instance for one action.

    `argv` is the command that is run; for `direct` it is what does the same by hand.  With `none` the
    process is somebody else's: `owner` names whom, and `argv` is the command to give there, if known.
    `name` is the unit or the init script's instance, `slow` the seconds that it may take to end.
    """

    route: Route
    argv: tuple[str, ...] = ()
    name: str = ""
    owner: str = ""
    slow: float = 90.0


class Note(NamedTuple):
    """One thing to know before acting: a code, a sentence, what to do about it."""

    code: str
    text: str
    fix: str = ""


class Change(NamedTuple):
    """One thing that will be different: of what, from, to; empty where there was or will be none."""

    what: str
    old: str
    new: str

    def __str__(self) -> str:
        return f"{self.what}: {self.old} → {self.new or 'none'}" if self.old else f"{self.what}: {self.new}"


class Load(NamedTuple):
    """Sessions of one service now; None where they cannot be counted."""

    service: str
    sessions: int | None


class Touches(Struct, frozen=True, gc=False):
    """Whom an action touches: every service of the process with its sessions, programs that it runs for
    clients, other units that go down with it."""

    loads: tuple[Load, ...] = ()
    children: tuple[str, ...] = ()
    units: tuple[str, ...] = ()

    @property
    def sessions(self) -> int:
        """All sessions that could be counted."""
        return sum(load.sessions or 0 for load in self.loads)


class Preflight(Struct, frozen=True, gc=False):
    """What was found out before an action; with a refusal it is not done.

    `process` and `stamp` are the process and the file that were looked at: if either is another one at
    the moment of acting, nothing is done.  `command` is the door's, ready to copy, `diff` the text on disk
    against what is loaded, without secrets.  `launch` is what is started directly, `overwrites` the log
    that the action empties, `handed` says that its listening sockets were handed to the process.
    """

    key: InstanceKey
    action: Action
    door: Door
    host: str = ""
    process: ProcessId | None = None
    stamp: Stamp | None = None
    refusals: tuple[Note, ...] = ()
    warnings: tuple[Note, ...] = ()
    changes: tuple[Change, ...] = ()
    touches: Touches = Touches()
    command: str = ""
    diff: tuple[str, ...] = ()
    launch: Launch | None = None
    overwrites: str = ""
    handed: bool = False

    @property
    def refused(self) -> bool:
        """Whether this action is not done."""
        return bool(self.refusals)


class Result(StrEnum):
    """How an action ended."""

    VERIFIED = "verified"
    UNVERIFIED = "unverified"
    REFUSED = "refused"
    FAILED = "failed"
    NOT_DONE = "not-done"
    REHEARSED = "rehearsed"


class Outcome(Struct, frozen=True, gc=False):
    """How an action ended, in words; `fix` is what to do now, `evidence` what was seen."""

    key: InstanceKey
    action: Action
    result: Result
    text: str
    fix: str = ""
    evidence: tuple[str, ...] = ()
    seconds: float = 0.0


class Logged(NamedTuple):
    """One line of the action log; `at` is seconds since the epoch, `result` a `Result`, or `begun` where
    nothing tells of the end."""

    at: float
    who: str
    action: str
    instance: str
    command: str
    result: str
    verdict: str
