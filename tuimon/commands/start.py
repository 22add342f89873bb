"""`tuimon start`: see `acting`, which all four actions share."""

import argparse

from tuimon.commands import acting
from tuimon.commands.acting_manual import manual
from tuimon.model.action import Action
from tuimon.settings import Settings

NAME = "start"
HELP = "start instances, and prove that they serve"
MANUAL = manual(
    "Start instances that do not run.",
    (
        ("tuimon start /etc/stunnel/web.conf", "by its configuration"),
        ("tuimon start --dry-run stunnel@web", "would it start, and how"),
    ),
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    acting.configure(parser)


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Do it; returns the exit status."""
    return acting.run(Action.START, arguments, settings)
