"""`python -m tests.robust.logs [--lines N] [--seed N]`: numbered lines on their way to the screen.

Rule: writers are threads of this process that know nothing of the collector; each line says its number, so
that one that was lost, doubled or out of order is known by name.  Nothing is kept of a line but its count.
"""

import argparse
import asyncio
import contextlib
import json
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from tests.fixtures import eventually
from tests.robust.log_lives import LIVES, Life
from tuimon.collect.logs import Logs
from tuimon.events import Event, LogAppended
from tuimon.host.local import LocalHost
from tuimon.model.tunnel import Interest

PATIENCE = 120.0
"""Seconds that the collector may take for the rest of the lines once all are written."""


class Outcome(NamedTuple):
    """One life of a log: lines that were written, were told, were lost in a truncation that nobody could
    have seen coming, were lost otherwise, came twice, came out of order, and were torn by a truncation;
    `oldest` is how many seconds a line of the windows had stood there at most."""

    life: str
    written: int
    told: int
    window: int
    lost: int
    doubled: int
    disordered: int
    torn: int
    truncations: int
    oldest: float

    @property
    def good(self) -> bool:
        """Every line once and in order, but for what the windows took."""
        whole = self.told + self.window == self.written
        return whole and not (self.lost or self.doubled or self.disordered) and self.torn <= self.truncations


class Report(NamedTuple):
    """All lives, seconds from the first line to the last one told, and MB of memory early and late."""

    outcomes: list[Outcome]
    seconds: float
    early: float
    late: float


class Tally:
    """Takes what the collector publishes, and counts."""

    def __init__(self, lives: list[Life]) -> None:
        self._lives = {str(life.path): life for life in lives}
        self.total = 0

    def __call__(self, event: Event) -> None:
        assert isinstance(event, LogAppended)
        life = self._lives[event.source]
        life.looked = True
        for record in event.records:
            life.tell(record.message)
        self.total += len(event.records)


def memory() -> float:
    """MB that are resident now."""
    line = next(each for each in Path("/proc/self/status").read_text().splitlines() if "VmRSS" in each)
    return int(line.split()[1]) / 1024


def outcome(life: Life) -> Outcome:
    """What the counts say."""
    missing = [number for number in range(life.written) if not life.seen[number]]
    window = life.excused(missing)
    return Outcome(
        life.name,
        life.written,
        life.told,
        len(window),
        len(missing) - len(window),
        sum(count - 1 for count in life.seen if count > 1),
        life.disordered,
        life.torn,
        len(life.marks),
        life.window(window),
    )


async def measure(folder: Path, lines: int, seed: int) -> Report:
    """Let every log live, all at the same time, under one collector."""
    host = LocalHost()
    collector = Logs(host)
    lives = [kind(folder, collector, lines, random.Random(f"{seed} {kind.name}")) for kind in LIVES]  # noqa: S311
    tally = Tally(lives)
    collector.want(Interest(logs=frozenset(str(life.path) for life in lives)))
    following = asyncio.create_task(collector.run(tally))
    try:
        await eventually(lambda: all(life.looked for life in lives))
        began = time.monotonic()
        writing = asyncio.gather(*(asyncio.to_thread(life.live) for life in lives))
        await eventually(lambda: tally.total >= lines // 5 or writing.done(), PATIENCE)
        early = memory()
        await writing
        with contextlib.suppress(AssertionError):  # what has not come by then is lost
            await eventually(lambda: all(life.over() for life in lives) or following.done(), PATIENCE)
        seconds = time.monotonic() - began
        return Report([outcome(life) for life in lives], seconds, early, memory())
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        await host.close()


def table(report: Report) -> list[tuple[str, bool]]:
    """Rows as they are printed, each with whether it is as it should be."""
    rows = [(f"{'':<14}{'written':>9}{'told':>9}{'lost':>6}{'twice':>6}{'order':>6}{'in window':>10}", True)]
    for each in report.outcomes:
        counts = f"{each.written:>9,}{each.told:>9,}{each.lost:>6}{each.doubled:>6}{each.disordered:>6}"
        at = f"{each.truncations} truncations, at most {each.oldest * 1000:.0f} ms old"
        window = f"{each.window:>10,} at {at}" if each.truncations else ""
        rows.append((f"{each.life:<14}{counts}{window}", each.good))
    total = sum(each.written for each in report.outcomes)
    pace = (
        f"{total:,} lines in {report.seconds:.1f} s, {report.early:.0f} MB early, {report.late:.0f} MB late"
    )
    return [*rows, (pace, True)]


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.robust.logs", description=__doc__)
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tuimon-logs-") as folder:
        report = asyncio.run(measure(Path(folder), asked.lines, asked.seed))
    if asked.json:
        print(json.dumps(report))
    else:
        print(*(("" if good else "WRONG  ") + text for text, good in table(report)), sep="\n")
    return int(not all(each.good for each in report.outcomes))


if __name__ == "__main__":
    sys.exit(main())
