"""Text measured in the cells of a terminal: cut, folded, found by cell.

Rule: the width of a text is the sum of the widths of its characters.  That is not so where emoji are
joined or asked for by a selector: terminals disagree on these, and rich itself loses count when a
stranger puts a joiner where none belongs.  `steady` makes it so; everything here expects it.
"""

from rich.cells import cell_len, chop_cells, set_cell_size
from rich.text import Text

_STEADY = {0x200D: "\u200c", 0xFE0F: "\ufe0e"}  # joiner → non-joiner, emoji form → text form


def steady(text: Text) -> Text:
    """Return `text` with nothing in it that joins characters or widens one; its length is the same."""
    plain = text.plain
    if plain.isascii() or not ("\u200d" in plain or "\ufe0f" in plain):
        return text
    text = text.copy()
    text.plain = plain.translate(_STEADY)
    return text


def cut(text: Text, width: int, ellipsis: str = "…") -> Text:
    """Return `text` in at most `width` (> 0) cells; what was cut ends in `ellipsis` (one cell)."""
    if cell_len(text.plain) <= width:
        return text
    text = text.copy()
    text.plain = set_cell_size(text.plain, width - 1) + ellipsis
    return text


def fold(plain: str, width: int) -> list[int]:
    """Return where the rows of a line start, in characters, when it is folded at `width` cells."""
    starts, at = [0], 0
    # A wide character needs two cells: a narrower screen cuts it off instead of folding for ever.
    for piece in chop_cells(plain, max(2, width)):
        at += len(piece)
        starts.append(at)
    return starts[:-1] or [0]  # the last one is the end of the line


def character_at(plain: str, cell: int) -> tuple[int, int]:
    """Return the first character that starts at or after `cell`, and the cells in between."""
    if plain.isascii():
        return min(cell, len(plain)), 0
    if not cell or cell_len(plain) <= cell:
        return (0 if not cell else len(plain)), 0
    at = len(chop_cells(plain, cell)[0]) if cell > 1 else 0
    short = cell - cell_len(plain[:at])
    if short:  # a wide character stands astride the cell
        at += len(chop_cells(plain[at:], 2)[0])
    return at, cell_len(plain[:at]) - cell
