"""Every screen as it was last read and found right, in real terminals of three sizes.

Rule: a picture that differs is a failure; `TUIMON_SNAPSHOTS=write pytest tests/ui/test_snapshots.py` makes
them anew, to be read before they are kept.  What they show is the gateway of a fixed hour.
"""

import contextlib
import difflib
import os
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.ui.terminal import Terminal

FOLDER = Path(__file__).parent / "snapshots"
GATEWAY = "tests.ui.gateway"
SIZES = [(120, 36), (80, 24), (60, 20)]
WRITES = os.environ.get("TUIMON_SNAPSHOTS") == "write"
COMES_WITHIN = 5.0
"""Seconds until the last piece of a screen is painted, on a busy machine."""
STRANGERS = "货运"
"""What of the gateway's own names is not ASCII."""


class Step(NamedTuple):
    """A screen: its name, the keys that lead to it from the one before, lines that it has and has not."""

    name: str
    keys: tuple[str, ...]
    shown: tuple[str, ...]
    gone: str = "tuimon was never here"


WALK = (
    Step(
        "services",
        (),
        (r"CRIT edi-in", r"OK +redis", r"connect 10\.1\.4\.7:5432 refused", r"Connection reset"),
    ),
    Step("services-filtered", ("/", *"edi-in", "enter"), ("7 hidden", "^ edi-in *$"), r"OK +redis"),
    Step("services-faults", ("esc", "z"), ("5 hidden", "CRIT edi-in", "DOWN pgsql-eu"), r"OK +redis"),
    Step("service", ("z", "g", "enter"), ("^ +pgsql-eu [─-]+", "^ +What happened")),
    Step("certificate", ("enter",), ("^ +web [─-]+", "^ +subject +CN=web")),
    Step("certificates", ("3",), (r"1 renew . 1 reload . 4 fine", "today", "900d"), "subject"),
    Step("certificates-next", ("j",), ("^ ldap-old +only served", "renewed on disk: reload ldap")),
    Step("log", ("2",), (r". log . all . following", "Configuration successful", "#90 Connection reset")),
    Step("connections", ("v",), (r". connections . all", "4 connections", "10.0.0.7:40114")),
    Step("palette", (":",), ("what to do, or where to go", "lines, or whole connections +v")),
    Step("palette-sought", tuple("redis"), (r"go to service redis", "go to certificate redis")),
    Step("columns", ("esc", "1", "c"), (r"\[x\] STATE", r"\[ \] UNIT", "esc cancels")),
    Step("action", ("esc", "r"), (r"reload on gw-01", r"\[ Cancel \] +Reload")),
    Step("actions", ("esc", "a"), (r"^ +Actions", "reloaded in 0.4 s", "never told")),
    Step("help", ("esc", "?"), ("keys and signs", "services, worst first"), "Actions [─-]"),
    Step("help-end", ("G",), ("not looked at by plan", "9.89d +days left"), "services, worst first"),
)
"""From the first screen through all of them."""


def walk(terminal: Terminal) -> Iterator[Step]:
    """Go from screen to screen; each is handed out when it is all there."""
    for step in WALK:
        for key in step.keys:
            before = terminal.text
            terminal.press(key)
            if key == "esc":  # alone, or it would be the first byte of another key
                terminal.until(lambda before=before: terminal.text != before)  # type: ignore[misc]
        terminal.sees(*step.shown)
        terminal.until(lambda step=step: not terminal.line(step.gone))  # type: ignore[misc]
        yield step


def text(terminal: Terminal) -> str:
    """What stands there."""
    return terminal.text.rstrip("\n")


def compared(terminal: Terminal, name: str, picture: Callable[[Terminal], str] = text) -> list[str]:
    """How a picture differs from the kept one, once it had its time to come; kept anew if that is wished."""
    file = FOLDER / f"{name}.txt"
    if WRITES:
        terminal.settle()
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(picture(terminal) + "\n", encoding="utf-8")
    kept = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    with contextlib.suppress(AssertionError):
        terminal.until(lambda: picture(terminal).splitlines() == kept, COMES_WITHIN)
    shown = picture(terminal).splitlines()
    return list(difflib.unified_diff(kept, shown, f"kept {name}", "shown", lineterm=""))


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
