"""`tuimon restart`: see `acting`, which all four actions share."""

import argparse

from tuimon.commands import acting
from tuimon.model.action import Action
from tuimon.settings import Settings

NAME = "restart"
HELP = "end instances and start them again, and prove that they serve"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    acting.configure(parser)


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Do it; returns the exit status."""
    return acting.run(Action.RESTART, arguments, settings)
