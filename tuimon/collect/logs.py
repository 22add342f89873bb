"""Log files, followed across rotation.

Rule: only regular files are read (reading a FIFO would steal records), and no line is lost: when the
name leads to another file, the old one is read on until the new one has records and the old one has
no more, because stunnel writes to the old file until it is told to reopen.  The order inside one file
is never changed.
"""

import asyncio
from dataclasses import dataclass, field

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
_KEPT = 4  # renamed files of one log that are read on
_AT_ONCE = 16  # logs that are read side by side: one at a time would wait for the host again and again
_BATCH = 16  # chunks of one log before the others get their turn


@dataclass(slots=True)
class _Open:
    """One open file: where we are in it and the line that is not finished yet."""

    tail: Tail
    lines: LineAssembler = field(default_factory=LineAssembler)


@dataclass(slots=True)
class _Log:
    """One followed name: the file it leads to, those it led to before, and the ids seen so far."""

    path: str
    reader: LogReader = field(default_factory=LogReader)
    current: _Open | None = None
    previous: list[_Open] = field(default_factory=list)
    failure: Failure | None = None
    told: bool = False
    began: tuple[int, int] | None = None  # inode and offset of the first byte that was read


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
        """Wait for a change; a renamed log has no name that could be watched, so it is polled."""
        old = frozenset(log.path for log in self._logs.values() if log.previous)
        if not old:
            return await self._watch.changes()
        try:
            async with asyncio.timeout(_POLL):
                return old | await self._watch.changes()
        except TimeoutError:
            return old

    def _forget(self, paths: set[str]) -> None:
        for path in paths:
            log = self._logs.pop(path)
            for each in (*log.previous, *((log.current,) if log.current else ())):
                each.tail.close()

    async def _advance(self, log: _Log, publish: Publish) -> bool:
        """Read what is new; True if there may be more at once."""
        first = log.current is None and not log.told
        switched = await self._follow(log)
        if log.failure is not None and (switched or first):
            self._tell(log, (), publish, first=first)
        more = False
        for old in log.previous:
            more = await self._drain(log, old, publish, first=False) or more
        if log.previous and not more and log.current is not None and await log.current.tail.size() > 0:
            for old in log.previous:  # what came between the last read and the first line of the new file
                await self._drain(log, old, publish, first=False)
                old.tail.close()
            log.previous = []
        if log.current is not None:
            more = await self._drain(log, log.current, publish, first=first) or more
            if first and not log.told:
                self._tell(log, (), publish, first=True)
        return more

    async def _follow(self, log: _Log) -> bool:
        """Open the file that the name leads to now, if it is another; True if anything changed."""
        stamp = await self._host.stamp(log.path)
        if isinstance(stamp, Failure):
            self._retire(log)
            changed = log.failure is None
            log.failure = stamp
            return changed
        if log.current is not None and log.current.tail.inode == stamp.inode:
            size = await log.current.tail.size()
            if size < log.current.tail.offset:  # truncated: `log = overwrite`, copytruncate
                log.current.tail.seek(0)
                log.current.lines = LineAssembler()
            return False
        opened = await self._host.tail(log.path)
        if isinstance(opened, Failure):
            changed = log.failure is None
            log.failure = opened if opened.reason is not Reason.MISSING else log.failure
            return changed and log.failure is not None
        self._retire(log)
        log.current = _Open(opened)
        log.failure = None
        if not log.told:
            await self._skip_history(log.current)
        log.began = log.began or (log.current.tail.inode, log.current.tail.offset)
        return True

    def _retire(self, log: _Log) -> None:
        """The name leads elsewhere: keep the file, stunnel may write to it until it reopens its log."""
        if log.current is not None:
            log.previous.append(log.current)
            log.current = None
        for old in log.previous[:-_KEPT]:
            old.tail.close()
        del log.previous[:-_KEPT]

    async def _skip_history(self, opened: _Open) -> None:
        """Start near the end of a log that is seen for the first time, at the start of a line."""
        start = await opened.tail.size() - HISTORY
        if start <= 0:
            return
        opened.tail.seek(start)
        chunk = await opened.tail.read(_CHUNK)
        cut = chunk.find(b"\n") + 1
        opened.tail.seek(start + (cut or len(chunk)))

    async def _drain(self, log: _Log, opened: _Open, publish: Publish, *, first: bool) -> bool:
        for _ in range(_BATCH):
            chunk = await opened.tail.read(_CHUNK)
            if not chunk:
                return False
            records = log.reader.feed(opened.lines.feed(chunk))
            if records:
                self._tell(log, tuple(records), publish, first=first)
        return True

    def _tell(self, log: _Log, records: tuple[LogRecord, ...], publish: Publish, *, first: bool) -> None:
        log.told = True
        publish(LogAppended(self._host.name, log.path, records, first=first, failure=log.failure))
