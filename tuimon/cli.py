"""The command line: what was asked, with which settings, and how it ends.

Rule: usage errors are one line on stderr and exit 3; a closed pipe is not an error; no traceback
reaches a user.  The screen is imported only to be shown, so that commands start fast.
"""

import argparse
import os
import signal
import sys
from collections.abc import Callable, Sequence
from types import FrameType
from typing import NoReturn

from tuimon import __version__, settings
from tuimon.text import printable

COMMANDS = ("demo", "status")
USAGE = 3
"""Exit status of a usage error."""


class _Parser(argparse.ArgumentParser):
    """argparse with the exit status and the single line of contract.md."""

    def error(self, message: str) -> NoReturn:
        self.exit(USAGE, f"tuimon: {message} (see tuimon --help)\n")


def _common(default: object = None) -> _Parser:
    """The options that every command knows; `default` SUPPRESS keeps what stood before the command."""
    common = _Parser(add_help=False)
    flag = default or False
    common.add_argument("--config", metavar="FILE", default=default, help="settings file (TOML)")
    common.add_argument(
        "--read-only", action="store_true", default=flag, help="offer no action that changes anything"
    )
    common.add_argument("--ascii", action="store_true", default=flag, help="draw with ASCII characters only")
    return common


def _parser() -> tuple[_Parser, _Parser]:
    """The parser of the plain command (`tuimon [PATH…]`) and that of the named ones."""
    screen = _Parser(
        prog="tuimon",
        parents=[_common()],
        description="Watch a fleet of stunnel services: what is broken and why, which certificate runs out.",
        epilog="commands: tuimon demo, tuimon status (see --help of each); a PATH spelt like one needs ./",
    )
    screen.add_argument("--version", action="version", version=f"tuimon {__version__}")
    screen.add_argument("paths", nargs="*", metavar="PATH", help="configuration file, or folder of *.conf")
    named = _Parser(prog="tuimon", parents=[_common()])
    commands = named.add_subparsers(dest="command", required=True, parser_class=_Parser)
    again = _common(argparse.SUPPRESS)
    demo = commands.add_parser("demo", parents=[again], help="a throwaway fleet of real stunnel services")
    demo.add_argument(
        "--headless", action="store_true", help="print the folder, keep it running until ctrl-c"
    )
    status = commands.add_parser("status", parents=[again], help="one full sweep, printed")
    status.add_argument("paths", nargs="*", metavar="PATH", help="configuration file, or folder of *.conf")
    status.add_argument("--json", action="store_true", help="print one JSON document")
    status.add_argument("--timeout", type=_seconds, metavar="S", help="seconds for each probe")
    return screen, named


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 < value <= 3600:
        raise argparse.ArgumentTypeError("seconds from 0 to 3600 are wanted")
    return value


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    screen, named = _parser()
    # The command is the first word that is no option; `--config FILE` may stand before it.
    skip = False
    for word in arguments:
        if skip or word.startswith("-"):
            skip = word == "--config"
        elif word in COMMANDS:
            return named.parse_args(arguments)
        else:
            break
    return screen.parse_args(arguments, argparse.Namespace(command="screen"))


def _paths(arguments: argparse.Namespace) -> tuple[str, ...]:
    """The PATH arguments, absolute; one that does not exist is a usage error."""
    found = []
    for path in arguments.paths:
        if not os.path.exists(path):
            raise settings.SettingsError(f"no such file or folder: {printable(path)}")
        found.append(os.path.abspath(path))
    return tuple(found)


def _settings(arguments: argparse.Namespace) -> settings.Settings:
    import msgspec  # noqa: PLC0415

    loaded = settings.load(arguments.config)
    probes = loaded.probes
    if getattr(arguments, "timeout", None):
        probes = msgspec.structs.replace(probes, timeout=arguments.timeout)
    return msgspec.structs.replace(
        loaded,
        probes=probes,
        ascii=loaded.ascii or arguments.ascii,
        read_only=loaded.read_only or arguments.read_only,
    )


def _screen(paths: tuple[str, ...], chosen: settings.Settings) -> int:
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise settings.SettingsError("the screen needs a terminal; use `tuimon status` instead")
    from tuimon.host.local import LocalHost  # noqa: PLC0415 - what a command does not need it does not load
    from tuimon.runtime import Runtime  # noqa: PLC0415
    from tuimon.ui.app import show  # noqa: PLC0415 - Textual costs 200 ms

    host = LocalHost(poll=chosen.intervals.files)
    return show(Runtime(host, chosen, paths), chosen)


def _demo(chosen: settings.Settings, *, headless: bool) -> int:
    from tuimon.demo.fleet import CannotStart, start_fleet  # noqa: PLC0415

    try:
        with start_fleet() as fleet:
            if headless:
                fleet.wait(lambda: print(fleet.folder, flush=True))
                return 0
            return _screen((fleet.folder,), chosen)
    except CannotStart as error:
        raise settings.SettingsError(str(error)) from None


def _status(paths: tuple[str, ...], chosen: settings.Settings, *, json: bool) -> int:
    from tuimon.status import run  # noqa: PLC0415

    return run(chosen, paths, json=json, write=sys.stdout.write)


def _run(arguments: argparse.Namespace) -> int:
    chosen = _settings(arguments)
    commands: dict[str, Callable[[], int]] = {
        "screen": lambda: _screen(_paths(arguments), chosen),
        "demo": lambda: _demo(chosen, headless=arguments.headless),
        "status": lambda: _status(_paths(arguments), chosen, json=arguments.json),
    }
    return commands[arguments.command]()


def _end(number: int, frame: FrameType | None) -> NoReturn:
    """SIGTERM and SIGHUP end a command like an exception does, so that everything is cleaned up."""
    sys.exit(128 + number)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    signal.signal(signal.SIGTERM, _end)
    signal.signal(signal.SIGHUP, _end)
    try:
        status = _run(_parse(sys.argv[1:] if argv is None else argv))
        sys.stdout.flush()
        return status
    except settings.SettingsError as error:
        print(f"tuimon: {error}", file=sys.stderr)
        return USAGE
    except BrokenPipeError:
        # The reader had enough (`tuimon status | head`); keep the interpreter from flushing again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130
