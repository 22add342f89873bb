"""What was, in words: since when and how often, what came back, what happened just now.

Rule: only what was seen, and since when anybody looked is said with every count.
"""

from collections.abc import Sequence
from itertools import groupby

from rich.text import Text

from tuimon.diagnose.finding import SIGNS, WORDS, State, clock, span
from tuimon.store import Change, Past, Row
from tuimon.store.past import DAY, Outage
from tuimon.ui.palette import Palette

HOUR = 3600.0
"""Seconds for which a service that came back says so."""

_TIMES = {1: "once", 2: "twice"}
_TOGETHER = 3.0  # seconds within which what happened to several services was one event
_SAYS_WHEN = (" since ", " ended at ", " at ", " ago")


def millis(milliseconds: float) -> str:
    """At most six cells: `0.4 ms`, `87 ms`, `1.2 s`, `12 s`."""
    if milliseconds < 999.5:
        return f"{milliseconds:.{0 if milliseconds >= 9.95 else 1}f} ms"
    seconds = milliseconds / 1000
    return f"{seconds:.{0 if seconds >= 9.95 else 1}f} s"


def day_or_hour(at: float, now: float) -> str:
    """`03:12` for today, `2 Nov` for another day: at most six cells."""
    said = clock(at, now)
    return said if " " not in said else said.rpartition(" ")[0]


def lately(past: Past, now: float) -> list[Outage]:
    """Its outages of the last day, as far as anybody looked."""
    return past.outages(now - DAY)


def _looked(past: Past, now: float) -> str:
    """Since when is counted."""
    oldest = past.changes[0].at if past.forgotten and past.changes else past.seen
    return f"since {clock(max(oldest or now, now - DAY), now)}"


def since(row: Row, now: float) -> str:
    """` since 03:12`, where the cause itself does not say when; in brackets where it would be read with the
    cause's last words (`… not loaded: reload`)."""
    said = any(word in f"{row.why} " for word in _SAYS_WHEN)
    if row.since is None or row.acting or said:
        return ""
    words = f"since {clock(row.since, now)}"
    return f" ({words})" if ": " in row.why else f" {words}"


def often(past: Past, now: float) -> str:
    """`3rd time since 22:00` of what is down, `down twice since 22:00` of what is not."""
    outages = lately(past, now)
    count = len(outages)
    if past.state is State.DOWN:
        return f"{_nth(count)} time {_looked(past, now)}" if count > 1 else ""
    return f"down {_TIMES.get(count, f'{count} times')} {_looked(past, now)}" if outages else ""


def _nth(count: int) -> str:
    teens = 10 <= count % 100 <= 20
    return f"{count}{'th' if teens else {1: 'st', 2: 'nd', 3: 'rd'}.get(count % 10, 'th')}"


def back(past: Past, now: float) -> str:
    """Of a service that was down within the last hour and is well: for how long, until when and why."""
    outages = lately(past, now)
    last = outages[-1] if outages else None
    if last is None or last.until is None or now - last.until > HOUR:
        return ""
    how = "was down" if last.earlier else f"was down for {span(last.lasted(now))}"
    if len(outages) > 1:
        how = f"was {often(past, now)}, last"
    return f"{how} until {clock(last.until, now)}: {last.cause}"


def back_of(row: Row, past: Past, now: float) -> str:
    """`back` of a row that is well; of any other nothing."""
    return back(past, now) if row.state is State.OK else ""


def happened(changes: Sequence[tuple[Row, Change]], width: int, now: float, palette: Palette) -> Text:
    """The last changes of the fleet on one line, the newest first, as many as fit; what went down because it
    was meant to is left out, what became of it follows."""
    text = Text()
    for group in _groups([each for each in changes if not (each[1].meant and each[1].after is State.DOWN)]):
        entry = _entry(group, now, palette)
        if text and text.cell_len + entry.cell_len + 3 > width:
            break
        text.append(palette.draw(" · ") if text else "", palette.muted)
        text.append_text(entry)
    return text


def _groups(changes: Sequence[tuple[Row, Change]]) -> list[list[tuple[Row, Change]]]:
    """What happened to several services at once is one event; the newest first."""

    def kind(each: tuple[Row, Change]) -> tuple[float, State, str]:
        return (each[1].at // _TOGETHER, each[1].after, each[1].cause)

    groups = [list(group) for _, group in groupby(sorted(changes, key=kind), key=kind)]
    return sorted(groups, key=lambda group: -max(change.at for _, change in group))


def _entry(group: list[tuple[Row, Change]], now: float, palette: Palette) -> Text:
    row, change = group[0]
    text = Text()
    text.append(f"{clock(change.at, now)} ", palette.muted)
    sign = palette.draw(SIGNS[change.after])
    word = WORDS[change.after] if WORDS[change.after] != SIGNS[change.after] else ""
    more = f" +{len(group) - 1}" if len(group) > 1 else ""
    text.append(
        f"{sign} {row.tunnel.service.name}{more} {word}".rstrip(), palette.states.get(change.after, "")
    )
    if change.cause:
        text.append(f" {palette.draw(change.cause)}", palette.muted)
    return text
