"""The named commands of the command line, one a file.

Rule: a command module says its `NAME`, `HELP` and `MANUAL`, adds its arguments in `configure` and does its
work in `run`, which returns the exit status; it imports what it needs inside, so that no command pays for
another.  Usage errors are `UsageError`: one sentence, exit status 3.
"""

import argparse
from typing import Protocol

from tuimon.commands.manual import Manual
from tuimon.settings import Settings

COMMANDS = (
    *("bundle", "certs", "completion", "demo", "drill", "lint", "logs", "probe"),
    *("reload", "restart", "settings", "start", "status", "stop"),
)
"""Names of the command modules."""

USAGE = 3
"""Exit status of a usage error."""


class UsageError(Exception):
    """What was asked cannot be done as it was asked; the message is one sentence for the user."""


class Command(Protocol):
    """What a command module offers."""

    NAME: str
    HELP: str
    MANUAL: Manual

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Add the command's arguments."""

    def run(self, arguments: argparse.Namespace, settings: Settings) -> int:
        """Do it; returns the exit status."""


def seconds(text: str) -> float:
    """An argument type: seconds, above 0 and at most an hour."""
    value = float(text)
    if not 0 < value <= 3600:
        raise argparse.ArgumentTypeError("seconds above 0, up to 3600, are wanted")
    return value
