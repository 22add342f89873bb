"""The systemd journal of the units that start stunnel.

Rule: history first, then what follows its last cursor, so that no entry is lost or told twice.  Where
stunnel logs both to syslog and to stderr (`foreground = yes`), each line counts once.
"""

import asyncio

from tuimon.collect.base import Publish
from tuimon.events import LogAppended
from tuimon.host.base import Host
from tuimon.model.failure import Failure, Reason
from tuimon.model.tunnel import JOURNAL, Interest
from tuimon.parse.journal_entry import Entry, parse_entry
from tuimon.parse.lines import LineAssembler
from tuimon.parse.stunnel_connections import LogReader

_HISTORY = "2000"  # entries of the past, of all units together
_PATIENCE = 20.0  # seconds for reading them
_CHUNK = 64 * 1024
_DENIED = ("insufficient permissions", "not seeing messages")


class Journal:
    """Publishes `LogAppended` for every unit whose log goes to the journal."""

    name = "journal"

    def __init__(self, host: Host) -> None:
        self._host = host
        self._units: frozenset[str] = frozenset()
        self._wake = asyncio.Event()
        self._readers: dict[str, LogReader] = {}
        self._syslog: set[str] = set()  # units whose lines come through syslog
        self._cursor = ""

    def want(self, interest: Interest) -> None:
        """Follow exactly these units."""
        units = frozenset(each.removeprefix(JOURNAL) for each in interest.logs if each.startswith(JOURNAL))
        if units != self._units:
            self._units = units
            self._wake.set()

    async def run(self, publish: Publish) -> None:
        """Follow until cancelled."""
        while True:
            self._wake.clear()
            units = self._units
            if not units or not await self._catch_up(units, publish):
                await self._wake.wait()
                continue
            async with asyncio.TaskGroup() as group:
                following = group.create_task(self._follow(units, publish))
                changed = group.create_task(self._wake.wait())
                await asyncio.wait((following, changed), return_when=asyncio.FIRST_COMPLETED)
                following.cancel()
                changed.cancel()
            if not self._wake.is_set():  # journalctl ended by itself
                await asyncio.sleep(1)

    def _argv(self, units: frozenset[str], *more: str) -> tuple[str, ...]:
        named = (word for unit in sorted(units) for word in ("--unit", unit))
        return ("journalctl", "--output=json", "--no-pager", *more, *named)

    async def _catch_up(self, units: frozenset[str], publish: Publish) -> bool:
        """Read what the journal holds of new units; False if nothing may be seen."""
        new = units - self._readers.keys()
        if not new:
            return True
        done = await self._host.run(self._argv(new, f"--lines={_HISTORY}"), _PATIENCE)
        failure = done if isinstance(done, Failure) else None
        if not isinstance(done, Failure):
            said = done.stderr.decode("utf-8", "replace")
            if not done.stdout and any(words in said for words in _DENIED):
                failure = Failure(Reason.DENIED, "journal: permission denied", "group systemd-journal")
        if failure is not None or isinstance(done, Failure):
            for unit in new:
                publish(LogAppended(self._host.name, JOURNAL + unit, (), first=True, failure=failure))
            return False
        self._readers |= {unit: LogReader() for unit in new}
        self._tell(done.stdout.splitlines(), publish, units=new, first=True)
        return True

    async def _follow(self, units: frozenset[str], publish: Publish) -> None:
        after = (f"--after-cursor={self._cursor}",) if self._cursor else ("--lines=0",)
        stream = await self._host.stream(self._argv(units, "--follow", *after))
        if isinstance(stream, Failure):
            return
        lines = LineAssembler()
        try:
            while chunk := await stream.read(_CHUNK):
                self._tell(lines.feed(chunk), publish)
        finally:
            await stream.close()

    def _tell(
        self,
        lines: list[bytes],
        publish: Publish,
        *,
        units: frozenset[str] = frozenset(),
        first: bool = False,
    ) -> None:
        """Publish entries by unit; `units` are told of even when there is nothing to say."""
        found: dict[str, list[bytes]] = {unit: [] for unit in units}
        for entry in map(parse_entry, lines):
            if entry is not None and entry.unit in self._readers:
                self._cursor = entry.cursor
                if self._counts(entry):
                    found.setdefault(entry.unit, []).append(entry.line)
        for unit, said in found.items():
            records = tuple(self._readers[unit].feed(said))
            publish(LogAppended(self._host.name, JOURNAL + unit, records, first=first))

    def _counts(self, entry: Entry) -> bool:
        if entry.transport == "syslog":
            self._syslog.add(entry.unit)
        # stderr repeats what syslog said; only its start-up lines (`[!] …`) come no other way.
        return entry.transport != "stdout" or entry.unit not in self._syslog or b": [" in entry.line
