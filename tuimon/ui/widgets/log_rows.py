"""The lines of a log, how many screen rows each takes as far as it is known, and the reader's place.

Rule: a line that was never seen counts as one row.  So nothing has to be painted to know a height, and
whoever measures a line above what is on the screen moves the screen by the rows it turned out to have.
As long as no line is known to take more than one, a row is a line, and nothing is added up.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate
from operator import attrgetter
from typing import Generic, Protocol, TypeVar

from tuimon.ui.widgets.cells import fold


class Numbered(Protocol):
    """What a log view shows: anything with a number that grows from line to line."""

    @property
    def sequence(self) -> int:
        """The line's number."""


T = TypeVar("T", bound=Numbered)


class Folds:
    """The heights of a list of lines, which grows at its end and shrinks at its front."""

    def __init__(self) -> None:
        self._heights: list[int] = []  # 0: not measured
        self._folded = 0  # lines that take more than one row
        self._ends: list[int] | None = None  # of each line: the row after its last one

    def reset(self, lines: int) -> None:
        """Forget all heights; there are `lines` lines."""
        self._heights, self._folded = [0] * lines, 0
        self._ends = None

    def append(self, lines: int) -> None:
        """There are so many more lines at the end."""
        self._heights += [0] * lines
        self._ends = None

    def drop(self, lines: int) -> None:
        """The first `lines` lines are gone."""
        self._folded -= sum(height > 1 for height in self._heights[:lines])
        del self._heights[:lines]
        self._ends = None

    def drop_last(self) -> None:
        """The last line is gone."""
        self._folded -= sum(height > 1 for height in self._heights[-1:])
        del self._heights[-1:]
        self._ends = None

    def measured(self, index: int) -> bool:
        """Whether the height of this line is known."""
        return self._heights[index] > 0

    def measure(self, index: int, rows: int) -> None:
        """The line takes `rows` (> 0) rows."""
        if rows != self.height(index):  # one row is what it counted for already
            self._ends = None
        self._folded += (rows > 1) - (self._heights[index] > 1)
        self._heights[index] = rows

    def height(self, index: int) -> int:
        """Rows the line takes."""
        return self._heights[index] or 1

    @property
    def total(self) -> int:
        """Rows of all lines."""
        return self._rows()[-1] if self._folded else len(self._heights)

    def start(self, index: int) -> int:
        """The first row of a line."""
        return self._rows()[index - 1] if index and self._folded else index

    def at(self, row: int) -> tuple[int, int]:
        """The line that has this row (0 ≤ row < total), and which of its rows it is."""
        if not self._folded:
            return row, 0
        index = bisect_right(self._rows(), row)
        return index, row - self.start(index)

    def _rows(self) -> list[int]:
        if self._ends is None:
            self._ends = list(accumulate(height or 1 for height in self._heights))
        return self._ends


class Lines(Generic[T]):
    """Lines, newest last, at most `limit`, folded at `width` (0: not at all); `plain` is what a line says."""

    def __init__(self, limit: int, plain: Callable[[T], str]) -> None:
        self.items: list[T] = []
        self.folds = Folds()
        self.width = 0
        self._limit = limit
        self._plain = plain
        self._top = (-1, 0)  # the reader's place: the number of the line at the top, and which of its rows

    def extend(self, items: Sequence[T], gone: int) -> None:
        """Add lines at the end; of the oldest ones so many fall out, and those that exceed the limit."""
        fresh = items[-self._limit :]
        gone = max(gone, len(self.items) + len(fresh) - self._limit)
        self.items += fresh
        self.folds.append(len(fresh))
        if gone:
            del self.items[:gone]
            self.folds.drop(gone)

    def replace(self, items: Sequence[T]) -> None:
        """Other lines; the reader's place is not forgotten."""
        self.items = list(items[-self._limit :])

    def amend(self, item: T) -> None:
        """Another last line."""
        self.items[-1] = item
        self.folds.drop_last()
        self.folds.append(1)

    def refold(self, width: int) -> None:
        """Fold at this width."""
        self.width = width
        self.folds.reset(len(self.items))

    def index(self, sequence: int) -> int:
        """The line with this number, or the next one that is there."""
        return bisect_left(self.items, sequence, key=attrgetter("sequence"))

    def remember(self, row: int) -> None:
        """Take what is in this row, which is at the top, for the reader's place."""
        if self.items:
            index, part = self.folds.at(min(row, self.folds.total - 1))
            self._top = (self.items[index].sequence, part)

    def place(self, height: int) -> int:
        """The row of the reader's place; if its line is gone, of the next one that is left.  What comes into
        sight around it is measured."""
        if not self.items:
            return 0
        sequence, part = self._top
        index = min(self.index(sequence), len(self.items) - 1)
        if self.items[index].sequence != sequence:
            part = 0
        self.measure(index, 2 * height)
        self.measure(index, -height)
        return self.folds.start(index) + min(part, self.folds.height(index) - 1)

    def end(self, height: int) -> int:
        """The row that is at the top when the last one is at the bottom."""
        self.measure(len(self.items), -2 * height)
        return self.folds.total - height

    def measure(self, index: int, rows: int) -> None:
        """Measure lines from `index` on (`rows` > 0) or before it (< 0), until that many rows are known."""
        if not self.width:
            return
        step = 1 if rows > 0 else -1
        at, rows = (index if step > 0 else index - 1), abs(rows)
        while rows > 0 and 0 <= at < len(self.items):
            if not self.folds.measured(at):
                self.folds.measure(at, len(fold(self._plain(self.items[at]), self.width)))
            rows -= self.folds.height(at)
            at += step
