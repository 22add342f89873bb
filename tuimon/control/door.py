"""Which way an action goes: systemd, the init script, directly, or not through us at all.

Rule: pure.  Whoever started a process is asked to act on it; a process is ended or started directly
only where nobody else would, and a name of an instance is never left out, since without it a script
acts on all of them.
"""

import shlex

from msgspec import Struct

from tuimon.control import owner
from tuimon.control.owner import Owner
from tuimon.model.action import Action, Door, Route
from tuimon.model.instance import Instance
from tuimon.model.origin import Origin
from tuimon.model.unit_control import UnitControl

SCRIPT = "/etc/init.d/stunnel4"
_FOLDER, _CONF = "/etc/stunnel/", ".conf"
# Without this, Debian's script hands the verb to `systemctl` without the name: all instances restart.
_SCRIPT = ("env", "SYSTEMCTL_SKIP_REDIRECT=1", SCRIPT)
_SLACK = 30.0  # seconds beyond a unit's own stop timeout


class Ways(Struct, frozen=True):
    """What there is besides the instance: the process's origin, its unit as systemd has it now, whether
    there is an init script, and the pid in the pid file that the script would read (None: no file)."""

    origin: Origin | None = None
    unit: UnitControl | None = None
    script: bool = False
    script_runs: bool = False
    pid_file: int | None = None
    uid: int = 0
    binary: str = "stunnel"


def find(action: Action, instance: Instance, ways: Ways) -> Door:
    """The door for this action."""
    origin, process = ways.origin, instance.process
    if process is None or origin is None:
        return _start(action, instance, ways)
    by_unit = _by_unit(action, instance, origin, ways)
    if by_unit is not None:
        return by_unit
    held = owner.keeper(process, origin, action)
    if held is None and action is not Action.RELOAD:  # a signal for a reload surprises nobody
        held = _owned(action, instance, origin)
    if held is not None:
        return _closed(held)
    return _script(action, instance, ways) or _signal(action, instance)


def by_hand(action: Action, instance: Instance, door: Door) -> str:
    """The command in one line, ready to copy."""
    line = shlex.join(door.argv)
    if door.route is Route.DIRECT and action is Action.RESTART and instance.process is not None:
        return f"kill -TERM {instance.process.pid}; {line}"
    return line


def _owned(action: Action, instance: Instance, origin: Origin) -> Owner | None:
    if origin.id.pid == 1:
        return Owner("the container itself: it is its first process")
    held = owner.parent(origin)
    if held is not None:
        return held
    unit, user = owner.unit_of(origin.cgroup)
    if unit and user is None and not owner.is_login(unit) and unit != "stunnel4.service":
        return Owner(f"unit {unit}, together with what else it started", ("systemctl", action.value, unit))
    if action is Action.STOP:
        return None
    if instance.process is not None and instance.process.argument.startswith("-fd"):
        return Owner("whoever handed it its configuration (-fd)")
    return owner.tied(origin, to_stderr=_to_stderr(instance))


def _to_stderr(instance: Instance) -> bool:
    return instance.config is not None and instance.config.text("foreground").lower() == "yes"


def _closed(held: Owner) -> Door:
    return Door(Route.NONE, held.argv, owner=held.name)


def _by_unit(action: Action, instance: Instance, origin: Origin, ways: Ways) -> Door | None:
    """The door of the unit whose main process it is."""
    unit, (name, user) = ways.unit, owner.unit_of(origin.cgroup)
    if user is not None and name:
        manager: tuple[str, ...] = ("systemctl", "--user")
        if user == ways.uid:
            return _user_unit(action, manager, name)
        return _closed(
            Owner(f"unit {name} of user {user}", (*manager, f"--machine={user}@", action.value, name))
        )
    if unit is None or instance.process is None or unit.main_pid != instance.process.pid:
        return None
    return _unit(action, ("systemctl",), unit)


def _user_unit(action: Action, manager: tuple[str, ...], name: str) -> Door:
    if action is Action.RELOAD:
        return Door(Route.UNIT, (*manager, "kill", "--kill-who=main", "--signal=HUP", name), name)
    return Door(Route.UNIT, (*manager, action.value, name), name)


def _unit(action: Action, manager: tuple[str, ...], unit: UnitControl) -> Door:
    slow = unit.stop_timeout + unit.start_timeout + _SLACK
    if action is Action.RELOAD and not unit.can_reload:
        # Only the main process: a signal to the whole group would end programs that serve clients.
        argv = (*manager, "kill", "--kill-who=main", "--signal=HUP", unit.name)
        return Door(Route.UNIT, argv, unit.name, slow=slow)
    return Door(Route.UNIT, (*manager, action.value, unit.name), unit.name, slow=slow)


def _name(instance: Instance) -> str:
    """The name by which the init script knows it, or empty."""
    path = instance.key.config
    name = path.removeprefix(_FOLDER).removesuffix(_CONF)
    return name if path == f"{_FOLDER}{name}{_CONF}" and "/" not in name else ""


def _script(action: Action, instance: Instance, ways: Ways) -> Door | None:
    """The init script, where it can tell this process by its pid file."""
    name = _name(instance)
    if not ways.script or not name or instance.process is None or ways.pid_file != instance.process.pid:
        return None
    return Door(Route.SCRIPT, (*_SCRIPT, action.value, name), name)


def _signal(action: Action, instance: Instance) -> Door:
    process = instance.process
    pid = str(process.pid) if process else ""
    if action is Action.RELOAD:
        return Door(Route.DIRECT, ("kill", "-HUP", pid), slow=5)
    if action is Action.STOP:
        return Door(Route.DIRECT, ("kill", "-TERM", pid), slow=15)
    exe = process.id.exe.removesuffix(" (deleted)") if process else "stunnel"
    return Door(Route.DIRECT, (exe, instance.key.config), slow=45)


def _start(action: Action, instance: Instance, ways: Ways) -> Door:
    unit = ways.unit
    if unit is not None and (unit.load_state == "masked" or instance.unit is not None):
        return _unit(action, ("systemctl",), unit)
    name = _name(instance)
    if ways.script and ways.script_runs and name:
        return Door(Route.SCRIPT, (*_SCRIPT, action.value, name), name)
    return Door(Route.DIRECT, (ways.binary, instance.key.config), slow=45)
