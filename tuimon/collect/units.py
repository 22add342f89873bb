"""systemd units that start stunnel.

Rule: a machine without systemd is no fault; what may not be asked is said.
"""

import asyncio

from tuimon.collect.base import Publish
from tuimon.events import UnitsSeen
from tuimon.host.base import Host
from tuimon.model.failure import Failure, Reason
from tuimon.model.tunnel import Interest
from tuimon.model.unit import Unit
from tuimon.parse.systemctl import PROPERTIES, is_stunnel, parse_units
from tuimon.settings import Settings
from tuimon.text import printable

_PATIENCE = 10.0  # seconds for one call of systemctl


class Units:
    """Publishes `UnitsSeen` when something differs."""

    name = "units"

    def __init__(self, host: Host, settings: Settings) -> None:
        self._host, self._settings = host, settings

    def want(self, interest: Interest) -> None:
        """Units are found by what they start, not by name."""

    async def run(self, publish: Publish) -> None:
        """Look until cancelled."""
        last: UnitsSeen | None = None
        while True:
            seen = await self._look()
            if seen != last:
                last = seen
                publish(seen)
            await asyncio.sleep(self._settings.intervals.units)

    async def _look(self) -> UnitsSeen:
        host = self._host.name
        # Without systemd as PID 1 systemctl would only complain about D-Bus.
        if isinstance(await self._host.stamp("/run/systemd/system"), Failure):
            return UnitsSeen(host, (), Failure(Reason.UNSUPPORTED, "systemd does not run this machine"))
        loaded = await self._show(("--type=service", "--all", "*"))
        if isinstance(loaded, Failure):
            return UnitsSeen(host, (), loaded)
        units = {unit.name: unit for unit in loaded if is_stunnel(unit)}
        # Files that are installed but not loaded: enabled for the next boot, or simply there.
        listed = await self._host.run(
            ("systemctl", "list-unit-files", "--type=service", "--no-legend", "--no-pager", "*stunnel*"),
            _PATIENCE,
        )
        if not isinstance(listed, Failure):
            words = [line.split() for line in listed.stdout.decode("utf-8", "replace").splitlines()]
            names = [each[0] for each in words if each and not each[0].endswith("@.service")]
            missing = tuple(name for name in names if name not in units)
            more = await self._show(("--", *missing)) if missing else ()
            if not isinstance(more, Failure):
                units.update({unit.name: unit for unit in more if is_stunnel(unit)})
        return UnitsSeen(host, tuple(units[name] for name in sorted(units)))

    async def _show(self, arguments: tuple[str, ...]) -> tuple[Unit, ...] | Failure:
        argv = ("systemctl", "show", "--no-pager", "--timestamp=unix", f"--property={','.join(PROPERTIES)}")
        done = await self._host.run((*argv, *arguments), _PATIENCE)
        if isinstance(done, Failure):
            return done
        if done.status != 0 and not done.stdout:
            return Failure(Reason.OTHER, printable(done.stderr.strip() or b"systemctl failed", 200))
        return parse_units(done.stdout)
