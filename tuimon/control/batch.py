"""Many actions: in order, one first, then a few at a time, and no more after the first that goes wrong.

Rule: what was not begun is told like everything else.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from tuimon.model.action import Outcome, Preflight, Result

AT_ONCE = 4
"""Actions at a time after the first."""


async def batch(
    preflights: Sequence[Preflight], act: Callable[[Preflight], Awaitable[Outcome]], at_once: int = AT_ONCE
) -> list[Outcome]:
    """Act on all of them; an outcome for each, in their order."""
    outcomes: dict[int, Outcome] = {}
    slots = asyncio.Semaphore(at_once)

    async def one(index: int) -> None:
        async with slots:
            if all(each.result is Result.VERIFIED for each in outcomes.values()):
                outcomes[index] = await act(preflights[index])

    if preflights:
        await one(0)
    async with asyncio.TaskGroup() as group:
        for index in range(1, len(preflights)):
            group.create_task(one(index))
    return [outcomes.get(index) or _not_done(each) for index, each in enumerate(preflights)]


def _not_done(preflight: Preflight) -> Outcome:
    text = f"not {preflight.action.done}: one before it went wrong"
    return Outcome(preflight.key, preflight.action, Result.NOT_DONE, text)
