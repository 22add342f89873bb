"""Pauses: the search for cyclic garbage, kept from holding up the screen.

Rule: what lasts is not searched again and again.  Python walks through every object there is when a quarter
more of them have come: with 1,000 services that takes 150 to 350 ms (measured), in which no key is answered.
Nearly all of them are facts, which form no cycles and go when nobody refers to them any more.  So they are
set aside; what came since is searched every minute, and everything once an hour.
"""

import asyncio
import gc

_START = (5.0, 5.0, 10.0, 20.0)  # seconds in which the fleet becomes known, most of it at first
_EVERY, _ROUND = 60.0, 60  # seconds between two searches, and how many of them until one of everything
_YOUNG, _YOUNGER = (
    700,
    10,
)  # objects, and searches among them: 2 to 4 ms, where a start has its mind on the whole
_NEVER = 1_000_000  # searches of what is young until one of everything by itself


async def keep_short() -> None:
    """Search when it hurts least, until cancelled."""
    gc.set_threshold(gc.get_threshold()[0], _YOUNGER, _NEVER)
    for seconds in _START:
        await asyncio.sleep(seconds)
        gc.freeze()
        gc.set_threshold(_YOUNG, _YOUNGER, _NEVER)
    searches = 0
    while True:
        await asyncio.sleep(_EVERY)
        searches += 1
        if searches % _ROUND == 0:
            gc.unfreeze()
        gc.collect()
        gc.freeze()
