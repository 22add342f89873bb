"""Tables that tests leave for the end of the run, in whichever of its processes they ran.

Rule: rows of one title are one table with one score; wrong rows come last, where they are seen.
"""

from collections.abc import Iterable
from typing import NamedTuple

import pytest


class Line(NamedTuple):
    """One row as it is printed; `counts` is what it counts for in the score (empty: nothing), `good`
    whether it does."""

    text: str
    counts: str = ""
    good: bool = True


Tables = dict[str, list[Line]]
_LEFT = pytest.StashKey[Tables]()


def leave(config: pytest.Config, title: str, lines: Iterable[Line]) -> None:
    """Leave rows for the end of the run."""
    config.stash.setdefault(_LEFT, {}).setdefault(title, []).extend(lines)


def left(config: pytest.Config) -> Tables:
    """All that was left so far."""
    return config.stash.get(_LEFT, {})


def lines(rows: list[Line]) -> list[str]:
    """A table as it is printed, with its score where there is one."""
    kinds = dict.fromkeys(row.counts for row in rows if row.counts)
    score = []
    for kind in kinds:
        counted = [row.good for row in rows if row.counts == kind]
        score.append(f"{sum(counted)} of {len(counted)} {kind}")
    ordered = sorted(rows, key=lambda row: not row.good)
    return [*(row.text for row in ordered), *([", ".join(score)] if score else [])]
