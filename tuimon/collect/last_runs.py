"""The last run of each unit that fails, from the journal.

Rule: asked once for each run and no more; who may not read the journal learns nothing here, and is told
so by the log.
"""

from collections.abc import Iterable
from typing import NamedTuple

from msgspec.structs import replace

from tuimon.host.base import Host
from tuimon.model.failure import Failure
from tuimon.model.unit import LastRun, Unit
from tuimon.parse.last_run import FIELDS, SCHEDULED, parse_last_runs

_PATIENCE = 10.0  # seconds for one call of journalctl
_LINES = "200"  # newest entries, of which a start of stunnel writes about forty
_TRIES = 3  # looks at a run of which nothing is said: the journal may be slower than systemd
_ACTIVE = frozenset({"active", "reloading"})
_OFTEN = 3  # restarts from which on a unit that runs is looked at as well

_Stamp = tuple[str, str, int]


class _Known(NamedTuple):
    stamp: _Stamp
    run: LastRun | None
    tries: int = 1


class LastRuns:
    """Remembers what was read; forgets units that are well."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._known: dict[str, _Known] = {}

    async def told(self, units: Iterable[Unit]) -> dict[str, Unit]:
        """The same units by name, those that fail with their last run."""
        units = tuple(units)
        failing = {unit.name: unit for unit in units if _fails(unit)}
        self._known = {name: each for name, each in self._known.items() if name in failing}
        stale = [unit for unit in failing.values() if self._is_stale(unit)]
        began = await self._began([unit.name for unit in stale if unit.restarts])
        for unit in stale:
            run = await self._of(unit, began.get(unit.name))
            if unit.name in began:
                run = replace(run or LastRun(), restarting_since=began[unit.name])
            before = self._known.get(unit.name)
            tries = before.tries + 1 if before and before.stamp == _stamp(unit) else 1
            self._known[unit.name] = _Known(_stamp(unit), run, tries)
        return {
            unit.name: replace(unit, last_run=self._known[unit.name].run) if unit.name in failing else unit
            for unit in units
        }

    async def _of(self, unit: Unit, began: float | None) -> LastRun | None:
        invocation, since = unit.invocation, ""
        if unit.active_state in _ACTIVE:  # the run that failed is an earlier one of the row
            invocation, since = "", f"--since=@{int(began or 0)}"
        options = ("--lines", _LINES, *filter(None, (since,)))
        lines = await self._ask(*options, *_matches(unit))
        found = parse_last_runs(lines, invocation).get(unit.name)
        if found is None and unit.restarts:  # runs have followed each other faster than we could ask
            found = parse_last_runs(lines).get(unit.name)
        return found

    def _is_stale(self, unit: Unit) -> bool:
        known = self._known.get(unit.name)
        if known is None or known.stamp != _stamp(unit):
            return True
        return known.tries < _TRIES and not (known.run and known.run.stunnel)

    async def _began(self, names: list[str]) -> dict[str, float]:
        """When the row of restarts of each began."""
        if not names:
            return {}
        about = (f"UNIT={name}" for name in names)
        found = parse_last_runs(await self._ask(f"MESSAGE_ID={SCHEDULED}", "N_RESTARTS=1", *about))
        return {name: run.restarting_since for name, run in found.items() if run.restarting_since is not None}

    async def _ask(self, *matches: str) -> list[bytes]:
        fields = f"--output-fields={','.join(FIELDS)}"
        argv = ("journalctl", "--boot", "--output=json", "--no-pager", "--quiet", fields, *matches)
        done = await self._host.run(argv, _PATIENCE)
        return [] if isinstance(done, Failure) else done.stdout.splitlines()


def _matches(unit: Unit) -> tuple[str, str, str]:
    """Its own lines, and systemd's of it."""
    return f"_SYSTEMD_UNIT={unit.name}", "+", f"UNIT={unit.name}"


def _stamp(unit: Unit) -> _Stamp:
    return unit.invocation, f"{unit.active_state} {unit.sub_state}", unit.restarts


def _fails(unit: Unit) -> bool:
    """Failed, between two states, restarted again and again, or not started although it should be."""
    if unit.active_state in _ACTIVE:
        return unit.restarts >= _OFTEN
    return unit.active_state != "inactive" or (unit.enabled == "enabled" and not unit.stopped)
