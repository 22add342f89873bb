"""The join: configuration ↔ process ↔ unit ↔ sockets ↔ certificates ↔ log, as pure functions.

Rule: what is not known stays unknown; nothing is guessed from a name.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address

from tuimon.diagnose.policy import absolute
from tuimon.model.endpoint import Endpoint, Socket
from tuimon.model.failure import Failure
from tuimon.model.handshake import Depth
from tuimon.model.instance import Instance
from tuimon.model.log import LOG_SECOND, LogRecord
from tuimon.model.output import OutputWant
from tuimon.model.process import Process
from tuimon.model.service import Config, InstanceKey, Service, ServiceKey
from tuimon.model.tunnel import JOURNAL, Plan, Tunnel
from tuimon.model.unit import UNSUPERVISED, Supervision, Unit
from tuimon.store.logbook import SourceFacts

_LIMIT = re.compile(r"too many clients \(>=(\d{1,9})\)")
_LOOPBACK = {"", "localhost", "127.0.0.1", "::1"}
_ANY = {"", "*", "0.0.0.0", "::"}  # noqa: S104 - recognised, not bound


def folder(instance: Instance) -> str:
    """Where relative paths of a configuration start: the process's working directory.  A daemon has left
    the one that it was started in; without a unit that is most likely the configuration's."""
    process, config = instance.process, instance.config
    left = config is not None and config.text("foreground", "no").lower() == "no" and instance.unit is None
    if process is not None and process.cwd and not (left and process.cwd == "/"):
        return process.cwd
    if instance.unit is not None and instance.unit.working_directory:
        return instance.unit.working_directory
    return instance.key.config.rpartition("/")[0] or "/"


def files(service: Service, instance: Instance) -> dict[str, str]:
    """The certificate, key, CA and CRL files that a service names, absolute, by option."""
    return _absolute(service, instance, ("cert", "key", "CAfile", "CRLfile"))


def folders(service: Service, instance: Instance) -> dict[str, str]:
    """The folders of hashed names that a service looks into, absolute, by option: inside the jail."""
    found = _absolute(service, instance, ("CApath", "CRLpath"))
    jail = instance.config.text("chroot").rstrip("/") if found and instance.config else ""
    return {name: jail + path for name, path in found.items()}


def paths(service: Service, instance: Instance) -> tuple[str, ...]:
    """The files and folders of certificates, keys and revocation lists that a service names, absolute."""
    return (*files(service, instance).values(), *folders(service, instance).values())


def _absolute(service: Service, instance: Instance, options: tuple[str, ...]) -> dict[str, str]:
    """The paths that a service gives these options, by option; most are absolute as they are."""
    written = ((name, service.text(name)) for name in options)
    return {
        name: path if path.startswith("/") else absolute(path, folder(instance))
        for name, path in written
        if path
    }


def log_name(config: Config | None, processes: tuple[Process, ...], unit: Unit | None) -> str:
    """The log as seen from outside: the file that the process holds open, else what the configuration
    says, else the journal of its unit, else empty."""
    path = _log_path(config, processes)
    if not path and unit is not None:
        silent = config is not None and config.text("syslog").lower() == "no"
        stderr = config is not None and config.text("foreground").lower() == "yes"
        return "" if silent and not stderr else JOURNAL + unit.name
    return path


def _log_path(config: Config | None, processes: tuple[Process, ...]) -> str:
    written = config.text("output") if config else ""
    process = processes[0] if processes else None
    if process is not None:
        logs = [log.path for log in process.logs if not log.deleted]
        wanted = [path for path in logs if written and path.endswith(written.lstrip("/"))]
        if wanted or logs:
            return (wanted or logs)[0]
    if not written or written.startswith("/dev/"):
        return ""
    jail = config.text("chroot") if config else ""
    cwd = process.cwd if process is not None else "/"
    return jail.rstrip("/") + absolute(written, cwd or "/")


def output_want(instance: Instance) -> OutputWant | None:
    """Where to look for the log file of a running process; None where it has none, or hides it."""
    process = instance.process
    written = instance.config.text("output") if instance.config else ""
    if process is None or not written or written.startswith("/dev/") or "open files" in process.hidden:
        return None
    start = "root" if written.startswith("/") else "cwd"
    return OutputWant(instance.key.config, f"/proc/{process.pid}/{start}/{written.lstrip('/')}", process.logs)


def instance(
    key: InstanceKey,
    config: Config | None,
    processes: tuple[Process, ...],
    unit: Unit | None,
    *,
    facts: SourceFacts,
    log: str,
    processes_known: bool,
    supervision: Supervision = UNSUPERVISED,
) -> Instance:
    """Join one instance; see `Instance` for what each field means."""
    processes = tuple(sorted(processes, key=lambda each: each.id.started))
    loaded_at, from_log, trouble = facts.loaded_at, True, facts.trouble
    turned_away, out_of_files = facts.turned_away, facts.out_of_files
    if processes:
        started = processes[0].id.started
        # An older load belongs to an earlier process.
        if loaded_at is None or loaded_at + LOG_SECOND < started:
            loaded_at, from_log = started, False
        trouble = _since(started, trouble)
        turned_away, out_of_files = _since(started, turned_away), _since(started, out_of_files)
    else:
        loaded_at, from_log, turned_away, out_of_files = None, False, None, None
    return Instance(
        key=key,
        config=config,
        processes=processes,
        processes_known=processes_known,
        unit=unit,
        supervision=supervision,
        loaded_at=loaded_at,
        loaded_from_log=from_log,
        trouble=trouble,
        stopped=None if processes else facts.stopped,
        version=facts.version,
        log=log,
        client_limit=_client_limit(processes, turned_away),
        turned_away=turned_away,
        out_of_files=out_of_files,
        loads=facts.loads,
        troubles=facts.troubles,
    )


def _since(started: float, record: LogRecord | None) -> LogRecord | None:
    """The record, if this process may have written it."""
    return None if record is None or (record.time or 0.0) + 1 < started else record


def _client_limit(processes: tuple[Process, ...], turned_away: LogRecord | None) -> int | None:
    """As stunnel itself has said, else as it follows from the process's limits."""
    said = _LIMIT.search(turned_away.message) if turned_away else None
    if said is not None:
        return int(said[1])
    return processes[0].client_limit if processes else None


def unit_of(key: InstanceKey, processes: tuple[Process, ...], units: tuple[Unit, ...]) -> Unit | None:
    """The unit whose main process it is, else the one that names the file, else its control group's."""
    pids = {process.pid for process in processes}
    group = processes[0].cgroup_unit if processes else ""
    return (
        next((each for each in units if each.main_pid in pids), None)
        or next((each for each in units if each.config == key.config), None)
        or next((each for each in units if group and each.name == group), None)
    )


def pid_path(instance: Instance) -> str:
    """Where its pid file is as seen from outside, empty where it writes none that we could see."""
    config, process = instance.config, instance.process
    written = config.text("pid") if config else ""
    if config is None or not written or (process is not None and process.net):
        return ""
    jail = config.text("chroot").rstrip("/")
    path = jail + absolute(written, folder(instance) if not jail else "/")
    # A unit's PrivateTmp= is seen through its process only.
    private = process is not None and path.startswith(("/tmp/", "/var/tmp/"))  # noqa: S108
    return f"/proc/{process.pid}/root{path}" if process is not None and private and not jail else path


def placeholder(key: InstanceKey, name: str) -> Service:
    """A row for an instance whose services cannot be seen."""
    return Service(key=ServiceKey(key.host, key.config, -1), name=name, file=key.config, line=0)


def services(instance: Instance) -> tuple[Service, ...]:
    """Its services; where none can be seen and something is there, what stands for them."""
    if not instance.services and (instance.config or instance.processes or instance.bug):
        return (placeholder(instance.key, instance.title),)
    return instance.services


def bare(service: Service, instance: Instance, bug: Failure | None = None) -> Tunnel:
    """A service of which nothing but its text is known."""
    return Tunnel(service, instance, Plan(Depth.OFF), primary_of(service, instance.services), bug=bug)


def primary_of(service: Service, services: tuple[Service, ...]) -> Service | None:
    """The service whose accept socket an SNI service is reached through."""
    at = service.sni_of
    if at is None:
        return None
    if at < len(services) and services[at].key.ordinal == at:  # as a configuration has them
        return services[at]
    return next((each for each in services if each.key.ordinal == at), None)


def _same_address(endpoint: Endpoint, socket: Socket) -> bool:
    if endpoint.host in _ANY or socket.address in _ANY:
        return True
    try:
        return _address(endpoint.host) == _address(socket.address)
    except ValueError:
        return True  # a name: what it resolves to is stunnel's business


@lru_cache(maxsize=4096)
def _address(text: str) -> IPv4Address | IPv6Address:
    return ip_address(text)


def accepted_at(door: Socket, socket: Socket) -> bool:
    """Whether a connected socket may have come in at this listening one."""
    if not door.port:
        return door.address == socket.address
    return door.port == socket.port and (door.address in _ANY or door.address == socket.address)


def loose(endpoint: Endpoint) -> bool:
    """Whether the port cannot be known from the text: a service name, or 0 for a random one."""
    return not endpoint.path and not endpoint.number


def matching(accept: Iterable[Endpoint], sockets: Iterable[Socket]) -> tuple[Socket, ...]:
    """The sockets that belong to these accept addresses by port (or path) and address."""
    found = []
    wanted = tuple(accept)
    for socket in sockets:
        for endpoint in wanted:
            if endpoint.path:
                hit = socket.address == endpoint.path
            else:
                hit = loose(endpoint) or socket.port == endpoint.number
                hit = hit and _same_address(endpoint, socket)
            if hit:
                found.append(socket)
                break
    return tuple(found)


def port_index(sockets: Iterable[Socket]) -> dict[int, tuple[Socket, ...]]:
    """Sockets by port, so that a thousand services do not walk a thousand sockets each."""
    found: dict[int, list[Socket]] = {}
    for socket in sockets:
        found.setdefault(socket.port, []).append(socket)
    return {port: tuple(each) for port, each in found.items()}


def near(accept: tuple[Endpoint, ...], index: dict[int, tuple[Socket, ...]]) -> Iterable[Socket]:
    """The sockets that can match these addresses at all."""
    if any(map(loose, accept)):
        return (socket for sockets in index.values() for socket in sockets)
    ports = {0 if each.path else each.number or 0 for each in accept}
    return (socket for port in ports for socket in index.get(port, ()))


def on_loopback(targets: tuple[Endpoint, ...]) -> tuple[Endpoint, ...]:
    """Those targets whose listeners this machine can see: loopback, and Unix sockets."""
    return tuple(each for each in targets if each.path or each.host in _LOOPBACK)


def listeners(
    accept: tuple[Endpoint, ...],
    listening: Iterable[Socket],
    processes: tuple[Process, ...],
    gone: frozenset[int] = frozenset(),
) -> tuple[tuple[Socket, ...], tuple[Socket, ...]]:
    """The listening sockets of these addresses that are the processes' own, and somebody else's.

    `gone` are inodes of processes that ended after the table was read.
    """
    candidates = tuple(each for each in matching(accept, listening) if each.inode not in gone)
    known = [process for process in processes if "open files" not in process.hidden]
    if not processes:
        return (), candidates
    if not known:
        return (() if any(map(loose, accept)) else candidates), ()
    # one after the other: to unite the thousands that they hold takes far longer than to look into each
    mine = tuple(each for each in candidates if any(each.inode in process.inodes for process in known))
    return mine, () if mine or any(map(loose, accept)) else candidates
