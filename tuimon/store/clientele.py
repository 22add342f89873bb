"""The clientele: who the real clients of each service are, drawn from the log as its lines come in.

Rule: our own probes are nobody's visit, and peers that the log cannot tell apart (Unix sockets, an id
that several connections share) are left out.  Everything is bounded; regulars outlast passers-by.
"""

import re
from collections import OrderedDict, deque
from collections.abc import Callable
from itertools import islice

from msgspec import Struct, field
from msgspec.structs import replace

from tuimon.model.clients import NOBODY, Clients, Contact, Stall, hung_up
from tuimon.model.log import Event, LogRecord
from tuimon.store.bounded import put
from tuimon.store.visits import Book, Visit

_PEERS = 64  # of one service
_OPEN = 4096  # connections of one log that are followed at once
_RECENT, _SHOWN = 40, 10  # ended connections of one service that are kept, and that are told of
_STALLS = 8
_MINUTE = 60.0
_STALLED = 2.0  # seconds: the log's clock has whole ones
_BYTES = re.compile(r"Connection (\S+): (\d{1,18}) byte\S* sent to \w+, (\d{1,18}) byte")
_RESPONDER = re.compile(r'OCSP: Connecting the \w+ responder "(.*)"')
_ASKS = "OCSP: Connecting "
_ASKING = ("s_connect: ", _ASKS, "OCSP: Connected ")
_FAILED = frozenset({Event.TLS_FAILED, Event.PEER_REJECTED, Event.REJECTED})
_TARGET = frozenset({Event.CONNECT_FAILED, Event.RESOLVE_FAILED})
_TELLING = _FAILED | _TARGET | {Event.CONNECTED, Event.TLS_OK, Event.CLOSED}
_LIVES = frozenset({Event.STARTED, Event.STOPPED})
# What every line is asked; to ask the enumeration for its member each time would take longer.
_ACCEPTED, _REJECTED = Event.ACCEPTED, Event.REJECTED
_FINAL = ("No more addresses", "No remote host resolved")
_UNNAMED = "the handshake fails"


class _Room(Struct):
    """One service of one log."""

    books: OrderedDict[str, Book] = field(default_factory=OrderedDict)
    recent: deque[Visit] = field(default_factory=lambda: deque(maxlen=_RECENT))
    stalls: deque[Stall] = field(default_factory=lambda: deque(maxlen=_STALLS))
    version: int = 0
    answered: tuple[object, Clients] | None = None


class Clientele:
    """Takes records in order; answers with what is known of the clients of a service."""

    def __init__(self) -> None:
        self._rooms: OrderedDict[tuple[str, str], _Room] = OrderedDict()
        self._open: dict[str, OrderedDict[str, Visit]] = {}  # by log, then by peer
        self._heard: dict[str, float] = {}
        self._ended: OrderedDict[str, tuple[str, Visit]] = OrderedDict()  # the last ones, by peer
        self.resumed = 0.0  # when the clock jumped last: nobody can have come in the time between

    # -- lines in -------------------------------------------------------------------------------

    def hear(self, source: str, at: float) -> None:
        """A log has told something of that time."""
        self._heard[source] = at

    def learn(self, source: str, record: LogRecord, *, own: bool) -> None:
        """Take one line of a log."""
        if record.event in _LIVES:
            self._cut(source, record)
        elif not own and record.service and record.time is not None and ":" in record.peer:
            self._take(source, record, record.time)

    def disown(self, peer: str, ours: Callable[[tuple[str, str], float], bool]) -> None:
        """A connection from `peer` was ours, if `ours` says so of its place (log, service) and time: it is
        no visit, though its lines came first."""
        for source, open_ in self._open.items():
            visit = open_.get(peer)
            if visit is not None and ours((source, visit.service), visit.at):
                self._leave(source, visit)
        if peer not in self._ended:
            return
        source, visit = self._ended[peer]
        room = self._room(source, visit.service)
        book = room.books.get(visit.address)
        if book is not None and visit in book.visits and ours((source, visit.service), visit.at):
            book.forget(visit)
            book.version += 1
            room.recent = deque((each for each in room.recent if each is not visit), _RECENT)
            room.version += 1

    def _take(self, source: str, record: LogRecord, at: float) -> None:
        open_ = self._open.get(source)
        if open_ is None:
            open_ = self._open[source] = OrderedDict()
        event, visit = record.event, open_.get(record.peer)
        if event is _ACCEPTED or (visit is None and event is _REJECTED):
            if visit is not None:
                self._end(source, visit, at)
            if len(open_) >= _OPEN:
                self._leave(source, next(iter(open_.values())))
            visit = Visit(record.peer, record.peer.rpartition(":")[0], record.service, at)
            self._enter(source, visit)
        elif visit is None:
            return
        elif record.service != visit.service:  # the server name has led it to another service
            self._leave(source, visit)
            visit.service = record.service
            self._enter(source, visit)
        if event in _TELLING or visit.asking is not None or record.message.startswith(_ASKS):
            self._tell(source, visit, record, at)

    def _tell(self, source: str, visit: Visit, record: LogRecord, at: float) -> None:
        event, message = record.event, record.message
        if visit.asking is not None and not message.startswith(_ASKING):
            self._answered(source, visit, at)
        if event is Event.CLOSED:
            said = _BYTES.match(message)
            how, to_tls, to_socket = said.groups() if said else ("", 0, 0)
            self._end(source, visit, at, int(to_tls), int(to_socket), closed=how == "closed")
            return
        if event in _FAILED:
            if message.startswith("Redirecting"):
                visit.redirected = True
            visit.failure = visit.failure or replace(record, reason=record.reason or _UNNAMED)
            if event is Event.REJECTED and message.startswith("Service ["):  # it was never accepted
                self._end(source, visit, at)
                return
        elif event in _TARGET and message.startswith(_FINAL):
            visit.target_failed = True
        elif event is Event.CONNECTED and message.startswith("Service ["):  # else it may be a responder
            visit.connected = True
        elif event is Event.TLS_OK:
            visit.negotiated = True
        elif message.startswith(_ASKS):
            visit.asking = record
        else:
            return
        self._touch(source, visit)

    def _answered(self, source: str, visit: Visit, at: float) -> None:
        """The responder is awaited no more."""
        stall, visit.asking = _stall(visit, at, over=True), None
        room, _ = self._touch(source, visit)
        if stall is not None:
            room.stalls.append(stall)

    # -- coming and going -----------------------------------------------------------------------

    def _room(self, source: str, service: str) -> _Room:
        room = self._rooms.get((source, service))
        return room or put(self._rooms, (source, service), _Room())

    def _touch(self, source: str, visit: Visit) -> tuple[_Room, Book | None]:
        """Something is new of a visit: where it is kept."""
        room = self._room(source, visit.service)
        book = room.books.get(visit.address)
        room.version += 1
        if book is not None:
            book.version += 1
        return room, book

    def _enter(self, source: str, visit: Visit) -> None:
        self._open[source][visit.peer] = visit
        room, book = self._touch(source, visit)
        if book is None:
            if len(room.books) >= _PEERS:
                _make_place(room.books)
            book = room.books[visit.address] = Book()
        else:
            room.books.move_to_end(visit.address)
        book.open[visit.peer] = visit

    def _leave(self, source: str, visit: Visit) -> tuple[_Room, Book | None]:
        self._open[source].pop(visit.peer, None)
        room, book = self._touch(source, visit)
        if book is not None:
            book.open.pop(visit.peer, None)
            if not book.open and not book.visits and not book.connections:
                del room.books[visit.address]
        return room, book

    def _end(
        self,
        source: str,
        visit: Visit,
        at: float | None,
        to_tls: int = 0,
        to_socket: int = 0,
        *,
        closed: bool = False,
    ) -> None:
        visit.end(at, to_tls, to_socket, closed=closed)
        room, book = self._leave(source, visit)
        if book is None:
            return
        room.books.setdefault(visit.address, book).keep(visit)
        room.recent.append(visit)
        self._ended[visit.peer] = source, visit
        self._ended.move_to_end(visit.peer)
        if len(self._ended) > _OPEN:
            self._ended.popitem(last=False)

    def _cut(self, source: str, record: LogRecord) -> None:
        """The process has ended, and with it every connection."""
        for visit in list(self._open.get(source, {}).values()):
            if visit.asking is not None and record.time is not None:
                self._answered(source, visit, record.time)
            self._end(source, visit, record.time if record.event is Event.STOPPED else None)

    # -- questions ------------------------------------------------------------------------------

    def led_to(self, source: str, peer: str) -> str | None:
        """The service that a connection from `peer` (`IP:port`) was led to; empty where it has ended, None
        where the log tells of none."""
        open_, ended = self._open.get(source), self._ended.get(peer)
        if open_ is not None and peer in open_:
            return open_[peer].service
        return "" if ended is not None and ended[0] == source else None

    def clients(
        self, source: str, service: str, *, client: bool, prompt: bool, local: frozenset[str], now: float
    ) -> Clients:
        """What is known of the clients of a service; see `Book.peer` for the words.

        `local` are addresses of this machine besides its loopback.
        """
        room = self._rooms.get((source, service))
        heard = self._heard.get(source)
        if room is None:
            return NOBODY
        waits = any(book.open for book in room.books.values())
        heard = heard // _MINUTE * _MINUTE if heard is not None else None
        asked = (room.version, client, prompt, local, heard, now if waits else 0.0, self.resumed)
        if room.answered is None or room.answered[0] != asked:
            peers = [
                book.peer(address, client=client, prompt=prompt, local=_is_local(address, local), now=now)
                for address, book in room.books.items()
            ]
            known = (each for each in peers if each.connections)
            told = Clients(
                peers=tuple(sorted(known, key=lambda each: each.last_seen or 0.0, reverse=True)),
                recent=_contacts(room.recent),
                stalls=(*room.stalls, *_waiting(room, now)),
                heard_at=heard,
                resumed=self.resumed,
            )
            room.answered = (asked, told)
        return room.answered[1]


def _make_place(books: OrderedDict[str, Book]) -> None:
    """Forget one peer: the oldest that never got through, else the oldest."""
    # Where everybody comes from another address, this is done for each connection: one look at each will do.
    oldest = ""
    for address, book in books.items():
        if not book.open:
            if not book.passed and not book.served:
                del books[address]
                return
            oldest = oldest or address
    if not oldest:  # everybody is here
        known = (address for address, book in books.items() if not book.passed and not book.served)
        oldest = next(known, next(iter(books)))
    del books[oldest]


def _is_local(address: str, local: frozenset[str]) -> bool:
    return address in local or address == "::1" or address.startswith("127.")


def _contacts(recent: deque[Visit]) -> tuple[Contact, ...]:
    """The last ends that say something: not who only looked at the port, nor who found no target."""
    told = (
        Contact(each.at, each.address, each.failure)
        for each in reversed(recent)
        if each.passed is not None
        and not hung_up(each.failure)
        and (each.failure or each.to_tls + each.to_socket)
    )
    return tuple(reversed(list(islice(told, _SHOWN))))


def _stall(visit: Visit, at: float, *, over: bool) -> Stall | None:
    record = visit.asking
    if record is None or record.time is None or at - record.time < _STALLED:
        return None
    found = _RESPONDER.match(record.message)
    return Stall(record.time, at - record.time, found[1] if found else "", record, over)


def _waiting(room: _Room, now: float) -> list[Stall]:
    open_ = (visit for book in room.books.values() for visit in book.open.values())
    return [stall for visit in open_ if (stall := _stall(visit, now, over=False)) is not None]
