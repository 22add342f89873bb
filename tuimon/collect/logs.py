"""Log files, followed across rotation.

Rule: only regular files are read (reading a FIFO would steal records), and no line is lost or told twice.
When the name leads to another file, the old one is read on: to its end before the first line of the new
one, because stunnel writes to it until it is told to reopen, and then as long as it grows, because another
process may be told later or never.  A file that was emptied is known by what stands before our place in it,
however long it has become since.  The order inside one file is never changed.  What cannot be helped: lines
that were emptied away before we read them, and a file that came and went between two looks.
"""

import asyncio
from collections.abc import Iterator

from msgspec import Struct, field

from tuimon.collect.base import Publish
from tuimon.events import LogAppended
from tuimon.host.base import Host, Tail
from tuimon.model.failure import Failure, Reason
from tuimon.model.log import LogRecord
from tuimon.model.tunnel import JOURNAL, Interest
from tuimon.parse.lines import LineAssembler
from tuimon.parse.stunnel_connections import LogReader

HISTORY = 256 * 1024
"""Bytes of a log's end that are read at first sight."""

_CHUNK = 64 * 1024  # bytes a read
_POLL = 0.5  # seconds between two looks at a log that was renamed and may still be written to
_SLOW_POLL = 5.0  # the same once the new file has lines, and after a read that failed
_QUIET = 60.0  # seconds without a line after which an old file is let go
_KEPT = 4  # renamed files of one log that are read on
_LEFT = 16  # places in files of one log that are remembered, should its name lead there again
_MARK = 256  # bytes before our place by which we know that it is still there
_PASSING = frozenset({Reason.TIMEOUT, Reason.OTHER})  # failures that may end without a change to be seen
_AT_ONCE = 16  # logs that are read side by side: one at a time would wait for the host again and again
_BATCH = 16  # chunks of one log before the others get their turn


class _Open(Struct):
    """One open file: where we are in it, what stands before that, and the line that is not finished yet."""

    tail: Tail
    mark: bytes = b""
    grew: float = 0.0
    lines: LineAssembler = field(default_factory=LineAssembler)

    async def read(self) -> list[bytes] | Failure | None:
        """The lines of the next chunk; None at the end of the file."""
        place = self.tail.offset
        self.tail.seek(place - len(self.mark))
        data = await self.tail.read(_CHUNK)
        if isinstance(data, Failure):
            self.tail.seek(place)
            return data
        if not data.startswith(self.mark):  # emptied: `log = overwrite`, copytruncate
            self.tail.seek(0)
            self.mark = b""
            return self.lines.flush()
        fresh = data[len(self.mark) :]
        self.mark = data[-_MARK:]
        return self.lines.feed(fresh) if fresh else None


class _Log(Struct):
    """One followed name: the file it leads to, those it led to before, and the ids seen so far."""

    path: str
    reader: LogReader = field(default_factory=LogReader)
    current: _Open | None = None
    begun: float | None = None  # since when the current file is known to have new lines
    previous: list[_Open] = field(default_factory=list)
    left: dict[int, tuple[int, bytes]] = field(default_factory=dict)  # inode → place and mark
    failure: Failure | None = None
    unread: Failure | None = None  # the file is open and could not be read just now
    told: bool = False
    looked: float = 0.0
    began: tuple[int, int] | None = None  # inode and offset of the first byte that was read

    def files(self) -> Iterator[_Open]:
        """Every open file, oldest first."""
        yield from self.previous
        if self.current is not None:
            yield self.current

    def due(self) -> float | None:
        """When a look is due although nothing was heard: an old file has no name to watch."""
        stuck = self.unread or self.failure
        if self.previous and self.begun is None:
            return self.looked + _POLL
        if self.previous or (stuck is not None and stuck.reason in _PASSING):
            return self.looked + _SLOW_POLL
        return None


class Logs:
    """Publishes `LogAppended`, one a read."""

    name = "logs"

    def __init__(self, host: Host) -> None:
        self._host = host
        self._watch = host.watch()
        self._wanted: frozenset[str] = frozenset()
        self._logs: dict[str, _Log] = {}

    def want(self, interest: Interest) -> None:
        """Follow exactly these files."""
        self._wanted = frozenset(each for each in interest.logs if not each.startswith(JOURNAL))
        self._watch.want(self._wanted)

    def hurry(self) -> None:
        """Look into every log now: something is expected to be said."""
        self._watch.changed(self._wanted)

    def began(self, path: str) -> tuple[int, int] | None:
        """Where reading of a log began: inode and offset; None where it was not read."""
        log = self._logs.get(path)
        return log.began if log is not None else None

    async def run(self, publish: Publish) -> None:
        """Follow until cancelled."""
        changed = self._wanted
        try:
            while True:
                self._forget(self._logs.keys() - self._wanted)
                busy: set[str] = set()
                paths = sorted(changed & self._wanted)
                for start in range(0, len(paths), _AT_ONCE):
                    logs = [self._logs.setdefault(path, _Log(path)) for path in paths[start:][:_AT_ONCE]]
                    more = await asyncio.gather(*(self._advance(log, publish) for log in logs))
                    busy.update(log.path for log, left in zip(logs, more, strict=True) if left)
                if busy:
                    await asyncio.sleep(0)
                    changed = frozenset(busy)
                else:
                    changed = await self._changes()
        except asyncio.CancelledError:  # after a fall it goes on where it was: the files stay open
            self._forget(set(self._logs))
            raise

    async def _changes(self) -> frozenset[str]:
        """Wait for a change, or until a log is due that has files which cannot be watched."""
        dues = {log.path: due for log in self._logs.values() if (due := log.due()) is not None}
        if not dues:
            return await self._watch.changes()
        changed = frozenset[str]()
        try:
            async with asyncio.timeout(max(0, min(dues.values()) - self._host.monotonic())):
                changed = await self._watch.changes()
        except TimeoutError:
            pass
        now = self._host.monotonic()
        return changed | {path for path, due in dues.items() if due <= now}

    def _forget(self, paths: set[str]) -> None:
        for path in paths:
            for each in self._logs.pop(path).files():
                each.tail.close()

    async def _advance(self, log: _Log, publish: Publish) -> bool:
        """Read what is new; True if there may be more at once."""
        first = log.current is None and not log.told
        before, log.looked = log.failure, self._host.monotonic()
        await self._follow(log)
        if log.failure != before:
            self._tell(log, (), publish, first=first)
        if log.begun is None and log.current is not None:
            place = log.current.tail.offset
            size = await log.current.tail.size() if log.previous else place + 1
            if not isinstance(size, Failure) and size != place:
                log.begun = self._host.monotonic()
        more = False
        for old in log.previous:  # what came until the new file began comes before its first line
            more = await self._drain(log, old, publish) or more
        if more:
            return True
        self._let_go(log, publish)
        if log.current is None or log.begun is None:
            return False
        if not first:
            return await self._drain(log, log.current, publish)
        past: list[LogRecord] = []  # told in one piece: who waits for it has it whole then
        more = await self._drain(log, log.current, publish, past)
        if past or not log.told:
            self._tell(log, tuple(past), publish, first=True)
        return more

    async def _follow(self, log: _Log) -> None:
        """Open the file that the name leads to now, if it is another."""
        stamp = await self._host.stamp(log.path)
        if isinstance(stamp, Failure):
            if stamp.reason is Reason.MISSING:  # else nobody knows where the name leads
                self._retire(log)
            log.failure = stamp
            return
        if log.current is not None and log.current.tail.inode == stamp.inode:
            log.failure = None
            return
        opened = await self._host.tail(log.path)
        if isinstance(opened, Failure):
            if opened.reason is not Reason.MISSING:
                log.failure = opened
            return
        log.failure = None
        if any(each.tail.inode == opened.inode for each in log.files()):
            opened.close()
            self._return(log, opened.inode)
            return
        self._retire(log)
        log.current = _Open(opened, grew=self._host.monotonic())
        if not log.told:
            await self._skip_history(log.current)
        elif opened.inode in log.left:  # if another file has this number now, the mark will tell
            place, log.current.mark = log.left.pop(opened.inode)
            opened.seek(place)
        log.began = log.began or (opened.inode, opened.offset)

    def _retire(self, log: _Log) -> None:
        """The name leads elsewhere: keep the file, stunnel may write to it until it reopens its log."""
        if log.current is not None:
            log.previous.append(log.current)
        log.current = log.begun = None

    def _return(self, log: _Log, inode: int) -> None:
        """The name leads to a file again that is still open."""
        if log.current is None or log.current.tail.inode != inode:
            self._retire(log)
            log.current = next(each for each in log.previous if each.tail.inode == inode)
            log.previous.remove(log.current)

    def _let_go(self, log: _Log, publish: Publish) -> None:
        """Close old files that were read to their end: where there are too many the quietest, and once the
        new file has lines those that are quiet."""
        now = self._host.monotonic()
        quietest = sorted(log.previous, key=lambda old: old.grew)
        spare = len(quietest) - _KEPT
        for place, old in enumerate(quietest):
            quiet = log.begun is not None and now - max(old.grew, log.begun) > _QUIET
            if place < spare or quiet:
                self._drop(log, old, publish)

    def _drop(self, log: _Log, old: _Open, publish: Publish) -> None:
        """Close an old file; its last line, should it have no end, is told as it is."""
        records = log.reader.feed(old.lines.flush())
        if records:
            self._tell(log, tuple(records), publish, first=False)
        log.left[old.tail.inode] = (old.tail.offset, old.mark)
        while len(log.left) > _LEFT:
            del log.left[next(iter(log.left))]
        old.tail.close()
        log.previous.remove(old)

    async def _skip_history(self, opened: _Open) -> None:
        """Start near the end of a log that is seen for the first time, at the start of a line."""
        size = await opened.tail.size()
        start = size - HISTORY if not isinstance(size, Failure) else 0
        if start <= 0:
            return
        opened.tail.seek(start)
        chunk = await opened.tail.read(_CHUNK)
        if isinstance(chunk, Failure):
            return
        skipped = chunk[: chunk.find(b"\n") + 1] or chunk
        opened.tail.seek(start + len(skipped))
        opened.mark = skipped[-_MARK:]

    async def _drain(
        self, log: _Log, opened: _Open, publish: Publish, past: list[LogRecord] | None = None
    ) -> bool:
        """Tell what is new in one file, or add it to the `past`; True if there may be more at once."""
        for _ in range(_BATCH):
            lines = await opened.read()
            unread = lines if isinstance(lines, Failure) else None
            if opened is log.current and unread != log.unread:
                log.unread = unread
                self._tell(log, (), publish, first=past is not None)
            if lines is None or isinstance(lines, Failure):
                return False
            opened.grew = self._host.monotonic()
            records = log.reader.feed(lines)
            if past is not None:
                past += records
            elif records:
                self._tell(log, tuple(records), publish, first=False)
        return True

    def _tell(self, log: _Log, records: tuple[LogRecord, ...], publish: Publish, *, first: bool) -> None:
        log.told = True
        failure = log.failure or log.unread
        publish(LogAppended(self._host.name, log.path, records, first=first, failure=failure))
