"""Moments that were noted by our own clock, when that clock is set back.

Rule: nothing that was seen lies ahead of now, and what came first stays first.  What a log says of time is
left as it stands.
"""

from collections.abc import Iterable


def behind(moments: Iterable[float], now: float, by: float) -> list[float]:
    """The moments, oldest first, after the clock was set back to `now` by so many seconds: those that would
    lie ahead go back with it, though not before what came before them."""
    found: list[float] = []
    for at in moments:
        moved = at if at <= now else min(at - by, now)
        found.append(max(moved, found[-1]) if found else moved)
    return found
