"""The screen: what `tuimon` without a command shows.  The only command that imports `ui`."""

import argparse
import os
import sys
from collections.abc import Iterable

from tuimon.commands import UsageError
from tuimon.settings import Settings
from tuimon.text import printable


def existing(paths: Iterable[str]) -> tuple[str, ...]:
    """PATH arguments, absolute; one that does not exist is a usage error."""
    found = []
    for path in paths:
        if not os.path.exists(path):
            raise UsageError(f"no such file, folder or command: {printable(path)}")
        found.append(os.path.abspath(path))
    return tuple(found)


def show(paths: tuple[str, ...], settings: Settings) -> int:
    """Run the screen over these paths (none: everything there is)."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("the screen needs a terminal; use `tuimon status` instead")
    from tuimon.host.local import LocalHost  # noqa: PLC0415
    from tuimon.host.local_hands import LocalHands  # noqa: PLC0415
    from tuimon.host.sudo_hands import SudoHands, available  # noqa: PLC0415
    from tuimon.runtime import Runtime  # noqa: PLC0415
    from tuimon.ui import app  # noqa: PLC0415 - Textual costs 200 ms

    host = LocalHost(poll=settings.intervals.files)
    elevated = SudoHands if os.geteuid() != 0 and available() else None
    return app.show(Runtime(host, settings, paths, LocalHands()), settings, elevated)


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """`tuimon [PATH…]`."""
    return show(existing(arguments.paths), settings)
