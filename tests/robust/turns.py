"""A loop that counts its turns, and what it was asked to wait for.

Rule: nothing here depends on how busy the machine is.  Time stands still during a turn, so that whoever asks
twice is told the same; what is late then is late by turns.
"""

import asyncio
import selectors
import time
from collections.abc import Callable
from contextvars import Context

from tuimon.collect.lateness import Lateness
from tuimon.host.local import LocalHost


class _Selector(selectors.EpollSelector):
    """Takes the time once a turn, after the wait."""

    def __init__(self) -> None:
        super().__init__()
        self.began: list[float] = [time.monotonic()]

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(timeout)
        self.began.append(time.monotonic())
        return ready


class Turns(asyncio.SelectorEventLoop):
    """The loop; `waits` are the times of all timers that it was given."""

    def __init__(self) -> None:
        self._turns = _Selector()
        self.waits: list[float] = []
        super().__init__(self._turns)

    def time(self) -> float:
        """When this turn began."""
        return self._turns.began[-1]

    def call_at(
        self, when: float, callback: Callable[..., object], *args: object, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """As ever, and remembered; for the timer that tells how late we are nobody waits."""
        if not isinstance(getattr(callback, "__self__", None), Lateness):
            self.waits.append(when)
        return super().call_at(when, callback, *args, context=context)  # type: ignore[arg-type]

    def begun_after(self, moment: float) -> int:
        """How many turns began after a moment, this one included."""
        return sum(each > moment for each in self._turns.began)


class TurnsHost(LocalHost):
    """This machine by the clock of that loop."""

    def monotonic(self) -> float:
        """When this turn began."""
        return asyncio.get_running_loop().time()
