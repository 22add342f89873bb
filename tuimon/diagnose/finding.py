"""Finding: one judgement in words, and the state that follows from all of them.

Rule: a finding names the thing (which address, file, line, certificate, since when), says what to do,
and carries its evidence.  The first of a list is the cause.
"""

import time
from collections.abc import Iterable
from enum import StrEnum

from msgspec import Struct

from tuimon.model.remark import Severity

__all__ = [
    "RANK",
    "SIGNS",
    "WORDS",
    "Finding",
    "Light",
    "Severity",
    "State",
    "ago",
    "clock",
    "label",
    "span",
    "worst",
]


class State(StrEnum):
    """What a row says first; the order is the order of the table, worst first."""

    DOWN = "down"
    CRITICAL = "critical"
    WARNING = "warning"
    UNKNOWN = "unknown"
    PENDING = "pending"
    OK = "ok"
    NOT_PROBED = "not-probed"
    OFF = "off"


class Light(StrEnum):
    """One of the three layers of a row: listener, TLS, connect target."""

    OK = "ok"
    FAILED = "failed"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"


_JUST_NOW = 120.0  # seconds

RANK = {state: rank for rank, state in enumerate(State)}
"""Worst first."""


WORDS = {
    State.DOWN: "DOWN",
    State.CRITICAL: "CRIT",
    State.WARNING: "WARN",
    State.UNKNOWN: "?",
    State.PENDING: "…",
    State.OK: "OK",
    State.NOT_PROBED: "–",
    State.OFF: "OFF",
}
SIGNS = {
    State.DOWN: "✖",
    State.CRITICAL: "✖",
    State.WARNING: "▲",
    State.UNKNOWN: "?",
    State.PENDING: "…",
    State.OK: "●",
    State.NOT_PROBED: "–",
    State.OFF: "○",
}


def label(state: State) -> str:
    """Sign and word of a state: it is never told by a colour alone."""
    sign, word = SIGNS[state], WORDS[state]
    return sign if sign == word else f"{sign} {word}"


class Finding(Struct, frozen=True, gc=False):
    """One judgement.  `code` is public; `down` says that new clients cannot get through; `off` that
    somebody stopped it on purpose; `fix` is what to do, empty where there is nothing to do.  `section` is
    the one that a finding of a whole instance comes from."""

    code: str
    severity: Severity
    text: str
    fix: str = ""
    evidence: tuple[str, ...] = ()
    down: bool = False
    off: bool = False
    section: str = ""


def worst(findings: Iterable[Finding]) -> State:
    """The state that these findings make, OK where there are none."""
    state = State.OK
    for finding in findings:
        if finding.off:
            return State.OFF
        if finding.down:
            return State.DOWN
        if finding.severity is Severity.CRITICAL:
            state = State.CRITICAL
        elif finding.severity is Severity.WARNING and state is State.OK:
            state = State.WARNING
    return state


def clock(at: float | None, now: float) -> str:
    """`03:12` for today, `2 Nov 03:12` for another day; local time."""
    if at is None:
        return "?"
    then, today = time.localtime(at), time.localtime(now)
    if then[:3] == today[:3]:
        return time.strftime("%H:%M", then)
    return f"{then.tm_mday} {time.strftime('%b %H:%M', then)}"


def ago(at: float, now: float) -> str:
    """How long ago: `3 h ago`; seconds would only make the screen restless."""
    return f"{span(now - at)} ago" if now - at >= _JUST_NOW else "just now"


def span(seconds: float) -> str:
    """A length of time in the largest unit that still says enough: `45 s`, `12 min`, `5 h`, `9 days`."""
    seconds = abs(seconds)
    for size, unit in ((86400, "day"), (3600, "h"), (60, "min")):
        if seconds >= (2 if unit != "day" else 1) * size:
            count = int(seconds // size)
            return f"{count} {unit}{'s' if unit == 'day' and count != 1 else ''}"
    return f"{int(seconds)} s"
