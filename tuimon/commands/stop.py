"""`tuimon stop`: see `acting`, which all four actions share."""

import argparse

from tuimon.commands import acting
from tuimon.commands.acting_manual import manual
from tuimon.model.action import Action
from tuimon.settings import Settings

NAME = "stop"
HELP = "end instances, and see that they stay so"
MANUAL = manual(
    "End instances, and see that they stay so; what was stopped so is OFF, not DOWN.",
    (
        ("tuimon stop stunnel@web", "one instance, after a question"),
        ("tuimon stop --dry-run stunnel@web", "whom it would cut off"),
    ),
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    acting.configure(parser)


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Do it; returns the exit status."""
    return acting.run(Action.STOP, arguments, settings)
