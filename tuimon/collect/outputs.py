"""Outputs: whether the log file of each process is still the one that its configuration names.

Rule: passive.  A log that was just renamed is half a rotation: that a process writes elsewhere is told
only when it has stood for some seconds.
"""

import asyncio

from tuimon.collect.base import Publish
from tuimon.events import OutputSeen
from tuimon.host.base import Host
from tuimon.model.failure import Failure, Reason
from tuimon.model.output import Output, OutputWant, Room
from tuimon.model.tunnel import Interest
from tuimon.settings import Settings

_ROTATION = 3.0  # seconds that a rotation may take, from the rename to the signal
_AGAIN = 0.5


class Outputs:
    """Publishes `OutputSeen` for every wanted output, at first and whenever it differs."""

    name = "outputs"

    def __init__(self, host: Host, settings: Settings) -> None:
        self._host, self._settings = host, settings
        self._wanted: frozenset[OutputWant] = frozenset()
        self._wake = asyncio.Event()
        self._astray: dict[OutputWant, float] = {}  # since when, by the monotonic clock
        self._known: dict[str, Output] = {}

    def want(self, interest: Interest) -> None:
        """Look at exactly these."""
        if interest.outputs != self._wanted:
            self._wanted = interest.outputs
            self._wake.set()

    async def run(self, publish: Publish) -> None:
        """Look until cancelled."""
        while True:
            self._wake.clear()
            wanted = self._wanted
            self._astray = {want: since for want, since in self._astray.items() if want in wanted}
            paths = {want.path for want in wanted}
            self._known = {path: seen for path, seen in self._known.items() if path in paths}
            settled = [await self._advance(want, publish) for want in sorted(wanted)]
            pause = self._settings.intervals.units if all(settled) else _AGAIN
            try:
                async with asyncio.timeout(pause if wanted else None):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def _advance(self, want: OutputWant, publish: Publish) -> bool:
        """Look once; False where it is too early to tell."""
        seen, now = await self._look(want), self._host.monotonic()
        if not seen.astray:
            self._astray.pop(want, None)
        elif now - self._astray.setdefault(want, now) < _ROTATION:
            return False
        if self._known.get(want.path) != seen:
            self._known[want.path] = seen
            publish(OutputSeen(self._host.name, seen))
        return True

    async def _look(self, want: OutputWant) -> Output:
        stamp = await self._host.stamp(want.path)
        if isinstance(stamp, Failure) and stamp.reason is not Reason.MISSING:
            return Output(want, failure=stamp)
        room = await self._host.room(want.path.rpartition("/")[0])
        return Output(
            want,
            inode=None if isinstance(stamp, Failure) else stamp.inode,
            room=Room.ENOUGH if isinstance(room, Failure) else room,
        )
