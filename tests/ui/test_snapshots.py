"""Every screen as it was last read and found right, in real terminals of three sizes.

Rule: a picture that differs is a failure; `TUIMON_SNAPSHOTS=write pytest tests/ui/test_snapshots.py` makes
them anew, to be read before they are kept.  What they show is the gateway of a fixed hour.
"""

import unicodedata

import pytest

from tests.ui.terminal import Terminal
from tests.ui.walked import GATEWAY, compared, walk

SIZES = [(120, 36), (80, 24), (60, 20)]
STRANGERS = "货运"
"""What of the gateway's own names is not ASCII."""


@pytest.mark.pty
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_every_screen_is_as_it_was_found_right(size: tuple[int, int]) -> None:
    """Word by word, at three sizes."""
    told = []
    with Terminal(module=GATEWAY, size=size) as terminal:
        for step in walk(terminal):
            told += compared(terminal, f"{size[0]}x{size[1]}/{step.name}")
    assert not told, "\n".join(told)


@pytest.mark.pty
def test_ascii_has_nothing_beyond_ascii_but_what_strangers_wrote() -> None:
    """Every screen with `--ascii` at 80x24."""
    with Terminal("--ascii", module=GATEWAY, size=(80, 24)) as terminal:
        beyond, told = {}, []
        for step in walk(terminal):
            drawn = {each for each in terminal.text if not each.isascii()} - set(STRANGERS)
            if drawn:
                beyond[step.name] = sorted(map(unicodedata.name, drawn))
            told += compared(terminal, f"ascii-80x24/{step.name}")
    assert not beyond
    assert not told, "\n".join(told)


@pytest.mark.pty
def test_a_terminal_too_small_for_a_table_tells_the_worst() -> None:
    """The same few words on every pane, and nothing beside them."""
    told = []
    with Terminal(module=GATEWAY, size=(39, 9)) as terminal:
        terminal.sees("DOWN pgsql-eu", "refused since", "the table needs 40x10")
        for key in "1231":
            terminal.press(key)
            terminal.settle()
            told += compared(terminal, "39x9/any")
    assert not told, "\n".join(told)
