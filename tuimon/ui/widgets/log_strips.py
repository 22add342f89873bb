"""Strips: the rows of a log view, painted once for each way in which they are looked at.

Rule: a row follows from its line's text and its `Look` alone; whoever changes what it stands on says so.
"""

from collections.abc import Callable
from typing import Generic, NamedTuple

from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.cache import LRUCache
from textual.strip import Strip

from tuimon.ui.widgets.cells import character_at, fold, steady
from tuimon.ui.widgets.log_rows import T

_CACHED = 256  # lines, and rows: several screenfuls; a row with what Textual keeps of it is 2 KB


class Look(NamedTuple):
    """What decides how a row of the screen looks."""

    sequence: int
    row: int  # of the folded line
    x: int
    width: int
    fold: int  # width at which it is folded; 0: it is not
    match: bool
    selected: tuple[int, int] | None


class Ground(NamedTuple):
    """What a row stands on: the style of its line, and of what is selected in it, if anything is."""

    line: Style
    selected: Style | None
    console: Console


class Strips(Generic[T]):
    """Texts of lines and rows made of them; `paint` makes the text of one."""

    def __init__(self, paint: Callable[[T], Text]) -> None:
        self.paint = paint
        self._texts: LRUCache[int, Text] = LRUCache(_CACHED)
        self._rows: LRUCache[Look, Strip] = LRUCache(_CACHED)

    def text(self, item: T) -> Text:
        """The text of a line as it is measured and painted."""
        text = self._texts.get(item.sequence)
        if text is None:
            text = self._texts[item.sequence] = steady(self.paint(item))
        return text

    def row(self, item: T, look: Look, ground: Callable[[Look], Ground]) -> Strip:
        """One row of the screen; what it stands on is asked for where it was not painted yet."""
        strip = self._rows.get(look)
        if strip is None:
            strip = self._rows[look] = _strip(self.text(item), look, ground(look))
        return strip

    def restyle(self) -> None:
        """Colours are others now."""
        self._rows.clear()

    def forget(self) -> None:
        """`paint` would answer differently now."""
        self._texts.clear()
        self._rows.clear()


def _strip(text: Text, look: Look, ground: Ground) -> Strip:
    plain, pad = text.plain, 0
    if look.fold:
        starts = [*fold(plain, look.fold), len(plain)]
        start, end = starts[look.row], starts[look.row + 1]
    else:
        (start, pad), end = character_at(plain, look.x), len(plain)
    if look.selected is not None:
        text = text.copy()
        first, last = look.selected
        text.stylize(ground.selected or "", first, len(plain) if last < 0 else last)
    if (start, end) != (0, len(plain)):
        text = text[start:end]
    segments = list(text.render(ground.console)) or [Segment(" ")]
    # Characters are told by their line and place in it, whatever is folded or out of sight.
    strip = Strip(Segment.apply_style(segments, ground.line)).apply_offsets(start, look.sequence)
    if pad:
        strip = Strip([Segment(" " * pad, ground.line), *strip])
    return strip.crop_extend(0, look.width, ground.line)
