"""Turns: who is looked at next, so that a large fleet is never judged all at one moment.

Rule: everybody has one turn in each round, and the rounds go on.
"""

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
