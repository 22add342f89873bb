"""`--ascii` for what Textual draws by itself: borders, scroll bars, ellipses.

Rule: signs are translated where they are drawn (`Palette.draw`); this is the net beneath, over every
painted line.  What a stranger wrote is left as it is, but for the signs that the screen draws too.
"""

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from tuimon.signs import ASCII


class PlainSigns(LineFilter):
    """Draws every sign with an ASCII character."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The same segments in ASCII, as wide as they were."""
        return [
            each if each.text.isascii() else Segment(each.text.translate(ASCII), each.style, each.control)
            for each in segments
        ]
