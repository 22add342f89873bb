"""`tuimon settings`: a commented settings file with the defaults, or what is wrong in the one there is."""

import argparse
import sys

from tuimon.commands import USAGE
from tuimon.commands.manual import Manual
from tuimon.settings import Settings, file
from tuimon.text import printable

NAME = "settings"
HELP = "print a commented settings file with all the defaults"
MANUAL = Manual(
    "Print a settings file with every setting, its default, what it means and what it may be, and every key "
    "by its name: valid as it is.  It says which file is in force.  --check names everything that is wrong "
    "in FILE (without FILE: in the one in force), one line each.",
    {0: "printed; in order", 3: "something is wrong in it"},
    (
        ("tuimon settings > ~/.config/tuimon/settings.toml", "a file to start from"),
        ("tuimon settings --check", "is mine in order?"),
    ),
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    words = "say everything that is wrong in FILE (without FILE: in the one in force) instead"
    parser.add_argument("--check", nargs="?", const="", metavar="FILE", help=words)


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Print, or check; the file in force may be wrong, it is not read before."""
    if arguments.check is not None:
        return _check(arguments.check or arguments.config)
    from tuimon.settings.sample import KeyRow, sample  # noqa: PLC0415
    from tuimon.ui.keymap import rows  # noqa: PLC0415 - the table of keys

    sys.stdout.write(sample(_in_force(arguments.config), (KeyRow(*row) for row in rows())))
    return 0


def check_keys(settings: Settings) -> list[tuple[str, str]]:
    """What speaks against the keys that are set; the table of keys is read only where some are."""
    from tuimon.ui.keymap import problems  # noqa: PLC0415

    return list(problems(settings.keys))


def _in_force(config: str | None) -> str:
    path = printable(str(config or file.default_path()))
    if file.default_path().exists() or config:
        return f"In force here: {path}"
    return f"None is in force here; it would be {path}"


def _check(path: str | None) -> int:
    place = printable(str(path or file.default_path()))
    try:
        file.load(path, check_keys)
    except file.SettingsError as error:
        print("\n".join(error.sentences), file=sys.stderr)
        return USAGE
    there = path or file.default_path().exists()
    print(f"{place}: in order" if there else f"{place}: not there, the defaults hold")
    return 0
