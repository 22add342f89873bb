"""Table: rows with an identity, painted line by line.

Rule: the cursor and the marks belong to keys, not to places, and only lines that look different are
painted.  What stands on each line is known by its token; a line whose token is unchanged is left alone.
Rows do not change their order under somebody who is moving among them: the new order waits.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import ClassVar, Generic, NamedTuple

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual import events
from textual.binding import BindingType
from textual.cache import LRUCache
from textual.geometry import Region
from textual.reactive import reactive
from textual.strip import Strip
from textual.timer import Timer

from tuimon.ui.keys import bound
from tuimon.ui.widgets.still import StillScroll
from tuimon.ui.widgets.table_messages import TableMessages
from tuimon.ui.widgets.table_model import (
    Column,
    K,
    Placed,
    TableRow,
    fit,
    labels,
    line,
    same_text,
)
from tuimon.ui.widgets.table_rows import Rows

__all__ = ["Column", "Table", "TableRow"]

QUIET = 2.0
"""Seconds after the last cursor move during which rows keep their order."""

_HEADER_LINES = 1
_CACHED_LINES = 1024


class _Look(NamedTuple):
    """What decides how a line looks; equal looks are equal lines."""

    version: int  # of the row's content; below zero: see the constants
    width: int
    part: int = 0  # of a text that has several lines
    cursor: bool = False
    marked: bool = False
    focused: bool = False


_HEADER, _BLANK, _EMPTY = -1, -2, -3


class Table(TableMessages, StillScroll, Generic[K], can_focus=True, inherit_bindings=False):
    """A table with a cursor row, marks and a header that asks for sorting."""

    ALLOW_SELECT = False  # a double click opens the row

    DEFAULT_CSS = """
    Table {
        & > .table--header { color: $text-muted; text-style: bold; }
        & > .table--cursor { background: $boost; }
        &:focus > .table--cursor { background: $primary 40%; }
        & > .table--marked { color: $accent; text-style: bold; }
        & > .table--empty { color: $text-muted; }
    }
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "table--header",  # the line of labels
        "table--cursor",  # the row under the cursor, over the whole width
        "table--marked",  # marked rows; only what it sets itself, over the cursor's
        "table--empty",  # the text when there are no rows
    }

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

    sort: reactive[tuple[str, bool] | None] = reactive(None, repaint=False)
    """Column id and whether it is descending, for the marker only: the owner sorts."""

    def __init__(
        self,
        columns: Sequence[Column],
        *,
        empty: Text | None = None,
        clock: Callable[[], float] = time.monotonic,
        ascii_only: bool = False,
        name: str | None = None,
        id: str | None = None,  # noqa: A002 - the name Textual gives it
        classes: str | None = None,
    ) -> None:
        """Make a table; `clock` is monotonic seconds, `ascii_only` keeps its own signs to ASCII."""
        super().__init__(name=name, id=id, classes=classes)
        self._empty = Text("nothing to show") if empty is None else empty
        self._columns = tuple(columns)
        self._clock = clock
        self._arrows, self._ellipsis = ("^v", "~") if ascii_only else ("▲▼", "…")
        self._rows = Rows[K]()
        self._marks: set[K] = set()
        self._cursor = 0
        self._moved_at: float | None = None  # None: nobody has touched the cursor yet
        self._timer: Timer | None = None
        self._painted: dict[int, _Look] = {}
        self._strips: LRUCache[_Look, Strip] = LRUCache(_CACHED_LINES)
        self._fitted: tuple[int, tuple[Placed, ...]] = (-1, ())

    # What is in it

    @property
    def columns(self) -> tuple[Column, ...]:
        """All columns, also those that the width leaves no room for."""
        return self._columns

    @columns.setter
    def columns(self, columns: Sequence[Column]) -> None:
        self._columns = tuple(columns)
        self._repaint_all()

    @property
    def empty(self) -> Text:
        """What is shown, centred, when there are no rows; it may have several lines."""
        return self._empty

    @empty.setter
    def empty(self, text: Text) -> None:
        if not same_text(text, self._empty):
            self._empty = text
            self._strips.clear()
            if not self._rows:
                self.refresh()

    @property
    def placed(self) -> tuple[Placed, ...]:
        """The columns that are shown, with their first cell and width."""
        width = self._width
        if self._fitted[0] != width:
            self._fitted = (width, fit(self._columns, width))
        return self._fitted[1]

    @property
    def cursor_key(self) -> K | None:
        """The key of the row under the cursor; None when there are no rows."""
        return self._rows[self._cursor].key if self._rows else None

    @property
    def keys(self) -> tuple[K, ...]:
        """The keys of the rows that are shown, from the top."""
        return tuple(row.key for row in self._rows)

    @property
    def marks(self) -> tuple[K, ...]:
        """The keys of the marked rows that are shown, from the top.

        A row that is gone for now keeps its mark and has it again when it returns.
        """
        return tuple(row.key for row in self._rows if row.key in self._marks)

    @property
    def marked(self) -> frozenset[K]:
        """The keys of all marked rows, also of those that are not shown now."""
        return frozenset(self._marks)

    def set_rows(self, rows: Sequence[TableRow[K]], *, asked: bool = False) -> None:
        """Show `rows` instead; paints only what differs.  An order that somebody `asked` for need not wait.

        The cursor stays on its key, on the same line of the screen.  A cursor that nobody has touched
        yet rests on the first row.  Raises ValueError if two rows have the same key.
        """
        with self._keeping_place():
            self._rows.take(rows, hold=self._busy_for() > 0 and not asked)
        if self._rows.waiting:
            self._wait()

    def settle(self) -> None:
        """Take the order that waits, unless the cursor was moved a moment ago."""
        if self._rows.waiting and self._busy_for() <= 0:
            with self._keeping_place():
                self._rows.settle()

    def move_to(self, key: K) -> bool:
        """Put the cursor on the row with this key; False if there is none."""
        at = self._rows.place(key)
        if at is not None:
            self._move(at)
        return at is not None

    @contextmanager
    def _keeping_place(self) -> Iterator[None]:
        """Whatever happens to the rows inside: same key under the cursor, on the same line."""
        key, marks, top = self.cursor_key, self.marks, self.scroll_offset.y
        anchors = self._anchors(top)
        yield
        moves = (at - before for anchor, before in anchors if (at := self._rows.place(anchor)) is not None)
        top += next(moves, 0)
        place = self._rows.place(key) if key is not None else None
        self._cursor = max(0, min(self._cursor, len(self._rows) - 1)) if place is None else place
        if self._moved_at is None:
            self._cursor = top = 0
        self.hold(len(self._rows) + _HEADER_LINES)
        self.jump_to(top)
        self._repaint_changed()
        if self.cursor_key != key:
            self.post_message(self.CursorMoved(self, self.cursor_key))
        if self.marks != marks:
            self.post_message(self.MarksChanged(self, self.marks))

    def _anchors(self, top: int) -> list[tuple[K, int]]:
        """Keys and places of the rows that should stay on their line, the most important first."""
        visible = range(top, min(len(self._rows), top + self._page))
        first = [self._cursor] if self._cursor in visible else []
        return [(self._rows[at].key, at) for at in (*first, *visible)]

    def _busy_for(self) -> float:
        """Seconds until rows may change their order."""
        return 0.0 if self._moved_at is None else self._moved_at + QUIET - self._clock()

    def _wait(self) -> None:
        if self._timer is None and self.is_mounted:
            self._timer = self.set_timer(max(0.05, self._busy_for()), self._on_quiet)

    def _on_quiet(self) -> None:
        self._timer = None
        self.settle()
        if self._rows.waiting:
            self._wait()

    # Moving and marking

    @property
    def _page(self) -> int:
        """How many rows fit."""
        return max(1, self.scrollable_content_region.height - _HEADER_LINES)

    def _move(self, to: int) -> None:
        if not self._rows:
            return
        self._moved_at = self._clock()
        to = max(0, min(to, len(self._rows) - 1))
        moved, self._cursor = to != self._cursor, to
        self._scroll_to_cursor()
        self._repaint_changed()
        if moved:
            self.post_message(self.CursorMoved(self, self.cursor_key))

    def _scroll_to_cursor(self) -> None:
        top = self.scroll_offset.y
        self.jump_to(max(self._cursor - self._page + 1, min(top, self._cursor)))

    def _mark(self, marks: set[K]) -> None:
        self._moved_at = self._clock()
        before, self._marks = self.marks, marks
        self._repaint_changed()
        if self.marks != before:
            self.post_message(self.MarksChanged(self, self.marks))

    def mark(self, keys: Iterable[K]) -> None:
        """Mark these rows as well, whether they are shown or not."""
        self._marks |= set(keys)
        self._repaint_changed()

    def action_move(self, rows: int) -> None:
        """Move the cursor by that many rows."""
        self._move(self._cursor + rows)

    def action_page(self, pages: float) -> None:
        """Move the cursor by that many screenfuls."""
        self._move(self._cursor + round(pages * self._page))

    def action_end(self, end: int) -> None:
        """Move the cursor to the first (0) or to the last (1) row."""
        self._move((len(self._rows) - 1) * end)

    def action_select(self) -> None:
        """Open the row under the cursor."""
        if (key := self.cursor_key) is not None:
            self._moved_at = self._clock()
            self.post_message(self.RowSelected(self, key))

    def action_mark(self) -> None:
        """Mark the row under the cursor, or take its mark away."""
        if (key := self.cursor_key) is not None:
            self._mark(self._marks ^ {key})

    def action_mark_all(self) -> None:
        """Mark all rows that are shown."""
        self._mark(self._marks | {row.key for row in self._rows})

    def action_mark_none(self) -> None:
        """Take all marks away, those of rows not shown as well."""
        self._mark(set())

    def on_click(self, event: events.Click) -> None:
        """Sort by a label, move to a row, open it at the second click."""
        offset = event.get_content_offset(self)
        if offset is None:
            return
        at = self.scroll_offset.y + offset.y - _HEADER_LINES
        if offset.y < _HEADER_LINES:
            for column, x, width in self.placed:
                if x <= offset.x < x + width:
                    self.post_message(self.HeaderClicked(self, column.id))
        elif at < len(self._rows):
            self._move(at)
            if event.chain == 2:
                self.action_select()

    # Painting

    @property
    def _width(self) -> int:
        return self.scrollable_content_region.width

    def watch_sort(self) -> None:
        """Somebody asked for this order: it need not wait."""
        if self._moved_at is not None:
            self._moved_at -= QUIET
        self._repaint_all()

    def on_resize(self) -> None:
        """Keep the cursor's row on the screen."""
        self._scroll_to_cursor()
        self._repaint_changed()

    def notify_style_update(self) -> None:
        """Forget lines painted in other colours."""
        super().notify_style_update()
        self._strips.clear()

    def _repaint_all(self) -> None:
        self._strips.clear()
        self._fitted = (-1, ())
        self.refresh()

    def _repaint_changed(self) -> None:
        for y in range(self.size.height):
            if self._painted.get(y) != self._look(y):
                self.refresh(Region(0, y, self.size.width, 1))

    def _look(self, y: int) -> _Look:
        """What stands on line `y` of the screen."""
        width = self._width
        if y < _HEADER_LINES:
            return _Look(_HEADER, width)
        if not self._rows:
            lines = self.empty.plain.count("\n") + 1
            part = y - _HEADER_LINES - max(0, self._page - lines) // 2
            return _Look(_EMPTY, width, part) if 0 <= part < lines else _Look(_BLANK, width)
        at = self.scroll_offset.y + y - _HEADER_LINES
        if at >= len(self._rows):
            return _Look(_BLANK, width)
        key, cursor = self._rows[at].key, at == self._cursor
        return _Look(self._rows.version(key), width, 0, cursor, key in self._marks, cursor and self.has_focus)

    def render_line(self, y: int) -> Strip:
        """Paint line `y` of the screen, or take it from the cache."""
        look = self._painted[y] = self._look(y)
        strip = self._strips.get(look)
        if strip is None:
            strip = self._strips[look] = self._paint(y, look)
        return strip

    def _paint(self, y: int, look: _Look) -> Strip:
        style, segments = self.rich_style, list[Segment]()
        if look.version == _HEADER:
            style = self.get_component_rich_style("table--header")
            header = labels(self.placed, self.sort, self._arrows, self._ellipsis)
            segments = [Segment(" "), *line(header, self.placed, self.app.console, self._ellipsis)]
        elif look.version == _EMPTY:
            style = self.get_component_rich_style("table--empty")
            whole = Placed(Column("", "", look.width, align="center"), 0, max(1, look.width))
            text = self.empty.split("\n", allow_blank=True)[look.part]
            segments = line({"": text}, [whole], self.app.console, self._ellipsis)
        elif look.version != _BLANK:
            row = self._rows[self.scroll_offset.y + y - _HEADER_LINES]
            style = self._row_style(row, look)
            cells = line(row.cells, self.placed, self.app.console, self._ellipsis)
            segments = [Segment(self._sign(look)), *cells]
        return Strip(Segment.apply_style(segments, style)).adjust_cell_length(look.width, style)

    def _row_style(self, row: TableRow[K], look: _Look) -> Style:
        style = self.get_component_rich_style("table--cursor") if look.cursor else self.rich_style
        if look.marked:
            style += self.get_component_rich_style("table--marked", partial=True)
        if row.style:
            style += self.app.console.get_style(row.style)
        return style

    def _sign(self, look: _Look) -> str:
        """The sign in the gutter; without colours the cursor needs one as well."""
        if look.marked:
            return "*"
        return ">" if look.cursor and self.app.no_color else " "
