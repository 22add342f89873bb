"""Hands: everything tuimon may change on a machine.

Rule: who only looks gets a `Host`; who acts gets these besides, and `--read-only` gives them to nobody.
What they start outlives us: a screen that is closed or killed in the middle of an action leaves no
half-done one behind.
"""

from typing import NamedTuple, Protocol

from tuimon.host.base import Completed
from tuimon.model.failure import Failure
from tuimon.model.origin import Actor, Guard, Launch, Origin
from tuimon.model.process import ProcessId


class Lock(Protocol):
    """Held until it is released or its holder ends."""

    def release(self) -> None:
        """Let the next one in; harmless when repeated."""


class Launched(NamedTuple):
    """A program that was started: its pid, its exit status if it has ended already (a daemon's parent
    does), and what it said."""

    pid: int
    status: int | None
    said: str


class Hands(Protocol):
    """What acts on one machine."""

    def actor(self) -> Actor:
        """Who we are."""

    async def origin(self, process: ProcessId) -> Origin | Failure:
        """How a process came to be; `Failure` where that process is no more."""

    async def guards(self, path: str) -> tuple[Guard, ...] | Failure:
        """Everything on the way to a file, symbolic links followed, whose owner could replace it."""

    async def signal(self, process: ProcessId, number: int) -> Failure | None:
        """Send a signal to that very process, never to one that has got its pid since."""

    async def perform(self, argv: tuple[str, ...], timeout: float) -> Completed | Failure:
        """Run a command of the system's own PATH to its end; it runs on when we end or give up."""

    async def relaunch(self, launch: Launch, ending: ProcessId | None) -> Launched | Failure:
        """End a process if one is given, and start a program in its place once it has ended.

        Nothing is ended where the start can be seen to fail.
        """

    async def lock(self, name: str, holder: str, shared: str = "") -> Lock | Failure:
        """Take the lock of this name, or say who holds it; `shared` is a file that other users lock too."""

    async def append(self, path: str, line: bytes) -> Failure | None:
        """Add to a file of our own, which nobody else may read; its folder is made."""
