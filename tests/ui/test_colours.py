"""Sixteen colours, or none: what every terminal can show is enough, and everything on it can be read."""

import re

import pytest

from tests.ui.colours import basic, cells, pictures
from tests.ui.terminal import Terminal
from tests.ui.walked import GATEWAY, compared, walk

SIXTEEN = {"TERM": "linux", "COLORTERM": ""}
NONE = {"TERM": "screen", "COLORTERM": "", "NO_COLOR": "1"}
MANY = {"TERM": "xterm-256color", "COLORTERM": "truecolor"}


def illegible(terminal: Terminal) -> list[str]:
    """Words whose letters have the colour of their ground."""
    hidden = [each for each in cells(terminal.screen) if each.character.strip() and each.ink == each.ground]
    return [f"{each.character!r} at {each.x}, {each.y}" for each in hidden if each.ink != "default"]


@pytest.mark.pty
@pytest.mark.parametrize("theme", ["dark", "light", "sixteen", "none"])
def test_everything_can_be_read_on_every_screen(theme: str) -> None:
    """No letter in the colour of its ground; where there are sixteen colours, or none, no others."""
    few = {"sixteen": SIXTEEN, "none": NONE}
    environment = few.get(theme) or MANY | {"COLORFGBG": "0;15" if theme == "light" else "15;0"}
    with Terminal(module=GATEWAY, size=(80, 24), environment=environment) as terminal:
        for step in walk(terminal):
            assert illegible(terminal) == [], step.name
            colours = {colour for each in cells(terminal.screen) for colour in (each.ink, each.ground)}
            if theme == "none":
                assert colours <= {"default", "reversed"}, step.name
            elif theme == "sixteen":
                assert all(map(basic, colours)), (step.name, colours)
            else:
                assert not all(map(basic, colours)), step.name
        if theme in few:
            assert re.findall(rb"\x1b\[[0-9;]*[34]8;[25];[0-9;]*m", terminal.raw) == []


@pytest.mark.pty
def test_sixteen_colours_are_where_they_were_found_right() -> None:
    """A letter for each cell of the services and of the log."""
    told = []
    with Terminal(module=GATEWAY, size=(80, 24), environment=SIXTEEN) as terminal:
        for step in walk(terminal):
            if step.name in ("services", "log"):
                told += compared(terminal, f"colours-80x24/{step.name}", lambda at: pictures(at.screen))
            if step.name == "log":
                break
    assert not told, "\n".join(told)
