"""A pane whose body is a table: sorting, filtering, choosing columns and looking for rows.

Rule: a pane says what its rows are and how they sort; how they are arranged stands in the kept view alone.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, ClassVar, Generic, TypeVar

from msgspec.structs import replace
from textual import on

from tuimon.text import counted
from tuimon.ui import screens
from tuimon.ui.screens.pane import Pane
from tuimon.ui.sheets import Sheet
from tuimon.ui.widgets.table import Column, Table

K = TypeVar("K", bound=Hashable)

_CHOSEN = 50  # what a column that somebody asked for is kept with: it gives way only to those that must stay


def arranged(
    columns: Sequence[Column], optional: frozenset[str], wanted: Sequence[str]
) -> tuple[Column, ...]:
    """The columns to show, in the order that is wanted; without a wish all but the optional ones."""
    if not wanted:
        return tuple(column for column in columns if column.id not in optional)
    by_id = {column.id: column for column in columns}
    asked = [by_id[name] for name in dict.fromkeys(wanted) if name in by_id]
    return tuple(replace(column, keep=_CHOSEN) if column.id in optional else column for column in asked)


class TablePane(Pane, Generic[K]):
    """Sort, invert, faults only, columns, next and previous match."""

    SORTS: ClassVar[Mapping[str, Callable[[Any], Any]]] = {}
    """How each column sorts; the first is the order that nobody asked for."""

    OPTIONAL: ClassVar[frozenset[str]] = frozenset()
    """Columns that are shown only where somebody asked for them."""

    @property
    def table(self) -> Table[K]:
        """The table."""
        return self.query_one(Table)

    def all_columns(self) -> tuple[Column, ...]:
        """Every column that there is."""
        return ()

    def asked_columns(self) -> tuple[str, ...]:
        """The columns that somebody asked for, in order; none: the usual ones."""
        return self.kept.columns

    def shown_columns(self) -> tuple[Column, ...]:
        """The columns as they are arranged."""
        return arranged(self.all_columns(), self.OPTIONAL, self.asked_columns())

    def is_fault(self, key: K) -> bool:
        """Whether something is wrong with a row."""
        return False

    def words(self, key: K) -> str:
        """What a filter looks for in a row."""
        return ""

    def on_mount(self) -> None:
        """Start with the table."""
        self.set_focus(self.table)

    def leave_filter(self) -> None:
        """Who filtered has chosen: the row under the cursor keeps it when the others come back."""
        super().leave_filter()
        if self.table.cursor_key is not None:
            self.table.move_to(self.table.cursor_key)

    @property
    def order(self) -> tuple[str, bool]:
        """The column that sorts, and whether the other way round."""
        kept = self.kept.sort
        return (kept if kept in self.SORTS else next(iter(self.SORTS))), self.kept.inverted

    @on(Table.HeaderClicked)
    def _header(self, event: Table.HeaderClicked[K]) -> None:
        if event.column_id in self.SORTS:
            self._sort(event.column_id, self.order == (event.column_id, False))

    def _sort(self, column: str, inverted: bool) -> None:
        self.kept.sort, self.kept.inverted = column, inverted
        self.repaint()

    def action_sort(self, step: int) -> None:
        """Sort by the next column that is shown."""
        names = [placed.column.id for placed in self.table.placed if placed.column.id in self.SORTS]
        here = self.order[0]
        at = names.index(here) if here in names else -step
        if names:
            self._sort(names[(at + step) % len(names)], False)

    def action_invert(self) -> None:
        """Turn the order round."""
        self._sort(self.order[0], not self.order[1])

    def action_faults(self) -> None:
        """Faults only, or everything."""
        self.kept.faults = not self.kept.faults
        self.repaint()

    def action_columns(self) -> None:
        """Choose the columns."""
        shown = [column.id for column in self.shown_columns()]

        def take(wanted: tuple[str, ...] | None) -> None:
            if wanted is not None:
                self.kept.columns = wanted
                self.repaint()

        self.app.push_screen(screens.ColumnsScreen(self.all_columns(), shown), take)

    def action_match(self, step: int) -> None:
        """Go to the next or previous row that has the words looked for; without any, that is at fault."""
        keys, here, sought = self.table.keys, self.table.cursor_key, self.sought
        found = [
            at
            for at, key in enumerate(keys)
            if (sought.passes(self.words(key)) if sought else self.is_fault(key))
        ]
        if here is None or not found:
            self.say("nothing more")
            return
        at = keys.index(here)
        ahead = [each for each in found if (each - at) * step > 0]
        self.table.move_to(keys[(ahead or found)[0 if step > 0 else -1]])

    def sheet(self) -> Sheet:
        """The table for other programs, as it is filtered and sorted."""
        raise NotImplementedError

    def action_export(self) -> None:
        """Ask for a form, and save the table."""

        def take(form: str | None) -> None:
            if form:
                sheet = self.sheet()
                self.write(sheet.name, sheet.csv() if form == "csv" else sheet.json(), form)

        count = counted(len(self.table.keys), "row")
        self.app.push_screen(
            screens.AskScreen(f"export {count} as they are shown", ("", "csv", "json"), "cancel"), take
        )
