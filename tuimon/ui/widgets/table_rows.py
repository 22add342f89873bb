"""Rows: the rows of a table, each with its place and the version of its looks; and somebody among them.

Rule: a row that looks as before keeps its version, so whoever painted it knows that nothing changed;
and a new order can be made to wait while new looks, new rows and gone rows are taken at once.
The cursor and the marks belong to keys, not to places, and rows do not change their order under somebody
who is moving among them.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import count, pairwise
from typing import Generic

from tuimon.ui.widgets.table_model import K, TableRow

QUIET = 2.0
"""Seconds after the last move during which rows keep their order."""


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


class Standing(Generic[K]):
    """Somebody among the rows: where the cursor is, what is marked, and when they last moved."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.rows = Rows[K]()
        self.cursor = 0
        self.marked: frozenset[K] = frozenset()  # also rows that are not there now
        self._clock = clock
        self._moved_at: float | None = None  # None: nobody has touched the cursor yet

    @property
    def key(self) -> K | None:
        """The key of the row under the cursor; None when there are no rows."""
        return self.rows[self.cursor].key if self.rows else None

    @property
    def marks(self) -> tuple[K, ...]:
        """The keys of the marked rows that are there, from the top."""
        return tuple(row.key for row in self.rows if row.key in self.marked) if self.marked else ()

    @property
    def busy_for(self) -> float:
        """Seconds until rows may change their order."""
        return 0.0 if self._moved_at is None else self._moved_at + QUIET - self._clock()

    def touch(self) -> None:
        """They did something with the row under the cursor."""
        self._moved_at = self._clock()

    def rest(self) -> None:
        """They asked for another order: it need not wait."""
        if self._moved_at is not None:
            self._moved_at -= QUIET

    def move(self, to: int) -> None:
        """Put the cursor on this place, or on the last one before it that there is."""
        self.touch()
        self.cursor = max(0, min(to, len(self.rows) - 1))

    def mark(self, marked: Iterable[K]) -> None:
        """Mark these rows and no others."""
        self.touch()
        self.marked = frozenset(marked)

    def take(self, rows: Sequence[TableRow[K]], seen: range, *, asked: bool) -> int:
        """Show `rows` instead; their order waits while somebody is moving, unless it was `asked` for.

        Returns the place that is to be the first in sight, for what was `seen` to stay on its line.
        """
        hold = self.busy_for > 0 and not asked
        return self._kept(seen, lambda: self.rows.take(rows, hold=hold))

    def settle(self, seen: range) -> int:
        """Take the order that waits; as `take`."""
        return self._kept(seen, self.rows.settle)

    def _kept(self, seen: range, change: Callable[[], None]) -> int:
        """Whatever `change` does: the cursor stays on its key, its line before all others on the screen."""
        key, first = self.key, [self.cursor] if self.cursor in seen else []
        anchors = [(self.rows[at].key, at) for at in (*first, *seen)]
        change()
        moves = (at - before for anchor, before in anchors if (at := self.rows.place(anchor)) is not None)
        place = self.rows.place(key) if key is not None else None
        self.cursor = max(0, min(self.cursor, len(self.rows) - 1)) if place is None else place
        if self._moved_at is None:
            self.cursor = 0
            return 0
        return seen.start + next(moves, 0)
