"""LineAssembler: bytes as they were read in, complete lines out.

Rule: only `\\n` ends a line; no line is held or handed out longer than `MAX_LINE` and its ellipsis,
whatever the file holds.
"""

MAX_LINE = 16 * 1024
"""Bytes of a line that are kept; the rest, up to its end, is dropped."""

_ELLIPSIS = "…".encode()


class LineAssembler:
    """Cuts a stream of bytes into lines; what has no end yet is held until it has."""

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """Return the lines that `data` completes, without their `\\n`; too long ones are cut."""
        head, *rest = data.split(b"\n")
        self._hold(head)
        if not rest:
            return []
        tail = rest.pop()
        lines = [self._take(), *(line if len(line) <= MAX_LINE else _cut(line) for line in rest)]
        self._hold(tail)
        return lines

    def flush(self) -> list[bytes]:
        """Return the line that has no end yet, if there is one, and start afresh."""
        return [self._take()] if self._held else []

    def _hold(self, part: bytes) -> None:
        # One byte more than allowed is kept: it tells a line that is too long from one that just fits.
        self._held += part[: MAX_LINE + 1 - len(self._held)]

    def _take(self) -> bytes:
        line = bytes(self._held)
        self._held.clear()
        return line if len(line) <= MAX_LINE else _cut(line)


def _cut(line: bytes) -> bytes:
    return line[:MAX_LINE] + _ELLIPSIS
