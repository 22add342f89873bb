"""Older lines of the logs that are followed: before where reading began, then in the rotated files.

Rule: read on request only, a piece at a time, backwards; regular files only, whatever they are called.
What the log collector has read already is not read again.
"""

import asyncio
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass

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


@dataclass(slots=True)
class _Place:
    """Where one log was read back to: its files that are left, newest first, and the one that is open."""

    files: list[str]
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
            found = await self._found(path)
            if isinstance(found, Failure):
                return found
            place = self._places[path] = found
        while True:
            records = await self._before(place)
            if isinstance(records, Failure):
                return records
            if records is None:
                failure = await self._next(place)
                if failure is not None or (place.tail is None and not place.unpacked and not place.files):
                    return failure
            elif records:
                return LogRecalled(self._host.name, path, tuple(records))

    async def _found(self, path: str) -> _Place | Failure:
        """The files of a log, and the place in the newest of them where reading began."""
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
        place = _Place([path, *(each for _, each in sorted(rotated))])
        began = self._began(path)
        while began is not None and place.files:  # what is newer was read from its beginning
            file = place.files.pop(0)
            tail = await self._host.tail(file)
            if isinstance(tail, Failure):
                continue
            if tail.inode == began[0]:
                place.tail, place.end = tail, began[1]
                return place
            tail.close()
        place.files = [each for _, each in sorted(rotated)]
        return place

    async def _next(self, place: _Place) -> Failure | None:
        """Open the next older file, at its end."""
        if place.tail is not None:
            place.tail.close()
        place.tail, place.unpacked, place.end = None, b"", 0
        if not place.files:
            return None
        file = place.files.pop(0)
        if file.endswith(".gz"):
            content = await self._host.read(file, _PACKED)
            if isinstance(content, Failure):
                return content
            place.unpacked = await _unpack(content.data)
            place.end = len(place.unpacked)
            return None
        tail = await self._host.tail(file)
        if isinstance(tail, Failure):
            return tail
        size = await tail.size()
        if isinstance(size, Failure):
            tail.close()
            return size
        place.tail, place.end = tail, size
        return None

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
    """Gunzip, a little at a time so that others get their turn; of a long file the end is kept."""
    unpacker, parts, size = zlib.decompressobj(wbits=31), [b""], 0
    try:
        while data and not unpacker.eof:
            part = unpacker.decompress(data, _CHUNK)
            data = unpacker.unconsumed_tail
            parts.append(part)
            size += len(part)
            while size - len(parts[0]) > _UNPACKED:
                size -= len(parts.pop(0))
            await asyncio.sleep(0)
    except zlib.error:
        pass  # what could be unpacked counts
    return b"".join(parts)
