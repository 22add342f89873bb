"""The text of a configuration as it may be kept and shown: line by line, with every secret masked.

Rule: in doubt masked.  A line that stunnel does not understand may hold anything (a mistyped name before
a password, a key pasted into the wrong file), so that of such a line only the name is kept.
"""

from tuimon.model.service import HEADER, MASK, ConfigLine
from tuimon.parse.stunnel_lines import MAX_LINE, Line
from tuimon.parse.stunnel_secrets import masked_comment, masked_header, masked_value, names
from tuimon.text import printable

MAX_LINES = 20_000
"""Lines of all files together that are kept; of a longer text none is."""

_NAMELESS = "a line"  # stands for the option's name of a line that names none
_MARK = 4  # hexadecimal digits: they tell a change, and 65,000 times too little to guess what from
_DASHES = b"-----"
_BEGIN, _END = _DASHES + b"BEGIN ", _DASHES + b"END "


class Transcript:
    """Takes the lines in the order in which they are read; `lines` is None once there are too many."""

    def __init__(self) -> None:
        self.lines: list[ConfigLine] | None = []
        self._block = ""  # the file in which a PEM block began and has not ended

    def keep(
        self,
        line: Line,
        file: str,
        section: int,
        option: str = "",
        *,
        known: bool = True,
        plain: bool = False,
    ) -> None:
        """Take one line of that section and option; `known` says whether stunnel knows the option, `plain`
        that its value has nothing to mask."""
        if self.lines is None:
            return
        if len(self.lines) >= MAX_LINES:
            self.lines = None
            return
        raw = printable(line.raw, MAX_LINE)
        if plain and not self._block and _DASHES not in line.raw:
            self.lines.append(ConfigLine(file, line.number, raw, section, option))
            return
        inside = self._in_block(line, file)
        if not known and (inside or not names(raw)):
            option = _NAMELESS
        text = f"; {MASK}" if inside and not option and raw.strip() else _masked(raw, option, known=known)
        mark = "" if text == raw else _mark(file, line.raw)
        self.lines.append(ConfigLine(file, line.number, text, section, option, mark))

    def _in_block(self, line: Line, file: str) -> bool:
        """Whether the line is part of a PEM block: a key that strayed into a configuration."""
        text = line.text.lstrip(b"#; \t")
        if text.startswith(_BEGIN):
            self._block = file
        inside = self._block == file
        if text.startswith(_END):
            self._block = ""
        return inside


def _mark(file: str, raw: bytes) -> str:
    import hashlib  # noqa: PLC0415 - most texts have no secret

    return hashlib.sha256(file.encode() + b"\0" + raw).hexdigest()[:_MARK]


def _masked(text: str, option: str, *, known: bool) -> str:
    if option == HEADER:
        whole = text.strip().startswith("[") and text.strip().endswith("]")
        return text if whole else masked_header(text)  # a name is shown wherever its service is
    if not option:
        return masked_comment(text)
    if option == _NAMELESS:
        return MASK
    head, _, value = text.partition("=")
    shown = masked_value(option, value) if known else MASK
    return f"{head}= {MASK}" if shown == MASK else f"{head}={shown}"
