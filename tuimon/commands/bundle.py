"""`tuimon bundle [INSTANCE…]`: what a ticket about a fault needs, in one text.

Rule: it looks as `tuimon status` does, and touches nothing.
"""

import argparse
import asyncio
import os
import sys

from tuimon.bundle import MINUTES, bundle
from tuimon.commands.manual import Manual
from tuimon.commands.status import sweep
from tuimon.commands.targets import chosen
from tuimon.control import record
from tuimon.host.local import LocalHost
from tuimon.model.action import ACTION_LOG, Logged
from tuimon.model.failure import Failure
from tuimon.model.service import InstanceKey
from tuimon.patience import is_file
from tuimon.settings import Settings
from tuimon.signs import in_ascii
from tuimon.store import Store

_WEEK = 7 * 24 * 60
NAME = "bundle"
HELP = "one text for the ticket: findings, handshakes, masked configuration, log, actions"
MANUAL = Manual(
    "Prints what somebody who is asked about a fault would ask for, about these instances (all, without "
    "INSTANCE): findings with their evidence, the last handshake with its chain, the configuration with "
    "every secret masked and how it differs from what is loaded, the last minutes of the log, what was done.",
    {0: "printed", 3: "usage"},
    (
        ("tuimon bundle > ticket.md", "everything"),
        ("tuimon bundle /etc/stunnel/web.conf --minutes 60", "one instance, an hour of its log"),
    ),
    ("settings", "actions", "stunnel"),
)


def minutes(text: str) -> float:
    """An argument type: minutes, above 0 and at most a week."""
    value = float(text)
    if not 0 < value <= _WEEK:
        raise argparse.ArgumentTypeError(f"minutes above 0, up to {_WEEK}, are wanted")
    return value


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("instances", nargs="*", metavar="INSTANCE", help="configuration path, unit or pid")
    parser.add_argument(
        "--minutes", type=minutes, default=MINUTES, metavar="N", help=f"of the log (default {MINUTES})"
    )


async def _actions(settings: Settings) -> tuple[Logged, ...]:
    host = LocalHost()
    content = await host.read(settings.state_file(ACTION_LOG))
    await host.close()
    return () if isinstance(content, Failure) else record.told(record.read(content.data))


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Sweep what is asked for, and print."""
    files = tuple(os.path.abspath(each) for each in arguments.instances if is_file(each))
    only = files if len(files) == len(arguments.instances) else ()

    def asked(store: Store) -> list[InstanceKey]:
        named = [chosen(store, each)[0] for each in arguments.instances]
        return [row.instance.key for row in (named if arguments.instances else store.instances())]

    store = asyncio.run(sweep(settings, only, asked))
    keys = asked(store)
    text = bundle(store, keys, asyncio.run(_actions(settings)), minutes=arguments.minutes)
    sys.stdout.write(in_ascii(text, wanted=settings.ascii))
    return 0
