"""`tuimon demo`: a throwaway fleet of real stunnel services, with the screen or without."""

import argparse

from tuimon.commands import UsageError
from tuimon.commands.screen import show
from tuimon.settings import Settings

NAME = "demo"
HELP = "a throwaway fleet of real stunnel services"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    words = "print the folder of its configs, keep it running until ctrl-c"
    parser.add_argument("--headless", action="store_true", help=words)


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Start the fleet, show it, end it with the screen."""
    from tuimon.demo.fleet import CannotStart, start_fleet  # noqa: PLC0415

    try:
        with start_fleet() as fleet:
            if arguments.headless:
                fleet.wait(lambda: print(fleet.folder, flush=True))
                return 0
            return show((fleet.folder,), settings)
    except CannotStart as error:
        raise UsageError(str(error)) from None
