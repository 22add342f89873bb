"""The action log: what was done, when, by whom, with which command, and how it ended; one line each.

Rule: a line is written before anything is done and another one afterwards, so that an action that was
cut off is not left unsaid.  The file is its owner's alone, and holds no secret.
"""

import msgspec

from tuimon.host.hands import Hands
from tuimon.model.action import Outcome, Preflight
from tuimon.model.failure import Failure
from tuimon.model.origin import Actor


class Line(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line; `result` is `begun` before the action.  `at` is seconds since the epoch."""

    at: float
    host: str
    instance: str
    action: str
    result: str
    user: str = ""
    sudo_user: str = ""
    command: str = ""
    unit: str = ""
    pid: int = 0
    verdict: str = ""
    seconds: float = 0.0


def begun(preflight: Preflight, actor: Actor, now: float) -> Line:
    """The line before."""
    return Line(
        at=now,
        host=preflight.host,
        instance=preflight.key.config,
        action=preflight.action.value,
        result="begun",
        user=actor.user,
        sudo_user=actor.sudo_user,
        command=preflight.command,
        unit=preflight.door.name,
        pid=preflight.process.pid if preflight.process else 0,
    )


def ended(line: Line, outcome: Outcome, now: float) -> Line:
    """The line afterwards."""
    return msgspec.structs.replace(
        line, at=now, result=outcome.result.value, verdict=outcome.text, seconds=round(outcome.seconds, 3)
    )


async def write(hands: Hands, path: str, line: Line) -> Failure | None:
    """Append one line."""
    return await hands.append(path, msgspec.json.encode(line) + b"\n")


def read(data: bytes, limit: int = 1000) -> tuple[Line, ...]:
    """The last lines of a file, oldest first; what is damaged is left out."""
    found = []
    for each in data.splitlines()[-limit:]:
        try:
            found.append(msgspec.json.decode(each, type=Line))
        except (msgspec.DecodeError, msgspec.ValidationError):
            continue
    return tuple(found)
