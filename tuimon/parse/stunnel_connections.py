"""LogReader: lines of one log in, records out, each with the service and the peer of its connection.

Rule: an id is a connection from its accept line to its close line (at debug 7 from `started` to
`finished`).  Where an id may belong to several connections, nothing is said rather than a guess.
"""

import re
from collections.abc import Iterable
from datetime import date, tzinfo

from msgspec import Struct

from tuimon.model.log import Event, LogRecord
from tuimon.parse.stunnel_log import parse_tagged
from tuimon.parse.stunnel_reasons import reason_in_words

MAX_OPEN = 20_000
"""Connections that are remembered at once; beyond that the oldest is forgotten."""

_SWITCHED = re.compile(r"SNI: switched to service \[(.*)\]$")
_FAILED = frozenset({Event.TLS_FAILED, Event.PEER_REJECTED, Event.REJECTED})
_FINISHED = re.compile(r"Service \[.*\] finished \(")

_Key = tuple[str, str]


class _Open(Struct):
    """The connections that an id stands for: one, or once it is `shared`, `count` of them that cannot
    be told apart.  `debug` says that the first began with `started`, hence ends with `finished`."""

    service: str
    peer: str
    debug: bool
    shared: bool = False
    count: int = 1


class LogReader:
    """Parses the lines of one log in order and tells to which connection each belongs.

    In a syslog or journal each tag (`stunnel[90]`) has its own ids.  `zone` and `today` are those of
    `parse_line`; `today` may be set anew at any time.
    """

    def __init__(self, *, zone: tzinfo | None = None, today: date | None = None) -> None:
        self._zone = zone
        self.today = today
        self._open: dict[_Key, _Open] = {}
        self._shared_tags: set[str] = set()

    @property
    def ambiguous(self) -> bool:
        """Whether connections have shared an id since the last start: `logId = process`, or a log that
        several processes write to."""
        return bool(self._shared_tags)

    def feed(self, lines: Iterable[bytes]) -> list[LogRecord]:
        """Return one record a line, in the order of the lines."""
        return [self._attribute(*parse_tagged(line, self._zone, self.today)) for line in lines]

    def _attribute(self, tag: str, record: LogRecord) -> LogRecord:
        event = record.event
        if event is Event.STARTED or event is Event.STOPPED:
            self._forget(tag)
            return record
        key = (tag, record.id)
        starting = record.level == 7 and bool(record.service) and record.message.endswith("] started")
        if starting or event is Event.ACCEPTED:
            self._begin(key, record, starting)
            return record
        entry = self._open.get(key)
        if entry is None:
            return record._replace(reason=_reason(record)) if record.peer else record
        shared, service, peer = entry.shared, entry.service, entry.peer
        if event is Event.SNI and (switched := _SWITCHED.match(record.message)):
            entry.service = switched[1]  # for the lines to come; this one is still the primary's
        elif _FINISHED.match(record.message) if entry.debug else event is Event.CLOSED:
            self._end(key, entry)
        if shared:
            return record
        return LogRecord(
            record.time,
            record.level,
            record.id,
            record.service or service,
            event,
            record.peer or peer,
            record.message,
            reason=_reason(record),
        )

    def _begin(self, key: _Key, record: LogRecord, starting: bool) -> None:
        entry = self._open.get(key)
        if entry and record.id == "0" and (starting or entry.peer):
            # Sequential ids begin at 0 once in a process: this is a new one whose start was not logged.
            self._forget(key[0])
            entry = None
        if entry is None:
            if len(self._open) >= MAX_OPEN:
                del self._open[next(iter(self._open))]
            self._open[key] = _Open(record.service, record.peer, starting)
        elif starting or entry.peer:
            if starting or not (entry.shared and entry.debug):  # else its `started` was counted
                entry.count += 1
            entry.shared = True
            self._shared_tags.add(key[0])
        else:
            entry.peer = record.peer

    def _end(self, key: _Key, entry: _Open) -> None:
        # A shared id is of use again only when none of its connections is left.
        entry.count -= 1
        if entry.count == 0:
            del self._open[key]

    def _forget(self, tag: str) -> None:
        self._open = {key: entry for key, entry in self._open.items() if key[0] != tag}
        self._shared_tags.discard(tag)


def _reason(record: LogRecord) -> str:
    return reason_in_words(record.message) if record.event in _FAILED else ""
