"""Everything that is looked at before an action, gathered: facts only, judged elsewhere.

Rule: looks, and changes nothing.  What cannot be seen is a `Failure` or None, and never keeps the rest
from being looked at.
"""

from ipaddress import IPv4Address, IPv6Address, ip_address

from msgspec import Struct
from msgspec.structs import replace

from tuimon.control import door as doors
from tuimon.control import listening
from tuimon.control.door import SCRIPT, Ways
from tuimon.control.sight import Sight
from tuimon.control.strangers import Runs, stranger
from tuimon.control.unit_start import obstacles, triggers
from tuimon.diagnose.hazard import wanted_ways
from tuimon.host.base import Completed, Host
from tuimon.host.hands import Hands
from tuimon.lint.check import start_of
from tuimon.lint.machine import Machine
from tuimon.model.action import Action, Door, Note, Route
from tuimon.model.endpoint import Endpoint
from tuimon.model.failure import Failure
from tuimon.model.instance import Instance
from tuimon.model.origin import Actor, Launch, Origin
from tuimon.model.remark import Remark
from tuimon.model.service import Config, Value
from tuimon.model.unit_control import UnitControl
from tuimon.parse.stunnel_conf import DEBIAN_12
from tuimon.parse.unit_control import PROPERTIES, parse_control

_PATIENCE = 10.0


class Survey(Struct, frozen=True):
    """What was seen.

    `setuid` is the user that the process becomes, `stranger` who else could replace what would be run,
    `foreign` accept addresses that no interface has, `dead` targets on this machine that nobody listens on
    (both of the file on disk).  `pid_file` is what the file of `pid =` holds, None
    where there is none.  `unit_start` is what keeps systemd from starting the unit again,
    `triggers` what would do so unasked.
    """

    sight: Sight
    action: Action
    door: Door
    actor: Actor
    origin: Origin | None = None
    unseen: Failure | None = None
    unit: UnitControl | None = None
    remarks: tuple[Remark, ...] = ()
    launch: Launch | None = None
    setuid: str = ""
    stranger: str = ""
    foreign: frozenset[str] = frozenset()
    dead: frozenset[Endpoint] = frozenset()
    pid_file: int | None = None
    unit_start: tuple[Note, ...] = ()
    triggers: tuple[Note, ...] = ()

    @property
    def instance(self) -> Instance:
        """The instance."""
        return self.sight.instance


def default_of(config: Config, option: str) -> Value | None:
    """A service-level option before the first section: of `setuid` only that changes the process."""
    first = config.services[0] if config.services else None
    values = first.options.get(option, ()) if first else ()
    found = [each for each in values if first and (each.file != first.file or each.line < first.line)]
    return found[-1] if found else None


async def survey(host: Host, hands: Hands, sight: Sight, action: Action) -> Survey:
    """Look at everything that an action depends on."""
    sight = await _with_ways(sight, host)
    instance, actor = sight.instance, hands.actor()
    machine = Machine(host)
    origin = await hands.origin(instance.process.id) if instance.process else None
    unit = await unit_control(host, instance.unit.name if instance.unit else _template(instance))
    pid_file = await _pid_file(host, instance)
    ways = Ways(
        origin=origin if isinstance(origin, Origin) else None,
        unit=unit,
        script=not isinstance(await host.stamp(SCRIPT), Failure),
        script_runs=await _script_runs(host),
        pid_file=pid_file,
        uid=actor.uid,
        binary=await _binary(host),
    )
    door = doors.find(action, instance, ways)
    found = Survey(sight, action, door, actor, ways.origin, unit=unit, pid_file=pid_file)
    if isinstance(origin, Failure):
        found = replace(found, unseen=origin)
    found = await _with_file(found, host, machine)
    setuid = default_of(instance.config, "setuid") if instance.config else None
    found = replace(found, setuid=setuid.text if setuid else "", foreign=await _foreign(host, instance))
    if action is not Action.STOP:
        found = replace(found, dead=await listening.dead(host, instance))
    launch = (
        _launch(found) if door.route is Route.DIRECT and action in (Action.START, Action.RESTART) else None
    )
    if door.route is Route.UNIT and unit is not None:
        found = replace(found, triggers=await triggers(host, unit, action))
        found = replace(found, unit_start=await obstacles(host, unit, action, sight.now, root=actor.uid == 0))
    found = replace(found, launch=launch)
    return replace(found, stranger=await stranger(_runs(found), hands, machine))


def _runs(found: Survey) -> Runs:
    """What the action would have run."""
    return Runs(
        found.action,
        found.door.route,
        found.instance.config,
        found.actor.uid,
        found.unit,
        found.launch,
        found.setuid,
    )


async def unit_control(host: Host, name: str) -> UnitControl | None:
    """A unit as systemd has it now; None where it cannot be asked."""
    if not name:
        return None
    argv = ("systemctl", "show", "--no-pager", f"--property={','.join(PROPERTIES)}", "--", name)
    said = await host.run(argv, _PATIENCE)
    return parse_control(said.stdout) if isinstance(said, Completed) else None


def _template(instance: Instance) -> str:
    """The unit that would be its own by its file's name: of one that is masked systemd tells no more."""
    folder, _, name = instance.key.config.rpartition("/")
    return f"stunnel@{name.removesuffix('.conf')}.service" if folder == "/etc/stunnel" else ""


async def _script_runs(host: Host) -> bool:
    """Whether instances are the init script's: it is active, or there is no systemd."""
    if isinstance(await host.stamp("/run/systemd/system"), Failure):
        return True
    unit = await unit_control(host, "stunnel4.service")
    return unit is not None and unit.active_state == "active"


async def _binary(host: Host) -> str:
    for path in ("/usr/bin/stunnel4", "/usr/bin/stunnel", "/usr/local/bin/stunnel", "/usr/sbin/stunnel"):
        if not isinstance(await host.stamp(path), Failure):
            return path
    return "stunnel"


async def _pid_file(host: Host, instance: Instance) -> int | None:
    """The pid in the file that the configuration names, as the init script would read it."""
    written = instance.config.text("pid") if instance.config else ""
    if not written or instance.config is None:
        return None
    content = await host.read(f"{instance.config.text('chroot')}/{written}", 64)
    digits = b"" if isinstance(content, Failure) else content.data.strip()
    return int(digits) if digits.isdigit() else None


async def _with_file(found: Survey, host: Host, machine: Machine) -> Survey:
    """What stunnel would say to the file as it is now, read from where it will be read."""
    config, process, unit = found.instance.config, found.instance.process, found.unit
    if config is None:
        return found
    start = "/"
    if found.action is not Action.RELOAD and found.door.route is Route.UNIT and unit is not None:
        start = unit.folder if unit.folder.startswith("/") else "/"
    elif process is not None and process.cwd:
        start = process.cwd
    version = await machine.stunnel() or DEBIAN_12
    remarks = await start_of(machine.at(start), config.path, version, loaded=False)
    return replace(found, remarks=remarks)


async def _with_ways(sight: Sight, host: Host) -> Sight:
    """Who may read and write what a reload needs, walked again now: permissions change without a trace."""
    ways = {path: await host.way(path) for path in sorted(wanted_ways(sight.instance))}
    return replace(sight, instance=replace(sight.instance, ways=ways))


async def _foreign(host: Host, instance: Instance) -> frozenset[str]:
    """Accept addresses that no interface has; none where the process lives in another network."""
    process, config = instance.process, instance.config
    if config is None or (process is not None and process.net):
        return frozenset()
    wanted = {each.text: each.host for service in config.services for each in service.accept if each.host}
    literal = {text: address for text, name in wanted.items() if (address := _address(name))}
    if not literal:
        return frozenset()
    nonlocal_bind = [await host.read(f"/proc/sys/net/{ip}/ip_nonlocal_bind", 8) for ip in ("ipv4", "ipv6")]
    if any(not isinstance(each, Failure) and each.data.strip() == b"1" for each in nonlocal_bind):
        return frozenset()
    said = await host.run(("ip", "-o", "address", "show"), _PATIENCE)
    if isinstance(said, Failure) or said.status != 0:
        return frozenset()
    words = [line.split() for line in said.stdout.decode("utf-8", "replace").splitlines()]
    local = {_address(line[3].partition("/")[0]) for line in words if len(line) > 3}
    return frozenset(text for text, address in literal.items() if address not in local)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    """A literal address that only one machine has; None for a name, loopback or all addresses."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return None if address.is_loopback or address.is_unspecified or address.is_link_local else address


def _launch(found: Survey) -> Launch | None:
    """How a program would be started directly: as the one that runs was, else as stunnel alone is."""
    instance, config = found.instance, found.instance.config
    daemon = config is None or config.text("foreground", "no").lower() == "no"
    if found.action is Action.START or found.origin is None:
        return Launch((found.door.argv[0], instance.key.config), found.door.argv[0], daemon=daemon)
    before = found.origin.launch
    if before is None:
        return None
    # A relative name was meant from a folder that a daemon has left; stunnel knows the file by its path.
    relative = len(before.argv) == 2 and not before.argv[1].startswith("/")
    argv = (*before.argv[:1], instance.key.config) if relative else before.argv
    outputs = (_kept(before.outputs[0]), _kept(before.outputs[1]))
    if daemon or (config is not None and config.text("foreground").lower() == "quiet"):
        outputs = (outputs[0], "")
    became = bool(found.setuid) and before.uid != 0 and found.actor.uid == 0
    who = {"uid": 0, "gid": 0, "groups": (0,)} if became else {}
    return replace(before, argv=argv, outputs=outputs, daemon=daemon, **who)


def _kept(output: str) -> str:
    """A file or a terminal to write to again; anything else is kept for the answer."""
    return output if output.startswith("/") and not output.endswith(" (deleted)") else ""
