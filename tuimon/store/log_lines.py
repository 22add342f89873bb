"""Lines of a logbook, each with its place, and how those of several logs become one row of lines.

Rule: the order inside one log is never changed, whatever its clock does.
"""

from bisect import bisect_left, bisect_right

from msgspec import Struct

from tuimon.model.log import LogRecord


class LogLine(Struct, frozen=True, gc=False):
    """One record with its place: `sequence` grows from line to line, `own` marks our own probes."""

    sequence: int
    source: str
    record: LogRecord
    own: bool


def merged(
    held: list[LogLine], fresh: list[LogLine], source: str, *, older: bool
) -> tuple[int, list[LogLine]]:
    """Put lines of one log where their times belong: before all that is held of it, or after all.

    A log comes in pieces, and a piece may end within a second: times alone do not keep its order.  Returns
    how many of those held keep their place, and all that come after them.
    """
    seek = bisect_left if older else bisect_right
    times, added = _times(held), _times(fresh)
    ends = zip(times, held, strict=True) if older else zip(reversed(times), reversed(held), strict=True)
    own = next((at for at, line in ends if line.source == source), None)
    if own is not None:
        added = [min(at, own) for at in added] if older else [max(at, own) for at in added]
    place = first = seek(times, added[0]) if added else len(held)
    rest: list[LogLine] = []
    for at, line in zip(added, fresh, strict=True):
        then = seek(times, at, place)
        rest += held[place:then]
        rest.append(line)
        place = then
    return first, rest + held[place:]


def _times(lines: list[LogLine]) -> list[float]:
    """The time of each line; one without takes the line's before it, so that it keeps its place."""
    times, last = [], 0.0
    for line in lines:
        at = line.record.time
        if at is not None and at > last:
            last = at
        times.append(last)
    return times
