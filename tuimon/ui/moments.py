"""Times as people type them: `03:12`, `yesterday 22:00`, `25 nov 03:00`, `2026-11-25 03:00`, `-15m`.

Rule: what is not a time is none; a time of day without a day is the last such time before now.
"""

import re
import time

_SPAN = re.compile(r"-\s*(\d{1,6})\s*(s|sec|m|min|h|d)$")
_SIZES = {"s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?$")
_DAYS = ("%Y-%m-%d", "%d %b", "%d %b %Y", "%d %B", "%d.%m.", "%d.%m.%Y", "%Y.%m.%d")
_DAY = 86400

HELP = "03:12 · 03:12:30 · yesterday 22:00 · 25 nov 03:00 · -15m"


def moment(text: str, now: float) -> float | None:
    """Seconds since the epoch in local time, or None where `text` is no time."""
    said = " ".join(text.lower().split())
    if not said:
        return None
    if span := _SPAN.match(said):
        return now - int(span[1]) * _SIZES[span[2]]
    day, _, clock = said.rpartition(" ")
    found = _CLOCK.match(clock)
    if not found:  # a day alone is its beginning
        day, found = said, _CLOCK.match("0:00")
    if not found or int(found[1]) > 23 or int(found[2]) > 59 or int(found[3] or 0) > 59:
        return None
    date = _date(day, now)
    if date is None:
        return None
    seconds = (int(found[1]), int(found[2]), int(found[3] or 0))
    at = time.mktime((*date, *seconds, 0, 0, -1))
    if not day and at > now:  # 23:50 is said at 00:10 of the night that has just begun
        at -= _DAY
    return at


def _date(day: str, now: float) -> tuple[int, int, int] | None:
    """Year, month and day of what stands before the time of day."""
    today = time.localtime(now)
    if day in ("", "today"):
        return today[:3]
    if day == "yesterday":
        return time.localtime(time.mktime((*today[:3], 12, 0, 0, 0, 0, -1)) - _DAY)[:3]
    for form in _DAYS:
        try:
            # With a year, since 29 February is a day of some only.
            found = time.strptime(
                day if "%Y" in form else f"{day} {today.tm_year}", form if "%Y" in form else f"{form} %Y"
            )
        except ValueError:
            continue
        late = "%Y" not in form and found[:3] > today[:3]
        return (found.tm_year - late, found.tm_mon, found.tm_mday)
    return None
