"""How late we are ourselves: what a busy loop, or too small a share of the machine, adds to others' times.

Rule: measured, not guessed.  A timer that is due every now and then tells by how much it comes late; what it
costs does not grow with the wait.
"""

import asyncio
from collections.abc import Callable
from types import TracebackType

_FIRST = 0.02  # seconds until it is due first: most are done by then
_SHARE = 0.1  # of the time that went by until it is due again


class Lateness:
    """Seconds, while it is entered, in which something may have come that we were too late to see."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._began = self._due = self._late = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def __enter__(self) -> "Lateness":
        self._began = self._monotonic()
        self._wind()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()

    @property
    def seconds(self) -> float:
        """So far."""
        return self._late + max(0.0, self._monotonic() - self._due)

    def _wind(self) -> None:
        now = self._monotonic()
        wait = max(_FIRST, _SHARE * (now - self._began))
        self._due = now + wait
        self._timer = asyncio.get_running_loop().call_later(wait, self._beat)

    def _beat(self) -> None:
        self._late += max(0.0, self._monotonic() - self._due)
        self._wind()
