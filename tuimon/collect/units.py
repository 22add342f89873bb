"""systemd units that start stunnel.

Rule: a machine without systemd is no fault; what may not be asked is said.  A process that came or went
is a reason to look again: the screen shall not say `ended` while systemd knows why.
"""

import asyncio
import re
from contextlib import suppress

from tuimon.collect.base import Publish
from tuimon.collect.last_runs import LastRuns
from tuimon.collect.supervision import Surroundings
from tuimon.events import UnitsSeen
from tuimon.host.base import Host
from tuimon.model.failure import Failure, Reason
from tuimon.model.process import ProcessId
from tuimon.model.tunnel import Interest
from tuimon.model.unit import Unit
from tuimon.parse.systemctl import PROPERTIES, is_init_script, is_stunnel, parse_units
from tuimon.settings import Settings
from tuimon.text import printable

_PATIENCE = 10.0  # seconds for one call of systemctl
_SETTLING = 5.0  # seconds between two looks while a unit is between two states
_REST = 2.0  # seconds between two looks at least: a process that comes and goes all the time costs no more
_CONF, _TEMPLATE = ".conf", "@.service"
_INSTANCE = re.compile(r"[A-Za-z0-9:_.-]+")  # what stands for itself in a unit's name, systemd.unit(5)


class Units:
    """Publishes `UnitsSeen` when something differs."""

    name = "units"

    def __init__(self, host: Host, settings: Settings) -> None:
        self._host, self._settings = host, settings
        self._last_runs, self._surroundings = LastRuns(host), Surroundings(host)
        self._running: frozenset[ProcessId] = frozenset()
        self._wake = asyncio.Event()

    def want(self, interest: Interest) -> None:
        """Units are found by what they start, not by name; look at them when the processes changed."""
        if interest.running != self._running:
            self._running = interest.running
            self._wake.set()

    async def run(self, publish: Publish) -> None:
        """Look until cancelled."""
        last: UnitsSeen | None = None
        while True:
            self._wake.clear()
            seen = await self._look()
            if seen != last:
                last = seen
                publish(seen)
            await asyncio.sleep(min(_REST, self._settings.intervals.units))
            settling = any(unit.active_state.endswith("activating") for unit in seen.units)
            with suppress(TimeoutError):
                async with asyncio.timeout(_SETTLING if settling else self._settings.intervals.units):
                    await self._wake.wait()

    async def _look(self) -> UnitsSeen:
        host = self._host.name
        # Without systemd as PID 1 systemctl would only complain about D-Bus.
        if isinstance(await self._host.stamp("/run/systemd/system"), Failure):
            failure = Failure(Reason.UNSUPPORTED, "systemd does not run this machine")
            return UnitsSeen(host, (), failure, await self._surroundings.look(systemd=False))
        loaded = await self._show(("--type=service", "--all", "*"))
        if isinstance(loaded, Failure):
            return UnitsSeen(host, (), loaded)
        seen = {unit.name: unit for unit in loaded}
        installed = await self._installed()
        seen |= await self._named([name for name in installed if _TEMPLATE not in name and name not in seen])
        script = next((unit for unit in seen.values() if is_init_script(unit)), None)
        units = {name: unit for name, unit in seen.items() if is_stunnel(unit)}
        # Where the init script runs, an instance that systemd has forgotten tells nothing of its file.
        if script is None or script.active_state != "active":
            templates = [name.removesuffix(_TEMPLATE) for name in installed if name.endswith(_TEMPLATE)]
            units |= await self._forgotten(templates, {unit.config for unit in units.values()})
        told = await self._last_runs.told(units[name] for name in sorted(units))
        used = any(unit.enabled == "enabled" or unit.active_state != "inactive" for unit in told.values())
        supervision = await self._surroundings.look(script, units=used, systemd=True)
        return UnitsSeen(host, tuple(told.values()), supervision=supervision)

    async def _installed(self) -> list[str]:
        """Names of unit files, loaded or not: enabled for the next boot, or simply there."""
        listed = await self._host.run(
            ("systemctl", "list-unit-files", "--type=service", "--no-legend", "--no-pager", "*stunnel*"),
            _PATIENCE,
        )
        if isinstance(listed, Failure):
            return []
        return [line.split()[0] for line in listed.stdout.decode("utf-8", "replace").splitlines() if line]

    async def _forgotten(self, templates: list[str], known: set[str]) -> dict[str, Unit]:
        """Instances that are neither active, failed nor enabled: systemd has unloaded them.

        Any file could be started by any template, so these are asked for by name; only systemd can
        tell which file an instance reads.
        """
        folder = self._settings.config_folder
        entries = await self._host.list(folder)
        if isinstance(entries, Failure):
            return {}
        files = sorted(entry.name for entry in entries if entry.name.endswith(_CONF))
        wanted = {f"{folder}/{name}" for name in files} - known
        stems = [name.removesuffix(_CONF) for name in files if f"{folder}/{name}" in wanted]
        names = [
            f"{each}@{stem}.service" for each in templates for stem in stems if _INSTANCE.fullmatch(stem)
        ]
        found = await self._named(names)
        return {name: unit for name, unit in found.items() if is_stunnel(unit) and unit.config in wanted}

    async def _named(self, names: list[str]) -> dict[str, Unit]:
        """These units by name; empty where systemd does not answer."""
        shown = await self._show(("--", *names)) if names else ()
        return {} if isinstance(shown, Failure) else {unit.name: unit for unit in shown}

    async def _show(self, arguments: tuple[str, ...]) -> tuple[Unit, ...] | Failure:
        argv = ("systemctl", "show", "--no-pager", "--timestamp=unix", f"--property={','.join(PROPERTIES)}")
        done = await self._host.run((*argv, *arguments), _PATIENCE)
        if isinstance(done, Failure):
            return done
        if done.status != 0 and not done.stdout:
            return Failure(Reason.OTHER, printable(done.stderr.strip() or b"systemctl failed", 200))
        return parse_units(done.stdout)
