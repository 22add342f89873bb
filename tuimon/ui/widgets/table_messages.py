"""What a table says to whoever holds it; reached as `Table.RowSelected` and so on.

Rule: every message names its table, so that one handler can serve several (`@on(…, "#services")`).
"""

from collections.abc import Hashable
from typing import TYPE_CHECKING, Generic, TypeVar

from textual.message import Message

if TYPE_CHECKING:
    from tuimon.ui.widgets.table import Table

K = TypeVar("K", bound=Hashable)


class TableMessage(Message, Generic[K], namespace="table"):
    """Something happened in a table."""

    def __init__(self, table: "Table[K]") -> None:
        super().__init__()
        self.table = table

    @property
    def control(self) -> "Table[K]":
        """The table it happened in."""
        return self.table


class TableMessages:
    """The messages, as names of the table's class."""

    class HeaderClicked(TableMessage[K], namespace="table"):
        """The label of a column was clicked."""

        def __init__(self, table: "Table[K]", column_id: str) -> None:
            super().__init__(table)
            self.column_id = column_id

    class RowSelected(TableMessage[K], namespace="table"):
        """A row was opened, by enter or a double click."""

        def __init__(self, table: "Table[K]", key: K) -> None:
            super().__init__(table)
            self.key = key

    class CursorMoved(TableMessage[K], namespace="table"):
        """The cursor stands on another key: somebody moved it, or its row went.

        `key` is None when there are no rows any more.
        """

        def __init__(self, table: "Table[K]", key: K | None) -> None:
            super().__init__(table)
            self.key = key

    class MarksChanged(TableMessage[K], namespace="table"):
        """Other rows than before are marked; `marks` has the keys of those shown, from the top."""

        def __init__(self, table: "Table[K]", marks: tuple[K, ...]) -> None:
            super().__init__(table)
            self.marks = marks
