"""`tuimon completion`: a script that completes tuimon's commands, options and files in a shell."""

import argparse
import sys

from tuimon.commands.manual import Manual
from tuimon.settings import Settings

NAME = "completion"
HELP = "print a completion script for bash, zsh or fish"
MANUAL = Manual(
    "Print a script that completes commands, options, their values and files; TARGETs as configuration "
    "files.  It is made from the command line itself, and asks tuimon nothing while you type.",
    {0: "printed"},
    (
        ('eval "$(tuimon completion bash)"', "in ~/.bashrc"),
        ("tuimon completion zsh > ~/.zfunc/_tuimon", "a folder of $fpath, before compinit"),
        ("tuimon completion fish > ~/.config/fish/completions/tuimon.fish", "at once"),
    ),
    (),
    (),
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("shell", metavar="SHELL", choices=("bash", "zsh", "fish"), help="bash, zsh or fish")


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Print it."""
    from tuimon.commands.shells import script  # noqa: PLC0415 - loads every command

    sys.stdout.write(script(arguments.shell))
    return 0
