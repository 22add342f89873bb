"""`--help`, `--version` and wrong use: what somebody reads who has never used a command."""

import re

import pytest

from tests.test_status import tuimon
from tuimon.commands import COMMANDS


@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_help_is_a_manual_in_80_columns(name: str) -> None:
    """Synopsis, what it does, options, exit status, examples, files, environment."""
    done = tuimon(*filter(None, [name]), "--help", COLUMNS="200")
    assert (done.returncode, done.stderr) == (0, "")
    assert max(map(len, done.stdout.splitlines())) <= 80
    parts = ["usage: tuimon", "\noptions:\n", "\nexit status:\n", "\nexamples:\n"]
    parts += [] if name == "completion" else ["\nfiles:\n", "\nenvironment:\n"]
    places = [done.stdout.find(part) for part in parts]
    assert -1 not in places
    assert places == sorted(places)
    assert "  3  " in done.stdout
    for command in re.findall(r"^  (?:\S+ \| )?tuimon (\S+)", done.stdout.partition("examples:")[2], re.M):
        assert command in COMMANDS or command.startswith(("-", "|")), command


def test_the_help_of_all_names_each_command() -> None:
    """With its sentence."""
    text = tuimon("--help").stdout
    assert [name for name in COMMANDS if not re.search(rf"^  {name} {{2,}}\w", text, re.M)] == []


def test_version_names_what_it_stands_on() -> None:
    """One line each, for whoever reports a fault."""
    done = tuimon("--version")
    assert (done.returncode, done.stderr) == (0, "")
    expected = (r"tuimon \d+\.\d+", r"Python 3\.\d+", r"OpenSSL \d", r"Textual \d+\.\d+", r"stunnel \d.* \(/")
    for line, pattern in zip(done.stdout.splitlines(), expected, strict=True):
        assert re.match(pattern, line), line


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["probee"], "did you mean tuimon probe?"),
        (["status", "--jsn"], "did you mean --json? see tuimon status --help"),
        (["status", "--timeout", "0"], "argument --timeout"),
        (["completion", "tcsh"], "invalid choice"),
        (["--nonsense"], "unrecognized arguments: --nonsense (see tuimon --help)"),
        (["a\x1b[31mb"], "no such file"),
        (["--a\x1b[31mb"], "unrecognized arguments"),
        (["demo"], "the screen needs a terminal"),
        ([], "the screen needs a terminal; `tuimon status` prints what it would show"),
    ],
)
def test_wrong_use_is_one_line(arguments: list[str], words: str) -> None:
    """On stderr, with exit status 3, and a guess at what was meant."""
    done = tuimon(*arguments)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (3, "", 1)
    assert words in done.stderr
    assert done.stderr.startswith("tuimon: ")
    assert "\x1b" not in done.stderr
