"""A page of sections: headings, facts in two columns, and free lines; what the detail screens show.

Rule: text only, built whole and painted by one widget; nothing here knows a widget.
"""

from rich.cells import cell_len
from rich.text import Text

from tuimon.settings import Settings
from tuimon.ui.palette import Palette

_LEAST_RULE = 8  # cells of a rule between a title and the way to it


class Document:
    """Collects lines of Rich text, `width` cells wide; `now` is what ages are counted from."""

    def __init__(
        self, palette: Palette, width: int, *, now: float, settings: Settings, trail: tuple[str, ...] = ()
    ) -> None:
        """`trail` is the way here: the names of the screens beneath, the nearest last."""
        self._trail = trail
        self.palette, self.width = palette, max(40, width)
        self.now, self.settings = now, settings
        self.lines: list[Text] = []

    def heading(self, title: str) -> None:
        """A rule with a title, set off by a blank line."""
        if self.lines:
            self.lines.append(Text())
        line = Text()
        line.append(f"{title} ", f"bold {self.palette.accent}".strip())
        room = self.width - line.cell_len
        trail = "" if self.lines else _trail(self._trail, room - _LEAST_RULE)
        rule = self.palette.draw("─" * max(0, room - cell_len(trail)) + trail)
        line.append(rule, self.palette.muted)
        self.lines.append(line)

    def fact(self, name: str, value: str | Text, style: str = "", *, note: str = "", label: int = 16) -> None:
        """`name   value  note`; an empty value is left out.  Long values continue indented."""
        text = value if isinstance(value, Text) else Text(self.palette.draw(value), style)
        if not text.plain:
            return
        if note:
            text = text.copy()
            text.append(f"  {note}", self.palette.muted)
        room = max(20, self.width - label)
        for index, part in enumerate(_fold(text, room)):
            line = Text()
            line.append(f"{name if index == 0 else '':{label}}", self.palette.muted)
            line.append_text(part)
            self.lines.append(line)

    def line(self, text: str | Text = "", style: str = "", indent: int = 0) -> None:
        """A free line, folded where it is too long."""
        whole = text if isinstance(text, Text) else Text(self.palette.draw(text), style)
        for part in _fold(whole, max(20, self.width - indent)):
            line = Text(" " * indent)
            line.append_text(part)
            self.lines.append(line)

    @property
    def text(self) -> Text:
        """The whole page."""
        return Text("\n").join(self.lines)

    @property
    def plain(self) -> str:
        """The page for the clipboard."""
        return "\n".join(line.plain.rstrip() for line in self.lines) + "\n"


def _trail(names: tuple[str, ...], room: int) -> str:
    """` services › web` in at most `room` cells; what is farthest goes first."""
    for start in range(len(names)):
        text = f" {' › '.join(('…', *names[start:]) if start else names)}"
        if cell_len(text) <= room:
            return text
    return ""


def _fold(text: Text, width: int) -> list[Text]:
    """Cut into pieces of at most `width` cells, at blanks or commas where there are any."""
    pieces: list[Text] = []
    rest = text
    while rest.cell_len > width:
        cut = len(rest.plain)
        cells = 0
        for index in range(len(rest.plain)):
            cells += rest[index].cell_len
            if cells > width:
                cut = index
                break
        space = max(rest.plain.rfind(" ", 0, cut), rest.plain.rfind(",", 0, cut)) + 1
        cut = space if space > cut // 2 else max(1, cut)
        pieces.append(rest[:cut])
        rest = rest[cut + (rest.plain[cut] == " ") :]  # the blank at which it is cut is no indentation
    pieces.append(rest)
    return pieces
