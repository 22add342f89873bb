"""What leaves the screen for the clipboard, as terminals and multiplexers take it."""

import base64
import re

import pytest

from tests.ui.terminal import Terminal
from tuimon.ui.clipboard import MOST, enveloped, fits

GATEWAY = "tests.ui.gateway"


def test_gnu_screen_gets_pieces_that_it_hands_on() -> None:
    """Whole when put together, none longer than its 768 bytes."""
    sequence = f"\x1b]52;c;{'QUJD' * 1000}\x07"
    pieces = re.findall(r"\x1bP(.*?)\x1b\\", enveloped(sequence), re.DOTALL)
    assert "".join(pieces) == sequence
    assert max(map(len, pieces)) <= 764


def test_what_a_terminal_would_drop_is_known() -> None:
    """To the byte."""
    assert fits("x" * (MOST // 4 * 3))
    assert not fits("x" * (MOST // 4 * 3 + 3))


@pytest.mark.pty
def test_a_copy_inside_gnu_screen() -> None:
    """The row under the cursor, in an envelope."""
    with Terminal(module=GATEWAY, environment={"STY": "1234.pts-0.gw"}) as terminal:
        terminal.sees("DOWN pgsql-eu")
        terminal.press("y")
        terminal.sees("copied")
        (coded,) = re.findall(rb"\x1bP\x1b\]52;c;([A-Za-z0-9+/=]+)\x07\x1b\\", terminal.raw)
        assert base64.b64decode(coded).startswith(b"pgsql-eu: down: ")
