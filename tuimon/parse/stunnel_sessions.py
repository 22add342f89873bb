"""Sessions: the records of a log in, whole connections out, each when its end has come.

Rule: a connection goes from its accept line to its close line.  Only the open ones are held, and no more
than `MAX_OPEN` of them.  What several connections under one id (`logId = process`) say is attributed to
none of them: their ends are told only where they are certain.
"""

import re
from collections.abc import Iterable

from msgspec import Struct, field

from tuimon.model.connection import Connection, Outcome
from tuimon.model.log import Event, LogRecord
from tuimon.parse.stunnel_reasons import reason_in_words
from tuimon.parse.stunnel_session import Session, outcome_of

MAX_OPEN = 20_000
"""Connections that are followed at once; beyond that the oldest is handed out as open."""

_MAX_TAGS = 4096  # processes of a journal about which something is remembered
_RECENT = 16  # connections under one id among which the one that a line begins or repeats is looked for
_THREADS = frozenset({"", "ui", "main", "cron", "libwrap", "per-second", "per-minute", "per-day"})

# A log may begin in the middle of a connection: these lines are one's, whatever came before.
_OF_A_CONNECTION = frozenset(
    {
        Event.TLS_OK,
        Event.TLS_FAILED,
        Event.PEER_VERIFIED,
        Event.PEER_REJECTED,
        Event.CONNECTING,
        Event.CONNECTED,
        Event.CONNECT_FAILED,
        Event.SNI,
        Event.PSK,
        Event.REJECTED,
        Event.CLOSED,
    }
)

_TOLD = (_OF_A_CONNECTION - {Event.CLOSED}) | {Event.RESOLVE_FAILED}

_SHARED = "several connections had this id: their ends cannot be told apart"

_PID = re.compile(r"\[\d+\]")

_Key = tuple[str, str]


class _Id(Struct):
    """The connections that an id stands for, and the ends that were seen while they were several."""

    members: list[Session]
    shared: bool = False
    ends: list[Outcome] = field(default_factory=list)


class _Process(Struct):
    """What is remembered of one process: the copy of its lines that counts (by tag, and whether they have
    no time), whether its id 0 was seen, and whom it accepted last (debug 7)."""

    stream: tuple[str, bool]
    zero: bool = False
    arrived: tuple[str, str] = ("", "")


class Sessions:
    """Takes the records of one log, or of several processes' journal, in order.

    Records come with the tag that `parse_tagged` gives: each process has its own ids.  Where a journal
    has every line twice, from syslog and from stderr, the copy that comes second is left out.
    """

    def __init__(self) -> None:
        self._ids: dict[_Key, _Id] = {}
        self._processes: dict[str, _Process] = {}
        self._count = 0
        self._done: list[Connection] = []

    def feed(self, tagged: Iterable[tuple[str, LogRecord]]) -> list[Connection]:
        """Return the connections that these records end, in the order of their ends."""
        for tag, record in tagged:
            if record.parsed and record.id:  # without one it is a start that has not succeeded yet
                self._take(tag, record)
        return self._taken()

    def open(self) -> list[Connection]:
        """Those that have no end yet, the oldest first."""
        return [
            known.end(key[1], Outcome.OPEN, None, _SHARED if entry.shared else "")
            for key, entry in self._ids.items()
            for known in entry.members
        ]

    def flush(self) -> list[Connection]:
        """Return those that have no end in the log, the oldest first, and start afresh."""
        for key in list(self._ids):
            self._cut(key, Outcome.OPEN, None, "")
        self._processes.clear()
        return self._taken()

    def _taken(self) -> list[Connection]:
        done, self._done = self._done, []
        return done

    def _take(self, tag: str, record: LogRecord) -> None:
        # A journal calls the copies `stunnel[46]` and `stunnel4[46]`: the service's name, the program's.
        match = _PID.search(tag) if tag else None
        name = match[0] if match else tag
        stream = (tag, record.time is None)
        process = self._process(name, stream)
        if process.stream != stream:
            return
        event = record.event
        key = (name, record.id)
        if not event:
            self._remark(process, key, record)
        elif event in _TOLD:
            self._tell(process, key, record)
        elif event is Event.ACCEPTED:
            self._accept(process, key, record)
        elif event is Event.CLOSED:
            self._close(key, record)
        elif event is Event.STARTED:
            self._end_of_process(name, None, "stunnel ended without saying so")
        elif event is Event.STOPPED:
            self._end_of_process(name, record.time, "stunnel was stopped")
        elif event is Event.LIMIT:
            self._turn_away(process, record)

    def _process(self, name: str, stream: tuple[str, bool]) -> _Process:
        process = self._processes.get(name)
        if process is None:
            if len(self._processes) >= _MAX_TAGS:
                del self._processes[next(iter(self._processes))]
            process = self._processes[name] = _Process(stream)
        return process

    def _remark(self, process: _Process, key: _Key, record: LogRecord) -> None:
        """A line without an event of its own."""
        if record.level == 7:
            if record.service and record.message.endswith("] started"):
                self._start(process, key, record)
            elif record.service and record.peer:
                process.arrived = (record.service, record.peer)
            return
        known = self._sole(key)
        if known is None and record.message.startswith("getpeerbyname"):  # gone before it was accepted
            known = self._begin(key, Session(started=record.time))
        if known is not None:
            known.remark(record)

    def _start(self, process: _Process, key: _Key, record: LogRecord) -> None:
        """`Service [x] started` (debug 7): its accept line will follow."""
        if self._waiting(key) is None:
            self._restarted(process, key)
            self._begin(key, Session(record.service, "", record.time))

    def _accept(self, process: _Process, key: _Key, record: LogRecord) -> Session:
        known = self._waiting(key)
        if known is None:
            if (copied := self._copied(key, record)) is not None:
                return copied
            self._restarted(process, key)
            known = self._begin(key, Session())
        process.zero = process.zero or key[1] == "0"
        known.service, known.peer, known.started = record.service or known.service, record.peer, record.time
        return known

    def _waiting(self, key: _Key) -> Session | None:
        """One that has started and is not accepted yet."""
        entry = self._ids.get(key)
        return next((each for each in entry.members[-_RECENT:] if not each.peer), None) if entry else None

    def _copied(self, key: _Key, record: LogRecord) -> Session | None:
        """The one of which `record` is the accept line once more: no other client has this address now."""
        entry = self._ids.get(key)
        for known in entry.members[-_RECENT:] if entry and record.peer[:1].isdigit() else ():
            if known.peer == record.peer and known.service == record.service:
                return known
        return None

    def _restarted(self, process: _Process, key: _Key) -> None:
        """A second id 0: sequential ids begin at 0 once in a process, so this is one that began unlogged."""
        if key[1] == "0" and process.zero:
            self._end_of_process(key[0], None, "stunnel ended without saying so")

    def _begin(self, key: _Key, opened: Session) -> Session:
        if self._count >= MAX_OPEN:
            self._forget_oldest()
        entry = self._ids.get(key)
        if entry is None:
            self._ids[key] = _Id([opened])
        else:
            entry.members.append(opened)
            entry.shared = True
        self._count += 1
        return opened

    def _sole(self, key: _Key) -> Session | None:
        """The connection that this id stands for, if it is one alone."""
        entry = self._ids.get(key)
        return entry.members[0] if entry is not None and not entry.shared else None

    def _tell(self, process: _Process, key: _Key, record: LogRecord) -> None:
        event = record.event
        if event is Event.REJECTED and record.peer:  # libwrap and ident come before the accept line
            self._accept(process, key, record)
        elif key not in self._ids:
            if key[1] in _THREADS or event not in _OF_A_CONNECTION:
                return
            self._begin(key, Session())
        if (known := self._sole(key)) is not None:
            known.tell(record)

    def _turn_away(self, process: _Process, record: LogRecord) -> None:
        """Too many clients: such a connection has no id, and a name only at debug 7."""
        if not record.message.startswith("Connection rejected"):
            return
        service, peer = process.arrived
        process.arrived = ("", "")
        reason = reason_in_words(record.message)
        self._done.append(
            Connection(service, "", peer, record.time, record.time, Outcome.REJECTED, reason=reason)
        )

    def _close(self, key: _Key, record: LogRecord) -> None:
        if key not in self._ids:
            self._begin(key, Session())
        entry = self._ids[key]
        if not entry.shared:
            self._drop(key)
            self._done.append(entry.members[0].close(key[1], record))
            return
        entry.ends.append(outcome_of(record))
        if len(entry.ends) >= len(entry.members):
            self._cut(key, Outcome.CLOSED, None, _SHARED)

    def _end_of_process(self, name: str, at: float | None, why: str) -> None:
        for key in [key for key in self._ids if key[0] == name]:
            self._cut(key, Outcome.CUT, at, why)
        self._processes[name].zero = False

    def _cut(self, key: _Key, outcome: Outcome, at: float | None, why: str) -> None:
        """End all connections of an id; `outcome` is that of those whose end was not seen."""
        entry = self._ids[key]
        self._drop(key)
        if entry.ends:
            all_ended = len(entry.ends) >= len(entry.members)
            if all_ended:
                outcome = Outcome.CLOSED if len(set(entry.ends)) > 1 else entry.ends[0]
            at, why = None, _SHARED
        self._done += [known.end(key[1], outcome, at, why) for known in entry.members]

    def _forget_oldest(self) -> None:
        key, entry = next(iter(self._ids.items()))
        if len(entry.members) == 1:
            self._cut(key, Outcome.OPEN, None, "")
            return
        known = entry.members.pop(0)
        self._count -= 1
        outcome = entry.ends.pop(0) if entry.ends else Outcome.OPEN
        self._done.append(known.end(key[1], outcome, None, _SHARED))

    def _drop(self, key: _Key) -> None:
        self._count -= len(self._ids.pop(key).members)
