"""Who else could replace what an action would have run: programs of the unit, of the script, of the
configuration.

Rule: everything that is run counts with the user that it runs as.  A configuration that names programs is
one itself.
"""

from collections.abc import Iterator
from typing import NamedTuple

from tuimon.control import trust
from tuimon.control.door import SCRIPT
from tuimon.host.base import Completed
from tuimon.host.hands import Hands
from tuimon.lint.machine import Machine
from tuimon.model.action import Action, Route
from tuimon.model.failure import Failure, Reason
from tuimon.model.origin import Launch
from tuimon.model.service import Config
from tuimon.model.unit_control import UnitControl

_DEFAULTS = "/etc/default/stunnel4"
_BEGIN, _END = ("ExecCondition", "ExecStartPre", "ExecStart", "ExecStartPost"), ("ExecStop", "ExecStopPost")
_LINES = {
    Action.START: _BEGIN,
    Action.RESTART: (*_END, *_BEGIN),
    Action.STOP: _END,
    Action.RELOAD: ("ExecReload",),
}
_INTERPRETERS = frozenset({"sh", "bash", "dash", "ksh", "perl", "python3", "env"})


class Runs(NamedTuple):
    """What an action would have run."""

    action: Action
    route: Route
    config: Config | None
    actor: int
    unit: UnitControl | None
    launch: Launch | None
    setuid: str

    @property
    def starts(self) -> bool:
        """Whether stunnel itself is started."""
        return self.action in (Action.START, Action.RESTART)


class _Program(NamedTuple):
    path: str
    uid: int
    optional: bool = False


async def stranger(runs: Runs, hands: Hands, machine: Machine) -> str:
    """Who else than root and the user that it runs as could replace it, in words, or empty."""
    uid = await _uid(runs, machine)
    for each in (*_programs(runs, uid), *await _configured(runs, uid, machine)):
        guards = await hands.guards(each.path)
        if isinstance(guards, Failure):
            if guards.reason is Reason.MISSING and each.optional:
                continue
            return str(guards)
        who = trust.stranger(guards, each.uid)
        if who:
            return who
    return ""


async def _uid(runs: Runs, machine: Machine) -> int:
    """The user that stunnel is started as."""
    if runs.route is Route.UNIT and runs.unit is not None:
        return await _number(machine, runs.unit.user)
    if runs.route is Route.DIRECT and runs.launch is not None:
        return runs.actor if runs.launch.uid is None else runs.launch.uid
    return 0


def _programs(runs: Runs, uid: int) -> Iterator[_Program]:
    if runs.route is Route.UNIT and runs.unit is not None:
        if runs.starts and runs.unit.program:
            yield _Program(runs.unit.program, uid)
        for command in runs.unit.commands:
            if command.line in _LINES[runs.action] and command.line != "ExecStart":
                script = command.argv[0].rpartition("/")[2] in _INTERPRETERS
                for path in command.argv[: 2 if script else 1]:
                    if path.startswith("/"):
                        yield _Program(path, 0 if command.privileged else uid, optional=True)
    elif runs.route is Route.SCRIPT:
        yield from (
            _Program(SCRIPT, 0),
            _Program(_DEFAULTS, 0, optional=True),
            _Program("/usr/bin/stunnel4", 0),
        )
    elif runs.route is Route.DIRECT and runs.launch is not None:
        yield from (_Program(path, uid) for path in (runs.launch.exe, *trust.loaded(runs.launch)))


async def _configured(runs: Runs, uid: int, machine: Machine) -> tuple[_Program, ...]:
    """The programs of `exec`, and the files that could name others."""
    config = runs.config
    named = [each.exec for each in config.services if each.exec.startswith("/")] if config is not None else []
    if config is None or not named or not runs.starts or config.text("chroot"):
        return ()
    who = await _number(machine, runs.setuid) if runs.setuid else uid
    return tuple(_Program(path, who, optional=True) for path in (*config.files, *named))


async def _number(machine: Machine, user: str) -> int:
    if not user or user.isdigit():
        return int(user or "0")
    said = await machine.ask("getent", "passwd", user)
    fields = said.stdout.split(b":") if isinstance(said, Completed) else []
    return int(fields[2]) if len(fields) > 2 and fields[2].isdigit() else 0
