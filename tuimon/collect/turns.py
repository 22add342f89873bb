"""Turns: how many probes are made at once.

Rule: nobody waits for somebody who only waits.  A probe that leaves this machine's processes gives its
turn on after a moment, whatever it still waits for, so that peers that do not answer delay nobody else.
One that asks a process of our own keeps it until that has answered: a process that is slow is not asked
more at once.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext

from tuimon.model.service import InstanceKey

_MOMENT = 0.1  # seconds: the work of a probe is done by then, or there is none
_OPEN = 256  # connections at once, whoever has the turns: descriptors are few (1,024 by default)

# Connections to processes of our own for each turn.  Each is open for a quarter of a second, so that their
# number sets the pace of a sweep; but each is a client, hence `most`.
_HERE = 8


class Turns:
    """At most `count` probes at once, those not counted that have given their turn on."""

    def __init__(self, count: int) -> None:
        self._free = asyncio.Semaphore(count)
        self._away = asyncio.Semaphore(max(count, _OPEN))
        self._here = asyncio.Semaphore(_HERE * count)
        self._of: dict[
            tuple[InstanceKey, int], asyncio.Semaphore
        ] = {}  # few: one for each limit of a process

    @asynccontextmanager
    async def turn(
        self, *, remote: bool, of: InstanceKey | None = None, most: int | None = None
    ) -> AsyncIterator[Callable[[], None]]:
        """Wait for a turn, and have it, until it is given on by calling what this yields; that of a `remote`
        one lasts only for a moment.  The process `of` holds at most so many connections of ours."""
        held = True

        def give_on() -> None:
            nonlocal held
            if held:
                held = False
                self._free.release()

        few: AbstractAsyncContextManager[object] = nullcontext()
        if of is not None and most is not None:
            few = self._of.setdefault((of, most), asyncio.Semaphore(most))
        async with few, self._away if remote else self._here:
            await self._free.acquire()
            timer = asyncio.get_running_loop().call_later(_MOMENT, give_on) if remote else None
            try:
                yield give_on
            finally:
                if timer:
                    timer.cancel()
                give_on()
