"""A page that scrolls: the base of both detail screens."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.widget import Widget

from tuimon.store import Changes
from tuimon.ui.document import Document
from tuimon.ui.keys import DETAIL, Key, bindings, bound
from tuimon.ui.screens.pane import Pane
from tuimon.ui.widgets.line import Line


class PageScreen(Pane):
    """One document, repainted when what it shows changes."""

    KEYS: ClassVar[tuple[Key, ...]] = DETAIL
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings(DETAIL),
        *bound(
            {
                "move.down": "scroll(1)",
                "move.up": "scroll(-1)",
                "move.half_down": "scroll(12)",
                "move.half_up": "scroll(-12)",
                "move.page_down": "page(1)",
                "move.page_up": "page(-1)",
                "move.first": "ends(-1)",
                "move.last": "ends(1)",
            }
        ),
    ]

    def body(self) -> ComposeResult:
        """One text that scrolls."""
        with VerticalScroll(id="page"):
            yield Line(id="page-text")

    def main_widget(self) -> Widget:
        """The page has the focus."""
        return self.query_one("#page")

    def on_mount(self) -> None:
        """Start at the top."""
        self.set_focus(self.main_widget())  # at once, or it would take a filter typed ahead

    def document(self) -> Document | None:
        """What to show; None when it is gone."""
        return None

    def blank(self) -> Document:
        """An empty page of the right width."""
        width = max(40, self.size.width - 6)
        beneath = [each for each in self.app.screen_stack if isinstance(each, Pane) and each is not self]
        trail = tuple(each.crumb for each in beneath)
        return Document(self.palette, width, now=self.store.now, settings=self.store.settings, trail=trail)

    def refresh_body(self, changes: Changes) -> None:
        """Paint the page anew; what is gone says so."""
        document = self.document()
        if document is None:
            document = self.blank()
            back = self.desk.keymap.first(DETAIL[0])
            document.line(f"this is not there any more: {back} goes back", self.palette.warning)
        line = self.query_one_optional("#page-text", Line)
        if line is not None:  # a page that was left loses it before what it has asked for has come
            line.show(document.text)

    def action_back(self) -> None:
        """To where we came from."""
        self.dismiss()

    def action_scroll(self, lines: int) -> None:
        """By so many lines."""
        self.query_one("#page", VerticalScroll).scroll_relative(y=lines, animate=False)

    def action_page(self, direction: int) -> None:
        """By a page."""
        page = self.query_one("#page", VerticalScroll)
        (page.scroll_page_down if direction > 0 else page.scroll_page_up)(animate=False)

    def action_ends(self, end: int) -> None:
        """To the top (-1) or the bottom (1)."""
        page = self.query_one("#page", VerticalScroll)
        (page.scroll_end if end > 0 else page.scroll_home)(animate=False)

    def clip(self) -> tuple[str, str] | None:
        """What `y` copies: the page as text."""
        document = self.document()
        return ("details", document.plain) if document is not None else None
