"""What is said of actions on the command line: the plan, the question, the verdict, the JSON.

Rule: pure; the plan names the host, the instance, every service that is touched and the very command.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from tuimon.model.action import Action, Note, Outcome, Preflight, Result
from tuimon.text import counted

_DIFF = 20  # lines of the diff; --json has them all
_SHOWN = 12  # services named; --json has them all


def plan(preflight: Preflight) -> list[str]:
    """What would be done, to whom, and what speaks against it."""
    return list(_plan(preflight))


def _plan(preflight: Preflight) -> Iterator[str]:
    unit = f" ({preflight.door.name})" if preflight.door.name else ""
    pid = f", pid {preflight.process.pid}" if preflight.process else ""
    yield f"{preflight.action.value} {preflight.key.config}{unit} on {preflight.host}{pid}"
    if preflight.command and not preflight.refused:
        yield f"  command   {preflight.command}"
    if preflight.touches.loads:
        yield f"  touches   {_touched(preflight)}"
    yield from (f"  changes   {each}" for each in preflight.changes)
    yield from (f"            {line}" for line in preflight.diff[:_DIFF])
    yield from (f"  note      {_note(each)}" for each in preflight.warnings)
    yield from (f"  REFUSED   {_note(each)}" for each in preflight.refusals)


def _note(note: Note) -> str:
    return f"{note.text} — {note.fix}" if note.fix else note.text


def _touched(preflight: Preflight) -> str:
    loads = preflight.touches.loads
    named = [
        f"{load.service} ({counted(load.sessions, 'session')})" if load.sessions else load.service
        for load in loads[:_SHOWN]
    ]
    more = f" and {len(loads) - _SHOWN} more" if len(loads) > _SHOWN else ""
    return f"{counted(len(loads), 'service')}: {', '.join(named)}{more}"


def question(preflights: Sequence[Preflight]) -> str:
    """What is asked; no is the answer to anything but yes."""
    action = preflights[0].action
    services = sum(len(each.touches.loads) for each in preflights)
    sessions = sum(each.touches.sessions for each in preflights)
    names = ", ".join(each.key.config.rpartition("/")[2] for each in preflights[:5])
    cut = (
        f", {counted(sessions, 'session')} cut"
        if action in (Action.RESTART, Action.STOP) and sessions
        else ""
    )
    what = f" ({counted(services, 'service')}{cut})" if services else ""
    return f"{action.value} {names} on {preflights[0].host}{what}? [y/N]"


def verdict(outcome: Outcome) -> str:
    """How it ended, in one line."""
    name = outcome.key.config.rpartition("/")[2]
    fix = f" — {outcome.fix}" if outcome.fix and outcome.result is not Result.VERIFIED else ""
    return f"{name}: {outcome.text}{fix}"


def _notes(notes: Sequence[Note]) -> list[dict[str, Any]]:
    return [{"code": each.code, "text": each.text, "fix": each.fix or None} for each in notes]


def document(
    action: Action, preflights: Sequence[Preflight], outcomes: Sequence[Outcome], *, dry_run: bool
) -> dict[str, Any]:
    """The JSON of the four commands."""
    pairs = zip(preflights, outcomes, strict=True)
    return {"action": action.value, "dry_run": dry_run, "actions": [_one(*pair) for pair in pairs]}


def _one(preflight: Preflight, outcome: Outcome) -> dict[str, Any]:
    touches = preflight.touches
    return {
        "host": preflight.host,
        "instance": preflight.key.config,
        "pid": preflight.process.pid if preflight.process else None,
        "door": preflight.door.route.value,
        "unit": preflight.door.name or None,
        "owner": preflight.door.owner or None,
        "command": preflight.command or None,
        "argv": list(preflight.door.argv),
        "refusals": _notes(preflight.refusals),
        "warnings": _notes(preflight.warnings),
        "changes": [each._asdict() for each in preflight.changes],
        "diff": list(preflight.diff),
        "touches": {
            "services": [each._asdict() for each in touches.loads],
            "sessions": touches.sessions,
            "children": list(touches.children),
            "units": list(touches.units),
        },
        "result": outcome.result.value,
        "verdict": outcome.text,
        "fix": outcome.fix or None,
        "evidence": list(outcome.evidence),
        "seconds": round(outcome.seconds, 3),
    }
