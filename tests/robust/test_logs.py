"""A million lines through whatever becomes of a log: each is told once, and memory stays as it was."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.robust.logs import Outcome, Report, table
from tests.tables import Line, leave

ROOT = Path(__file__).resolve().parents[2]
LINES, SEED = 1_000_000, 7
GROWTH = 24.0
"""MB by which memory may differ while four fifths of the lines pass."""

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def report(pytestconfig: pytest.Config) -> Report:
    """What the run of a process of its own tells: its memory is nobody else's."""
    argv = [sys.executable, "-m", "tests.robust.logs", "--lines", str(LINES), "--seed", str(SEED), "--json"]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=280, check=False)
    assert done.stdout, done.stderr
    outcomes, *figures = json.loads(done.stdout)
    told = Report([Outcome(*each) for each in outcomes], *figures)
    leave(pytestconfig, "lines of a log", (Line(text, good=good) for text, good in table(told)))
    return told


def test_every_line_is_told_once_and_in_order(report: Report) -> None:
    """Renamed, deleted, switched, emptied, split, binary, endless, shared; none lost but in a window."""
    assert [each for each in report.outcomes if not each.good] == []
    assert sum(each.written for each in report.outcomes) >= LINES


def test_only_an_emptied_log_can_lose_lines(report: Report) -> None:
    """What is emptied away unread is gone for everybody; a log that was read to its end loses nothing."""
    windows = {each.life: each.window for each in report.outcomes if each.truncations}
    assert windows.keys() == {"copytruncate", "overwrite"}
    assert all(not each.window for each in report.outcomes if each.life not in windows)


def test_memory_is_bounded(report: Report) -> None:
    """No line stays behind, nor what was known of its file."""
    assert abs(report.late - report.early) < GROWTH
