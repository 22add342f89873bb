"""The face of a table: its header, its rows or the text that it has instead, painted line by line.

Rule: only lines that look different are painted.  What stands on each line is known by its token; a line
whose token is unchanged is left alone.
"""

from collections.abc import Sequence
from typing import ClassVar, Generic, NamedTuple

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.cache import LRUCache
from textual.geometry import Region
from textual.reactive import reactive
from textual.strip import Strip

from tuimon.ui.widgets.still import StillScroll
from tuimon.ui.widgets.table_model import Column, K, Placed, TableRow, fit, labels, line, same_text
from tuimon.ui.widgets.table_rows import Standing

HEADER_LINES = 1

_CACHED_LINES = 256  # several screenfuls; a line with what Textual keeps of it is 2 KB


class _Look(NamedTuple):
    """What decides how a line looks; equal looks are equal lines."""

    version: int  # of the row's content; below zero: see the constants
    width: int
    part: int = 0  # of a text that has several lines
    cursor: bool = False
    marked: bool = False
    focused: bool = False


_HEADER, _BLANK, _EMPTY = -1, -2, -3


class TableFace(StillScroll, Generic[K], inherit_bindings=False):
    """What is seen of a table; `standing` says which rows there are, and where somebody is among them."""

    ALLOW_SELECT = False  # a double click opens the row

    DEFAULT_CSS = """
    TableFace {
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

    sort: reactive[tuple[str, bool] | None] = reactive(None, repaint=False)
    """Column id and whether it is descending, for the marker only: the owner sorts."""

    def __init__(
        self,
        columns: Sequence[Column],
        standing: Standing[K],
        *,
        ascii_only: bool,
        id: str | None,  # noqa: A002 - the name Textual gives it
    ) -> None:
        super().__init__(id=id)
        self.standing = standing
        self._empty = Text("nothing to show")
        self._columns = tuple(columns)
        self._arrows, self._ellipsis = ("^v", "~") if ascii_only else ("▲▼", "…")
        self._painted: dict[int, _Look] = {}
        self._strips: LRUCache[_Look, Strip] = LRUCache(_CACHED_LINES)
        self._fitted: tuple[int, tuple[Placed, ...]] = (-1, ())

    @property
    def columns(self) -> tuple[Column, ...]:
        """All columns, also those that the width leaves no room for."""
        return self._columns

    @columns.setter
    def columns(self, columns: Sequence[Column]) -> None:
        self._columns = tuple(columns)
        self.repaint()

    @property
    def empty(self) -> Text:
        """What is shown, centred, when there are no rows; it may have several lines."""
        return self._empty

    @empty.setter
    def empty(self, text: Text) -> None:
        if not same_text(text, self._empty):
            self._empty = text
            self._strips.clear()
            if not self.standing.rows:
                self.refresh()

    @property
    def placed(self) -> tuple[Placed, ...]:
        """The columns that are shown, with their first cell and width."""
        width = self._width
        if self._fitted[0] != width:
            self._fitted = (width, fit(self._columns, width))
        return self._fitted[1]

    @property
    def page(self) -> int:
        """How many rows fit."""
        return max(1, self.scrollable_content_region.height - HEADER_LINES)

    @property
    def _width(self) -> int:
        return self.scrollable_content_region.width

    def watch_sort(self) -> None:
        """Somebody asked for this order: it need not wait."""
        self.standing.rest()
        self.repaint()

    def notify_style_update(self) -> None:
        """Forget lines painted in other colours."""
        super().notify_style_update()
        self._strips.clear()

    def repaint(self) -> None:
        """Paint everything anew."""
        self._strips.clear()
        self._fitted = (-1, ())
        self.refresh()

    def repaint_changed(self) -> None:
        """Paint the lines that look different now."""
        for y in range(self.size.height):
            if self._painted.get(y) != self._look(y):
                self.refresh(Region(0, y, self.size.width, 1))

    def _look(self, y: int) -> _Look:
        """What stands on line `y` of the screen."""
        width = self._width
        if y < HEADER_LINES:
            return _Look(_HEADER, width)
        standing = self.standing
        if not standing.rows:
            lines = self.empty.plain.count("\n") + 1
            part = y - HEADER_LINES - max(0, self.page - lines) // 2
            return _Look(_EMPTY, width, part) if 0 <= part < lines else _Look(_BLANK, width)
        at = self.scroll_offset.y + y - HEADER_LINES
        if at >= len(standing.rows):
            return _Look(_BLANK, width)
        key, cursor = standing.rows[at].key, at == standing.cursor
        version, marked = standing.rows.version(key), key in standing.marked
        return _Look(version, width, 0, cursor, marked, cursor and self.has_focus)

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
            row = self.standing.rows[self.scroll_offset.y + y - HEADER_LINES]
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
