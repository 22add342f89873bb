"""Rows: the rows of a table, each with its place and the version of its looks.

Rule: a row that looks as before keeps its version, so whoever painted it knows that nothing changed;
and a new order can be made to wait while new looks, new rows and gone rows are taken at once.
"""

from collections.abc import Iterator, Sequence
from itertools import count, pairwise
from typing import Generic

from tuimon.ui.widgets.table_model import K, TableRow


class Rows(Generic[K]):
    """The rows in the order they are shown in."""

    def __init__(self) -> None:
        self._rows: list[TableRow[K]] = []
        self._place: dict[K, int] = {}
        self._versions: dict[K, int] = {}
        self._next_version = count()
        self._waiting: list[TableRow[K]] | None = None

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, at: int) -> TableRow[K]:
        return self._rows[at]

    def __iter__(self) -> Iterator[TableRow[K]]:
        return iter(self._rows)

    @property
    def waiting(self) -> bool:
        """Whether an order waits for `settle`."""
        return self._waiting is not None

    def place(self, key: K) -> int | None:
        """Where the row with this key stands; None if there is none."""
        return self._place.get(key)

    def version(self, key: K) -> int:
        """A number that another look of this row has never had."""
        return self._versions[key]

    def take(self, rows: Sequence[TableRow[K]], *, hold: bool) -> None:
        """Show `rows` instead; with `hold`, rows that were there keep their order until `settle`.

        Raises ValueError if two rows have the same key.
        """
        if self._waiting is None and self._stand(rows):  # most changes move nothing
            for at, row in enumerate(rows):
                if row is not self._rows[at]:
                    self._rows[at] = self._known(row)
            return
        if len({row.key for row in rows}) != len(rows):
            raise ValueError("two rows of a table have the same key")
        fresh = [self._known(row) for row in rows]
        if hold and not self._same_order(fresh):
            self._waiting = fresh
            end = len(self._rows)
            fresh = sorted(fresh, key=lambda row: self._place.get(row.key, end))
        else:
            self._waiting = None
        self._put(fresh)

    def settle(self) -> None:
        """Take the order that waits, if one does."""
        if self._waiting is not None:
            waiting, self._waiting = self._waiting, None
            self._put(waiting)

    def _stand(self, rows: Sequence[TableRow[K]]) -> bool:
        """Whether these are the rows that there are, each in its place."""
        pairs = zip(rows, self._rows, strict=False)
        return len(rows) == len(self._rows) and all(new is old or new.key == old.key for new, old in pairs)

    def _put(self, rows: list[TableRow[K]]) -> None:
        self._rows = rows
        self._place = {row.key: at for at, row in enumerate(rows)}
        self._versions = {key: self._versions[key] for key in self._place}

    def _known(self, row: TableRow[K]) -> TableRow[K]:
        """The row, with a new version unless it looks as before; the next time it is known at once."""
        at = self._place.get(row.key)
        if at is None or not self._rows[at].looks_like(row):
            self._versions[row.key] = next(self._next_version)
        return row

    def _same_order(self, rows: list[TableRow[K]]) -> bool:
        places = [self._place[row.key] for row in rows if row.key in self._place]
        return all(one < other for one, other in pairwise(places))
