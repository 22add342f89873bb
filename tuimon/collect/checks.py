"""Whether stunnel would start with a configuration now: the judgement of `lint`, for a fleet.

Rule: nothing is touched but read.  A file is checked when it, a certificate or its process changes, and
every few minutes besides, because folders, users and programs come and go without telling; a few at a
time, so that a large fleet does not start a hundred commands at once.
"""

import asyncio

from msgspec import Struct

from tuimon.collect.base import Publish
from tuimon.events import ConfigChecked
from tuimon.host.base import Host
from tuimon.lint.check import start_of
from tuimon.lint.machine import Machine
from tuimon.model.tunnel import CheckWant, Interest
from tuimon.parse.stunnel_conf import DEBIAN_12
from tuimon.parse.stunnel_options import Version
from tuimon.settings import Settings

_AT_ONCE = 4  # checks


class _Due(Struct):
    """What was checked last, and when it is due again (monotonic seconds)."""

    want: CheckWant
    next: float


class Checks:
    """Publishes one `ConfigChecked` for every check."""

    name = "checks"

    def __init__(self, host: Host, settings: Settings) -> None:
        self._host, self._settings = host, settings
        self._wants: dict[str, CheckWant] = {}
        self._wake = asyncio.Event()

    def want(self, interest: Interest) -> None:
        """Check exactly these from now on."""
        wants = {want.path: want for want in interest.checks}
        if wants != self._wants:
            self._wants = wants
            self._wake.set()

    async def run(self, publish: Publish) -> None:
        """Check until cancelled."""
        done: dict[str, _Due] = {}
        version: Version | None = None
        while True:
            self._wake.clear()
            done = {path: due for path, due in done.items() if path in self._wants}
            wanted = [want for want in self._wants.values() if self._is_due(done.get(want.path), want)]
            machine = Machine(self._host)  # what it answered is true for this round
            if wanted and version is None:
                version = await machine.stunnel() or DEBIAN_12
            async with asyncio.TaskGroup() as group:
                turns = asyncio.Semaphore(_AT_ONCE)
                for want in wanted:
                    group.create_task(self._check(want, machine, version or DEBIAN_12, turns, publish))
            now = self._host.monotonic()
            done |= {want.path: _Due(want, now + self._settings.intervals.checks) for want in wanted}
            await self._pause(done)

    async def _check(
        self, want: CheckWant, machine: Machine, version: Version, turns: asyncio.Semaphore, publish: Publish
    ) -> None:
        async with turns:
            here = machine.at(want.start, want.loaded_at)
            remarks = await start_of(here, want.path, version, loaded=want.loaded)
            publish(ConfigChecked(self._host.name, want, remarks))

    def _is_due(self, due: _Due | None, want: CheckWant) -> bool:
        return due is None or due.want != want or due.next <= self._host.monotonic()

    async def _pause(self, done: dict[str, _Due]) -> None:
        """Until something else is wanted, or the next is due."""
        first = min((due.next for due in done.values()), default=None)
        try:
            async with asyncio.timeout(None if first is None else max(0.0, first - self._host.monotonic())):
                await self._wake.wait()
        except TimeoutError:
            pass
