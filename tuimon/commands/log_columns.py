"""Log records and connections as aligned lines of text.

Rule: a column grows with what it has to show, never beyond its maximum.  With a `width`, no line of a
connection is wider: columns that matter less give way to the reason, and what is too long ends in an
ellipsis.  Without one (output to a file or a pipe) nothing is cut.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from itertools import chain
from typing import NamedTuple

from tuimon.commands.columns import cells, column, cut
from tuimon.model.connection import Connection, Tls
from tuimon.model.log import LogRecord
from tuimon.signs import in_ascii

_REASON = 20  # columns that the reason should have at least before others give way
_NARROW = 100  # columns below which the year is left out


class _Column(NamedTuple):
    """`minimum` and `maximum` are its width; `rank` says how early it gives way, 0 never."""

    title: str
    minimum: int
    maximum: int
    rank: int
    show: Callable[[Connection], str]


@lru_cache(maxsize=256)
def moment(at: float | None) -> str:
    """`2026-11-23 22:30:11` in local time, or a dash."""
    if at is None:
        return "–"
    return datetime.fromtimestamp(at).isoformat(" ", "seconds")


def duration(seconds: float | None) -> str:
    """`7s`, `2m05s`, `3h20m`, `4d02h`, or a dash."""
    if seconds is None:
        return "–"
    whole = max(0, int(seconds))
    for large, small, names in ((86400, 3600, "dh"), (3600, 60, "hm"), (60, 1, "ms")):
        if whole >= large:
            return f"{whole // large}{names[0]}{whole % large // small:02}{names[1]}"
    return f"{whole}s"


def amount(count: int | None) -> str:
    """`512`, `1.5k`, `37M`: bytes in units of 1024, or a dash."""
    if count is None:
        return "–"
    value, unit = float(count), ""
    for larger in "kMGTP":
        if value < 1000:
            break
        value, unit = value / 1024, larger
    return f"{value:.1f}{unit}" if unit and value < 9.95 else f"{value:.0f}{unit}"


def _tls(each: Connection) -> str:
    if each.tls is Tls.UNKNOWN:
        return "–"
    return each.tls_version or "ok" if each.tls is Tls.OK else "failed"


def _bytes(each: Connection) -> str:
    if each.bytes_to_tls is None:
        return "–"
    return f"{amount(each.bytes_to_tls)}/{amount(each.bytes_to_socket)}"


_COLUMNS = (
    _Column("STARTED", 14, 19, 0, lambda each: moment(each.started)),
    _Column("SERVICE", 7, 20, 0, lambda each: each.service or "–"),
    _Column("PEER", 15, 47, 0, lambda each: each.peer or "–"),
    _Column("TLS", 7, 7, 4, _tls),
    _Column("TARGET", 15, 47, 1, lambda each: each.target or "–"),
    _Column("TO TLS/SOCKET", 13, 13, 2, _bytes),
    _Column("TIME", 5, 7, 3, lambda each: duration(each.duration)),
    _Column("OUTCOME", 8, 8, 0, lambda each: each.outcome.value),
)


class ConnectionTable:
    """One line a connection, under a heading that comes again whenever the columns change."""

    def __init__(self, width: int | None, *, ascii_only: bool = False) -> None:
        self._width = width
        self._ascii = ascii_only
        self._widths = [column.minimum for column in _COLUMNS]
        self._shown: list[int] = []

    def rows(self, batch: Sequence[Connection]) -> Iterator[str]:
        """The lines of these connections."""
        texts = [[each.show(connection) for each in _COLUMNS] for connection in batch]
        if self._width is not None and self._width < _NARROW:
            texts = [[started[5:] or started, *others] for started, *others in texts]
        if texts:
            widest = [max(map(cells, each)) for each in zip(*texts, strict=True)]
            self._widths = [
                max(now, min(each.maximum, wanted))
                for now, each, wanted in zip(self._widths, _COLUMNS, widest, strict=True)
            ]
        shown = self._fitting()
        rows = [(row, each.reason) for row, each in zip(texts, batch, strict=True)]
        if rows and shown != self._shown:
            self._shown = shown
            rows = [([each.title for each in _COLUMNS], "REASON"), *rows]
        return (self._line(row, reason) for row, reason in rows)

    def _fitting(self) -> list[int]:
        """The columns that leave enough for the reason."""
        shown = list(range(len(_COLUMNS)))
        yielding = sorted((index for index in shown if _COLUMNS[index].rank), key=lambda i: _COLUMNS[i].rank)
        for index in yielding:
            if self._width is None or sum(self._widths[i] + 1 for i in shown) + _REASON <= self._width:
                break
            shown.remove(index)
        return shown

    def _line(self, row: list[str], reason: str) -> str:
        texts = [column(row[index], self._widths[index]) for index in self._shown]
        line = " ".join((*texts, reason)).rstrip()
        line = line if self._width is None else cut(line, self._width)
        return in_ascii(line, wanted=self._ascii)


class RecordTable:
    """Time, level, service, id and message of each record; a line that is no record as it is.

    On a terminal of `width` columns a long message goes on below its beginning.
    """

    def __init__(self, width: int | None, *, ascii_only: bool = False) -> None:
        self._width = width
        self._ascii = ascii_only
        self._service, self._id = 7, 2

    def rows(self, batch: Sequence[LogRecord]) -> Iterator[str]:
        """The lines of these records."""
        self._service = min(20, max(chain((self._service,), (cells(each.service) for each in batch))))
        self._id = min(22, max(chain((self._id,), (len(each.id) for each in batch))))
        return map(self._line, batch)

    def _line(self, record: LogRecord) -> str:
        if not record.parsed:
            return record.message
        head = (
            f"{moment(record.time) if record.time is not None else '':19} {record.level}"
            f" {column(record.service, self._service)} {column(record.id, self._id)} "
        )
        room = 0 if self._width is None else self._width - cells(head)
        message = record.message
        if room >= _REASON and len(message) > room:
            parts = (message[at : at + room] for at in range(0, len(message), room))
            message = f"\n{'':{cells(head)}}".join(parts)
        line = (head + message).rstrip()
        return in_ascii(line, wanted=self._ascii)
