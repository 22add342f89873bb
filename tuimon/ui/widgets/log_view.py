"""LogView: a bounded list of log lines, of which only the visible ones are ever painted.

Rule: the reader's place is theirs.  Lines that arrive, lines that fall out in front, folding and resizing
leave the line at the top of the screen at the top, unless the view follows the end.
"""

from collections.abc import Callable, Sequence
from typing import ClassVar, Generic

from rich.style import Style
from rich.text import Text
from textual.binding import BindingType
from textual.reactive import reactive
from textual.selection import Selection
from textual.strip import Strip

from tuimon.ui.keys import bound
from tuimon.ui.widgets.log_rows import Lines, T
from tuimon.ui.widgets.log_strips import Ground, Look, Strips
from tuimon.ui.widgets.still import StillScroll

STEP = 8
"""Cells of one step sideways."""


class LogView(StillScroll, Generic[T], can_focus=True, inherit_bindings=False):
    """Lines, newest last; `paint` makes one line of text of an item, when it has to be seen.

    What `paint` returns must hold no line break; it is kept until `replace` or `repaint`.
    """

    DEFAULT_CSS = """
    LogView {
        overflow-y: scroll;
        & > .log--match { background: $primary 40%; }
    }
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {"log--match"}  # the line `show_item` went to

    BINDINGS: ClassVar[list[BindingType]] = bound(
        {
            "move.down": "rows(1)",
            "move.up": "rows(-1)",
            "move.first": "start",
            "move.last": "end",
            "move.page_down": "page(1.0)",
            "move.page_up": "page(-1.0)",
            "move.half_down": "page(0.5)",
            "move.half_up": "page(-0.5)",
            "move.right": "aside(1)",
            "move.left": "aside(-1)",
            "log.follow": "follow",
            "log.wrap": "wrap",
        }
    )
    """Each of them can be given other keys by its id."""

    follow: reactive[bool] = reactive(True, repaint=False)
    """Whether the view stays at the end; scrolling away from it turns this off."""

    wrap: reactive[bool] = reactive(False, repaint=False)
    """Whether long lines are folded; `x_offset` has no effect while they are, and is kept."""

    x_offset: reactive[int] = reactive(0)
    """Cells of unfolded lines that are out of sight on the left."""

    match: reactive[int | None] = reactive(None)
    """The sequence of the line that is highlighted."""

    def __init__(self, paint: Callable[[T], Text], *, limit: int) -> None:
        """Make a view that holds up to `limit` lines."""
        super().__init__()
        self._strips: Strips[T] = Strips(paint)
        self._lines: Lines[T] = Lines(limit, lambda item: self._strips.text(item).plain)
        self._placing = False
        self._plain_style: Style | None = None  # kept as long as the strips

    # What is in it

    @property
    def items(self) -> Sequence[T]:
        """The lines held, oldest first; not to be changed."""
        return self._lines.items

    def extend(self, items: Sequence[T], *, oldest: int = 0) -> None:
        """Add lines at the end; the oldest fall out when there are more than the limit, and as long as the
        view follows those with a lower number than `oldest`."""
        self._lines.extend(items, self._lines.index(oldest) if self.follow else 0)
        self._put_back()

    def replace(self, items: Sequence[T]) -> None:
        """Show other lines, or the same ones painted anew; stays at the line that is at the top.

        If that line is gone, the next one that is left is; the place itself is not forgotten.
        """
        self._lines.replace(items)
        self.repaint()
        self._refold()

    def amend(self, item: T) -> None:
        """Show the last line anew: `item` has its number."""
        self._lines.amend(item)
        self.repaint()
        self._put_back()

    @property
    def last_seen(self) -> T | None:
        """The line at the bottom of the screen."""
        folds = self._lines.folds
        row = min(folds.total, self.scroll_offset.y + self._height) - 1
        return self.items[folds.at(row)[0]] if row >= 0 else None

    @property
    def seen(self) -> tuple[int, int]:
        """The numbers of the first and of the last line on the screen."""
        folds, top = self._lines.folds, self.scroll_offset.y
        if not folds.total:
            return 0, -1
        rows = (min(top, folds.total - 1), min(folds.total, top + self._height) - 1)
        first, last = (self.items[folds.at(row)[0]].sequence for row in rows)
        return first, last

    def repaint(self) -> None:
        """Paint anew, because `paint` would answer differently now."""
        self._strips.forget()
        self.refresh()

    def show_item(self, sequence: int) -> bool:
        """Highlight the line with this number and scroll to it if it is out of sight.

        Following ends.  False, and nothing happens, if there is no such line.
        """
        lines, folds = self._lines, self._lines.folds
        index = lines.index(sequence)
        if index == len(lines.items) or lines.items[index].sequence != sequence:
            return False
        self.follow = False
        self.match = sequence
        top, height, start = self.scroll_offset.y, self._height, folds.start(index)
        if not top <= start <= top + height - folds.height(index):
            lines.measure(index, -height)
            self._place(folds.start(index) - height // 2)
            lines.remember(self.scroll_offset.y)
            self._put_back()
        return True

    # The place

    @property
    def _height(self) -> int:
        return self.scrollable_content_region.height

    @property
    def _width(self) -> int:
        return self.scrollable_content_region.width

    def _put_back(self) -> None:
        """Scroll to the end, if following, or to the reader's place."""
        if self.follow and not self.is_vertical_scrollbar_grabbed:
            self._place(self._lines.end(self._height))
            self._lines.remember(self.scroll_offset.y)
        else:
            self._place(self._lines.place(self._height))
        self.refresh()

    def _place(self, row: int) -> None:
        """Scroll to this row, without its being taken for the reader's wish."""
        self._placing = True
        try:
            self.hold(self._lines.folds.total)
            self.jump_to(row)
        finally:
            self._placing = False

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Whoever scrolls away from the end does not follow it any more."""
        super().watch_scroll_y(old_value, new_value)
        if self._placing or round(old_value) == round(new_value):
            return
        if self.follow and not self.is_vertical_scroll_end:
            self.follow = False
        self._lines.remember(self.scroll_offset.y)
        if self.wrap:
            self._put_back()

    def watch_follow(self) -> None:
        """Go to the end."""
        if self.follow:
            self._put_back()

    def watch_wrap(self) -> None:
        """Fold or unfold, at the same place."""
        self._refold()

    def on_resize(self) -> None:
        """Fold for the new width, at the same place."""
        self._refold()

    def _refold(self) -> None:
        self._lines.refold(self._width if self.wrap else 0)
        self._put_back()

    # Moving

    def action_rows(self, rows: int) -> None:
        """Scroll by that many rows."""
        self.jump_to(self.scroll_offset.y + rows)

    def action_page(self, pages: float) -> None:
        """Scroll by that many screenfuls."""
        self.jump_to(self.scroll_offset.y + round(pages * self._height))

    def action_start(self) -> None:
        """Go to the oldest line."""
        self.jump_to(0)

    def action_end(self) -> None:
        """Go to the newest line and follow."""
        self.follow = True

    def action_follow(self) -> None:
        """Follow the end, or stay."""
        self.follow = not self.follow

    def action_wrap(self) -> None:
        """Fold long lines, or let them run out of sight."""
        self.wrap = not self.wrap

    def action_aside(self, steps: int) -> None:
        """Scroll unfolded lines sideways; not further to the right than a visible line reaches."""
        if self.wrap:
            return
        top = self.scroll_offset.y
        visible = self.items[top : top + self._height]
        if steps < 0 or any(
            self._strips.text(item).cell_len > self.x_offset + self._width for item in visible
        ):
            self.x_offset = max(0, self.x_offset + steps * STEP)

    # Painting

    def notify_style_update(self) -> None:
        """Forget lines painted in other colours."""
        super().notify_style_update()
        self._strips.restyle()
        self._plain_style = None

    def _ground(self, look: Look) -> Ground:
        if self._plain_style is None:  # it follows from all ancestors: a fifth of painting the line
            self._plain_style = self.rich_style
        match = look.match and self.get_component_rich_style("log--match")
        selected = look.selected and self.screen.get_component_rich_style("screen--selection")
        return Ground(match or self._plain_style, selected or None, self.app.console)

    def render_line(self, y: int) -> Strip:
        """Paint row `y` of the screen, or take it from the cache."""
        row, width = self.scroll_offset.y + y, self._width
        lines = self._lines
        if row >= lines.folds.total:
            return Strip.blank(width, self.rich_style)
        index, part = lines.folds.at(row)
        item = lines.items[index]
        selection = self.text_selection
        look = Look(
            item.sequence,
            part,
            0 if self.wrap else self.x_offset,
            width,
            lines.width,
            item.sequence == self.match,
            None if selection is None else selection.get_span(item.sequence),
        )
        return self._strips.row(item, look, self._ground)

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The selected text, lines as they are and not as they are folded."""
        lines = []
        for item in self.items:
            span = selection.get_span(item.sequence)
            if span is not None:
                plain = self._strips.paint(item).plain  # as it is, not as it is measured
                lines.append(plain[span[0] : None if span[1] < 0 else span[1]])
        return "\n".join(lines), "\n"
