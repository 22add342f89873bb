"""How often whoever looks is told: the longer it takes to show, the less often."""

import asyncio
from pathlib import Path

from tuimon.host.local import LocalHost
from tuimon.runtime import Runtime
from tuimon.settings import Intervals, Settings
from tuimon.store import Changes

_LONG = 0.2  # seconds that somebody takes to show what he was told
_PATIENCE = 20.0


class _Eyes:
    """Notes when it was told something, as soon as everything was looked at once."""

    def __init__(self, runtime: Runtime) -> None:
        self.told: list[float] = []
        self._runtime, self._come = runtime, asyncio.Event()
        runtime.subscribe(self._tell)

    def _tell(self, _: Changes) -> None:
        self.told.append(asyncio.get_running_loop().time())
        self._come.set()

    async def next(self) -> float:
        """When it is told something next."""
        self._come.clear()
        async with asyncio.timeout(_PATIENCE):
            await self._come.wait()
        return self.told[-1]


async def test_who_takes_long_to_show_it_is_told_less_often(tmp_path: Path) -> None:
    """A fleet of thousands takes a tenth of a second to paint: its probes must have time, too."""
    (tmp_path / "a.conf").write_text("[a]\naccept = 1\nconnect = 2\n")
    settings = Settings(intervals=Intervals(clock=0.01))  # something is new all the time
    runtime = Runtime(LocalHost(), settings, (str(tmp_path),))
    eyes = _Eyes(runtime)
    running = asyncio.create_task(runtime.run())
    try:
        await runtime.settle()
        before = await eyes.next()
        runtime.shown(_LONG)
        assert await eyes.next() - before >= 2 * _LONG
        before = await eyes.next()
        runtime.shown(0)
        runtime.shown(100 * _PATIENCE)  # somebody turns pages: that keeps no news away
        assert await eyes.next() > before
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
