"""Small pictures of numbers in the course of time, in text: sparklines, columns, a waterfall of times.

Rule: every picture starts at zero, so that what looks twice as high is; a number that nobody saw is a
blank, and a failure a sign of its own.
"""

from collections.abc import Sequence

from rich.text import Text

from tuimon.ui.palette import Palette

_RAMP, _ASCII_RAMP = "▁▂▃▄▅▆▇█", "_.-=#"

Value = float | None
"""One number of a series; None where there is none."""


def _ramp(palette: Palette) -> str:
    return _ASCII_RAMP if palette.ascii else _RAMP


def spark(
    values: Sequence[Value], palette: Palette, *, style: str = "", gap: str = " ", least: float = 0.0
) -> Text:
    """One cell a number, as high as it is; `gap` (critical) where there is none.  The highest fills its
    cell, unless it is below `least`."""
    ramp, top = _ramp(palette), max((each for each in values if each is not None), default=0.0)
    top = max(top, least)
    text = Text()
    for each in values:
        if each is None:
            text.append(palette.draw(gap), palette.critical)
        else:  # only nothing is as low as nothing
            level = 1 + round((len(ramp) - 2) * each / top) if each > 0 else 0
            text.append(ramp[level], style if each > 0 else palette.muted)
    return text


def columns(values: Sequence[Value], rows: int, palette: Palette, *, style: str = "") -> list[Text]:
    """The same some rows high, the topmost first; a failure is a sign at the foot."""
    ramp, top = _ramp(palette), max((each for each in values if each is not None), default=0.0)
    lines = []
    for row in reversed(range(rows)):
        line = Text()
        for each in values:
            if each is None:
                line.append(palette.draw("✖") if row == 0 else " ", palette.critical)
                continue
            steps = round(rows * len(ramp) * each / top) if top else 0
            filled = min(len(ramp), max(steps - row * len(ramp), 1 if row == 0 else 0))
            line.append(ramp[filled - 1] if filled else " ", style)
        lines.append(line)
    return lines


def waterfall(points: Sequence[float], width: int, palette: Palette, *, style: str = "") -> list[Text]:
    """One line a point in time, from where the one before it ended; the last ends at `width` cells."""
    last, lines, start = max(points, default=0.0), [], 0
    for each in points:
        end = round(width * each / last) if last else 0
        line = Text(" " * min(start, width - 1))
        line.append(palette.draw("━" * max(1, end - start)), style)
        lines.append(line)
        start = max(start, end)
    return lines


def most_of(values: Sequence[Value], cells: int) -> list[Value]:
    """As many numbers as there are cells, each the most of its share."""
    share = -(-len(values) // cells)
    shares = [values[at : at + share] for at in range(0, len(values), share)]
    return [max((each for each in share if each is not None), default=None) for share in shares]
