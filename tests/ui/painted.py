"""What an app has painted, read back as plain text.

Rule: the compositor's own strips are read, so that what a terminal would get is what is checked; this is
the one place that knows Textual's private names for it.
"""

import unicodedata
from typing import Any

from rich.cells import cell_len
from textual.app import App
from textual.widget import Widget

_HARMFUL = {"Cc", "Cs", "Zl", "Zp"}  # controls, lone surrogates, line and paragraph separators
_BIDI = set("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")


def painted(app: App[Any]) -> list[str]:
    """Return the lines of the screen, each as wide as the screen.

    Fails if one of them is not, or holds a character that would do something to a terminal.
    """
    lines = [strip.text for strip in app.screen._compositor.render_strips()]
    for line in lines:
        harmful = [each for each in line if unicodedata.category(each) in _HARMFUL or each in _BIDI]
        assert not harmful, f"{harmful!r} in {line!r}"
        assert cell_len(line) == app.size.width, f"{cell_len(line)} cells: {line!r}"
    return lines


def painted_in(app: App[Any], widget: Widget) -> list[str]:
    """Return the lines of one widget's content, without the blanks after them."""
    region = widget.scrollable_content_region
    lines = painted(app)[region.y : region.bottom]
    return [_cells(line, region.x, region.right).rstrip() for line in lines]


def _cells(line: str, start: int, end: int) -> str:
    taken, at = "", 0
    for character in line:
        if start <= at < end:
            taken += character
        at += cell_len(character)
    return taken
