"""Whether systemd would start a unit again, whom else its commands hit, and who would start it unasked.

Rule: asked before anything is ended; what cannot be found out is no reason.
"""

import re

from tuimon.diagnose.finding import span
from tuimon.host.base import Completed, Host
from tuimon.model.action import Action, Note
from tuimon.model.failure import Failure, Reason
from tuimon.model.unit_control import UnitControl
from tuimon.text import printable

_PATIENCE = 10.0
_UNMET = re.compile(r"((?:Condition|Assert)\w+=.*) failed\.$", re.MULTILINE)
_RAN = ("39f53479d3a045ac8e11786248231fbf", "be02cf6855d2428ba40df7e9d022f03d")  # a start done, or failed
_UNKNOWN = 2  # what getent(1) says of a name that nobody has
_STARTS = "500"
_TIME = re.compile(r"\d+\.\d+")
_BY_NAME = re.compile(r"(?:^|[ /;&|])(killall5?|pkill|skill)(?: |$)")
_LINES = {
    Action.RESTART: ("ExecStop", "ExecStopPost", "ExecStartPre"),
    Action.STOP: ("ExecStop", "ExecStopPost"),
    Action.RELOAD: ("ExecReload",),
    Action.START: (),
}


async def obstacles(
    host: Host, unit: UnitControl, action: Action, now: float, *, root: bool
) -> tuple[Note, ...]:
    """Why a unit that runs would not come back, or would take others with it."""
    found = [*await _hits(host, unit, action), *await _rivals(host, unit, action)]
    if action is Action.RESTART:
        found += await _missing(host, unit)
        # Who is not root may not see what a condition is about.
        found += await _unmet(host, unit) if root else ()
        found += await _limited(host, unit, now)
    return tuple(found)


async def _hits(host: Host, unit: UnitControl, action: Action) -> list[Note]:
    """A command that goes by a name reaches every stunnel there is."""
    lines = [(each.line, " ".join(each.argv)) for each in unit.commands if each.line in _LINES[action]]
    lines = [each for each in lines if _BY_NAME.search(each[1])]
    processes = await host.processes() if lines else ()
    seen = () if isinstance(processes, Failure) else processes
    others = [str(each.pid) for each in seen if each.pid != unit.main_pid]
    if not others:
        return []
    pids = f"pid{'s' if len(others) > 1 else ''} {', '.join(others[:5])}"
    fix = f"let it end its own process only: systemctl edit {unit.name}"
    return [
        Note("unit-hits-others", f"{name} of {unit.name} reaches other stunnels too ({pids}): {line}", fix)
        for name, line in lines
    ]


async def _rivals(host: Host, unit: UnitControl, action: Action) -> list[Note]:
    """Units that systemd stops before it starts this one."""
    active = await _active(host, unit.rivals) if action in (Action.START, Action.RESTART) else []
    return [
        Note(
            "unit-conflicts",
            f"{each} runs, and would be stopped (Conflicts=)",
            f"first: systemctl stop {each}",
        )
        for each in active
    ]


async def triggers(host: Host, unit: UnitControl, action: Action) -> tuple[Note, ...]:
    """Sockets and timers that start it again as soon as it is stopped."""
    active = await _active(host, unit.triggers) if action is Action.STOP else []
    return tuple(
        Note("unit-triggered", f"{each} stays, and would start it again", f"systemctl stop {each}")
        for each in active
    )


async def _active(host: Host, units: tuple[str, ...]) -> list[str]:
    if not units:
        return []
    argv = ("systemctl", "show", "--no-pager", "--property=Id,ActiveState", "--", *units)
    said = await host.run(argv, _PATIENCE)
    blocks = said.stdout.decode("utf-8", "replace").split("\n\n") if isinstance(said, Completed) else []
    found = [dict(line.split("=", 1) for line in block.split("\n") if "=" in line) for block in blocks]
    return [printable(each["Id"]) for each in found if each.get("ActiveState") == "active" and "Id" in each]


async def _missing(host: Host, unit: UnitControl) -> list[Note]:
    """Files and folders without which systemd does not start it."""
    stamps = {path: await host.stamp(path) for path in unit.needs}
    gone = [
        path for path, each in stamps.items() if isinstance(each, Failure) and each.reason is Reason.MISSING
    ]
    return [
        Note("unit-needs", f"{unit.name} would not start again: {path} is missing", f"make {path}")
        for path in gone
    ] + await _nobody(host, unit)


async def _nobody(host: Host, unit: UnitControl) -> list[Note]:
    """A user that there is no more."""
    if not unit.user or unit.dynamic:
        return []
    said = await host.run(("getent", "passwd", unit.user), _PATIENCE)
    if isinstance(said, Failure) or said.status != _UNKNOWN:
        return []
    text = f"{unit.name} would not start again: there is no user {unit.user}"
    return [Note("unit-needs", text, f"make the user, or mend it: systemctl edit {unit.name}")]


async def _unmet(host: Host, unit: UnitControl) -> list[Note]:
    """Conditions as they are now: with one unmet, a restart is a stop that reports success."""
    said = await host.run(("systemd-analyze", "condition", "--unit", unit.name), _PATIENCE)
    text = (said.stdout + said.stderr).decode("utf-8", "replace") if isinstance(said, Completed) else ""
    fix = f"systemctl cat {unit.name}"
    return [
        Note("unit-condition", f"{unit.name} would not start again: {printable(each)} is not met", fix)
        for each in _UNMET.findall(text)
    ]


async def _limited(host: Host, unit: UnitControl, now: float) -> list[Note]:
    """The start that systemd refuses comes after the stop that it does not."""
    if not unit.burst or not unit.interval:
        return []
    head = ("journalctl", "--boot", "--output=short-unix", "--no-pager", "--quiet", "--lines", _STARTS)
    first, second = ((f"MESSAGE_ID={each}", f"UNIT={unit.name}") for each in _RAN)
    said = await host.run((*head, *first, "+", *second), _PATIENCE)
    lines = said.stdout.decode("utf-8", "replace").split("\n") if isinstance(said, Completed) else []
    # systemd counts from a first start on, and anew with the first one after the interval.
    began, count = 0.0, 0
    for each in (float(found[0]) for found in map(_TIME.match, lines) if found):
        began, count = (each, 1) if each > began + unit.interval else (began, count + 1)
    left = began + unit.interval - now
    if count < unit.burst or left <= 0:
        return []
    allowed = f"{unit.burst} are allowed in {span(unit.interval)}"
    text = f"systemd would not start {unit.name} again: {count} starts, {allowed}"
    again = f"systemctl reset-failed {unit.name}; systemctl restart {unit.name}"
    return [Note("unit-limited", text, f"wait {span(left)}, or: {again}")]
