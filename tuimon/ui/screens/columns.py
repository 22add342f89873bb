"""Which columns a table shows, and in what order.

Rule: nothing changes before enter; columns that a table cannot do without are shown and cannot be taken away.
"""

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from tuimon.ui.desk import desk
from tuimon.ui.widgets.line import Line
from tuimon.ui.widgets.table import Column, Table, TableRow
from tuimon.ui.widgets.table_model import ALWAYS

_HELP = "space shows or hides, J K move it, enter keeps, d the usual ones, esc cancels"


class ColumnsScreen(ModalScreen[tuple[str, ...] | None]):
    """The ids of the columns to show, in order; empty for the usual ones; None where nothing changes."""

    DEFAULT_CSS = """
    ColumnsScreen { align: center middle; }
    ColumnsScreen > Vertical {
        width: 46; max-width: 100%; height: auto; max-height: 100%;
        background: $panel; padding: 0 1; border: round $primary;
    }
    ColumnsScreen Table { max-height: 16; background: $panel; }
    ColumnsScreen Line { height: 2; color: $text-muted; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss", show=False),
        Binding("J", "shift(1)", show=False),
        Binding("K", "shift(-1)", show=False),
        Binding("d", "usual", show=False),
    ]

    def __init__(self, columns: Sequence[Column], shown: Sequence[str]) -> None:
        super().__init__()
        by_id = {column.id: column for column in columns}
        self._shown = set(shown)
        hidden = [column for column in columns if column.id not in self._shown]
        self._columns = [by_id[name] for name in shown] + hidden

    def compose(self) -> ComposeResult:
        """The columns, and what the keys do."""
        with Vertical() as box:
            box.border_title = "columns"
            yield Table[str](
                (Column("on", "", 3), Column("name", "COLUMN", 20, grow=1)),
                ascii_only=desk(self).palette.ascii,
            )
            yield Line()

    def on_mount(self) -> None:
        """Start with the first."""
        self.query_one(Line).show(Text(_HELP))
        self._paint()
        self.query_one(Table).focus()

    @property
    def _at(self) -> int:
        key = self.query_one(Table).cursor_key
        return next(at for at, column in enumerate(self._columns) if column.id == key)

    def _paint(self) -> None:
        rows = []
        for column in self._columns:
            sign = "[x]" if column.id in self._shown else "[ ]"
            name = Text(column.label)
            if column.keep >= ALWAYS:
                name.append("  always", desk(self).palette.muted)
            rows.append(TableRow(column.id, {"on": Text(sign), "name": name}))
        self.query_one(Table).set_rows(rows, asked=True)

    @on(Table.MarksChanged)
    def _show(self, event: Table.MarksChanged[str]) -> None:
        """Show the column, or do not: what marks a row elsewhere."""
        self._shown ^= {each.id for each in self._columns if each.id in event.marks and each.keep < ALWAYS}
        self.query_one(Table).action_mark_none()
        self._paint()

    def action_shift(self, step: int) -> None:
        """Move the column."""
        here = self._at
        there = max(0, min(len(self._columns) - 1, here + step))
        self._columns.insert(there, self._columns.pop(here))
        self._paint()

    def action_usual(self) -> None:
        """As nobody has chosen."""
        self.dismiss(())

    @on(Table.RowSelected)
    def _keep(self) -> None:
        """Take this choice; enter may have been pressed twice."""
        if self.is_current:
            self.dismiss(tuple(column.id for column in self._columns if column.id in self._shown))
