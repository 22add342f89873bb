"""`tuimon logs`: stunnel's log as records or as connections, for people or as JSON.

Rule: it streams.  Records go out as they come in, connections when they end; nothing else is held.
"""

import argparse
import gzip
import os
import re
import shutil
import stat
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from functools import lru_cache
from io import BufferedReader
from typing import BinaryIO, Protocol, cast

import msgspec

from tuimon.commands.log_columns import ConnectionTable, RecordTable
from tuimon.commands.manual import Manual
from tuimon.export import Json, stamp
from tuimon.model.connection import Connection
from tuimon.model.log import LogRecord
from tuimon.parse.journal import LogAssembler
from tuimon.parse.stunnel_connections import LogReader
from tuimon.parse.stunnel_log import tagged
from tuimon.parse.stunnel_sessions import Sessions
from tuimon.patience import patiently
from tuimon.settings import Settings
from tuimon.text import printable

NAME = "logs"
HELP = "parsed stunnel logs: files (.gz too), container logs, a journal's text, export and json formats"
MANUAL = Manual(
    "Parse stunnel logs of any form: files, .gz, syslog, a container's, a journal's text, export and json. "
    "With --connections the lines are put together to connections: peer, TLS, target, bytes, outcome and "
    "its reason.  - reads standard input.",
    {0: "read", 2: "something could not be read"},
    (
        ("tuimon logs /var/log/stunnel4/stunnel.log", "in columns"),
        ("tuimon logs --connections stunnel.log.1.gz", "who came, and how it ended"),
        ("journalctl -u stunnel@web -o json | tuimon logs --json -", "one JSON object a line"),
    ),
)

UNREADABLE = 2
"""Exit status when a file could not be read, or not to its end."""

_CHUNK = 128 * 1024  # bytes a read
_GZIP = b"\x1f\x8b"
_NULL = os.makedev(1, 3)
_TERMINALS = frozenset({4, 5, *range(136, 144)})  # by their major numbers (devices.txt of Linux)
_ROTATED = re.compile(r"(?:[.-]\d+)?(?:\.gz)?$")
_encode = msgspec.json.Encoder().encode
_stamp = lru_cache(maxsize=256)(stamp)  # half the cost of a line that is one of many of a second


class UnreadableError(Exception):
    """A file cannot be read (on); the message says which and why."""


class _View(Protocol):
    """Turns the lines of one log, in order, into lines to print; `known` once one of them was stunnel's."""

    known: bool

    def feed(self, lines: Sequence[bytes], today: date) -> Iterable[str]: ...

    def flush(self) -> Iterable[str]: ...


class _Records:
    """Every line."""

    def __init__(self, show: Callable[[Sequence[LogRecord]], Iterable[str]]) -> None:
        self._reader = LogReader()
        self._show = show
        self.known = False

    def feed(self, lines: Sequence[bytes], today: date) -> Iterable[str]:
        self._reader.today = today
        records = self._reader.feed(lines)
        self.known = self.known or any(each.parsed for each in records)
        return self._show(records)

    def flush(self) -> Iterable[str]:
        return ()


class _Connections:
    """Every connection, when it ends; at the log's end those that are open."""

    def __init__(self, show: Callable[[Sequence[Connection]], Iterable[str]]) -> None:
        self._sessions = Sessions()
        self._show = show
        self.known = False

    def feed(self, lines: Sequence[bytes], today: date) -> Iterable[str]:
        said = list(tagged(lines, None, today))
        self.known = self.known or any(record.parsed for _, record in said)
        return self._show(self._sessions.feed(said))

    def flush(self) -> Iterable[str]:
        return self._show(self._sessions.flush())


class RecordsJson:
    """`logs --json`: an object a line, numbered from 1 in each file."""

    def __init__(self) -> None:
        self.line = 0

    def rows(self, batch: Sequence[LogRecord]) -> Iterator[str]:
        """The lines of these records."""
        for record in batch:
            self.line += 1
            yield _encode(_record(self.line, record)).decode()


def _record(line: int, record: LogRecord) -> Json:
    if not record.parsed:
        return {"line": line, "unparsed": record.message}
    return {
        "line": line,
        "time": _stamp(record.time),
        "level": record.level,
        "id": record.id or None,
        "service": record.service or None,
        "event": record.event or None,
        "peer": record.peer or None,
        "message": record.message,
    }


def connections_json(batch: Sequence[Connection]) -> Iterator[str]:
    """`logs --connections --json`: an object a line; the bytes are null where no close line tells them."""
    for each in batch:
        yield _encode(
            {
                "service": each.service or None,
                "id": each.id or None,
                "peer": each.peer or None,
                "started": stamp(each.started),
                "ended": stamp(each.ended),
                "outcome": each.outcome.value,
                "tls": each.tls.value,
                "tls_version": each.tls_version or None,
                "cipher": each.cipher or None,
                "target": each.target or None,
                "bytes_to_tls": each.bytes_to_tls,
                "bytes_to_socket": each.bytes_to_socket,
                "reason": each.reason or None,
                "own_probe": each.own_probe,
            }
        ).decode()


def blocks(path: str) -> Iterator[tuple[bytes, date]]:
    """What is in a file as it can be read, `-` being standard input; gzip is recognised by its content.

    The date is the latest that a line can have: it tells the year of stamps without one.  Raises
    UnreadableError.
    """
    try:
        if path == "-":
            yield from _read(sys.stdin.buffer)
        else:
            with _opened(path) as file:
                yield from _read(file)
    except (OSError, EOFError, zlib.error) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise UnreadableError(f"cannot read {printable(path)}: {printable(reason)}") from error


def _opened(path: str) -> BinaryIO:
    """Open a file to be read: a pipe may take its time, a file whose server is gone may not."""
    status = patiently(lambda: os.stat(path))
    if _endless(status):  # not even opened: that alone makes some devices do something
        raise UnreadableError(f"cannot read {printable(path)}: it is a device, not a log")
    if not stat.S_ISREG(status.st_mode):
        return open(path, "rb")

    def answering() -> BinaryIO:
        file = open(path, "rb")  # noqa: SIM115 - whoever asked closes it
        file.peek(1)
        return file

    return patiently(answering)


def _endless(status: os.stat_result) -> bool:
    """Whether it is a device, other than a terminal and the one that is always empty."""
    if not stat.S_ISCHR(status.st_mode):
        return stat.S_ISBLK(status.st_mode)
    return status.st_rdev != _NULL and os.major(status.st_rdev) not in _TERMINALS


def _read(file: BinaryIO) -> Iterator[tuple[bytes, date]]:
    status = os.fstat(file.fileno())
    if _endless(status):
        raise UnreadableError("cannot read standard input: it is a device, not a log")
    written = date.fromtimestamp(status.st_mtime) if stat.S_ISREG(status.st_mode) else None
    plain = cast("BufferedReader", file)
    unpacked = gzip.GzipFile(fileobj=plain) if plain.peek(2)[:2] == _GZIP else None
    while block := (unpacked or plain).read1(_CHUNK):
        yield block, written or date.today()


class _Printer:
    """Prints the logs that it is given, one after the other."""

    def __init__(self, arguments: argparse.Namespace, settings: Settings) -> None:
        self._json = arguments.json
        self._connections = arguments.connections
        self._ascii = settings.ascii
        self._several = len(arguments.files) > 1
        self._width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        self._series: str | None = None
        self._numbers = RecordsJson()
        self._view: _View = self._new_view()

    def _new_view(self) -> _View:
        if self._connections:
            table = ConnectionTable(self._width, ascii_only=self._ascii)
            return _Connections(connections_json if self._json else table.rows)
        records = RecordTable(self._width, ascii_only=self._ascii)
        return _Records(self._numbers.rows if self._json else records.rows)

    def log(self, path: str) -> None:
        """Print one file.  What is rotated of one log goes on where the file before it ended."""
        series = _ROTATED.sub("", path)
        if series != self._series:
            self.end()
            self._series, self._view = series, self._new_view()
        self._numbers.line, self._view.known = 0, False
        if self._several and not self._json:
            self._print([f"==> {printable(path)} <=="])
        assembler, today, empty = LogAssembler(), date.today(), True
        try:
            for block, today in blocks(path):
                empty = False
                self._print(self._view.feed(assembler.feed(block), today))
        except UnreadableError:  # what came before is shown all the same
            self._print(self._view.feed(assembler.flush(), today))
            raise
        self._print(self._view.feed(assembler.flush(), today))
        if not (empty or self._view.known):
            name = "standard input" if path == "-" else printable(path)
            print(f"tuimon: {name} is no log of stunnel: none of its lines is", file=sys.stderr)

    def end(self) -> None:
        """Print what has waited for an end."""
        self._print(self._view.flush())

    def _print(self, lines: Iterable[str]) -> None:
        sys.stdout.write("".join(f"{line}\n" for line in lines))
        sys.stdout.flush()


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("files", nargs="+", metavar="FILE", help="a log, or - for standard input")
    parser.add_argument("--json", action="store_true", help="print one JSON object a line")
    parser.add_argument("--connections", action="store_true", help="one line a connection instead")


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Read and print."""
    status = 0
    printer = _Printer(arguments, settings)
    for path in arguments.files:
        try:
            printer.log(path)
        except UnreadableError as error:
            sys.stdout.flush()
            print(f"tuimon: {error}", file=sys.stderr)
            status = UNREADABLE
    printer.end()
    return status
