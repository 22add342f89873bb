"""What a benchmark says: one measured number, the reference that ran beside it, and the target for both.

Rule: a target is a ratio to a reference of the same machine and the same run, or an absolute where the
promise is one.  Numbers are medians unless a row says otherwise.
"""

import statistics
from collections.abc import Callable, Sequence
from typing import Protocol

from msgspec import Struct


class Scale(Struct, frozen=True):
    """How much is done: services of the large fleet, rounds of an interleaved measurement, lines of a log,
    services of a huge configuration, bytes of a huge log, seconds that something is watched, keys and
    lines that are timed, and the sizes of a fleet that grows."""

    services: int = 1000
    rounds: int = 7
    lines: int = 200_000
    sections: int = 10_000
    huge: int = 5 << 30
    watched: int = 120
    timed: int = 200
    sizes: tuple[int, ...] = (10, 100, 1000, 10_000)


FULL = Scale()
QUICK = Scale(rounds=3, lines=50_000, sections=2000, watched=20, timed=50, sizes=(10, 100, 1000))
TINY = Scale(services=3, rounds=1, lines=200, sections=4, huge=2 << 20, watched=1, timed=2, sizes=(2, 3))
"""As small as the harness still works: proves that it does, measures nothing."""


class Figure(Struct, frozen=True):
    """One row.  `better` says whether the ratio must be at most or at least the `target`; without a
    `reference` the measured value itself is compared."""

    what: str
    measured: float
    reference: float | None
    unit: str
    target: float
    better: str = "≤"

    @property
    def ratio(self) -> float:
        """What is compared with the target."""
        return self.measured if self.reference is None else self.measured / self.reference

    @property
    def met(self) -> bool:
        """Whether the target is reached."""
        return self.ratio <= self.target if self.better == "≤" else self.ratio >= self.target

    @property
    def cells(self) -> tuple[str, ...]:
        """The row as it is printed."""
        shown = f"{number(self.measured)} {self.unit}"
        if self.reference is None:
            return self.what, shown, "–", "–", f"{self.better} {self.target:g} {self.unit}", self._verdict
        beside = f"{number(self.reference)} {self.unit}"
        ratio = f"{self.ratio:.2f} ×"
        return self.what, shown, beside, ratio, f"{self.better} {self.target:g} ×", self._verdict

    @property
    def _verdict(self) -> str:
        return "met" if self.met else "MISSED"


class Benchmark(Protocol):
    """A module of this folder that measures one thing, or several in one run."""

    def run(self, field: "object", scale: Scale) -> list[Figure]:
        """Measure."""


HEAD = ("what", "measured", "reference", "ratio", "target", "")


def number(value: float) -> str:
    """Three significant digits, thousands kept whole."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def table(figures: Sequence[Figure]) -> list[str]:
    """The rows as a table in Markdown, aligned."""
    rows = [HEAD, *(figure.cells for figure in figures)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(HEAD))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in rows
    ]
    return [lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]]


def interleaved(rounds: int, *measures: Callable[[], float]) -> list[float]:
    """The median of each measure, taken in turns so that whatever disturbs the machine meets all."""
    taken: list[list[float]] = [[] for _ in measures]
    for _ in range(rounds):
        for into, measure in zip(taken, measures, strict=True):
            into.append(measure())
    return [statistics.median(each) for each in taken]


def late(times: Sequence[float], share: float = 0.99) -> float:
    """The time that this share of all does not exceed."""
    ordered = sorted(times)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
