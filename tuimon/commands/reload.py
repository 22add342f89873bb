"""`tuimon reload`: see `acting`, which all four actions share."""

import argparse

from tuimon.commands import acting
from tuimon.commands.acting_manual import manual
from tuimon.model.action import Action
from tuimon.settings import Settings

NAME = "reload"
HELP = "have instances read their configuration and certificates again, and prove it"
MANUAL = manual(
    "Have instances read their configuration and certificates again (SIGHUP, or the unit's own way).",
    (
        ("tuimon reload stunnel@web", "one instance, after a question"),
        ("tuimon reload --yes /etc/stunnel/web.conf", "from a renewal hook"),
        ("tuimon reload --dry-run stunnel@web.service", "what would be done, and whom it touches"),
    ),
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    acting.configure(parser)


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Do it; returns the exit status."""
    return acting.run(Action.RELOAD, arguments, settings)
