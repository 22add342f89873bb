"""The screen: what `tuimon` without a command shows.  The only command that imports `ui`."""

import argparse
import difflib
import os
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

from tuimon.commands import COMMANDS, UsageError
from tuimon.commands.manual import ENVIRONMENT, Manual
from tuimon.patience import exists, patiently
from tuimon.settings import Settings
from tuimon.text import printable

if TYPE_CHECKING:
    from tuimon.host.hands import Hands
    from tuimon.runtime import Elevated

_DUMB = {"", "dumb", "unknown"}
NAME = "screen"
HELP = "the screen"
MANUAL = Manual(
    "Watch a fleet of stunnel services: what is broken and why, which certificate runs out next, what the "
    "logs say, and whether a reload would come back.\n\n"
    "Without PATH everything that runs or stands in /etc/stunnel is looked at; with PATH only these files "
    "and folders (their *.conf).  It needs no root, opens no port, and says what it could not see.  On the "
    "screen ? shows every key, : runs any of them by name, q leaves.  A PATH spelt like a command needs ./",
    {0: "left, or ended with the terminal after a signal (128 and its number)"},
    (
        ("tuimon", "the screen over everything that is found"),
        ("tuimon demo", "a throwaway fleet to look at"),
        ("tuimon --read-only /etc/stunnel/web.conf", "one instance, and nothing that changes it"),
        ("tuimon status || mail -s stunnel root </dev/null", "without a screen, by exit status"),
        ('eval "$(tuimon completion bash)"', "completion in this shell"),
    ),
    ("settings", "actions", "loaded", "stunnel"),
    tuple(ENVIRONMENT),
)


def existing(paths: Iterable[str]) -> tuple[str, ...]:
    """PATH arguments, absolute; one that does not exist is a usage error."""
    found = []
    for path in paths:
        if not exists(path):
            near = difflib.get_close_matches(path, COMMANDS, 1)
            guess = f"; did you mean tuimon {near[0]}?" if near else ""
            raise UsageError(f"no such file, folder or command: {printable(path)}{guess}")
        found.append(os.path.abspath(path))
    return tuple(found)


def need_terminal() -> None:
    """A usage error where nothing can be shown, with what can be had instead."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("the screen needs a terminal; `tuimon status` prints what it would show")
    if not sys.stderr.isatty():
        raise UsageError("the screen is drawn on standard error: leave out what redirects that (2>)")
    if os.environ.get("TERM", "") in _DUMB:
        raise UsageError("this terminal (TERM) cannot show a screen; `tuimon status` prints the same")


def show(paths: tuple[str, ...], settings: Settings) -> int:
    """Run the screen over these paths (none: everything there is)."""
    need_terminal()
    from tuimon.host.local import LocalHost  # noqa: PLC0415
    from tuimon.runtime import Runtime  # noqa: PLC0415
    from tuimon.ui import app  # noqa: PLC0415 - Textual costs 200 ms

    host = LocalHost(poll=settings.intervals.files)
    runtime = Runtime(host, settings, paths, _hands)
    return app.show(runtime, settings, _elevated(), greets=_first_time(settings))


def _hands() -> "Hands":
    from tuimon.host.local_hands import LocalHands  # noqa: PLC0415 - most look and do not act

    return LocalHands()


def _elevated() -> "Elevated | None":
    """Hands for somebody who is not root, where there is a sudo to ask."""
    if os.geteuid() == 0:
        return None
    from tuimon.host.sudo_hands import SudoHands, available  # noqa: PLC0415 - root needs none

    return SudoHands if available() else None


def _first_time(settings: Settings) -> bool:
    """Whether nobody has been here before; from now on somebody has."""
    try:
        patiently(lambda: os.makedirs(settings.state_file("").rstrip("/"), mode=0o700), 1)
    except OSError:  # it is there, or there is no place for it, and then better no greeting than one a day
        return False
    return True


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("paths", nargs="*", metavar="PATH", help="configuration file, or folder of *.conf")


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """`tuimon [PATH…]`."""
    return show(existing(arguments.paths), settings)
