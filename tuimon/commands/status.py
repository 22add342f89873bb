"""`tuimon status`: one full sweep without a screen, as a table for people or JSON for programs.

Rule: it says what the screen says, because it asks the same store.
"""

import argparse
import asyncio
import contextlib
import shutil
import sys
from collections.abc import Callable, Coroutine
from typing import Any

import msgspec

from tuimon import export
from tuimon.commands import seconds
from tuimon.commands.columns import cells, column, cut
from tuimon.commands.manual import Manual
from tuimon.commands.screen import existing
from tuimon.diagnose.finding import label
from tuimon.host.local import LocalHost
from tuimon.runtime import Runtime
from tuimon.settings import Settings
from tuimon.signs import in_ascii
from tuimon.store import Row, Store
from tuimon.text import counted, printable

NAME = "status"
HELP = "one full sweep, printed: discover, parse, probe, read certificates, judge"
MANUAL = Manual(
    "Discover, parse, probe, read certificates and judge once, and print what the screen would show: a "
    "table, worst first, or one JSON document.  What could not be seen is said.",
    {0: "all ok", 1: "warnings", 2: "critical, or down", 3: "something could not be looked at"},
    (
        ("tuimon status", "everything that is found"),
        ("tuimon status --timeout 3 /etc/stunnel/web.conf", "one file, not waiting long"),
        ("tuimon status --json | jq '.services[] | select(.health != \"ok\")'", "for a program"),
    ),
    ("settings", "loaded", "stunnel"),
)

_SURVEY = ("configurations", "processes", "units", "sockets", "logs", "join")  # tells what there is
_SWEEP = 120.0  # seconds after which a sweep ends with what it has


async def sweep(
    settings: Settings, paths: tuple[str, ...], check: Callable[[Store], object] | None = None
) -> Store:
    """Discover, parse, probe, read and judge once; ends when everything was looked at.

    `check` is asked as soon as it is known what there is: whatever it raises, of a name that nobody has, need
    not wait for probes.
    """
    host = LocalHost(poll=settings.intervals.files, hears=False)
    runtime = Runtime(host, settings, paths, at_once=False)
    running = asyncio.create_task(runtime.run())
    try:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_SWEEP + 2 * settings.probes.timeout):
                if check is not None:
                    await _until(runtime.settle(*_SURVEY), running)
                    check(runtime.store)
                await _until(runtime.settle(), running)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    runtime.store.drain()
    return runtime.store


async def _until(settled: Coroutine[Any, Any, None], running: asyncio.Task[None]) -> None:
    """Wait for it, as long as the runtime runs."""
    waiting = asyncio.create_task(settled)
    try:
        await asyncio.wait((running, waiting), return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)


def days(row: Row, now: float) -> str:
    """`87d`, `−2d`, `9→89d`, or empty."""
    shown, renewed = row.certificate, row.renewed
    if shown is None:
        return "psk" if row.tunnel.service.psk_only else ""
    left = int(shown.seconds_left(now) / 86400)
    text = f"−{-left}d" if shown.seconds_left(now) < 0 else f"{left}d"
    return f"{text[:-1]}→{int(renewed.seconds_left(now) / 86400)}d" if renewed else text


def table(store: Store, width: int, paths: tuple[str, ...] = ()) -> list[str]:
    """The table as lines no wider than `width`."""
    rows = store.rows()
    names = max((cells(_name(row)) for row in rows), default=7)
    names = max(7, min(names, 24))
    lines = [f"{'STATE':7} {'SERVICE':{names}} {'CERT':>7}  WHY"]
    for row in rows:
        name = column(_name(row), names)
        lines.append(cut(f"{label(row.state):7} {name} {days(row, store.now):>7}  {row.why}", width))
    total = store.summary()
    words = (
        (total.down, "down"),
        (total.critical, "critical"),
        (total.warning, "warning"),
        (total.ok, "ok"),
        (total.unknown + total.pending, "not seen"),
        (total.off, "off"),
        (total.not_probed, "not probed"),
    )
    counts = ", ".join(f"{count} {word}" for count, word in words if count)
    total_words = counted(total.services, "service")
    lines += ["", f"{total_words} on {store.host}: {counts or 'nothing found'}"]
    if not rows:
        where = f"running processes, systemd units and {store.settings.config_folder}/*.conf"
        lines.append(f"looked at {', '.join(map(printable, paths)) or where}")
    lines += [f"not seen: {each}" for each in store.blind_spots()]
    lines += [f"not seen: {name}: {failure}" for name, failure in store.collectors.items() if failure]
    return lines


def _name(row: Row) -> str:
    return ("↳ " if row.tunnel.primary else "") + row.tunnel.service.name


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("paths", nargs="*", metavar="PATH", help="configuration file, or folder of *.conf")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--timeout", type=seconds, metavar="S", help="seconds for each probe")


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Sweep and print."""
    if arguments.timeout:
        probes = msgspec.structs.replace(settings.probes, timeout=arguments.timeout)
        settings = msgspec.structs.replace(settings, probes=probes)
    paths = existing(arguments.paths)
    store = asyncio.run(sweep(settings, paths))
    if arguments.json:
        text = msgspec.json.format(msgspec.json.encode(export.status(store)), indent=2).decode() + "\n"
    else:
        text = "\n".join(table(store, shutil.get_terminal_size((120, 36)).columns, paths)) + "\n"
    sys.stdout.write(in_ascii(text, wanted=settings.ascii and not arguments.json))
    missing = store.pending()
    if missing:  # what was not looked at is not well because nobody complained
        print(f"tuimon: not everything was looked at in time: {', '.join(missing)}", file=sys.stderr)
    return export.exit_status(store) or 3 * bool(missing)
