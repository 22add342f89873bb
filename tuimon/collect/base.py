"""What a collector is: it is told what to look at, and reports facts as events.

Rule: a collector never holds the store or a widget.  What it should look at reaches it as an
`Interest`; what it finds leaves as an `Event`.  It may fall: the runtime starts it again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from tuimon.events import Event
from tuimon.model.tunnel import Interest

Publish = Callable[[Event], None]

_AT_ONCE = 16  # files: who is silent takes one place of these for as long as he may


async def side_by_side(paths: Sequence[str], look: Callable[[str], Awaitable[None]]) -> None:
    """Look at all of these in their order, some at a time."""
    turns = asyncio.Semaphore(_AT_ONCE)

    async def in_turn(path: str) -> None:
        async with turns:
            await look(path)

    async with asyncio.TaskGroup() as group:
        for path in paths:
            group.create_task(in_turn(path))


class Collector(Protocol):
    """One source of facts."""

    name: str

    async def run(self, publish: Publish) -> None:
        """Collect until cancelled."""

    def want(self, interest: Interest) -> None:
        """Look at exactly this from now on; may be called at any time, also before `run`."""
