"""`tuimon lint`: what stunnel would say to configuration files on this machine, and advice.

Rule: one line a finding, `path:line: severity: text`, so that editors find the place; no secret is
printed, for the parser masks them.
"""

import argparse
import asyncio
import os
import re
import shutil
import sys
import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import partial

import msgspec

from tuimon.commands import UsageError
from tuimon.commands.manual import Manual
from tuimon.commands.screen import existing
from tuimon.host.local import LocalHost
from tuimon.lint.check import check
from tuimon.lint.machine import Machine
from tuimon.lint.report import Report, as_json, exit_status
from tuimon.model.remark import Scope
from tuimon.parse.stunnel_conf import DEBIAN_12
from tuimon.parse.stunnel_options import Version
from tuimon.patience import patiently
from tuimon.settings import Settings
from tuimon.signs import in_ascii
from tuimon.text import counted, printable

NAME = "lint"
HELP = "what stunnel would say to these configuration files, and advice"
MANUAL = Manual(
    "Say what stunnel would say to these files on this machine, line by line, without starting it: grammar, "
    "options that this release lacks, files, keys and users that are not there; and what it would accept "
    "but nobody wants.  Of a refused file the first finding is the one that stunnel stops at.",
    {0: "clean", 1: "warnings or advice only", 2: "stunnel would refuse one"},
    (
        ("tuimon lint /etc/stunnel", "every *.conf of the folder"),
        ("tuimon lint --for-stunnel 5.72 web.conf", "as a release would that is not installed"),
    ),
)


def version(text: str) -> Version:
    """An argument type: a release of stunnel such as 5.68."""
    found = re.fullmatch(r"(\d{1,3})\.(\d{1,3})", text, re.ASCII)
    if not found:
        raise argparse.ArgumentTypeError("a release such as 5.68 is wanted")
    return int(found[1]), int(found[2])


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("paths", nargs="+", metavar="PATH", help="configuration file, or folder of *.conf")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    words = "judge as this release would (default: the installed one, else 5.68)"
    parser.add_argument("--for-stunnel", type=version, metavar="VERSION", help=words)


def files(paths: Iterable[str]) -> tuple[str, ...]:
    """The configuration files that are meant, absolute: those given, and `*.conf` of each folder."""
    found: dict[str, None] = {}
    for path in existing(paths):
        try:
            if not patiently(partial(os.path.isdir, path)):
                found[path] = None
                continue
            names = sorted(each for each in patiently(partial(os.listdir, path)) if each.endswith(".conf"))
        except OSError as error:
            raise UsageError(f"cannot look at {printable(path)}: {error.strerror}") from None
        if not names:
            raise UsageError(f"no *.conf in {printable(path)}")
        found.update((os.path.join(path, name), None) for name in names)
    return tuple(found)


async def judge(paths: Sequence[str], wanted: Version | None) -> list[Report]:
    """Lint these files one after the other, for the release `wanted` or the installed one."""
    host = LocalHost()
    try:
        machine = Machine(host)
        release = wanted or await machine.stunnel() or DEBIAN_12
        return [await check(machine, path, release) for path in paths]
    finally:
        await host.close()


def lines(reports: Sequence[Report], width: int) -> Iterator[str]:
    """The findings for people, a file after the other, and what they add up to; 0 columns never fold."""
    counts: Counter[str] = Counter()
    for report in reports:
        for each in report.remarks:
            kind = "advice" if each.scope is Scope.ADVICE else each.severity.value
            counts["refused" if each.refuses else kind] += 1
            shown = os.path.relpath(each.path) if each.path.startswith(os.getcwd() + "/") else each.path
            place = f"{printable(shown)}:{each.line}" if each.line else printable(shown)
            yield from _folded(each.text, width, f"{place}: {kind}: ", "  ")
            if each.fix:
                yield from _folded(each.fix, width, "    ", "    ")
        if report.remarks:
            yield ""
    refused = sum(not report.accepted for report in reports)
    words = [f"{counts[kind]} {kind}" for kind in ("warning", "advice", "info") if counts[kind]]
    errors = [counted(counts["refused"], "error")] if counts["refused"] else []
    verdict = f"stunnel would refuse {refused} of them" if refused else "stunnel would start with all of them"
    if len(reports) == 1:
        verdict = "stunnel would refuse it" if refused else "stunnel would start with it"
    yield f"{counted(len(reports), 'file')}: {', '.join([*errors, *words]) or 'clean'}; {verdict}"


def _folded(text: str, width: int, head: str, indent: str) -> list[str]:
    """One line where it fits; a place or a path is never cut.  Without a width it is always one."""
    if not width:
        return [head + text]
    wrapper = textwrap.TextWrapper(max(width, 40), head, indent)
    wrapper.break_long_words = wrapper.break_on_hyphens = False
    return wrapper.wrap(text)


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Judge and print."""
    reports = asyncio.run(judge(files(arguments.paths), arguments.for_stunnel))
    if arguments.json:
        text = msgspec.json.format(msgspec.json.encode(as_json(reports)), indent=2).decode() + "\n"
    else:
        # For a program that reads along, a finding is a line.
        width = shutil.get_terminal_size((80, 24)).columns if sys.stdout.isatty() else 0
        text = "\n".join(lines(reports, width)) + "\n"
    sys.stdout.write(in_ascii(text, wanted=settings.ascii and not arguments.json))
    return exit_status(reports)
