"""The bell: when what came is joined, and whoever looks is told of it.

Rule: at most 20 times a second, and never so often that nothing else gets done: what it takes to join a large
fleet and to show it is counted.
"""

import asyncio
from collections.abc import Callable

BELL = 0.05
"""Seconds between two rings."""

_STREAM = 0.15  # seconds after which it rings where nobody looks, though more is coming
_SHARE = 2  # times as long as it takes to join and to show nothing is joined: others have work to do, too
_SOON = 0.005  # seconds of the shortest pause before it rings: what comes together is joined together
_LEAST = 0.001  # the same where nobody looks and a join takes no longer than that


class Bell:
    """Calls `ring`, which joins, says `joined` once it has, and then tells.

    `monotonic` gives seconds; `at_once` is for somebody who looks, else it rings once nothing more comes.
    """

    def __init__(self, monotonic: Callable[[], float], ring: Callable[[], None], *, at_once: bool) -> None:
        self._monotonic, self._ring, self._at_once = monotonic, ring, at_once
        self._timer: asyncio.TimerHandle | None = None
        self._heard = self._since = 0.0  # when the last fact came, and the first since it rang
        self._rung = self._done = self._took = 0.0  # when it rang and all was shown, and how long both took
        self._showing = False

    def heard(self) -> None:
        """A fact came."""
        self._heard = self._monotonic()

    def wind(self) -> None:
        """Ring soon: at once, but for what comes together with it, if it has not rung lately."""
        if self._timer is None:
            self._since = self._monotonic()
            self._later(max(self._soon, self._due - self._since))

    def joined(self, began: float, *, much: bool, told: bool) -> None:
        """All was joined, and somebody is `told`; what is not `much` is painted in no time, and keeps nobody
        waiting."""
        now = self._monotonic()
        self._took, self._showing = now - began, told
        if much:
            self._rung = self._done = now

    def shown(self, seconds: float) -> None:
        """Whoever was told has shown it, which took so long: of a large fleet they are told less often."""
        if self._showing:  # else somebody asked for another view of it
            self._showing = False
            self._took, self._done = self._took + seconds, self._monotonic()

    def stop(self) -> None:
        """Ring no more."""
        if self._timer is not None:
            self._timer.cancel()

    @property
    def _soon(self) -> float:
        return _SOON if self._at_once else min(_SOON, max(_LEAST, self._took))

    @property
    def _due(self) -> float:
        """When it may ring again."""
        pause = BELL if self._at_once else 0.0
        return max(self._rung + pause, self._done + self._took * (_SHARE if self._at_once else 1))

    def _later(self, seconds: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(seconds, self._toll)

    def _toll(self) -> None:
        """Ring; where nobody looks, not while facts keep coming: it tells little more of them one by one,
        and what is to be looked at next comes after silence."""
        now = self._monotonic()
        if now < self._due:  # what was told before was still being shown when this was wound
            self._later(self._due - now)
        elif not self._at_once and now - self._heard < self._soon and now - self._since < _STREAM:
            self._later(self._soon)
        else:
            self._timer = None
            self._ring()
