"""The palette: a few letters of what one wants, and enter.

Rule: words in any order, as in every filter; names are text, whatever is in them.
"""

from collections.abc import Sequence
from inspect import isawaitable
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Input

from tuimon.ui.desk import desk
from tuimon.ui.filtering import Filter
from tuimon.ui.screens.typed import TypedScreen
from tuimon.ui.widgets.table import Column, Table, TableRow
from tuimon.ui.widgets.typed_line import TypedLine

if TYPE_CHECKING:
    from tuimon.ui.commands import Command

_SHOWN = 200  # lines that anybody will look through


class CommandsScreen(TypedScreen[None]):
    """Choose what to do or where to go."""

    DEFAULT_CSS = """
    CommandsScreen { align: center top; }
    CommandsScreen > Vertical {
        width: 84; max-width: 100%; height: 20; max-height: 90%; margin: 1 0;
        background: $panel; padding: 0 1; border: round $primary;
    }
    CommandsScreen Input, CommandsScreen Input:focus {
        height: 1; border: none; padding: 0 1; background: $surface;
    }
    CommandsScreen Table { background: $panel; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,ctrl+p", "dismiss", show=False, priority=True),
        Binding("down,ctrl+n,tab", "move(1)", show=False, priority=True),
        Binding("up,shift+tab", "move(-1)", show=False, priority=True),
        Binding("pagedown", "page(1)", show=False, priority=True),
        Binding("pageup", "page(-1)", show=False, priority=True),
    ]

    def __init__(self, commands: "Sequence[Command]") -> None:
        super().__init__()
        self._commands = commands

    def compose(self) -> ComposeResult:
        """Words, and what they stand for."""
        with Vertical() as box:
            box.border_title = "what to do, or where to go"
            yield TypedLine(placeholder="words, in any order: service, certificate, action")
            yield Table[int](
                (Column("words", "", 60, grow=1, min_width=30, keep=100), Column("key", "KEY", 12)),
                ascii_only=desk(self).palette.ascii,
            )

    def on_mount(self) -> None:
        """Everything, before a letter is typed."""
        self._offer("")
        self.query_one(Input).focus()

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        self._offer(event.value)

    def _offer(self, text: str) -> None:
        palette, sought, rows = desk(self).palette, Filter(text), []
        for at, command in enumerate(self._commands):
            if sought.passes(command.words):
                words = sought.highlight(Text(command.words), palette)
                key = Text(palette.draw(command.key), palette.muted)
                rows.append(TableRow(at, {"words": words, "key": key}))
            if len(rows) == _SHOWN:
                break
        table = self.query_one(Table)
        table.set_rows(rows, asked=True)
        table.action_end(0)

    def action_move(self, step: int) -> None:
        """To the next line."""
        self.query_one(Table).action_move(step)

    def action_page(self, pages: int) -> None:
        """By a page."""
        self.query_one(Table).action_page(pages)

    @on(Input.Submitted)  # not a key of the dialog: letters that are on their way to the line come first
    @on(Table.RowSelected)
    async def choose(self) -> None:
        """Do it, or go there."""
        if not self.is_current:  # enter may have been pressed twice
            return
        at = self.query_one(Table).cursor_key
        self.dismiss()
        if at is not None:
            done = self._commands[at].run()
            if isawaitable(done):
                await done
