"""Why a unit did not start: what stunnel and systemd told of it in the journal.

Rule: asked only once it has failed; what stunnel says comes before what systemd says.
"""

import asyncio

from msgspec.structs import replace

from tuimon.control.proof import End
from tuimon.host.base import Completed, Host
from tuimon.model.unit import LastRun
from tuimon.model.unit_control import UnitControl
from tuimon.parse.last_run import FIELDS, parse_last_runs

_PATIENCE = 10.0
_TRIES, _BETWEEN = 5, 0.2  # the last lines of a process reach the journal after its end
_LINES = "200"


async def last_words(host: Host, end: End) -> End:
    """The same end with the reason, as far as it was told."""
    unit = end.unit
    if unit is None or end.why:
        return end
    run = LastRun()
    for _ in range(_TRIES):
        run = await _run(host, unit)
        if run.stunnel or _limited(run):
            break
        await asyncio.sleep(_BETWEEN)
    why, fix = run.why or (run.systemd[-1] if run.systemd else ""), ""
    if _limited(run):
        why = f"systemd starts it no more, it was repeated too quickly{': ' if run.why else ''}{run.why}"
        fix = f"systemctl reset-failed {unit.name}; systemctl start {unit.name}"
    return replace(end, why=why, fix=fix, said=(*run.stunnel, *run.systemd))


def _limited(run: LastRun) -> bool:
    return any("repeated too quickly" in each for each in run.systemd)


async def _run(host: Host, unit: UnitControl) -> LastRun:
    fields = f"--output-fields={','.join(FIELDS)}"
    head = ("journalctl", "--boot", "--output=json", "--no-pager", "--quiet", "--lines", _LINES, fields)
    said = await host.run((*head, f"_SYSTEMD_UNIT={unit.name}", "+", f"UNIT={unit.name}"), _PATIENCE)
    if not isinstance(said, Completed):
        return LastRun()
    return parse_last_runs(said.stdout.splitlines(), unit.invocation).get(unit.name, LastRun())
