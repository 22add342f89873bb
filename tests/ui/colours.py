"""The colours of a real terminal's cells, as a picture of letters.

Rule: a blank shows only its ground; what is reversed is taken as the terminal shows it.
"""

from collections.abc import Iterator
from typing import NamedTuple

import pyte

_BASIC = {
    "default": ".",
    "black": "k",
    "red": "r",
    "green": "g",
    "brown": "y",
    "blue": "b",
    "magenta": "m",
    "cyan": "c",
    "white": "w",
}
"""As pyte calls them, `brown` being yellow; the bright eight share the letters."""


class Cell(NamedTuple):
    """What a terminal shows in one place; colours as pyte calls them."""

    x: int
    y: int
    character: str
    ink: str
    ground: str
    bold: bool


def cells(screen: pyte.Screen) -> Iterator[Cell]:
    """Every cell, line by line."""
    for y in range(screen.lines):
        for x in range(screen.columns):
            cell = screen.buffer[y][x]
            ink, ground = (cell.bg, cell.fg) if cell.reverse else (cell.fg, cell.bg)
            if cell.reverse and cell.fg == cell.bg == "default":
                ink, ground = "default", "reversed"
            yield Cell(x, y, cell.data, ink, ground, cell.bold)


def basic(colour: str) -> bool:
    """Whether it is one that every terminal has: of the sixteen, or its own two."""
    return colour == "reversed" or colour.removeprefix("bright") in _BASIC


def _letter(colour: str) -> str:
    return "R" if colour == "reversed" else _BASIC.get(colour.removeprefix("bright"), "#")


def pictures(screen: pyte.Screen) -> str:
    """The ink of every character (a capital is bold), and beneath it every ground; `R` is reversed."""
    inks = [[" "] * screen.columns for _ in range(screen.lines)]
    grounds = [[" "] * screen.columns for _ in range(screen.lines)]
    for cell in cells(screen):
        letter = _letter(cell.ink)
        inks[cell.y][cell.x] = " " if not cell.character.strip() else letter.upper() if cell.bold else letter
        grounds[cell.y][cell.x] = _letter(cell.ground)
    ink, ground = ("\n".join("".join(line).rstrip() for line in each) for each in (inks, grounds))
    return f"ink\n{ink}\nground\n{ground}"
