"""Three cycles of the real prober over every kind of service, and what each cost.

Rule: the runtime is the real one; only its monotonic clock is moved on, so that minutes pass at once.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Collection
from pathlib import Path

from msgspec import Struct

from tests.fixtures import eventually
from tests.gentle.kinds import KINDS
from tests.gentle.meter import HEADINGS, Cost, Place, half_closed
from tests.lab.bench import Lab
from tuimon.events import Event, ProbeFinished, ProbeStarted, Ticked
from tuimon.host.local import LocalHost
from tuimon.model.service import ServiceKey
from tuimon.runtime import Runtime
from tuimon.settings import Intervals, Probes, Settings
from tuimon.store import Row

SETTINGS = Settings(intervals=Intervals(clock=0.2, processes=0.1), probes=Probes(timeout=2, repeat_after=0.3))
PHASES = ("first sight", "periodic", "idle", "failing")
"""At first, after an interval, less than `failing_interval` later, and a whole one later."""
_QUIET = 12  # ticks of the clock without anything new: whoever seems to have slept waits for half of them


class Hurried(LocalHost):
    """This machine, whose monotonic clock can be moved on."""

    ahead = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.ahead


class Heard(Runtime):
    """The runtime, heard while it works."""

    def __init__(self, host: LocalHost, settings: Settings, paths: tuple[str, ...]) -> None:
        super().__init__(host, settings, paths)
        self.finished: Counter[ServiceKey] = Counter()
        self.opened: Counter[ServiceKey] = Counter()
        self.ticks = 0

    def _publish(self, event: Event) -> None:
        super()._publish(event)
        match event:
            case ProbeStarted():
                self.opened[event.key] += 1
            case ProbeFinished():
                self.finished[event.key] += 1
            case Ticked():
                self.ticks += 1
            case _:
                pass


@contextlib.asynccontextmanager
async def prober(lab: Lab, settings: Settings = SETTINGS) -> AsyncIterator[tuple[Heard, Hurried]]:
    """The runtime at work on the laboratory's configurations, and the clock that can be moved on."""
    host = Hurried(poll=settings.intervals.files)
    runtime = Heard(host, settings, (str(lab.conf),))
    task = asyncio.create_task(runtime.run())
    try:
        yield runtime, host
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def rest(runtime: Heard, places: Collection[Place]) -> None:
    """Wait until everybody was looked at, everything that was begun has ended, and all is quiet."""
    seen, since, tick = (-1, -1), 0, 0

    def quiet() -> bool:
        nonlocal seen, since, tick
        if tick == runtime.ticks:
            return False
        tick, left = runtime.ticks, half_closed()
        busy = any(place.open() or left & place.ports for place in places)
        now = (runtime.opened.total(), runtime.finished.total())
        if now != seen or runtime.store.pending() or busy:
            seen, since = now, tick
        return tick >= since + _QUIET

    await eventually(quiet, 40)


class Measured(Struct):
    """What each kind cost in each phase, and what the first screen says of it in the end."""

    costs: dict[str, dict[str, Cost]]
    rows: dict[str, list[Row]]


async def _cycles(lab: Lab, places: dict[str, Place]) -> Measured:
    interval, failing = SETTINGS.intervals.handshake, SETTINGS.probes.failing_interval
    costs: dict[str, dict[str, Cost]] = {kind: {} for kind in places}
    async with prober(lab) as (runtime, host):
        for phase, later in zip(PHASES, (0, 1.3 * interval, failing / 2, failing / 2 + 1), strict=True):
            for place in places.values():
                place.mark()
            runtime.opened.clear()
            host.ahead += later
            runtime.probe_now(frozenset())  # nothing but a look at the clock
            await rest(runtime, places.values())
            for kind, place in places.items():
                opened = sum(n for key, n in runtime.opened.items() if key.config == str(place.config))
                costs[kind][phase] = place.cost(opened)
        rows = runtime.store.rows()
    configs = {kind: str(place.config) for kind, place in places.items()}
    return Measured(costs, {kind: [r for r in rows if r.key.config == configs[kind]] for kind in places})


def measure(folder: Path) -> Measured:
    """Build every kind, run all phases, end everything."""
    lab = Lab(folder)
    try:
        places = {kind.name: Place(lab, kind.name) for kind in KINDS}
        for kind in KINDS:
            kind.build(places[kind.name])
        return asyncio.run(_cycles(lab, places))
    finally:
        lab.close()


def report(measured: Measured) -> list[str]:
    """What each kind costs in each phase; phases without cost are left out."""
    lines = [f"{'':32}{'':12}{HEADINGS}"]
    for kind, phases in measured.costs.items():
        shown = {phase: cost for phase, cost in phases.items() if cost != Cost()} or {"always": Cost()}
        for index, (phase, cost) in enumerate(shown.items()):
            lines.append(f"{'' if index else kind:32}{phase:12}{cost}")
    return lines
