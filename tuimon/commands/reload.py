"""`tuimon reload`: see `acting`, which all four actions share."""

import argparse

from tuimon.commands import acting
from tuimon.model.action import Action
from tuimon.settings import Settings

NAME = "reload"
HELP = "have instances read their configuration and certificates again, and prove it"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    acting.configure(parser)


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Do it; returns the exit status."""
    return acting.run(Action.RELOAD, arguments, settings)
