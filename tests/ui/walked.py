"""The way through all screens of the gateway, and the pictures with which what is shown is compared.

Rule: a picture is compared when it had its time to come, and made anew only where that is wished
(`TUIMON_SNAPSHOTS=write`), to be read before it is kept.
"""

import contextlib
import difflib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from tests.ui.terminal import Terminal

GATEWAY = "tests.ui.gateway"
FOLDER = Path(__file__).parent / "snapshots"
WRITES = os.environ.get("TUIMON_SNAPSHOTS") == "write"
COMES_WITHIN = 5.0
"""Seconds until the last piece of a screen is painted, on a busy machine."""


class Step(NamedTuple):
    """A screen: its name, the keys that lead to it from the one before, lines that it has and has not.

    Without a name it is only passed: after `esc` one waits, or it would be the first byte of another key."""

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
    Step("", ("esc",), ("OK +redis",)),
    Step("services-faults", ("z",), ("5 hidden", "CRIT edi-in", "DOWN pgsql-eu"), r"OK +redis"),
    Step("service", ("z", "g", "enter"), ("^ +pgsql-eu [─-]+", "^ +What happened")),
    Step("certificate", ("enter",), ("^ +web [─-]+", "^ +subject +CN=web")),
    Step("certificates", ("3",), (r"1 renew . 1 reload . 4 fine", "today", "900d"), "subject"),
    Step("certificates-next", ("j",), ("^ ldap-old +only served", "renewed on disk: reload ldap")),
    Step("log", ("2",), (r". log . all . following", "Configuration successful", "#90 Connection reset")),
    Step("connections", ("v",), (r". connections . all", "4 connections", "10.0.0.7:40114")),
    Step("palette", (":",), ("what to do, or where to go", "lines, or whole connections +v")),
    Step("palette-sought", tuple("redis"), (r"go to service redis", "go to certificate redis")),
    Step("", ("esc",), (), "what to do, or where to go"),
    Step("columns", ("1", "c"), (r"\[x\] STATE", r"\[ \] UNIT", "esc cancels")),
    Step("", ("esc",), (), "esc cancels"),
    Step("action", ("r",), (r"reload on gw-01", r"\[ Cancel \] +Reload")),
    Step("", ("esc",), (), "Cancel"),
    Step("actions", ("a",), (r"^ +Actions", "reloaded in 0.4 s", "never told")),
    Step("", ("esc",), ("OK +redis",)),
    Step("help", ("?",), ("keys and signs", "services, worst first")),
    Step("help-end", ("G",), ("not looked at by plan", "9.89d +days left"), "services, worst first"),
)
"""From the first screen through all of them."""


def walk(terminal: Terminal) -> Iterator[Step]:
    """Go from screen to screen; each is handed out when it is all there."""
    for step in WALK:
        terminal.press(*step.keys)
        terminal.sees(*step.shown)
        terminal.until(lambda step=step: not terminal.line(step.gone))  # type: ignore[misc]
        if step.name:
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
