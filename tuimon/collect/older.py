"""Older lines of the logs that are followed: before where reading began, then in the rotated files.

Rule: read on request only, a piece at a time, backwards; regular files only, whatever they are called.
What the log collector has read already is not read again.
"""

import asyncio
import re
import zlib
from collections.abc import Callable, Iterable

from msgspec import Struct, field

from tuimon.events import LogRecalled
from tuimon.host.base import Host, Tail
from tuimon.model.failure import Failure
from tuimon.model.log import LogRecord
from tuimon.parse.lines import LineAssembler
from tuimon.parse.stunnel_connections import LogReader

PIECE = 512 * 1024
"""Bytes that are read at once."""

_UNPACKED = 64 << 20  # bytes of an unpacked file that are held
_PACKED = 16 << 20
_CHUNK = 1 << 20
_ROTATED = re.compile(r"[.-](\d{1,10})(?:[.-](\d{1,6}))?(\.gz)?$")
_NUMBERED = 10_000  # `.1` to `.9999` are counted upwards, larger numbers are days

Began = Callable[[str], tuple[int, int] | None]
"""Where reading of a log began: inode and offset."""


class _Place(Struct):
    """Where one log was read back to: the file that is open, and the inodes of all that were opened.

    Names are looked up anew for every file: they may have been handed on since the last one.
    """

    path: str
    opened: set[int] = field(default_factory=set)
    tail: Tail | None = None
    unpacked: bytes = b""
    end: int = 0


class Older:
    """Gives older records of a log, a piece a call."""

    def __init__(self, host: Host, began: Began) -> None:
        self._host, self._began = host, began
        self._places: dict[str, _Place] = {}

    async def piece(self, path: str) -> LogRecalled | Failure | None:
        """The piece before the last one that was given; None where nothing is older."""
        place = self._places.get(path)
        if place is None:
            found = await self._begun(path)
            if isinstance(found, Failure):
                return found
            place = self._places[path] = found
        while True:
            records = await self._before(place)
            if isinstance(records, Failure):
                return records
            if records is None:
                more = await self._next(place)
                if more is not True:
                    return more or None
            elif records:
                return LogRecalled(self._host.name, path, tuple(records))

    async def _files(self, path: str) -> list[tuple[str, int]] | Failure:
        """The rotated files of a log, newest first, each with its inode."""
        folder, _, name = path.rpartition("/")
        entries = await self._host.list(folder or "/")
        if isinstance(entries, Failure):
            return entries
        rotated = []
        for entry in entries:
            match = _ROTATED.match(entry.name, len(name)) if entry.name.startswith(name) else None
            if match:
                number = int(match[1])
                rotated.append(((number if number < _NUMBERED else -number), f"{folder}/{entry.name}"))
        return await self._stamped(each for _, each in sorted(rotated))

    async def _stamped(self, paths: Iterable[str]) -> list[tuple[str, int]]:
        """Those that are still there, each with its inode."""
        stamps = [(path, await self._host.stamp(path)) for path in paths]
        return [(path, stamp.inode) for path, stamp in stamps if not isinstance(stamp, Failure)]

    async def _begun(self, path: str) -> _Place | Failure:
        """The place where reading began, in whatever file that is by now."""
        files = await self._files(path)
        if isinstance(files, Failure):
            return files
        place, began = _Place(path), self._began(path)
        if began is None:
            return place
        for file, inode in [*await self._stamped([path]), *files]:
            tail = await self._host.tail(file) if inode == began[0] else None
            if tail is not None and not isinstance(tail, Failure):
                place.opened.add(inode)
                place.tail, place.end = tail, began[1]
                break
        return place

    async def _next(self, place: _Place) -> bool | Failure:
        """Open the next older file, at its end; False where there is none."""
        if place.tail is not None:
            place.tail.close()
        place.tail, place.unpacked, place.end = None, b"", 0
        files = await self._files(place.path)
        if isinstance(files, Failure):
            return files
        last = max((at for at, (_, inode) in enumerate(files) if inode in place.opened), default=-1)
        if last + 1 == len(files):
            return False
        file, inode = files[last + 1]
        place.opened.add(inode)
        if file.endswith(".gz"):
            content = await self._host.read(file, _PACKED)
            if isinstance(content, Failure):
                return content
            place.unpacked = await _unpack(content.data)
            place.end = len(place.unpacked)
            return True
        tail = await self._host.tail(file)
        if isinstance(tail, Failure):
            return tail
        size = await tail.size()
        if isinstance(size, Failure):
            tail.close()
            return size
        place.tail, place.end = tail, size
        return True

    async def _before(self, place: _Place) -> list[LogRecord] | Failure | None:
        """The records of the piece before `end`; None where there is no more of this file."""
        if place.end <= 0:
            return None
        start = max(0, place.end - PIECE)
        if place.tail is not None:
            place.tail.seek(start)
            data = b""
            while len(data) < place.end - start:
                more = await place.tail.read(place.end - start - len(data))
                if isinstance(more, Failure):
                    return more
                if not more:
                    break
                data += more
        else:
            data = place.unpacked[start : place.end]
        cut = data.find(b"\n") + 1 if start else 0
        if start and not cut:  # one line that is longer than a piece: it is left out
            cut = len(data)
        place.end = start + cut if cut < len(data) else start
        lines = LineAssembler()
        return LogReader().feed([*lines.feed(data[cut:]), *lines.flush()])


async def _unpack(data: bytes) -> bytes:
    """Gunzip all members, a little at a time so that others get their turn; the end is what is kept."""
    unpacker, parts, size = zlib.decompressobj(wbits=31), [b""], 0
    try:
        while data:
            part = unpacker.decompress(data, _CHUNK)
            data = unpacker.unconsumed_tail
            if unpacker.eof:
                data, unpacker = unpacker.unused_data, zlib.decompressobj(wbits=31)
            parts.append(part)
            size += len(part)
            while size - len(parts[0]) > _UNPACKED:
                size -= len(parts.pop(0))
            await asyncio.sleep(0)
    except zlib.error:
        pass  # what could be unpacked counts
    return b"".join(parts)
