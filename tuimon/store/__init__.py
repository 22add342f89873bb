"""The store: facts joined, judged and asked for.

Rule: one way only.  `apply` takes events, `drain` tells what changed, the queries read.  No clock, no
thread, no I/O: time is the last `Ticked`.  A failure is a fact like any other.
"""

from dataclasses import dataclass

from tuimon import events
from tuimon.diagnose import instance as judge_instance
from tuimon.diagnose import service as judge_service
from tuimon.diagnose.finding import Finding, State
from tuimon.diagnose.policy import absolute, plan
from tuimon.model.certificate import CertificateFile
from tuimon.model.endpoint import Socket
from tuimon.model.failure import Failure, Reason
from tuimon.model.handshake import Handshake, Reach
from tuimon.model.instance import Instance
from tuimon.model.process import Process, SocketTable
from tuimon.model.service import Config, InstanceKey, Service, ServiceKey
from tuimon.model.tunnel import Interest, ProbeWant, Traffic, Tunnel
from tuimon.model.unit import Unit
from tuimon.settings import Settings
from tuimon.store import join
from tuimon.store.logbook import Logbook, LogLine, SourceFacts
from tuimon.store.rows import CertificateUse, InstanceRow, Row, Summary, inventory, summary, worst_first
from tuimon.text import counted

__all__ = ["CertificateUse", "Changes", "InstanceRow", "LogLine", "Row", "Store", "Summary"]

_AGES = 10.0  # seconds between two judgements that follow from nothing but time


@dataclass(frozen=True, slots=True)
class Changes:
    """What changed since the last `drain`: rows to paint, whether log lines came, the clock moved."""

    rows: frozenset[ServiceKey] = frozenset()
    log: bool = False
    clock: bool = False
    status: bool = False

    def __bool__(self) -> bool:
        return bool(self.rows or self.log or self.clock or self.status)


@dataclass(frozen=True, slots=True)
class _Probed:
    handshake: Handshake | None
    reaches: tuple[Reach, ...]
    at: float


class Store:
    """All facts of one host."""

    def __init__(self, settings: Settings, *, only: bool = False) -> None:
        self.settings = settings
        self.now = 0.0
        self.host = ""
        self.logbook = Logbook(settings.log_lines)
        self.collectors: dict[str, Failure | None] = {}
        self._only = only  # PATH arguments: other instances are none of our business
        self._configs: dict[str, Config] = {}
        self._found: events.ConfigsFound | None = None
        self._processes: events.ProcessesSeen | None = None
        self._units: events.UnitsSeen | None = None
        self._tables: dict[str, SocketTable] | None = None
        self._gone: frozenset[int] = frozenset()  # sockets of processes that ended since
        self._files: dict[str, CertificateFile] = {}
        self._logs: dict[str, Failure | None] = {}
        self._probed: dict[ServiceKey, _Probed] = {}
        self._rows: dict[ServiceKey, Row] = {}
        self._instances: dict[InstanceKey, InstanceRow] = {}
        self._wants: dict[ServiceKey, ProbeWant] = {}
        self._dirty: set[InstanceKey] = set()
        self._all_dirty = False
        self._judged_at = 0.0
        self._log_came = self._ticked = self._status = False

    # -- facts in -------------------------------------------------------------------------------

    def apply(self, event: events.Event) -> None:
        """Take one fact."""
        match event:
            case events.Ticked():
                self.now, self._ticked = event.now, True
                if abs(self.now - self._judged_at) >= _AGES:
                    self._all_dirty, self._judged_at = True, self.now
            case events.ProcessesSeen():
                self._take_processes(event)
            case events.SocketsSeen():
                self._take_sockets(event)
            case events.LogAppended():
                self._take_log(event)
            case events.CertificateRead():
                self._files[event.file.path] = event.file
                self._touch_users_of(event.file.path)
            case events.ProbeStarted():
                self.logbook.own_probe(event.local, self.now)
            case events.ProbeFinished():
                self._probed[event.key] = _Probed(event.handshake, event.reaches, self.now)
                self._dirty.add(event.key.instance)
            case events.CollectorFailed(name, failure):
                self.collectors[name], self._status = failure, True
            case events.CollectorStarted(name):
                self.collectors[name], self._status = None, True
            case _:
                self._take_place(event)

    def _take_place(self, event: events.ConfigsFound | events.ConfigRead | events.UnitsSeen) -> None:
        """What there is to be looked at: everything is joined again."""
        self._all_dirty = True
        match event:
            case events.ConfigsFound():
                self.host, self._found = event.host, event
                self._configs = {path: self._configs[path] for path in event.paths if path in self._configs}
            case events.ConfigRead():
                self._configs[event.config.path] = event.config
            case events.UnitsSeen():
                self._units = event

    def _take_processes(self, event: events.ProcessesSeen) -> None:
        before, self._processes = self._processes, event
        if before is None or before.failure or event.failure:
            self._all_dirty = True
            return
        changed = set(before.processes) ^ set(event.processes)
        held = frozenset[int]().union(*(each.inodes for each in event.processes))
        self._gone = (self._gone | frozenset[int]().union(*(each.inodes for each in before.processes))) - held
        self._dirty |= {self._key_of(process) for process in changed}

    def _take_sockets(self, event: events.SocketsSeen) -> None:
        first, self._gone = self._tables is None, frozenset()
        self._tables = {table.net: table for table in event.tables}
        if first:
            self._all_dirty = True
            return
        for key, row in self._rows.items():
            tunnel = row.tunnel
            found = self._sockets(tunnel.service, tunnel.primary, tunnel.instance)
            if found != (tunnel.listeners, tunnel.taken, tunnel.sessions):
                self._dirty.add(key.instance)

    def _take_log(self, event: events.LogAppended) -> None:
        self._logs[event.source] = event.failure
        before = self.logbook.sources.get(event.source)
        touched = self.logbook.append(event.source, event.records, history=event.first)
        self._log_came = True
        if touched or before != self.logbook.sources.get(event.source):
            for key, row in self._instances.items():
                if row.instance.log == event.source:
                    self._dirty.add(key)

    def _touch_users_of(self, path: str) -> None:
        for key, row in self._rows.items():
            tunnel = row.tunnel
            if path in self._paths(tunnel.service, tunnel.instance):
                self._dirty.add(key.instance)

    def _key_of(self, process: Process) -> InstanceKey:
        return InstanceKey(self.host, process.config or f"pid {process.pid}")

    # -- the join -------------------------------------------------------------------------------

    def drain(self) -> Changes:
        """Join and judge what changed since the last time."""
        rows: set[ServiceKey] = set()
        if self._all_dirty:
            keys = self._instance_keys()
            for gone in self._instances.keys() - keys:
                self._drop(gone, rows)
            self._dirty = keys
        else:
            self._dirty &= self._instance_keys()
            for gone in self._instances.keys() - self._instance_keys():
                self._drop(gone, rows)
        for key in self._dirty:
            self._rejoin(key, rows)
        changes = Changes(frozenset(rows), self._log_came, self._ticked, self._status)
        self._dirty = set()
        self._all_dirty = self._log_came = self._ticked = self._status = False
        return changes

    def _instance_keys(self) -> set[InstanceKey]:
        found = set(self._found.paths) if self._found else set()
        keys = {InstanceKey(self.host, path) for path in found}
        if not self._only and self._processes and self._found:
            keys |= {self._key_of(process) for process in self._processes.processes}
        return keys

    def _drop(self, gone: InstanceKey, rows: set[ServiceKey]) -> None:
        self._instances.pop(gone, None)
        for key in [key for key in self._rows if key.instance == gone]:
            del self._rows[key]
            self._wants.pop(key, None)
            rows.add(key)

    def _rejoin(self, key: InstanceKey, rows: set[ServiceKey]) -> None:
        instance = self._instance(key)
        services = instance.config.services if instance.config else ()
        if not services and (instance.config or instance.processes):
            services = (join.placeholder(key, instance.title),)
        tunnels = tuple(self._tunnel(service, instance) for service in services)
        inherited = judge_instance.findings(instance, tunnels, self.now)
        self._instances[key] = InstanceRow(instance, inherited)
        known = {tunnel.key for tunnel in tunnels}
        for gone in [each for each in self._rows if each.instance == key and each not in known]:
            del self._rows[gone]
            self._wants.pop(gone, None)
            rows.add(gone)
        for tunnel in tunnels:
            self._judge(tunnel, inherited, rows)

    def _judge(self, tunnel: Tunnel, inherited: tuple[Finding, ...], rows: set[ServiceKey]) -> None:
        found = judge_service.findings(tunnel, inherited, self.now, self.settings)
        state = judge_service.state(tunnel, found)
        before = self._rows.get(tunnel.key)
        since = before.since if before and before.state is state else self.now
        row = Row(tunnel, found, state, judge_service.lights(tunnel, found), since)
        if row != before:
            self._rows[tunnel.key] = row
            rows.add(tunnel.key)
        self._want(row)

    def _instance(self, key: InstanceKey) -> Instance:
        config = self._configs.get(key.config)
        seen = self._processes.processes if self._processes else ()
        processes = tuple(each for each in seen if self._key_of(each) == key)
        units = self._units.units if self._units else ()
        pids = {process.pid for process in processes}
        unit = next((each for each in units if each.main_pid in pids), None) if pids else None
        unit = unit or next((each for each in units if each.config == key.config), None)
        log = join.log_path(config, processes)
        return join.instance(
            key,
            config,
            processes,
            self._unit_by_group(unit, processes, units),
            facts=self.logbook.sources.get(log, SourceFacts()),
            log=log,
            processes_known=self._processes is not None and self._processes.failure is None,
        )

    def _unit_by_group(
        self, unit: Unit | None, processes: tuple[Process, ...], units: tuple[Unit, ...]
    ) -> Unit | None:
        if unit is not None or not processes:
            return unit
        return next((each for each in units if each.name == processes[0].cgroup_unit), None)

    def _sockets(
        self, service: Service, primary: Service | None, instance: Instance
    ) -> tuple[tuple[Socket, ...], bool, int | None]:
        net = instance.process.net if instance.process else ""
        table = (self._tables or {}).get(net)
        if table is None or table.failure is not None:
            return (), False, None
        accept = (primary or service).accept
        mine, taken = join.listeners(accept, table, instance.processes, self._gone)
        if not mine:
            return (), taken, None
        ports = {socket.port for socket in mine}
        established = (each for each in table.established if each.port in ports)
        peers = join.matching(accept, established)
        own = sum(
            self.logbook.is_own(f"{each.remote_address}:{each.remote_port}", self.now) for each in peers
        )
        return mine, taken, len(peers) - own

    def _tunnel(self, service: Service, instance: Instance) -> Tunnel:
        primary = join.primary_of(service, instance.config)
        listening, taken, sessions = self._sockets(service, primary, instance)
        cwd = join.folder(instance)
        own, key, ca = (absolute(service.text(name), cwd) for name in ("cert", "key", "CAfile"))
        table = (self._tables or {}).get(instance.process.net if instance.process else "")
        probed = self._probed.get(service.key)
        return Tunnel(
            service=service,
            instance=instance,
            plan=plan(service, primary, cwd, self.settings),
            primary=primary,
            listeners=listening,
            sockets_known=table is not None and table.failure is None,
            taken=taken,
            sessions=sessions,
            handshake=probed.handshake if probed and instance.running else None,
            probed_at=probed.at if probed else None,
            reaches=probed.reaches if probed and instance.running else (),
            own=self._files.get(own),
            key_file=self._files.get(key) if key else None,
            ca=self._files.get(ca),
            traffic=self.logbook.traffic.get((instance.log, service.name), Traffic()),
        )

    # -- facts wanted ---------------------------------------------------------------------------

    def _paths(self, service: Service, instance: Instance) -> tuple[str, ...]:
        cwd = join.folder(instance)
        written = (service.text(name) for name in ("cert", "key", "CAfile"))
        return tuple(absolute(path, cwd) for path in written if path)

    def _want(self, row: Row) -> None:
        tunnel = row.tunnel
        reachable = tunnel.listeners or (tunnel.service.client and not tunnel.sockets_known)
        if not tunnel.instance.running or not reachable or tunnel.key.ordinal < 0:
            self._wants.pop(tunnel.key, None)
            return
        config, traffic = tunnel.instance.config, tunnel.traffic
        stamp = (
            tuple(process.id for process in tunnel.instance.processes),
            tunnel.instance.loaded_at,
            tuple(each.sha256 for each in tunnel.own.certificates) if tunnel.own else (),
            config.stamp if config else None,
            tuple(sorted(each.inode for each in tunnel.listeners)),
            traffic.failing_since,
            traffic.target_failure is None,
        )
        self._wants[tunnel.key] = ProbeWant(tunnel.key, tunnel.plan, stamp, traffic.last_success)

    def interest(self) -> Interest:
        """What the collectors should look at, given the facts so far."""
        processes = self._processes.processes if self._processes else ()
        units = self._units.units if self._units else ()
        named = {each.config for each in processes} | {each.config for each in units}
        logs = {row.instance.log for row in self._instances.values() if row.instance.log}
        paths: set[str] = set()
        for row in self._rows.values():
            paths.update(self._paths(row.tunnel.service, row.tunnel.instance))
        nets = {row.instance.process.net: row.instance.process.pid for row in self._instances.values()
                if row.instance.process and row.instance.process.net}  # fmt: skip
        return Interest(
            configs=frozenset(named - {""}),
            certificates=frozenset(paths),
            logs=frozenset(logs),
            nets=frozenset(nets.items()),
            probes=tuple(self._wants.values()),
        )

    def pending(self) -> tuple[str, ...]:
        """What has not been looked at once; empty when a first sweep is complete."""
        waiting = []
        interest = self.interest()
        found = self._found.paths if self._found else ()
        named = frozenset() if self._only else interest.configs
        if self._found is None or any(path not in self._configs for path in {*found, *named}):
            waiting.append("configurations")
        if self._processes is None:
            waiting.append("processes")
        if self._tables is None:
            waiting.append("sockets")
        if self._units is None:
            waiting.append("units")
        if any(path not in self._files for path in interest.certificates):
            waiting.append("certificates")
        if any(path not in self._logs for path in interest.logs):
            waiting.append("logs")
        if any(want.key not in self._probed for want in interest.probes):
            waiting.append("probes")
        return tuple(waiting)

    # -- questions ------------------------------------------------------------------------------

    def rows(self) -> list[Row]:
        """All services, worst first; an SNI service follows its primary."""
        ordered = sorted(self._rows.values(), key=worst_first)
        families: dict[ServiceKey, list[Row]] = {}
        for row in ordered:
            primary = row.tunnel.primary
            if primary is not None and primary.key in self._rows:
                families.setdefault(primary.key, []).append(row)
        heads = [
            row for row in ordered if row.tunnel.primary is None or row.tunnel.primary.key not in self._rows
        ]
        ranked = sorted(
            heads, key=lambda row: min(worst_first(each) for each in (row, *families.get(row.key, [])))
        )
        return [each for head in ranked for each in (head, *families.get(head.key, []))]

    def row(self, key: ServiceKey) -> Row | None:
        """One service."""
        return self._rows.get(key)

    def instances(self) -> list[InstanceRow]:
        """All instances by path."""
        return [self._instances[key] for key in sorted(self._instances)]

    def certificates(self) -> list[CertificateUse]:
        """Every certificate of the fleet, soonest first."""
        return inventory(list(self._rows.values()))

    def summary(self) -> Summary:
        """The header's counts."""
        return summary(list(self._rows.values()), self.certificates(), self.now, self.settings)

    def blind_spots(self) -> tuple[str, ...]:
        """What this user may not see, in words; empty where nothing is hidden."""
        said = []
        processes = self._processes.processes if self._processes else ()
        partly = sum(bool(process.hidden) for process in processes)
        if partly:
            said.append(f"{partly} of {len(processes)} processes partly visible")
        hidden = sum(isinstance(f, Failure) and f.reason is Reason.DENIED for f in self._logs.values())
        configs = sum(
            c.failure is not None and c.failure.reason is Reason.DENIED for c in self._configs.values()
        )
        files = sum(f.failure is not None and f.failure.reason is Reason.DENIED for f in self._files.values())
        for count, noun in ((configs, "configuration"), (hidden, "log"), (files, "certificate or key file")):
            if count:
                said.append(f"{counted(count, noun)} not readable")
        for failure in self._found.failures if self._found else ():
            said.append(str(failure[1]))
        return tuple(said)

    def worst(self) -> State:
        """The fleet's state."""
        return self.rows()[0].state if self._rows else State.OK
