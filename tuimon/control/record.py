"""The action log: what was done, when, by whom, with which command, and how it ended; one line each.

Rule: a line is written before anything is done and another one afterwards, so that an action that was
cut off is not left unsaid.  The file is its owner's alone, and holds no secret.
"""

from collections.abc import Sequence

import msgspec

from tuimon.host.hands import Hands
from tuimon.model.action import Logged, Outcome, Preflight
from tuimon.model.failure import Failure
from tuimon.model.origin import Actor
from tuimon.text import printable


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


def told(lines: Sequence[Line]) -> tuple[Logged, ...]:
    """The actions of these lines, each once: a begun one gives way to its end."""
    found: list[Logged] = []
    for line in lines:
        who = f"{line.user} (sudo by {line.sudo_user})" if line.sudo_user else line.user
        entry = Logged(
            line.at,
            printable(who),
            printable(line.action),
            printable(line.instance),
            printable(line.command),
            printable(line.result),
            printable(line.verdict),
        )
        begun = next((index for index in reversed(range(len(found))) if _is_begin(found[index], entry)), None)
        if line.result != "begun" and begun is not None:
            entry = entry._replace(at=found[begun].at)
            del found[begun]
        found.append(entry)
    return tuple(found)


def _is_begin(known: Logged, entry: Logged) -> bool:
    same = (known.who, known.action, known.instance) == (entry.who, entry.action, entry.instance)
    return same and known.result == "begun"
