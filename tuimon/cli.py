"""The command line: what was asked, with which settings, and how it ends.

Rule: usage errors are one line on stderr and exit 3; a closed pipe is not an error; no traceback
reaches a user.  Commands are modules of `tuimon.commands`, loaded only when asked for.
"""

import argparse
import importlib
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn, cast

from tuimon import __version__
from tuimon.commands import USAGE, Command, UsageError
from tuimon.settings import Settings
from tuimon.settings.file import SettingsError, load

COMMANDS = (
    "certs",
    "demo",
    "drill",
    "lint",
    "logs",
    "probe",
    "reload",
    "restart",
    "settings",
    "start",
    "status",
    "stop",
)
"""Names of the command modules."""

_WITHOUT_SETTINGS = {"settings"}
"""What has to work with a settings file that does not."""


class _Parser(argparse.ArgumentParser):
    """argparse with the exit status and the single line of contract.md."""

    def error(self, message: str) -> NoReturn:
        self.exit(USAGE, f"tuimon: {message} (see tuimon --help)\n")


def _options(parser: argparse.ArgumentParser, *, again: bool = False) -> None:
    """The options that every command knows; `again` keeps what stood before the command's name."""
    default = argparse.SUPPRESS if again else None
    flag = argparse.SUPPRESS if again else False
    parser.add_argument("--config", metavar="FILE", default=default, help="settings file (TOML)")
    words = "offer no action that changes anything"
    parser.add_argument("--read-only", action="store_true", default=flag, help=words)
    parser.add_argument("--ascii", action="store_true", default=flag, help="draw with ASCII characters only")


def _screen_parser() -> argparse.ArgumentParser:
    """`tuimon [PATH…]`."""
    names = ", ".join(f"tuimon {name}" for name in COMMANDS)
    parser = _Parser(
        prog="tuimon",
        description="Watch a fleet of stunnel services: what is broken and why, which certificate runs out.",
        epilog=f"commands: {names} (see --help of each); a PATH spelt like a command needs ./",
    )
    _options(parser)
    parser.add_argument("--version", action="version", version=f"tuimon {__version__}")
    parser.add_argument("paths", nargs="*", metavar="PATH", help="configuration file, or folder of *.conf")
    return parser


def _command(name: str) -> Command:
    return cast("Command", importlib.import_module(f"tuimon.commands.{name}"))


def _named(arguments: Sequence[str]) -> str:
    """The command asked for: the first word that is no option, if it is one; else the screen."""
    skip = False
    for word in arguments:
        if skip or word.startswith("-"):
            skip = word == "--config"
        else:
            return word if word in COMMANDS else "screen"
    return "screen"


def _parse(name: str, arguments: Sequence[str]) -> argparse.Namespace:
    if name == "screen":
        return _screen_parser().parse_args(arguments)
    outer = _Parser(prog="tuimon")
    _options(outer)
    command = _command(name)
    parser = outer.add_subparsers(parser_class=_Parser).add_parser(name, description=command.HELP)
    _options(parser, again=True)
    command.configure(parser)
    return outer.parse_args(arguments)


def _settings(name: str, arguments: argparse.Namespace) -> Settings:
    import msgspec  # noqa: PLC0415 - `--version` does not need it

    from tuimon.commands.settings import check_keys  # noqa: PLC0415

    if name in _WITHOUT_SETTINGS:
        return Settings()
    loaded = load(arguments.config, check_keys)
    return msgspec.structs.replace(
        loaded,
        ascii=loaded.ascii or arguments.ascii,
        read_only=loaded.read_only or arguments.read_only,
    )


def _end(number: int, frame: FrameType | None) -> NoReturn:
    """SIGTERM and SIGHUP end a command like an exception does, so that everything is cleaned up."""
    sys.exit(128 + number)


def _open_descriptors() -> None:
    """Whoever starts us without standard input or output means nothing by it."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115 - until our end


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    # Measured on Linux 6.18: vfork beside busy threads makes one exec in a thousand fail with EFAULT.
    subprocess._USE_VFORK = False  # type: ignore[misc]  # the switch that Python's documentation names
    signal.signal(signal.SIGTERM, _end)
    signal.signal(signal.SIGHUP, _end)
    _open_descriptors()
    words = sys.argv[1:] if argv is None else argv
    try:
        name = _named(words)
        arguments = _parse(name, words)
        status = _command(name).run(arguments, _settings(name, arguments))
        sys.stdout.flush()
        return status
    except (UsageError, SettingsError) as error:
        print(f"tuimon: {error}", file=sys.stderr)
        return USAGE
    except BrokenPipeError:
        # The reader had enough (`tuimon status | head`); keep the interpreter from flushing again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130
