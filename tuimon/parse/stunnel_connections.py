"""LogReader: lines of one log in, records out, each with the service and the peer of its connection.

Rule: an id is a connection from its accept line to its close line (at debug 7 from `started` to
`finished`).  Where an id may belong to several connections, nothing is said rather than a guess.
"""

import re
from collections.abc import Iterable
from datetime import date, tzinfo

from msgspec import Struct

from tuimon.model.log import Event, LogRecord
from tuimon.parse.stunnel_log import said
from tuimon.parse.stunnel_reasons import reason_in_words

MAX_OPEN = 20_000
"""Connections that are remembered at once; beyond that the oldest is forgotten."""

_SWITCHED = re.compile(r"SNI: switched to service \[(.*)\]$")
_FINISHED = re.compile(r"Service \[.*\] finished \(")
_FAILED = frozenset({Event.TLS_FAILED, Event.PEER_REJECTED, Event.REJECTED})
_TURNS = frozenset({Event.SNI, Event.CLOSED})
_LIVES = frozenset({Event.STARTED, Event.STOPPED})
_ACCEPTED = Event.ACCEPTED  # to ask the enumeration for a member takes longer than to compare it

_Key = tuple[str, str]


class _Open(Struct, gc=False):
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
        records: list[LogRecord] = []
        for each in said(lines, self._zone, self.today):
            tag, time, level, log_id, service, event, peer, message, parsed = each
            key, reason = (tag, log_id), ""
            starting = level == 7 and bool(service) and message.endswith("] started")
            if event is _ACCEPTED or starting:
                self._begin(key, service, peer, starting)
            elif event in _LIVES:
                self._forget(tag)
            elif (entry := self._open.get(key)) is not None:
                if not entry.shared:
                    service, peer = service or entry.service, peer or entry.peer
                    reason = reason_in_words(message) if event in _FAILED else ""
                if event in _TURNS or entry.debug:
                    self._turn(key, entry, event, message)
            elif peer and event in _FAILED:
                reason = reason_in_words(message)
            records.append(LogRecord(time, level, log_id, service, event, peer, message, parsed, reason))
        return records

    def _begin(self, key: _Key, service: str, peer: str, starting: bool) -> None:
        entry = self._open.get(key)
        if entry and key[1] == "0" and (starting or entry.peer):
            # Sequential ids begin at 0 once in a process: this is a new one whose start was not logged.
            self._forget(key[0])
            entry = None
        if entry is None:
            if len(self._open) >= MAX_OPEN:
                del self._open[next(iter(self._open))]
            self._open[key] = _Open(service, peer, starting)
        elif starting or entry.peer:
            if starting or not (entry.shared and entry.debug):  # else its `started` was counted
                entry.count += 1
            entry.shared = True
            self._shared_tags.add(key[0])
        else:
            entry.peer = peer

    def _turn(self, key: _Key, entry: _Open, event: Event, message: str) -> None:
        """A line after which the connection may be another service's, or over."""
        if event is Event.SNI and (switched := _SWITCHED.match(message)):
            entry.service = switched[1]  # for the lines to come; this one is still the primary's
        elif _FINISHED.match(message) if entry.debug else event is Event.CLOSED:
            entry.count -= 1  # a shared id is of use again only when none of its connections is left
            if entry.count == 0:
                del self._open[key]

    def _forget(self, tag: str) -> None:
        self._open = {key: entry for key, entry in self._open.items() if key[0] != tag}
        self._shared_tags.discard(tag)
