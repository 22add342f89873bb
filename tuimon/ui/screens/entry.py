"""A question that is answered with a line.

Rule: an answer that will not do is told so at once, and can be mended.
"""

from collections.abc import Callable
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Input

from tuimon.ui.desk import desk
from tuimon.ui.screens.typed import TypedScreen
from tuimon.ui.widgets.line import Line
from tuimon.ui.widgets.typed_line import TypedLine


class EntryScreen(TypedScreen[str]):
    """The line that was typed, or nothing; `wrong` says what is wrong with it."""

    DEFAULT_CSS = """
    EntryScreen { align: center middle; }
    EntryScreen > Vertical {
        width: 64; max-width: 100%; height: auto; background: $panel; padding: 0 1; border: round $primary;
    }
    EntryScreen Input, EntryScreen Input:focus {
        height: 1; border: none; padding: 0 1; background: $surface;
    }
    EntryScreen Line { height: 1; color: $text-muted; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss('')", show=False, priority=True)]

    def __init__(self, title: str, help: str, wrong: Callable[[str], str]) -> None:  # noqa: A002
        super().__init__()
        self._title, self._help, self._wrong = title, help, wrong

    def compose(self) -> ComposeResult:
        """The line, and how to answer."""
        with Vertical() as box:
            box.border_title = self._title
            yield TypedLine()
            yield Line()

    def on_mount(self) -> None:
        """Ask."""
        self.query_one(Line).show(Text(desk(self).palette.draw(self._help)))
        self.query_one(Input).focus()

    @on(Input.Submitted)
    def _answered(self, event: Input.Submitted) -> None:
        wrong = self._wrong(event.value) if event.value else ""
        if not self.is_current:  # enter may have been pressed twice
            return
        if wrong:
            self.query_one(Line).show(Text(desk(self).palette.draw(wrong), desk(self).palette.warning))
        else:
            self.dismiss(event.value)
