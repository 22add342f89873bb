"""Columns of text on a terminal, where a letter may take two cells or none.

Rule: what is plain ASCII, as nearly everything is, costs nothing to measure.
"""

from collections.abc import Iterator
from itertools import accumulate, takewhile
from unicodedata import category, east_asian_width

_JOINER = "\u200d"  # what follows it is drawn into what stands before it
_NONE = frozenset({"Mn", "Me", "Cf"})  # categories of what takes no cell of its own


def cells(text: str) -> int:
    """How many cells of a terminal `text` takes."""
    return len(text) if text.isascii() else sum(_widths(text))


def cut(text: str, width: int) -> str:
    """`text`, or as much of it as fits into `width` cells before an ellipsis."""
    if cells(text) <= width:
        return text
    fits = sum(1 for _ in takewhile(lambda end: end < width, accumulate(_widths(text))))
    return text[:fits] + "…"


def column(text: str, width: int) -> str:
    """`text`, cut or filled to `width` cells."""
    shown = cut(text, width)
    return shown + " " * (width - cells(shown))


def _widths(text: str) -> Iterator[int]:
    """The cells of each letter."""
    before = ""
    for letter in text:
        if before == _JOINER or category(letter) in _NONE:
            yield 0
        else:
            yield 2 if east_asian_width(letter) in {"W", "F"} else 1
        before = letter
