"""Connections: the lines of the logbook put together, one connection each, for whoever wants to see them so.

Rule: nothing is put together before somebody looks, and then only what is new; bounded like the lines.
Of a connection of which neither beginning nor client is held there is nothing to show.
"""

from collections import deque
from itertools import takewhile
from typing import NamedTuple

from msgspec.structs import replace

from tuimon.model.connection import Connection
from tuimon.parse.stunnel_sessions import Sessions
from tuimon.store.logbook import Logbook

_ENDED = 5000
"""Connections that have ended and are kept."""


class Told(NamedTuple):
    """One connection as a log tells it; `number` grows by one a connection of those that have ended."""

    number: int
    source: str
    connection: Connection


class Connections:
    """Takes the lines of a logbook as they come; ended connections and those that are open."""

    def __init__(self) -> None:
        self._start()
        self._generation = -1

    def _start(self) -> None:
        self._seen, self._count = -1, 0
        self._sessions: dict[str, Sessions] = {}
        self._ended: deque[Told] = deque(maxlen=_ENDED)

    def look(self, book: Logbook) -> list[Told]:
        """All that are known now, the newest first: those that are open, then in the order of their ends."""
        missed = book.lines and 0 <= self._seen < book.lines[0].sequence - 1
        if missed or book.generation != self._generation:
            # Ends may have left unseen, or lines have come in before others: begin again.
            self._start()
            self._generation = book.generation
        fresh = list(takewhile(lambda line: line.sequence > self._seen, reversed(book.lines)))
        for line in reversed(fresh):
            sessions = self._sessions.setdefault(line.source, Sessions())
            for each in sessions.feed([("", line.record)]):
                self._end(line.source, each, book)
        if fresh:
            self._seen = fresh[0].sequence
        return [told for told in (*self._open(book), *reversed(self._ended)) if _is_known(told.connection)]

    def _end(self, source: str, connection: Connection, book: Logbook) -> None:
        self._count += 1
        self._ended.append(Told(self._count, source, _owned(source, connection, book)))

    def _open(self, book: Logbook) -> list[Told]:
        found = [
            Told(0, source, _owned(source, each, book))
            for source, sessions in self._sessions.items()
            for each in sessions.open()
        ]
        return sorted(found, key=lambda told: told.connection.started or 0.0, reverse=True)


def _is_known(connection: Connection) -> bool:
    return connection.started is not None or bool(connection.peer)


def _owned(source: str, connection: Connection, book: Logbook) -> Connection:
    """With the word whether it was a probe of ours."""
    at = connection.started if connection.started is not None else connection.ended
    own = book.own_probes.made(connection.peer, at, place=(source, connection.service))
    return replace(connection, own_probe=True) if own else connection
