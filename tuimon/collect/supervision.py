"""What may start stunnel besides units of its own, and whether the host's clock is kept right.

Rule: asked for as seldom as it changes.  Each question to timedatectl starts a service of systemd, and a
monitor shall not fill the journal.
"""

import re

from tuimon.host.base import Host
from tuimon.model.failure import Failure
from tuimon.model.unit import Supervision, Unit

_PATIENCE = 10.0  # seconds for one call
_CLOCK = 600.0  # seconds between two questions whether the clock is right
_DEFAULTS = "/etc/default/stunnel4"
_ENABLED = re.compile(rb"[ \t]*ENABLED=[\"']?1\b")
_SCRIPTS = ("/etc/init.d/stunnel4", "/etc/init.d/stunnel")


class Surroundings:
    """Looks at what is the same for all instances of a host."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._synchronized: tuple[float, bool | None] | None = None

    async def look(self, script: Unit | None = None, *, units: bool = False, systemd: bool) -> Supervision:
        """`script` is the unit of the init script, `units` whether any unit is enabled or active."""
        return Supervision(
            init_script=script,
            script=await self._script(),
            enabled_line=await self._enabled_line(),
            synchronized=await self._clock() if systemd else None,
            units=units,
        )

    async def _script(self) -> str:
        for path in _SCRIPTS:
            if not isinstance(await self._host.stamp(path), Failure):
                return path
        return ""

    async def _enabled_line(self) -> int:
        """Where the defaults of the init script still say ENABLED=1, which means nothing to it."""
        content = await self._host.read(_DEFAULTS)
        lines = [] if isinstance(content, Failure) else content.data.splitlines()
        return next((number for number, line in enumerate(lines, 1) if _ENABLED.match(line)), 0)

    async def _clock(self) -> bool | None:
        """Whether the clock is kept right, as far as it was asked for last."""
        now = self._host.monotonic()
        if self._synchronized is None or now - self._synchronized[0] >= _CLOCK:
            argv = ("timedatectl", "show", "--property=NTPSynchronized", "--value")
            done = await self._host.run(argv, _PATIENCE)
            said = b"" if isinstance(done, Failure) else done.stdout.strip()
            self._synchronized = now, {b"yes": True, b"no": False}.get(said)
        return self._synchronized[1]
