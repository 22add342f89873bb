"""Pauses: the search for cyclic garbage, kept from holding up the screen.

Rule: what lasts is not searched again and again.  Python walks through every object there is when a quarter
more of them have come: with 1,000 services that takes 150 to 350 ms (measured), in which no key is answered.
Nearly all of them are facts and lines, which form no cycles and go when nobody refers to them any more.  So
they are set aside, once the fleet is known and then every hour.  Garbage is what a screen leaves that was
left, 6 MB each: it is searched for then, and nothing is set aside while such a screen is there.
"""

import asyncio
import contextlib
import gc
from collections.abc import Callable
from itertools import chain, repeat

from textual._styles_cache import StylesCache
from textual.strip import Strip

from tuimon.runtime import heap

_START = (5.0, 5.0, 10.0, 20.0)  # seconds in which the fleet becomes known, most of it at first
_EVERY, _ROUND = 60.0, 60  # seconds between two searches at most, and how many until one of everything
_REST = 1.0  # seconds after a screen was left: who leaves one may go to the next
_YOUNG, _YOUNGER = 700, 10  # objects, and searches among them: pauses of 2 to 4 ms
_NEVER = 1_000_000  # searches of what is young until one of everything by itself


def search() -> None:
    """Search for garbage, and first let go of what Textual holds for nothing: the lines of 1,024 widgets that
    are gone, and 16,384 styles, nearly all of one place in one line (measured: 40 MB)."""
    StylesCache.get_inner_outer.cache_clear()
    Strip.render_ansi.cache_clear()
    gc.collect()
    heap.give_back()


class Pauses:
    """Searches when it hurts least; `lasting` says whether all there is to see stays."""

    def __init__(self, lasting: Callable[[], bool]) -> None:
        self._lasting = lasting
        self._left = asyncio.Event()

    def left(self) -> None:
        """A screen was left."""
        self._left.set()

    async def keep_short(self) -> None:
        """Search, until cancelled."""
        gc.set_threshold(gc.get_threshold()[0], _YOUNGER, _NEVER)
        for number, seconds in enumerate(chain(_START, repeat(_EVERY))):
            left = await self._wait(seconds)
            gc.set_threshold(_YOUNG, _YOUNGER, _NEVER)
            starting, whole = seconds != _EVERY, number and number % _ROUND == 0
            if whole:
                gc.unfreeze()
            if left or not starting:  # at the start there is no garbage yet, but much to search
                search()
            if (starting or whole) and self._lasting():  # more often, and what goes meanwhile would add up
                gc.freeze()

    async def _wait(self, seconds: float) -> bool:
        """Wait so long; less, and true, where a screen was left meanwhile."""
        left = False
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                left = await self._left.wait()
                self._left.clear()
                await asyncio.sleep(_REST)
        return left
