"""Folds: how many screen rows each log line takes, as far as it is known.

Rule: a line that was never seen counts as one row.  So nothing has to be painted to know a height, and
whoever measures a line above what is on the screen moves the screen by the rows it turned out to have.
As long as no line is known to take more than one, a row is a line, and nothing is added up.
"""

from bisect import bisect_right
from itertools import accumulate


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
