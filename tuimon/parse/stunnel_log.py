"""Lines of a stunnel log -> one LogRecord each.

Rule: no clock and no state.  Every form that stunnel 4 and 5 write is understood (file, stderr of a
failing start, syslog, journal, and what containers make of them); any other line is kept, with `parsed`
False.  One grammar reads them all, many at a time: what is done to a line by itself is what a busy log costs.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta, tzinfo
from functools import lru_cache

from tuimon.model.log import Event, LogRecord
from tuimon.parse.stunnel_envelopes import unwrapped
from tuimon.parse.stunnel_messages import classify
from tuimon.parse.stunnel_secrets import masked_message
from tuimon.text import printable_lines

STDERR = " stderr"
"""Ends the tag of a line that was passed on from stderr or stdout, where stunnel stamps its lines itself.

With `foreground = yes` and syslog, a journal has every line twice: this tells the two copies apart.
"""

_STAMP = r"\d{4}\.\d\d\.\d\d[ ]\d\d:\d\d:\d\d"  # 2026.11.23 22:35:58
_SHORT = r"[A-Z][a-z]{2}[ ][ \d]\d[ ]\d\d:\d\d:\d\d"  # Nov 23 22:35:58
_ISO = r"\d{4}-\d\d-\d\dT[\d:.,]+(?:Z|[+-]\d\d:?\d\d)"  # 2026-11-23T22:35:58.123+01:00

_LINES = re.compile(
    rf"""^(?:
        (?: ({_STAMP})[ ]                                                           # 1 of stunnel itself
          | ((?:<\d{{1,3}}>)?(?:{_SHORT}|{_ISO})[ ](?:\S+[ ])?\S+:[ ](?:{_STAMP}[ ])?) )?  # 2 of syslog
        (?: LOG([0-7])\[([^\]\n]*)\]:[ ] | \[([*!:.\x20])\][ ] )                   # 3 level 4 id, 5 sign
        (.*)                                                                        # 6 message
      | (.*) )                                                                      # 7 any other line
    """,
    re.VERBOSE | re.MULTILINE | re.ASCII,
)
_OUTER = re.compile(
    rf"(?:<\d{{1,3}}>)?(?:({_SHORT})|({_ISO}))[ ](?:\S+[ ])?(\S+):[ ](?:({_STAMP})[ ])?",
    re.VERBOSE | re.ASCII,
)

# A level, or the sign of a start that has not reached its log yet: a blank stands for info and for debug.
_LEVELS = {**{str(level): level for level in range(8)}, "*": 2, "!": 3, ":": 4, ".": 5, " ": 6}

Said = tuple[str, float | None, int | None, str, str, Event, str, str, bool]
"""A tag, and the fields of a LogRecord as far as `parsed`."""

_Row = tuple[str, str, str, str, str, str, str]


def parse_line(line: bytes, *, zone: tzinfo | None = None, today: date | None = None) -> LogRecord:
    """Read one line of a log, with or without its line end.

    stunnel writes local time without a zone: `zone` is the machine's, None the system's own.  `today`
    gives the year to stamps that have none (syslog): the latest that is not after tomorrow.  Without
    it, and where a stamp is impossible, `time` is None.  `service` and `peer` are filled in only where
    the line itself names them.
    """
    return parse_tagged(line, zone, today)[1]


def parse_tagged(line: bytes, zone: tzinfo | None, today: date | None) -> tuple[str, LogRecord]:
    """The same as `parse_line`, together with the tag: `stunnel[90]`, a container's name, or empty in a
    log file.  It ends in `STDERR` where the line has both a tag and a stamp of its own.
    """
    return next(tagged((line,), zone, today))


def tagged(
    lines: Iterable[bytes], zone: tzinfo | None, today: date | None
) -> Iterator[tuple[str, LogRecord]]:
    """`parse_tagged` of each line."""
    for tag, time, level, log_id, service, event, peer, message, parsed in said(lines, zone, today):
        yield tag, LogRecord(time, level, log_id, service, event, peer, message, parsed)


def said(lines: Iterable[bytes], zone: tzinfo | None, today: date | None) -> Iterator[Said]:
    """What each line says by itself, in the fields of the record that is to be made of it."""
    lines = list(lines)
    text = printable_lines(lines)
    quoting = '"' in text or ">" in text  # what is quoted may be a secret; most logs quote nothing
    last, at = "", None
    for line, row in zip(lines, _rows(text) if lines else (), strict=True):
        tag, (stamp, outer, level, log_id, sign, message, other) = "", row
        level = level or sign
        if not level:
            tag, (stamp, outer, level, log_id, sign, message, other) = _unwrapped(line, other)
            level = level or sign
            if not level:
                yield tag, None, None, "", "", Event.NONE, "", other, False
                continue
        if stamp != last:  # within a second all are the same
            last, at = stamp, _moment(stamp, zone)
        time = at
        if outer:
            tag, time = _told(outer, zone, today)
        event, service, peer = classify(message)
        if quoting:
            message = masked_message(message)
        yield tag, time, _LEVELS[level], log_id, service, event, peer, message, True


def _rows(text: str) -> list[_Row]:
    """The groups of `_LINES`, a row for each line."""
    return _LINES.findall(text)


def _unwrapped(line: bytes, text: str) -> tuple[str, _Row]:
    """What is in the envelope, and the tag on it; a stranger's line as it is."""
    tag, text = unwrapped(line, text)
    return tag, _rows(text)[0]


@lru_cache(maxsize=256)
def _told(outer: str, zone: tzinfo | None, today: date | None) -> tuple[str, float | None]:
    """The tag and the time in what syslog or a journal puts before a line; a busy second has many alike."""
    match = _OUTER.match(outer)
    if match is None:
        return "", None
    short, iso, tag, stamp = match.groups()
    if stamp:
        tag += STDERR
    if iso:  # it has a zone: better than the stamp of a stunnel that may run in a container's zone
        return tag, _iso(iso)
    return tag, _moment(stamp, zone) if stamp else _yearless(short, zone, today)


def _moment(stamp: str, zone: tzinfo | None) -> float | None:
    """Seconds since the epoch of `2026.11.23 22:30:58`."""
    start = _minute(stamp[:16], zone)
    return None if start is None else start + int(stamp[17:])


@lru_cache(maxsize=256)
def _minute(stamp: str, zone: tzinfo | None) -> float | None:
    """Seconds since the epoch of `2026.11.23 22:30`; lines come in order, so few are converted."""
    try:
        return datetime.strptime(stamp, "%Y.%m.%d %H:%M").replace(tzinfo=zone).timestamp()
    except (ValueError, OverflowError, OSError):
        return None


def _iso(stamp: str) -> float | None:
    try:
        return datetime.fromisoformat(stamp.replace(",", ".")).timestamp()
    except (ValueError, OverflowError, OSError):
        return None


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def _yearless(stamp: str, zone: tzinfo | None, today: date | None) -> float | None:
    """Seconds since the epoch of `Nov 23 22:35:58` in the latest year that is not in the future."""
    if today is None or stamp[:3] not in _MONTHS:
        return None
    month, day = _MONTHS.index(stamp[:3]) + 1, int(stamp[4:6])
    hour, minute, second = (int(part) for part in stamp[7:].split(":"))
    for year in range(today.year + 1, today.year - 5, -1):  # 29 February may lie four years back
        try:
            moment = datetime(year, month, day, hour, minute, second, tzinfo=zone)
            if moment.date() <= today + timedelta(days=1):
                return moment.timestamp()
        except (ValueError, OverflowError, OSError):
            continue
    return None
