"""The command line as a tree of parsers: the screen's, and one for each command.

Rule: commands are loaded only when asked for; the whole tree is built for `--help` and completion alone.
Usage errors are one line on stderr and exit 3.
"""

import argparse
import difflib
import importlib
import re
from collections.abc import Sequence
from typing import Any, NoReturn, cast

from tuimon.commands import COMMANDS, USAGE, Command
from tuimon.commands.manual import WIDTH
from tuimon.text import printable


class _Pages(argparse.RawDescriptionHelpFormatter):
    """Text as it was folded, options in 80 columns."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=WIDTH, max_help_position=26)


class Parser(argparse.ArgumentParser):
    """argparse with the exit status and the single line of contract.md, and a guess at what was meant."""

    def __init__(self, **options: Any) -> None:
        super().__init__(formatter_class=_Pages, **options)

    def error(self, message: str) -> NoReturn:
        """One line, and what may have been meant."""
        unknown = re.search(r"unrecognized arguments: (--[\w-]+)", message)
        known = [each for each in self._option_string_actions if each.startswith("--")]
        near = difflib.get_close_matches(unknown[1], known, 1) if unknown else []
        guess = f"did you mean {near[0]}? " if near else ""
        self.exit(USAGE, f"tuimon: {printable(message)} ({guess}see {self.prog} --help)\n")


class _Version(argparse.Action):
    """`--version`: found out only when it is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from tuimon.commands.version import lines  # noqa: PLC0415

        print("\n".join(lines()))
        parser.exit()


def command(name: str) -> Command:
    """The module of a command."""
    return cast("Command", importlib.import_module(f"tuimon.commands.{name}"))


def options(parser: argparse.ArgumentParser, *, again: bool = False) -> None:
    """The options that every command knows; `again` keeps what stood before the command's name."""
    default = argparse.SUPPRESS if again else None
    flag = argparse.SUPPRESS if again else False
    parser.add_argument("--config", metavar="FILE", default=default, help="settings file (TOML)")
    words = "offer no action that changes anything"
    parser.add_argument("--read-only", action="store_true", default=flag, help=words)
    parser.add_argument("--ascii", action="store_true", default=flag, help="draw with ASCII characters only")
    words = "of tuimon, and of what it stands on here"
    parser.add_argument("--version", action=_Version, nargs=0, default=argparse.SUPPRESS, help=words)


def screen() -> Parser:
    """`tuimon [PATH…]`; its help names the commands."""
    of = command("screen")
    usage = "tuimon [options] [PATH ...]\n       tuimon COMMAND ..."
    parser = Parser(prog="tuimon", usage=usage, add_help=False)
    none, words = argparse.SUPPRESS, "show this help message and exit"
    parser.add_argument("-h", "--help", action=_Everything, nargs=0, default=none, help=words)
    options(parser)
    of.configure(parser)
    parser.description, parser.epilog = of.MANUAL.description(), of.MANUAL.epilog()
    return parser


class _Everything(argparse.Action):
    """`tuimon --help`: the screen's, with a line for each command."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        group = parser.add_argument_group("commands (tuimon COMMAND --help tells more)")
        for name in COMMANDS:
            group.add_argument(name, nargs="?", metavar=name, help=command(name).HELP)
        parser.print_help()
        parser.exit()


def named(name: str) -> tuple[Parser, Parser]:
    """The parser of `tuimon [options] NAME …`, and within it that of the command."""
    outer = Parser(prog="tuimon")
    options(outer)
    within = add(outer.add_subparsers(parser_class=Parser), name)
    return outer, within


def add(commands: "argparse._SubParsersAction[Parser]", name: str) -> Parser:
    """The parser of one command, among others."""
    of = command(name)
    manual = of.MANUAL
    parser = commands.add_parser(name, description=manual.description(), epilog=manual.epilog(), help=of.HELP)
    options(parser, again=True)
    of.configure(parser)
    return parser


def parse(name: str, arguments: Sequence[str]) -> argparse.Namespace:
    """The arguments of a command, or of the screen."""
    if name == "screen":
        return screen().parse_args(arguments)
    outer, within = named(name)
    found, unknown = outer.parse_known_args(arguments)
    if unknown:  # argparse would name the help of tuimon, which does not know the command's options
        within.error(f"unrecognized arguments: {' '.join(unknown)}")
    return found


def asked_for(arguments: Sequence[str]) -> str:
    """The command asked for: the first word that is no option, if it is one; else the screen."""
    skip = False
    for word in arguments:
        if skip or word.startswith("-"):
            skip = word == "--config"
        else:
            return word if word in COMMANDS else "screen"
    return "screen"
