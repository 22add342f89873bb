"""What the dialog of an action says: what will be done to whom, how far it is, how it ended.

Rule: text only; it names the host, the instance, every service that is touched and the very command.
"""

from collections.abc import Sequence

from tuimon.model.action import Action, Note, Outcome, Preflight, Result
from tuimon.model.service import InstanceKey
from tuimon.store import Ongoing
from tuimon.text import counted
from tuimon.ui.document import Document

_LABEL = 10
_SERVICES, _CHANGES = 8, 12  # named; the rest is counted
_OTHERS_MAY = frozenset({"not-permitted", "read-only"})
"""Refusals that speak against whoever asks, and not against the action."""

_SIGNS = {
    Result.VERIFIED: "●",
    Result.UNVERIFIED: "▲",
    Result.REFUSED: "✖",
    Result.FAILED: "✖",
    Result.NOT_DONE: "–",
    Result.REHEARSED: "–",
}


def _title(document: Document, preflight: Preflight) -> None:
    unit = f"  {preflight.door.name}" if preflight.door.name else ""
    pid = f"  pid {preflight.process.pid}" if preflight.process else "  no process"
    document.line(f"{preflight.key.config}{unit}{pid}", document.palette.strong)


def _notes(document: Document, name: str, notes: Sequence[Note], style: str) -> None:
    for note in notes:
        document.fact(name, note.text, style, label=_LABEL)
        if note.fix:
            document.fact("", f"→ {note.fix}", label=_LABEL)


def _touched(preflight: Preflight) -> str:
    loads = preflight.touches.loads
    named = [
        f"{load.service} ({load.sessions})" if load.sessions else load.service for load in loads[:_SERVICES]
    ]
    more = f" and {len(loads) - _SERVICES} more" if len(loads) > _SERVICES else ""
    sessions = counted(preflight.touches.sessions, "session")
    cut = preflight.action in (Action.RESTART, Action.STOP) and preflight.touches.sessions
    return (
        f"{counted(len(loads), 'service')}, {sessions}{' cut off' if cut else ''}: {', '.join(named)}{more}"
    )


def plan(document: Document, preflight: Preflight) -> None:
    """What was found out about one instance."""
    palette = document.palette
    _title(document, preflight)
    _notes(document, "REFUSED", preflight.refusals, palette.critical)
    if not preflight.refused:
        document.fact("command", preflight.command, label=_LABEL)
    elif {each.code for each in preflight.refusals} <= _OTHERS_MAY:
        document.fact("by hand", preflight.command, palette.muted, label=_LABEL)
    if preflight.touches.loads:
        document.fact("touches", _touched(preflight), label=_LABEL)
    for child in preflight.touches.children[:_SERVICES]:
        document.fact("ends too", child, label=_LABEL)
    for unit in preflight.touches.units[:_SERVICES]:
        document.fact("stops too", unit, label=_LABEL)
    for index, change in enumerate(preflight.changes[:_CHANGES]):
        document.fact("" if index else "changes", str(change), label=_LABEL)
    if len(preflight.changes) > _CHANGES:
        document.fact("", f"and {len(preflight.changes) - _CHANGES} more", palette.muted, label=_LABEL)
    if not preflight.refused:
        _notes(document, "note", preflight.warnings, palette.warning)
    document.line()


def progress(document: Document, preflight: Preflight, ongoing: Ongoing | None) -> None:
    """How far the action on one instance is."""
    _title(document, preflight)
    steps = ongoing.steps if ongoing is not None else ("waits for its turn",)
    for step in steps[-6:]:
        document.line(step, document.palette.muted, indent=2)
    document.line()


def ended(document: Document, outcome: Outcome) -> None:
    """How it ended, and what to do now."""
    palette = document.palette
    style = {Result.VERIFIED: palette.ok, Result.NOT_DONE: palette.muted, Result.UNVERIFIED: palette.warning}
    document.line(outcome.key.config, palette.strong)
    line = f"{_SIGNS[outcome.result]} {outcome.text}"
    document.line(palette.draw(line), style.get(outcome.result, palette.critical), indent=2)
    if outcome.fix and outcome.result is not Result.VERIFIED:
        document.line(palette.draw(f"→ {outcome.fix}"), palette.strong, indent=4)
    for each in outcome.evidence[:8]:
        document.line(each, palette.muted, indent=4)
    document.line()


def told(outcomes: Sequence[Outcome]) -> tuple[str, str]:
    """How it ended in a few words, for whoever does something else by now: a title, and the text.  Of several
    the first that went wrong stands for what is to be looked at."""
    first = next((each for each in outcomes if each.result is not Result.VERIFIED), outcomes[0])
    if len(outcomes) == 1:
        return first.key.config, first.text
    verified = sum(each.result is Result.VERIFIED for each in outcomes)
    title = f"{verified} of {counted(len(outcomes), 'instance')} {first.action.done}"
    if first.result is Result.VERIFIED:
        return title, "each proved; a shows them"
    return title, f"{first.key.config}: {first.text}; a shows them all"


def commands(preflights: Sequence[Preflight], outcomes: dict[InstanceKey, Outcome]) -> str:
    """The commands for whoever may, ready to paste: what a refusal for lack of rights named, else all."""
    named = [each.fix for each in outcomes.values() if each.fix.startswith("sudo ")]
    fit = (each for each in preflights if {note.code for note in each.refusals} <= _OTHERS_MAY)
    return "\n".join(named or [each.command for each in fit if each.command]) + "\n"
