"""How the screen begins and ends: the greeting, read-only, no terminal, and what is left when one leaves."""

import os
import re
import stat
from pathlib import Path

import pytest

from tests.ui.stumbling import SECRET
from tests.ui.terminal import Terminal
from tuimon.demo.fleet import Fleet

pytestmark = pytest.mark.pty

GREETING = r"^ welcome:  \? every key  : every action by name  q quit$"
USUAL = r"\? help  q quit$"


@pytest.mark.parametrize("size", [(120, 36), (80, 24), (60, 20)])
def test_a_newcomer_is_greeted_once(demo_fleet: Fleet, tmp_path: Path, size: tuple[int, int]) -> None:
    """On one line, until the first key, and never again."""
    environment = {"XDG_STATE_HOME": str(tmp_path / "new")}
    with Terminal(demo_fleet.folder, size=size, environment=environment) as terminal:
        terminal.sees("DOWN backup", GREETING)
        terminal.press("j")
        terminal.sees(USUAL)
        assert not terminal.line("welcome")
        terminal.press("2")
        terminal.sees("─ log ─", USUAL)
    assert stat.S_IMODE(os.stat(tmp_path / "new" / "tuimon").st_mode) == 0o700
    with Terminal(demo_fleet.folder, size=size, environment=environment) as terminal:
        terminal.sees("DOWN backup", USUAL)
        assert b"welcome" not in terminal.raw


def test_without_a_place_for_state_nobody_is_greeted_every_day(demo_fleet: Fleet, tmp_path: Path) -> None:
    """And it is no reason not to start."""
    (tmp_path / "file").touch()
    environment = {"XDG_STATE_HOME": str(tmp_path / "file")}
    with Terminal(demo_fleet.folder, environment=environment) as terminal:
        terminal.sees("DOWN backup", USUAL)


def test_read_only_is_said_all_the_time(demo_fleet: Fleet) -> None:
    """In the header; and no key is offered that would be refused."""
    for size in ((120, 36), (60, 20)):
        with Terminal("--read-only", demo_fleet.folder, size=size) as terminal:
            terminal.sees("DOWN backup", "^ tuimon .*read-only")
            assert not terminal.line("r reload")


@pytest.mark.parametrize("key", ["q", "\x03"])
def test_leaving_leaves_nothing_on_the_terminal(demo_fleet: Fleet, key: str) -> None:
    """After the alternate screen not one character is printed."""
    with Terminal(demo_fleet.folder) as terminal:
        terminal.sees("DOWN backup")
        terminal.press(key)
        assert terminal.ended() == 0
        after = terminal.raw.rpartition(b"\x1b[?1049l")[2]
        assert re.sub(rb"\x1b[\[\]][0-9;?<>=]*[a-zA-Z]", b"", after) == b""
        assert terminal.raw.count(b"\x1b[?1049h") == terminal.raw.count(b"\x1b[?1049l") == 1


@pytest.mark.parametrize("name", ["dumb", "", "unknown"])
def test_a_terminal_that_can_show_no_screen_is_told_what_can_be_had(name: str, tmp_path: Path) -> None:
    """One sentence, and no control sequence."""
    with Terminal(environment={"TERM": name, "XDG_STATE_HOME": str(tmp_path)}) as terminal:
        assert terminal.ended() == 3
        assert b"\x1b" not in terminal.raw
        assert terminal.raw.count(b"\n") == 1
        assert b"`tuimon status` prints the same" in terminal.raw
    assert not (tmp_path / "tuimon").exists()


def test_a_bug_in_the_screen_ends_it_with_one_sentence() -> None:
    """The terminal is left as it was, and no value that the bug met is on it."""
    with Terminal(module="tests.ui.stumbling") as terminal:
        terminal.sees("DOWN pgsql-eu")
        terminal.press("2")
        assert terminal.ended() == 1
        after = terminal.raw.rpartition(b"\x1b[?1049l")[2].decode()
        said = re.sub(r"\x1b[\[\]][0-9;?<>=]*[a-zA-Z]", "", after).split()
        assert " ".join(said).startswith("tuimon: tuimon itself failed: KeyError in ")
        assert said[-2:] == ["please", "report"]
        assert b"Traceback" not in terminal.raw
        assert SECRET.encode() not in terminal.raw
        assert terminal.terminal_modes() == terminal.modes
