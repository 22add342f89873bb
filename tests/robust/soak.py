"""`python -m tests.robust.soak [--minutes N] [--seed N]`: the real runtime over a fleet without rest.

Rule: everything looks a hundred times as often as it does, so that an hour stands for days; what is done to
the fleet is drawn from the seed; what the runtime holds is taken twice, each time over a fleet that is well.
"""

import argparse
import asyncio
import contextlib
import ctypes
import json
import os
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from tests.fixtures import Pki
from tests.robust.measure import descriptors, resident
from tests.robust.soaked import FAULTS, Member
from tuimon.events import CollectorFailed, Event
from tuimon.host.local import LocalHost
from tuimon.runtime import Runtime
from tuimon.settings import Intervals, Probes, Settings

SETTINGS = Settings(
    log_lines=500,
    intervals=Intervals(clock=0.05, processes=0.05, units=0.3, files=0.1, checks=3, handshake=3, ways=0.3),
    probes=Probes(timeout=2, repeat_after=0.1, failing_interval=0.3, early_close=0.02),
)
WANTED = {"killed": "not-running", "frozen": "hung", "lonely": "connect-refused", "expired": "cert-expired"}
"""What is left wrong at the end, by the service it is done to, and what it must be called."""

WARM_UP = 60.0
"""Seconds after which it is weighed for the first time."""

_WELL = 60.0  # seconds within which a fleet that was mended is seen to be well


class Held(NamedTuple):
    """What the process of the runtime holds: MB, descriptors, threads, tasks."""

    memory: float
    descriptors: int
    threads: int
    tasks: int


class Report(NamedTuple):
    """What it held after the warm-up and at the end, what fell, what each fault was called, what was done,
    and how many events came."""

    early: Held
    late: Held
    fallen: list[str]
    named: dict[str, str]
    done: dict[str, int]
    events: int


class _Heard(Runtime):
    """The runtime, and what fell in it."""

    def __init__(self, folder: str) -> None:
        super().__init__(LocalHost(poll=SETTINGS.intervals.files), SETTINGS, (folder,))
        self.fallen: list[str] = []
        self.events = 0

    def _publish(self, event: Event) -> None:
        self.events += 1
        if isinstance(event, CollectorFailed):
            self.fallen.append(f"{event.name}: {event.failure}")
        super()._publish(event)

    def codes(self) -> dict[str, list[str]]:
        """The findings of each service by its name, causes first."""
        rows = self.store.rows()
        return {row.tunnel.service.name: [each.code for each in row.findings] for row in rows}

    async def until_well(self, members: list[Member]) -> None:
        """Wait until nothing is wrong with any service, nor unknown."""
        deadline = time.monotonic() + _WELL
        while wrong := [row for row in self.store.rows() if row.state.value != "ok"]:
            told = {row.tunnel.service.name: row.why for row in wrong}
            assert time.monotonic() < deadline, f"mended, and still said to be wrong: {told}"
            await asyncio.sleep(0.05)
        assert len(self.store.rows()) == len(members)


async def _held() -> Held:
    """The least of each within a while: what is under way at a moment is not held, nor is what was given
    back and malloc keeps for the next time."""
    ctypes.CDLL(None).malloc_trim(0)
    seen = []
    for _ in range(40):
        seen.append(Held(resident(), descriptors(), threading.active_count(), len(asyncio.all_tasks())))
        await asyncio.sleep(0.03)
    return Held(*(min(each) for each in zip(*seen, strict=True)))


async def torment(members: list[Member], dice: random.Random, seconds: float) -> Counter[str]:
    """Do one thing after the other; at last mend everything."""
    done: Counter[str] = Counter()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        fault = dice.choice(FAULTS)
        await asyncio.to_thread(fault, dice.choice(members))
        done[fault.__name__.replace("_", " ")] += 1
        await asyncio.sleep(dice.uniform(0, 0.15))
        if dice.random() < 0.2:
            await asyncio.to_thread(dice.choice(members).mend)
    for member in members:
        await asyncio.to_thread(member.mend)
    return done


async def _named(runtime: _Heard, members: list[Member]) -> dict[str, str]:
    """Leave four things wrong, and tell what each is called."""
    for member, how in zip(members, ("kill", "freeze", "leave", "expire"), strict=False):
        await asyncio.to_thread(getattr(member, how))
    named: dict[str, str] = {}
    end = time.monotonic() + _WELL
    wanted = dict(zip((member.name for member in members), WANTED.values(), strict=False))
    while named != wanted and time.monotonic() < end:
        await asyncio.sleep(0.1)
        codes = runtime.codes()
        named = {name: (codes.get(name) or ["nothing"])[0] for name in wanted}
    return {what: named[member.name] for what, member in zip(WANTED, members, strict=False)}


async def soak(folder: Path, seconds: float, seed: int) -> Report:
    """Torment for a minute (of less than three: for a third), weigh, torment on, weigh again, and leave the
    last faults."""
    dice = random.Random(seed)  # noqa: S311
    pki, conf = Pki(folder), folder / "conf"
    conf.mkdir()
    with contextlib.ExitStack() as stack:
        members = [Member(conf, pki, f"svc-{number}") for number in range(6)]
        for member in members:
            stack.callback(member.close)
        runtime = _Heard(str(conf))
        running = asyncio.create_task(runtime.run())
        try:
            await runtime.settle()
            await runtime.until_well(members)
            first = min(WARM_UP, seconds / 3)
            done = await torment(members, dice, first)
            await runtime.until_well(members)
            early = await _held()
            done += await torment(members, dice, seconds - first)
            await runtime.until_well(members)
            late = await _held()
            named = await _named(runtime, members)
            own = [code for codes in runtime.codes().values() for code in codes if code == "tuimon-failed"]
            return Report(early, late, runtime.fallen + own, named, dict(done), runtime.events)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


def table(report: Report) -> list[str]:
    """Rows as they are printed."""
    did = ", ".join(f"{count} × {what}" for what, count in sorted(report.done.items()))
    lines = [f"{'':<10}{'MB':>8}{'fds':>6}{'threads':>9}{'tasks':>7}"]
    for when, held in (("warmed up", report.early), ("at the end", report.late)):
        lines.append(f"{when:<10}{held.memory:>8.1f}{held.descriptors:>6}{held.threads:>9}{held.tasks:>7}")
    return [*lines, f"{report.events:,} events; {did}", *(f"{a} → {b}" for a, b in report.named.items())]


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.robust.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tuimon-soak-") as folder:
        os.environ["XDG_STATE_HOME"] = f"{folder}/state"
        report = asyncio.run(soak(Path(folder), asked.minutes * 60, asked.seed))
    print(json.dumps(report) if asked.json else "\n".join([*table(report), *report.fallen]))
    return int(bool(report.fallen) or report.named != WANTED)


if __name__ == "__main__":
    sys.exit(main())
