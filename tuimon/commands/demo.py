"""`tuimon demo`: a throwaway fleet of real stunnel services, with the screen or without."""

import argparse

from tuimon.commands import UsageError
from tuimon.commands.manual import ENVIRONMENT, Manual
from tuimon.commands.screen import need_terminal, show
from tuimon.settings import Settings

NAME = "demo"
HELP = "a throwaway fleet of real stunnel services"
MANUAL = Manual(
    "Start a throwaway fleet of twenty real stunnel services on loopback, good ones and broken ones, in a "
    "temporary folder, and show it.  Leaving the screen ends the fleet and removes the folder.  stunnel has "
    "to be installed; no root is needed.",
    {0: "left; with --headless: ended by ctrl-c"},
    (
        ("tuimon demo", "the screen over the demo"),
        ("tuimon demo --headless", "the folder of its configs, for other commands, until ctrl-c"),
    ),
    ("settings",),
    tuple(ENVIRONMENT),
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    words = "print the folder of its configs, keep it running until ctrl-c"
    parser.add_argument("--headless", action="store_true", help=words)


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Start the fleet, show it, end it with the screen."""
    from tuimon.demo.fleet import CannotStart, start_fleet  # noqa: PLC0415

    if not arguments.headless:
        need_terminal()  # before a fleet is started for nobody
    try:
        with start_fleet() as fleet:
            if arguments.headless:
                fleet.wait(lambda: print(fleet.folder, flush=True))
                return 0
            return show((fleet.folder,), settings)
    except CannotStart as error:
        raise UsageError(str(error)) from None
