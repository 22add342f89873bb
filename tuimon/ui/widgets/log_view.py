"""LogView: a bounded list of log lines, of which only the visible ones are ever painted.

Rule: the reader's place is theirs.  Lines that arrive, lines that fall out in front, folding and resizing
leave the line at the top of the screen at the top, unless the view follows the end.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from operator import attrgetter
from typing import ClassVar, Generic

from rich.style import Style
from rich.text import Text
from textual.binding import BindingType
from textual.reactive import reactive
from textual.selection import Selection
from textual.strip import Strip

from tuimon.ui.keys import bound
from tuimon.ui.widgets.cells import fold
from tuimon.ui.widgets.log_rows import Folds
from tuimon.ui.widgets.log_strips import Ground, Look, Strips, T
from tuimon.ui.widgets.still import StillScroll

LIMIT = 10_000
"""Lines kept unless told otherwise."""

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

    def __init__(
        self,
        paint: Callable[[T], Text],
        *,
        limit: int = LIMIT,
        name: str | None = None,
        id: str | None = None,  # noqa: A002 - the name Textual gives it
        classes: str | None = None,
    ) -> None:
        """Make a view that holds up to `limit` lines."""
        super().__init__(name=name, id=id, classes=classes)
        self._limit = limit
        self._items: list[T] = []
        self._folds = Folds()
        self._fold_width = 0  # of the heights; the screen may have another one until the resize arrives
        self._top = (-1, 0)  # sequence of the line at the top, and which of its rows
        self._placing = False
        self._strips: Strips[T] = Strips(paint)
        self._plain_style: Style | None = None  # kept as long as the strips

    # What is in it

    @property
    def items(self) -> Sequence[T]:
        """The lines held, oldest first; not to be changed."""
        return self._items

    def extend(self, items: Sequence[T], *, oldest: int = 0) -> None:
        """Add lines at the end; the oldest fall out when there are more than the limit, and as long as the
        view follows those with a lower number than `oldest`."""
        fresh = items[-self._limit :]
        gone = max(0, len(self._items) + len(fresh) - self._limit)
        if self.follow:
            gone = max(gone, self._index(oldest))
        self._items += fresh
        self._folds.append(len(fresh))
        if gone:
            del self._items[:gone]
            self._folds.drop(gone)
        self._put_back()

    def replace(self, items: Sequence[T]) -> None:
        """Show other lines, or the same ones painted anew; stays at the line that is at the top.

        If that line is gone, the next one that is left is; the place itself is not forgotten.
        """
        self._items = list(items[-self._limit :])
        self.repaint()
        self._refold()

    def amend(self, item: T) -> None:
        """Show the last line anew: `item` has its number."""
        self._items[-1] = item
        self.repaint()
        self._folds.drop_last()
        self._folds.append(1)
        self._put_back()

    @property
    def last_seen(self) -> T | None:
        """The line at the bottom of the screen."""
        row = min(self._folds.total, self.scroll_offset.y + self._height) - 1
        return self._items[self._folds.at(row)[0]] if row >= 0 else None

    def clear(self) -> None:
        """Hold no lines."""
        self.replace(())

    def repaint(self) -> None:
        """Paint anew, because `paint` would answer differently now."""
        self._strips.forget()
        self.refresh()

    def show_item(self, sequence: int) -> bool:
        """Highlight the line with this number and scroll to it if it is out of sight.

        Following ends.  False, and nothing happens, if there is no such line.
        """
        index = self._index(sequence)
        if index == len(self._items) or self._items[index].sequence != sequence:
            return False
        self.follow = False
        self.match = sequence
        top, height = self.scroll_offset.y, self._height
        start = self._folds.start(index)
        if not top <= start <= top + height - self._folds.height(index):
            self._measure(index, -height)
            self._place(self._folds.start(index) - height // 2)
            self._remember()
            self._put_back()
        return True

    # The place

    @property
    def _height(self) -> int:
        return self.scrollable_content_region.height

    @property
    def _width(self) -> int:
        return self.scrollable_content_region.width

    def _index(self, sequence: int) -> int:
        """The line with this number, or the next one that is there."""
        return bisect_left(self._items, sequence, key=attrgetter("sequence"))

    def _remember(self) -> None:
        """Take what is at the top now as the reader's place."""
        if self._items:
            row = min(self.scroll_offset.y, self._folds.total - 1)
            index, part = self._folds.at(row)
            self._top = (self._items[index].sequence, part)

    def _put_back(self) -> None:
        """Measure what comes into sight and scroll to the end, if following, or to the reader's place."""
        height = self._height
        if self.follow and not self.is_vertical_scrollbar_grabbed:
            self._measure(len(self._items), -2 * height)
            self._place(self._folds.total - height)
            self._remember()
        elif self._items:
            sequence, part = self._top
            index = min(self._index(sequence), len(self._items) - 1)
            if self._items[index].sequence != sequence:
                part = 0
            self._measure(index, 2 * height)
            self._measure(index, -height)
            self._place(self._folds.start(index) + min(part, self._folds.height(index) - 1))
        else:
            self._place(0)
        self.refresh()

    def _place(self, row: int) -> None:
        """Scroll to this row, without its being taken for the reader's wish."""
        with self._not_the_reader():
            self.hold(self._folds.total)
            self.jump_to(row)

    @contextmanager
    def _not_the_reader(self) -> Iterator[None]:
        before, self._placing = self._placing, True
        try:
            yield
        finally:
            self._placing = before

    def _measure(self, index: int, rows: int) -> None:
        """Measure lines from `index` on (`rows` > 0) or before it (< 0), until that many rows are known."""
        if not self.wrap or not self._fold_width:
            return
        step = 1 if rows > 0 else -1
        at, rows = (index if step > 0 else index - 1), abs(rows)
        while rows > 0 and 0 <= at < len(self._items):
            if not self._folds.measured(at):
                self._folds.measure(at, len(fold(self._strips.text(self._items[at]).plain, self._fold_width)))
            rows -= self._folds.height(at)
            at += step

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Whoever scrolls away from the end does not follow it any more."""
        super().watch_scroll_y(old_value, new_value)
        if self._placing or round(old_value) == round(new_value):
            return
        if self.follow and not self.is_vertical_scroll_end:
            with self._not_the_reader():
                self.follow = False
        self._remember()
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
        self._folds.reset(len(self._items))
        self._fold_width = self._width
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
        visible = self._items[top : top + self._height]
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
        if row >= self._folds.total:
            return Strip.blank(width, self.rich_style)
        index, part = self._folds.at(row)
        item = self._items[index]
        selection = self.text_selection
        look = Look(
            item.sequence,
            part,
            0 if self.wrap else self.x_offset,
            width,
            self._fold_width if self.wrap else 0,
            item.sequence == self.match,
            None if selection is None else selection.get_span(item.sequence),
        )
        return self._strips.row(item, look, self._ground)

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The selected text, lines as they are and not as they are folded."""
        lines = []
        for item in self._items:
            span = selection.get_span(item.sequence)
            if span is not None:
                plain = self._strips.paint(item).plain  # as it is, not as it is measured
                lines.append(plain[span[0] : None if span[1] < 0 else span[1]])
        return "\n".join(lines), "\n"
