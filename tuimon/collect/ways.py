"""Ways: who may reach the files that a process will read again, as the user that it has become.

Rule: asked only where a process has given up root; permissions change without a trace in a file's time,
so the ways are walked again every so often.
"""

import asyncio

from tuimon.collect.base import Publish
from tuimon.events import WayWalked
from tuimon.host.base import Host
from tuimon.model.access import Way
from tuimon.model.tunnel import Interest
from tuimon.settings import Settings


class Ways:
    """Publishes `WayWalked` for every wanted path, at first and whenever it differs."""

    name = "ways"

    def __init__(self, host: Host, settings: Settings) -> None:
        self._host, self._settings = host, settings
        self._wanted: frozenset[str] = frozenset()
        self._wake = asyncio.Event()

    def want(self, interest: Interest) -> None:
        """Walk to exactly these paths."""
        if interest.ways != self._wanted:
            self._wanted = interest.ways
            self._wake.set()

    async def run(self, publish: Publish) -> None:
        """Walk until cancelled."""
        known: dict[str, Way] = {}
        while True:
            self._wake.clear()
            known = {path: way for path, way in known.items() if path in self._wanted}
            for path in sorted(self._wanted):
                way = await self._host.way(path)
                if known.get(path) != way:
                    known[path] = way
                    publish(WayWalked(self._host.name, way))
            try:
                async with asyncio.timeout(self._settings.intervals.ways if self._wanted else None):
                    await self._wake.wait()
            except TimeoutError:
                continue
