"""The logbook: records of all logs merged by time, and what they tell of each service and instance.

Rule: bounded, and the order inside one file is never changed.  Our own probes are marked when they
arrive and never counted as anybody's error or session.
"""

import re
from collections import OrderedDict, deque
from itertools import islice

from msgspec import Struct
from msgspec.structs import replace

from tuimon.model.log import Event, LogRecord
from tuimon.model.tunnel import Traffic
from tuimon.store.bounded import put
from tuimon.store.chronicle import TOLD, Chronicle
from tuimon.store.clientele import Clientele
from tuimon.store.log_lines import LogLine, merged
from tuimon.store.own_probes import OwnProbes

_READING = re.compile(r"configuration from file (/.*)$")
_MOST = 200_000  # lines that are held where somebody asks for older ones
_LATE = 300  # lines that may have been read before the probe that caused them was told of
_FROM = re.compile(r"connected remote server from (\S+)$")
_PERHAPS = "s_connect: connected "  # of an OCSP responder, or of a target: that one's own line follows
_FINAL = ("No more addresses", "No remote host resolved")
_OF_TARGET = frozenset({Event.CONNECT_FAILED, Event.RESOLVE_FAILED})
_FAILURES = _OF_TARGET | {Event.TLS_FAILED, Event.PEER_REJECTED, Event.REJECTED}
# Most lines tell nothing of this: to see that must cost next to nothing.
_OF_TRAFFIC = _FAILURES | {Event.CONNECTED, Event.TLS_OK}
_OF_PROCESS = TOLD | {Event.CONFIG_READ}
_SILENT = Traffic()


class SourceFacts(Struct, frozen=True, gc=False):
    """What one log tells of the process that writes it; times are seconds since the epoch.

    `loads` and `troubles` count what was said so far: two loads of one second have one time.
    """

    loaded_at: float | None = None
    trouble: LogRecord | None = None
    stopped: LogRecord | None = None
    version: str = ""
    config: str = ""
    reading: bool = False  # it reads `config`: what it tells that it reads now is included there
    turned_away: LogRecord | None = None
    out_of_files: LogRecord | None = None
    loads: int = 0
    troubles: int = 0


class Logbook:
    """All log lines, newest last, and the facts drawn from them."""

    def __init__(self, limit: int) -> None:
        self.lines: deque[LogLine] = deque(maxlen=limit)
        self.generation = 0  # changes when lines were merged in before others
        self.sources: dict[str, SourceFacts] = {}
        self.traffic: OrderedDict[tuple[str, str], Traffic] = OrderedDict()  # (source, service name)
        self.clientele = Clientele()
        self.chronicle = Chronicle()
        self.own_probes = OwnProbes()
        self._late: deque[str] = deque(maxlen=_LATE)  # the peers of the last lines
        self._candidates: OrderedDict[tuple[str, str], LogRecord] = OrderedDict()
        self._next = 0

    def own_probe(self, local: str, now: float, door: str = "") -> None:
        """Remember that a connection from `local` (to `door`, where that is known) is ours; lines that came
        before us are marked now."""
        self.own_probes.remember(local, now, door)
        self._own(local)

    def jumped(self, before: float, now: float) -> None:
        """The clock went from `before` to `now`: a probe that was open meanwhile is ours by both, and nobody
        can have been seen in the time between."""
        self.clientele.resumed = now
        for local in self.own_probes.jumped(before, now):
            self._own(local)

    def _own(self, local: str) -> None:
        made = self.own_probes.made
        self.clientele.disown(local, lambda place, at: made(local, at, place=place))
        if local not in self._late:
            return
        late = enumerate(islice(reversed(self.lines), _LATE), 1)
        for back, line in [each for each in late if each[1].record.peer == local and not each[1].own]:
            if made(local, line.record.time, place=(line.source, line.record.service)):
                self.lines[-back] = replace(line, own=True)
                self.generation += 1

    def is_own(self, source: str, record: LogRecord) -> bool:
        """Whether a line speaks of one of our probes."""
        place = (source, record.service)
        return self.own_probes.made(record.peer, record.time, place=place)

    def append(self, source: str, records: tuple[LogRecord, ...], *, history: bool) -> set[str]:
        """Take records of one log; returns the names of the services of which they say something."""
        if records:
            self.sources.setdefault(source, SourceFacts())
        touched: set[str] = set()
        fresh: list[LogLine] = []
        heard: float | None = None
        ours = self.own_probes.seen  # nearly no line is about one of them
        for sequence, record in enumerate(records, self._next):
            event, own = record.event, record.peer in ours and self.is_own(source, record)
            if own and event is Event.CONNECTED:
                found = _FROM.search(record.message)
                if found and record.time is not None:  # the next stunnel of a chain sees this address
                    self.own_probe(found[1], record.time)
            fresh.append(LogLine(sequence, source, record, own))
            if event in _OF_PROCESS:
                self._learn(source, record)
            service = record.service
            if service:
                turned = event in _OF_TRAFFIC and self._carry((source, service), record, own=own)
                if turned or not own:
                    touched.add(service)
            self.clientele.learn(source, record, own=own)
            heard = heard if record.time is None else record.time
        if heard is not None:
            self.clientele.hear(source, heard)
        if history and self.lines and fresh:
            self._merge(source, fresh, older=False)
        else:
            self.lines.extend(fresh)
            self._next += len(fresh)
        self._late.extend([record.peer for record in records[-_LATE:]])
        return touched

    @property
    def full(self) -> bool:
        """Whether no older lines can be taken any more."""
        return len(self.lines) >= _MOST

    def oldest(self, source: str) -> float:
        """The time of the first line of a log that is held; infinite where none has one."""
        times = (line.record.time for line in self.lines if line.source == source)
        return next((at for at in times if at is not None), float("inf"))

    def recall(self, source: str, records: tuple[LogRecord, ...]) -> None:
        """Take records that are older than all of this log so far: nothing follows from them."""
        room = min(_MOST, len(self.lines) + len(records))
        if room > (self.lines.maxlen or 0):
            self.lines = deque(self.lines, maxlen=room)
        fits = max(0, (self.lines.maxlen or 0) - len(self.lines))
        fresh = records[len(records) - fits :]
        lines = [LogLine(0, source, each, self.is_own(source, each)) for each in fresh]
        if lines:
            self._merge(source, lines, older=True)

    def _merge(self, source: str, fresh: list[LogLine], *, older: bool) -> None:
        """Put in lines of one log; those that come after the first of them get another number."""
        held = list(self.lines)
        first, rest = merged(held, fresh, source, older=older)
        rest = rest[-(self.lines.maxlen or len(rest)) :]
        self.generation += 1
        self.lines.clear()
        self.lines.extend(held[:first])
        self.lines.extend(
            LogLine(number, line.source, line.record, line.own)
            for number, line in enumerate(rest, self._next)
        )
        self._next += len(rest)

    def _learn(self, source: str, record: LogRecord) -> None:
        facts = self.sources[source]
        self.chronicle.learn(source, record)
        if record.event is not Event.CONFIG_READ and facts.reading:
            facts = replace(facts, reading=False)
        match record.event:
            case Event.STARTED:
                version = record.message.split(" ")[1] if record.message.startswith("stunnel ") else ""
                facts = replace(facts, version=version or facts.version, stopped=None, trouble=None)
            case Event.CONFIG_READ:
                found = None if facts.reading else _READING.search(record.message)
                facts = replace(facts, config=found[1] if found else facts.config, reading=True)
            case Event.CONFIG_OK:
                facts = replace(
                    facts, loaded_at=record.time, trouble=None, stopped=None, loads=facts.loads + 1
                )
            case Event.CONFIG_FAILED | Event.RELOAD_FAILED | Event.BIND_FAILED:
                if record.event is not Event.BIND_FAILED or (record.level or 7) <= 3:
                    facts = replace(facts, trouble=facts.trouble or record, troubles=facts.troubles + 1)
            case Event.LIMIT if "too many clients" in record.message:
                facts = replace(facts, turned_away=record)
            case Event.LIMIT:
                facts = replace(facts, out_of_files=record)
            case Event.STOPPED:
                facts = replace(facts, stopped=record)
            case _:
                pass
        self.sources[source] = facts

    def _carry(self, key: tuple[str, str], record: LogRecord, *, own: bool) -> bool:
        """Take what a line tells of those who come to a service, and of its target; whether that has failed
        or come back.  (What else a probe of ours shows is in its result, which is on its way.)"""
        if record.message.startswith(_PERHAPS):
            return False
        before = self.traffic.get(key, _SILENT)
        traffic = self._reach(key, before, record)
        if own:
            pass
        elif record.event in _FAILURES:
            traffic = replace(
                traffic,
                failing_since=traffic.failing_since or record.time,
                failures=traffic.failures + 1,
                failure=record,
            )
        else:
            traffic = replace(traffic, last_success=record.time, failing_since=None, failures=0, failure=None)
        put(self.traffic, key, traffic)
        return traffic.target_failure != before.target_failure

    def _reach(self, key: tuple[str, str], traffic: Traffic, record: LogRecord) -> Traffic:
        """Whether the target is reached, whoever wants to."""
        if record.event is Event.CONNECTED:
            self._candidates.pop(key, None)
            if traffic.target_failure is not None:
                self.chronicle.reached(*key, traffic.target_since, record.time, traffic.target_failure)
            return replace(traffic, target_failure=None, target_since=None, target_ok=record.time)
        if record.event not in _OF_TARGET:
            return traffic
        if not record.message.startswith(_FINAL):  # several addresses may fail before one answers
            put(self._candidates, key, record)
            return traffic
        return replace(
            traffic,
            target_failure=self._candidates.pop(key, record),
            target_since=traffic.target_since or record.time,
        )
