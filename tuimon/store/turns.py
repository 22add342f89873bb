"""Turns: who is looked at next, so that a large fleet is never judged all at one moment.

Rule: everybody has one turn in each round, and the rounds go on.
"""

from dataclasses import dataclass, field
from math import ceil

from tuimon.model.service import ServiceKey


@dataclass(slots=True)
class Turns:
    """Those who have not had their turn in this round, the next one last."""

    left: list[ServiceKey] = field(default_factory=list)

    def take(self, share: float, whole: int) -> set[ServiceKey]:
        """Whose turn it is when this share of a round went by; `whole` is how many take part."""
        count = min(len(self.left), ceil(share * whole))
        taken = set(self.left[len(self.left) - count :])
        del self.left[len(self.left) - count :]
        return taken
