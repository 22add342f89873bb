"""A fleet that is never left alone: nothing grows, nothing falls, and what is wrong at the end is named."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import pytest

from tests.robust import soak_screen
from tests.robust.soak import WANTED, Held, Report, table
from tests.tables import Line, leave

ROOT = Path(__file__).resolve().parents[2]
MINUTES, SEED = 0.4, 7
LOGS = 6 * 5
"""Descriptors that may be held besides: of each log the file and four that were rotated a minute ago."""
THREADS = 40
"""Threads that may be there: for 32 looks at files at a time, once so many have coincided, and a few."""

pytestmark = pytest.mark.timeout(240)


def soaked(module: str) -> list[Any]:
    """What a run of this command in a process of its own says."""
    argv = [sys.executable, "-m", module, "--minutes", str(MINUTES), "--seed", str(SEED), "--json"]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=220, check=False)
    assert done.stdout, done.stderr
    return cast("list[Any]", json.loads(done.stdout))


@pytest.fixture(scope="module")
def report(pytestconfig: pytest.Config) -> Report:
    """What a run in a process of its own tells."""
    early, late, *others = soaked("tests.robust.soak")
    told = Report(Held(*early), Held(*late), *others)
    leave(pytestconfig, f"a fleet tormented for {MINUTES * 60:.0f} s", map(Line, table(told)))
    return told


def test_nothing_falls(report: Report) -> None:
    """No collector, no judgement; and the fleet was tormented, and watched."""
    assert report.fallen == []
    assert sum(report.done.values()) > 20
    assert report.events > 500


def test_nothing_grows(report: Report) -> None:
    """Over a fleet that is well the same is held after a third of the time and at its end."""
    early, late = report.early, report.late
    assert late.memory < 1.2 * early.memory + 6
    assert late.descriptors <= early.descriptors + LOGS
    assert late.threads <= max(early.threads + 4, THREADS)
    assert late.tasks <= early.tasks + 4


def test_what_is_wrong_at_the_end_is_named(report: Report) -> None:
    """By its cause, each of them."""
    assert report.named == WANTED


def test_the_screen_goes_on_whatever_is_typed(pytestconfig: pytest.Config) -> None:
    """`tuimon` itself on a terminal: it paints on, holds no more, and is left by its key."""
    early, late, *others = soaked("tests.robust.soak_screen")
    told = soak_screen.Report(soak_screen.Weight(*early), soak_screen.Weight(*late), *others)
    title = f"the screen over a fleet tormented for {MINUTES * 60:.0f} s"
    leave(pytestconfig, title, map(Line, soak_screen.table(told)))
    assert (told.status, told.said) == (0, "")
    assert told.keys > 50
    assert told.late.memory < 1.3 * told.early.memory + 6  # most of it is still being met for the first time
    assert told.late.descriptors <= told.early.descriptors + LOGS
    assert told.late.threads <= max(told.early.threads + 4, THREADS)
