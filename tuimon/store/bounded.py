"""Bounded: what is remembered by the names of services that a log speaks of.

Rule: whatever a log says, no more is held than so much: its lines may be written by anybody.
"""

from collections import OrderedDict
from typing import TypeVar

NAMES = 20_000
"""Names that are remembered: as many as the largest configuration may have."""

K = TypeVar("K")
V = TypeVar("V")


def put(known: OrderedDict[K, V], key: K, value: V) -> V:
    """Remember something of a name; of a new one too many, what came first is forgotten."""
    if key not in known and len(known) >= NAMES:
        known.popitem(last=False)
    known[key] = value
    return value
