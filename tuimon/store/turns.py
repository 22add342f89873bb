"""Turns: who is looked at next, so that a large fleet is never judged all at one moment.

Rule: everybody has one turn in each round, and the rounds go on.
"""

from collections.abc import Iterable
from itertools import islice
from math import ceil

from msgspec import Struct, field

from tuimon.model.service import ServiceKey


class Turns(Struct):
    """Those who have not had their turn in this round, the next one last."""

    left: list[ServiceKey] = field(default_factory=list)

    def take(self, share: float, whole: int) -> set[ServiceKey]:
        """Whose turn it is when this share of a round went by; `whole` is how many take part."""
        count = min(len(self.left), ceil(share * whole))
        taken = set(self.left[len(self.left) - count :])
        del self.left[len(self.left) - count :]
        return taken


_FEW = 4  # are never made to wait
_ROUND = 20  # looks in which everybody who waits has a turn: a second, as the bell rings


class Queue(Struct):
    """Those who wait, in the order in which they came; who comes twice keeps the first place."""

    waiting: dict[ServiceKey, None] = field(default_factory=dict)

    def join(self, keys: Iterable[ServiceKey]) -> None:
        """Make these wait."""
        self.waiting |= dict.fromkeys(keys)

    def take(self) -> set[ServiceKey]:
        """Whose turn it is now."""
        count = max(_FEW, ceil(len(self.waiting) / _ROUND))
        taken = set(islice(self.waiting, count))
        for key in taken:
            del self.waiting[key]
        return taken

    def take_all(self) -> set[ServiceKey]:
        """Everybody at once."""
        taken = set(self.waiting)
        self.waiting.clear()
        return taken
