"""Table: rows with an identity, a cursor, marks and keys.

Rule: whatever moves the cursor or changes what is marked, whoever did it, is painted and then told
(`TableMessages`); an order that waits is taken as soon as nobody is moving.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import ClassVar, Generic

from textual import events
from textual.binding import BindingType
from textual.timer import Timer

from tuimon.ui.keys import bound
from tuimon.ui.widgets.table_face import HEADER_LINES, TableFace
from tuimon.ui.widgets.table_messages import TableMessages
from tuimon.ui.widgets.table_model import Column, K, TableRow
from tuimon.ui.widgets.table_rows import Standing

__all__ = ["Column", "Table", "TableRow"]


class Table(TableMessages, TableFace[K], Generic[K], can_focus=True, inherit_bindings=False):
    """A table with a cursor row, marks and a header that asks for sorting."""

    BINDINGS: ClassVar[list[BindingType]] = bound(
        {
            "move.down": "move(1)",
            "move.up": "move(-1)",
            "move.first": "end(0)",
            "move.last": "end(1)",
            "move.page_down": "page(1.0)",
            "move.page_up": "page(-1.0)",
            "move.half_down": "page(0.5)",
            "move.half_up": "page(-0.5)",
            "list.open": "select",
            "mark.row": "mark",
            "mark.all": "mark_all",
            "mark.none": "mark_none",
        }
    )
    """Each of them can be given other keys by its id."""

    def __init__(
        self,
        columns: Sequence[Column],
        *,
        clock: Callable[[], float] = time.monotonic,
        ascii_only: bool = False,
        id: str | None = None,  # noqa: A002 - the name Textual gives it
    ) -> None:
        """Make a table; `clock` is monotonic seconds, `ascii_only` keeps its own signs to ASCII."""
        super().__init__(columns, Standing[K](clock), ascii_only=ascii_only, id=id)
        self._timer: Timer | None = None

    # What is in it

    @property
    def cursor_key(self) -> K | None:
        """The key of the row under the cursor; None when there are no rows."""
        return self.standing.key

    @property
    def keys(self) -> tuple[K, ...]:
        """The keys of the rows that are shown, from the top."""
        return tuple(row.key for row in self.standing.rows)

    @property
    def marks(self) -> tuple[K, ...]:
        """The keys of the marked rows that are shown, from the top.

        A row that is gone for now keeps its mark and has it again when it returns.
        """
        return self.standing.marks

    @property
    def marked(self) -> frozenset[K]:
        """The keys of all marked rows, also of those that are not shown now."""
        return self.standing.marked

    def set_rows(self, rows: Sequence[TableRow[K]], *, asked: bool = False) -> None:
        """Show `rows` instead; paints only what differs.  An order that somebody `asked` for need not wait.

        The cursor stays on its key, on the same line of the screen.  A cursor that nobody has touched
        yet rests on the first row.  Raises ValueError if two rows have the same key.
        """
        with self._telling():
            self._put(self.standing.take(rows, self._seen, asked=asked))
        self._wait()

    def settle(self) -> None:
        """Take the order that waits, unless the cursor was moved a moment ago."""
        if self.standing.rows.waiting and self.standing.busy_for <= 0:
            with self._telling():
                self._put(self.standing.settle(self._seen))

    def move_to(self, key: K) -> bool:
        """Put the cursor on the row with this key; False if there is none."""
        at = self.standing.rows.place(key)
        if at is not None:
            self._move(at)
        return at is not None

    def mark(self, keys: Iterable[K]) -> None:
        """Mark these rows as well, whether they are shown or not."""
        self.standing.marked |= set(keys)
        self.repaint_changed()

    @property
    def _seen(self) -> range:
        """The places of the rows that are in sight."""
        top = self.scroll_offset.y
        return range(top, min(len(self.standing.rows), top + self.page))

    def _put(self, top: int) -> None:
        self.hold(len(self.standing.rows) + HEADER_LINES)
        self.jump_to(top)

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """Whatever is done inside: it is painted, and told."""
        key, marks = self.cursor_key, self.marks
        yield
        self.repaint_changed()
        if self.cursor_key != key:
            self.post_message(self.CursorMoved(self, self.cursor_key))
        if self.marks != marks:
            self.post_message(self.MarksChanged(self, self.marks))

    def _wait(self) -> None:
        if self.standing.rows.waiting and self._timer is None and self.is_mounted:
            self._timer = self.set_timer(max(0.05, self.standing.busy_for), self._on_quiet)

    def _on_quiet(self) -> None:
        self._timer = None
        self.settle()
        self._wait()

    # Moving and marking

    def _move(self, to: int) -> None:
        if not self.standing.rows:
            return
        before = self.cursor_key
        self.standing.move(to)
        self._scroll_to_cursor()
        self.repaint_changed()
        if self.cursor_key != before:
            self.post_message(self.CursorMoved(self, self.cursor_key))

    def _scroll_to_cursor(self) -> None:
        cursor = self.standing.cursor
        self.jump_to(max(cursor - self.page + 1, min(self.scroll_offset.y, cursor)))

    def on_resize(self) -> None:
        """Keep the cursor's row on the screen."""
        self._scroll_to_cursor()
        self.repaint_changed()

    def _mark(self, marked: Iterable[K]) -> None:
        with self._telling():
            self.standing.mark(marked)

    def action_move(self, rows: int) -> None:
        """Move the cursor by that many rows."""
        self._move(self.standing.cursor + rows)

    def action_page(self, pages: float) -> None:
        """Move the cursor by that many screenfuls."""
        self._move(self.standing.cursor + round(pages * self.page))

    def action_end(self, end: int) -> None:
        """Move the cursor to the first (0) or to the last (1) row."""
        self._move((len(self.standing.rows) - 1) * end)

    def action_select(self) -> None:
        """Open the row under the cursor."""
        if (key := self.cursor_key) is not None:
            self.standing.touch()
            self.post_message(self.RowSelected(self, key))

    def action_mark(self) -> None:
        """Mark the row under the cursor, or take its mark away."""
        if (key := self.cursor_key) is not None:
            self._mark(self.marked ^ {key})

    def action_mark_all(self) -> None:
        """Mark all rows that are shown."""
        self._mark(self.marked.union(self.keys))

    def action_mark_none(self) -> None:
        """Take all marks away, those of rows not shown as well."""
        self._mark(())

    def on_click(self, event: events.Click) -> None:
        """Sort by a label, move to a row, open it at the second click."""
        offset = event.get_content_offset(self)
        if offset is None:
            return
        at = self.scroll_offset.y + offset.y - HEADER_LINES
        if offset.y < HEADER_LINES:
            for column, x, width in self.placed:
                if x <= offset.x < x + width:
                    self.post_message(self.HeaderClicked(self, column.id))
        elif at < len(self.standing.rows):
            self._move(at)
            if event.chain == 2:
                self.action_select()
