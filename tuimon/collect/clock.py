"""The wall clock.  Rule: nothing else reads it; time is an event."""

import asyncio
import time

from tuimon.collect.base import Publish
from tuimon.events import Ticked
from tuimon.model.tunnel import Interest


class Clock:
    """Publishes `Ticked` every `interval` seconds."""

    name = "clock"

    def __init__(self, interval: float) -> None:
        self._interval = interval

    async def run(self, publish: Publish) -> None:
        """Tick until cancelled."""
        while True:
            now = time.time()
            publish(Ticked(now))
            # Tick just after the full second, so that a shown clock does not jump.
            await asyncio.sleep(self._interval - now % self._interval + 0.005)

    def want(self, interest: Interest) -> None:
        """The clock ticks the same for everyone."""
