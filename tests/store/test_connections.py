"""Connections of a logbook: open as long as no end was seen, however the lines come and whatever was lost."""

from tuimon.model.connection import Outcome
from tuimon.parse.stunnel_connections import LogReader
from tuimon.store.connections import Connections
from tuimon.store.logbook import Logbook

SOURCE = "/var/log/stunnel.log"
CLOSE = "Connection closed: 7 byte(s) sent to TLS, 9 byte(s) sent to socket"


def accept(number: int, second: int = 0) -> str:
    return line(number, f"Service [web] accepted connection from 10.0.0.9:{40000 + number}", second)


def line(number: int, words: str, second: int = 0) -> str:
    return f"2026.11.24 03:12:{second:02} LOG5[{number}]: {words}"


class Lines:
    """A log that is read into a book of `limit` lines, and its connections."""

    def __init__(self, limit: int = 100) -> None:
        self.book = Logbook(limit)
        self.connections = Connections()
        self._reader = LogReader()

    def tell(self, *lines: str, history: bool = False) -> None:
        records = self._reader.feed(each.encode() for each in lines)
        self.book.append(SOURCE, tuple(records), history=history)

    def outcomes(self) -> dict[str, Outcome]:
        """By id."""
        told = self.connections.look(self.book)
        return {each.connection.id: each.connection.outcome for each in told}


def test_a_piece_of_history_that_ends_between_begin_and_end_leaves_nothing_open() -> None:
    """Both lines have one time, and the rest of the second is in the next piece."""
    log = Lines()
    log.tell(accept(1), accept(2), history=True)
    assert set(log.outcomes().values()) == {Outcome.OPEN}
    log.tell(line(1, CLOSE), accept(3), line(3, CLOSE), history=True)
    assert log.outcomes() == {"2": Outcome.OPEN, "3": Outcome.CLOSED, "1": Outcome.CLOSED}


def test_an_end_that_left_before_anybody_looked_is_not_waited_for() -> None:
    """More lines came between two looks than the book holds: what began before them is not known any more."""
    log = Lines(limit=4)
    log.tell(accept(1), accept(2))
    assert log.outcomes() == {"1": Outcome.OPEN, "2": Outcome.OPEN}
    log.tell(line(1, CLOSE), accept(3), line(3, CLOSE), accept(4))
    assert log.outcomes()["1"] is Outcome.CLOSED
    log.tell(line(2, CLOSE), *(each for n in range(5, 8) for each in (accept(n), line(n, CLOSE))))
    assert log.outcomes() == {"7": Outcome.CLOSED, "6": Outcome.CLOSED}


def test_a_connection_without_beginning_and_client_is_not_shown() -> None:
    """The lines that are held begin in its midst, whether its end is among them or not."""
    log = Lines()
    log.tell(line(1, CLOSE), line(2, "s_connect: connected 127.0.0.1:80"), accept(3, 1))
    assert log.outcomes() == {"3": Outcome.OPEN}
    log.tell(line(2, CLOSE, 2))
    assert log.outcomes() == {"3": Outcome.OPEN}
