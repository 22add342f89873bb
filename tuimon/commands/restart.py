"""`tuimon restart`: see `acting`, which all four actions share."""

import argparse

from tuimon.commands import acting
from tuimon.commands.acting_manual import manual
from tuimon.model.action import Action
from tuimon.settings import Settings

NAME = "restart"
HELP = "end instances and start them again, and prove that they serve"
MANUAL = manual(
    "End instances and start them again; every session of theirs is cut off.",
    (
        ("tuimon restart stunnel@web", "one instance, after a question"),
        ("tuimon restart --dry-run 4711", "what would be done to a pid, and whom it touches"),
    ),
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    acting.configure(parser)


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Do it; returns the exit status."""
    return acting.run(Action.RESTART, arguments, settings)
