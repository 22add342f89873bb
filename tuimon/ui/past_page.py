"""The past of a service on its page: what happened when, its last handshakes, its sessions.

Rule: what was seen and what only the log tells are told apart; what nobody saw is not drawn.
"""

import time
from statistics import median
from typing import NamedTuple

from rich.text import Text

from tuimon.diagnose.finding import State, clock, label, span
from tuimon.model.log import Event, LogRecord
from tuimon.store import Change, Past, Row
from tuimon.store.chronicle import Chronicle
from tuimon.text import counted
from tuimon.ui import past_words
from tuimon.ui.document import Document
from tuimon.ui.past_words import millis
from tuimon.ui.pictures import columns, most_of, spark

_SHOWN = 10  # events of the past
_ROWS = 3  # lines of the picture of handshakes
_FEW = 4  # sessions that do not fill a cell
_START = 2.0  # seconds within which a load belongs to the start before it
_WORDS = {
    Event.STARTED: "stunnel started",
    Event.CONFIG_OK: "configuration loaded",
    Event.STOPPED: "stunnel ended",
}


class _Entry(NamedTuple):
    at: float
    what: Text
    words: str


def happened(document: Document, row: Row, past: Past, chronicle: Chronicle) -> None:
    """The section: changes of state that were seen, and what the log tells, the newest first."""
    document.heading("What happened")
    often = past_words.often(past, document.now)
    if often:
        document.line(often, document.palette.strong)
    entries = [*_told(document, row, past, chronicle), *_changes(document, past)]
    entries.reverse()  # what has one time stays in the order of the log, the last of it first
    entries.sort(key=lambda each: -each.at)
    if len(past.changes) == 1 and past.seen is not None:
        document.line(f"no change since {clock(past.seen, document.now)}, the first look")
    today = all(" " not in clock(each.at, document.now) for each in entries[:_SHOWN])
    for entry in entries[:_SHOWN]:
        moment, line = _moment(entry.at, today=today), entry.what.copy()
        line.append(" " * (8 - line.cell_len))
        line.append(document.palette.draw(entry.words))
        document.fact(moment, line, label=len(moment) + 2)
    if len(entries) > _SHOWN:
        document.line(f"and {counted(len(entries) - _SHOWN, 'earlier event')}", document.palette.muted)


def _moment(at: float, *, today: bool) -> str:
    then = time.localtime(at)
    return time.strftime("%H:%M:%S" if today else "%d %b %H:%M:%S", then)


def _changes(document: Document, past: Past) -> list[_Entry]:
    entries, before = [], None
    for change in past.changes:
        style = document.palette.states.get(change.after, "")
        sign = Text(document.palette.draw(label(change.after)), style)
        entries.append(_Entry(change.at, sign, _what(change, before)))
        before = change
    return entries if len(entries) > 1 else []


def _what(change: Change, before: Change | None) -> str:
    if change.before is State.PENDING:
        return ", ".join(filter(None, (change.cause, "so at the first look")))
    if change.after is State.OK and before is not None and before.before is not State.PENDING:
        return f"after {span(change.at - before.at)}"
    return change.cause


def _told(document: Document, row: Row, past: Past, chronicle: Chronicle) -> list[_Entry]:
    """What the log says of the process, and of the target before anybody looked."""
    instance, log = row.tunnel.instance, Text("log", document.palette.muted)
    if instance.log_sharers:  # whose process it was cannot be said
        return []
    entries, started = [], float("-inf")
    for record in chronicle.milestones(instance.log):
        at = record.time or 0.0
        if record.event is not Event.CONFIG_OK or at - started > _START:
            entries.append(_Entry(at, log, _milestone(record)))
        started = at if record.event is Event.STARTED else started
    for outage in chronicle.outages(instance.log, row.tunnel.service.name):
        if past.seen is not None and outage.since < past.seen:
            lasted = span(outage.until - outage.since)
            entries.append(_Entry(outage.since, log, f"target away for {lasted}: {outage.record.message}"))
    return entries


def _milestone(record: LogRecord) -> str:
    words = _WORDS.get(record.event, "")
    if record.event is Event.STARTED and record.message.startswith("stunnel "):
        return f"{words}: {record.message.partition(' on ')[0]}"
    return words or record.message


def handshakes(document: Document, past: Past) -> None:
    """The last handshakes as columns, with the least, the median and the most of them."""
    palette, room = document.palette, document.width - 32
    probes = past.probes()[-max(8, room) :]
    took = [each.took for each in probes]
    known = [each for each in took if each is not None]
    if len(probes) < 2 or not known:
        return
    figures = (
        f"{millis(max(known)):>6} most",
        f"{millis(median(known)):>6} median",
        f"{millis(min(known)):>6} least",
    )
    for index, line in enumerate(columns(took, _ROWS, palette, style=palette.accent)):
        line.append(f"  {figures[index]}", palette.muted)
        document.fact("" if index else "last handshakes", line)
    failed = len(took) - len(known)
    words = f"{len(probes)} since {clock(probes[0].at, document.now)}"
    document.fact("", f"{words}, {failed} failed" if failed else words, palette.muted)


def sessions(document: Document, row: Row, past: Past) -> None:
    """How many there are, and the most of each piece of the last hour."""
    count, primary = row.tunnel.sessions, row.tunnel.primary
    if count is None and primary is not None and row.tunnel.listeners:
        words = f"the log does not tell of all whom [{primary.name}] has let in where it led them"
        document.fact("sessions", words, document.palette.muted)
    if count is None:
        return
    counts = past.sessions(document.now)
    known = [(each, -index) for index, each in enumerate(counts) if each is not None]
    line = Text(f"{count} now")
    if len(known) > 1:
        most, index = max(known)  # the first time that there were so many
        shown = most_of(counts, 30)
        first = next(at for at, each in enumerate(shown) if each is not None)
        line.append("  ")
        line.append_text(spark(shown[first:], document.palette, style=document.palette.accent, least=_FEW))
        at = clock(document.now - 60 * (len(counts) - 1 + index), document.now)
        line.append(
            f"  most {most} at {at}" if most else f"  none in {len(known)} min", document.palette.muted
        )
    document.fact("sessions", line)
