"""Bytes of a configuration file to the numbered lines that stunnel reads.

Rule: sans-IO, and bytes stay bytes: stunnel decodes nothing, so neither may what counts its lines.
"""

from collections.abc import Iterator

from msgspec import Struct

MAX_LINE = 16_383
"""Characters of a line; stunnel's buffer is 16 KiB with the final NUL."""

BOM = b"\xef\xbb\xbf"


class Line(Struct, frozen=True, gc=False):
    """One line: `number` from 1 as stunnel counts, `raw` as it quotes it in an error, `text` without the
    byte order mark of the file and without blanks at either end."""

    number: int
    raw: bytes
    text: bytes

    @property
    def idle(self) -> bool:
        """Whether stunnel skips it: empty, or a comment."""
        return not self.text or self.text.startswith((b"#", b";"))


def split_lines(data: bytes) -> Iterator[Line]:
    """Yield the lines of one file.

    LF ends a line and CR is dropped wherever it stands.  What exceeds `MAX_LINE` becomes a line of its
    own, with its own number: an over-long comment continues as text.  A NUL cuts the rest of its line.
    """
    for number, chunk in enumerate(_chunks(data.replace(b"\r", b"")), 1):
        raw = chunk.partition(b"\0")[0]
        yield Line(number, raw, (raw.removeprefix(BOM) if number == 1 else raw).strip())


def _chunks(data: bytes) -> Iterator[bytes]:
    """Cut at LF and at `MAX_LINE`; a full buffer leaves the LF for the next, then empty, line."""
    start = 0
    while start < len(data):
        full = start + MAX_LINE
        end = data.find(b"\n", start, full)
        if end < 0:
            yield data[start:full]
            start = full
        else:
            yield data[start:end]
            start = end + 1
