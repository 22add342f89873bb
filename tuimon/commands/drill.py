"""`tuimon drill [INSTANCE…]`: would it survive a reboot?

Rule: it touches nothing and starts nothing; what a boot would bring is read from systemd and the disk.
"""

import argparse
import asyncio
from collections.abc import Iterator, Sequence

import msgspec
from msgspec import Struct

from tuimon import export
from tuimon.collect.boot import boot_of
from tuimon.commands.manual import Manual
from tuimon.commands.status import sweep
from tuimon.commands.targets import chosen
from tuimon.diagnose.drill import drill, expected, needed_folders, starts_at_boot
from tuimon.diagnose.finding import Finding, Severity
from tuimon.host.local import LocalHost
from tuimon.model.handshake import Depth
from tuimon.model.instance import Instance
from tuimon.model.tunnel import Tunnel
from tuimon.settings import ServiceRule, Settings
from tuimon.signs import in_ascii
from tuimon.store import InstanceRow, Store
from tuimon.text import counted

NAME = "drill"
HELP = "would it survive a reboot: a rehearsal that touches nothing"
MANUAL = Manual(
    "Would these instances (all, without INSTANCE) come back after a reboot?  Looked at are: what starts "
    "them, folders that are in memory only, the configuration, certificates and keys on disk, ports, "
    "passwords that somebody would have to type, addresses that come late.  Nothing is touched.",
    {0: "all would come back", 1: "they would, with problems", 2: "some would not"},
    (
        ("tuimon drill", "all of them, before a reboot"),
        ("tuimon drill /etc/stunnel/web.conf --json", "one, for a program"),
    ),
)

_SIGNS = {Severity.CRITICAL: "✖", Severity.WARNING: "▲", Severity.INFO: "●"}


class Drilled(Struct, frozen=True):
    """One instance after the rehearsal; `expected` says whether anybody counts on it after a boot."""

    instance: Instance
    findings: tuple[Finding, ...]
    expected: bool

    @property
    def status(self) -> int:
        """Exit status: 2 would not come back, 1 with problems, 0."""
        severities = {each.severity for each in self.findings} if self.expected else set()
        return 2 if Severity.CRITICAL in severities else int(Severity.WARNING in severities)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    words = "configuration path, unit or pid (default: all)"
    parser.add_argument("targets", nargs="*", metavar="INSTANCE", help=words)
    parser.add_argument("--json", action="store_true", help="print one JSON document")


async def _drill(targets: Sequence[str], settings: Settings) -> list[Drilled]:
    def asked(store: Store) -> list[InstanceRow]:
        return [chosen(store, each)[0] for each in targets]

    store = await sweep(_untouched(settings), (), asked)
    rows = asked(store) or store.instances()
    host = LocalHost()
    try:
        return [await _one(host, store, row.instance) for row in rows]
    finally:
        await host.close()


def _untouched(settings: Settings) -> Settings:
    """The same, but nobody is probed: a rehearsal looks at files and at what the kernel shows."""
    rules = (*settings.services, ServiceRule(name="*"))
    off = tuple(msgspec.structs.replace(rule, depth=Depth.OFF) for rule in rules)
    return msgspec.structs.replace(settings, services=off)


async def _one(host: LocalHost, store: Store, instance: Instance) -> Drilled:
    if not expected(instance):
        return Drilled(instance, (), False)
    tunnels = [row.tunnel for row in store.rows() if row.key.instance == instance.key]
    boot = await boot_of(host, instance.unit.name if instance.unit else "", _paths(instance, tunnels))
    others = [
        row.tunnel
        for row in store.rows()
        if row.key.instance != instance.key and starts_at_boot(row.tunnel.instance)
    ]
    return Drilled(instance, drill(instance, tunnels, others, boot), True)


def _paths(instance: Instance, tunnels: Sequence[Tunnel]) -> frozenset[str]:
    files = (file for each in tunnels for file in (each.own, each.key_file, each.ca))
    return frozenset((*needed_folders(instance, tunnels), *(file.path for file in files if file is not None)))


def lines(found: Sequence[Drilled]) -> Iterator[str]:
    """An instance after the other, those that would not come back first, and what they add up to."""
    for each in sorted(found, key=lambda one: (-one.status, one.instance.key.config)):
        unit = f" ({each.instance.unit.name})" if each.instance.unit else ""
        sign = "–" if not each.expected else {0: "●", 1: "▲", 2: "✖"}[each.status]
        words = "not started at boot, and not running now" if not each.expected else ""
        words = (
            words or {0: "would come back", 1: "would come back, but", 2: "would not come back"}[each.status]
        )
        yield f"{sign} {each.instance.key.config}{unit}: {words}"
        for finding in each.findings:
            yield f"    {_SIGNS[finding.severity]} {finding.text}"
            if finding.fix:
                yield f"      → {finding.fix}"
    counted_on = [each for each in found if each.expected]
    lost = sum(each.status == 2 for each in counted_on)
    verdict = f"{lost} would not come back" if lost else "all of them would come back"
    yield f"{counted(len(counted_on), 'instance')} after a reboot: {verdict}"


def _document(found: Sequence[Drilled]) -> export.Json:
    return {
        "instances": [
            {
                "config": each.instance.key.config,
                "unit": each.instance.unit.name if each.instance.unit else None,
                "expected": each.expected,
                "survives": each.status < 2 if each.expected else None,
                "findings": [export.finding(finding) for finding in each.findings],
            }
            for each in found
        ]
    }


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Rehearse and print."""
    found = asyncio.run(_drill(arguments.targets, settings))
    if arguments.json:
        print(msgspec.json.format(msgspec.json.encode(_document(found)), indent=2).decode())
    else:
        text = "\n".join(lines(found))
        print(in_ascii(text, wanted=settings.ascii))
    return max((each.status for each in found), default=0)
