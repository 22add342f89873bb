"""Facts as they were reported, and the tunnels and instances that they join to.

Rule: the last report of a thing counts.  Nothing is judged here, and nothing is remembered that no
collector said.
"""

import posixpath
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import NamedTuple

from tuimon import events
from tuimon.diagnose import hazard
from tuimon.diagnose.policy import absolute, dialled, plan
from tuimon.model.access import Way
from tuimon.model.certificate import Certificate, CertificateFile
from tuimon.model.clients import Clients
from tuimon.model.endpoint import Backlog, Endpoint, Socket
from tuimon.model.failure import Failure, Reason
from tuimon.model.handshake import Depth, Handshake, Reach
from tuimon.model.instance import Instance
from tuimon.model.output import Output, OutputWant
from tuimon.model.pid_file import PidFile
from tuimon.model.process import Holder, Process, SocketTable
from tuimon.model.service import Config, InstanceKey, Service, ServiceKey
from tuimon.model.tunnel import CheckWant, Plan, Traffic, Tunnel
from tuimon.model.unit import UNSUPERVISED
from tuimon.settings import Settings
from tuimon.store import join
from tuimon.store.issuers import Issuers
from tuimon.store.loaded import LoadedTexts
from tuimon.store.logbook import Logbook, SourceFacts
from tuimon.store.queues import Index, Queues
from tuimon.text import counted


@dataclass(frozen=True, slots=True)
class Probed:
    """What the last probe that counted brought, when it ended (seconds since the epoch), the stamp that it
    was made for, and how often sockets had been looked at by then."""

    handshake: Handshake | None
    reaches: tuple[Reach, ...]
    at: float
    stamp: tuple[object, ...] = ()
    look: int = 0


class Sockets(NamedTuple):
    """What the kernel shows of a service: its listening sockets, who else holds its port, its sessions
    (None where they cannot be counted), inodes of the listeners of its targets on this machine, and who
    waits in vain at these and those."""

    listeners: tuple[Socket, ...] = ()
    taken: str = ""
    sessions: int | None = None
    targets: tuple[int, ...] = ()
    waiting: tuple[Backlog, ...] = ()
    stalled: tuple[Backlog, ...] = ()


class Facts:
    """Everything reported of one host; `only` leaves out instances that no PATH argument names."""

    def __init__(self, settings: Settings, *, only: bool) -> None:
        self.settings, self.only = settings, only
        self.now = 0.0
        self.host = ""
        self.logbook = Logbook(settings.log_lines)
        self.collectors: dict[str, Failure | None] = {}
        self.found: events.ConfigsFound | None = None
        self.configs: dict[str, Config] = {}
        self.checks: dict[str, events.ConfigChecked] = {}
        self.processes: events.ProcessesSeen | None = None
        self.units: events.UnitsSeen | None = None
        self.tables: dict[str, SocketTable] | None = None
        self._indexes: dict[str, tuple[Index, Index]] = {}
        self._processes_of: dict[InstanceKey, tuple[Process, ...]] | None = None
        self._writers: dict[int, set[str]] = {}  # configurations by inode of their log
        self._read: tuple[SocketTable, ...] = ()
        self._listening: dict[str, dict[int, Socket]] = {}  # by inode
        self.queues = Queues()
        self.sockets_moved = False  # whether the last look at sockets may change what services show
        self.holders: dict[int, Holder | None] = {}
        self.strangers: set[int] = set()  # sockets of which somebody should find out who holds them
        self.gone: frozenset[int] = frozenset()  # inodes of processes that ended since the tables were read
        self.files: dict[str, CertificateFile] = {}
        self.ways: dict[str, Way] = {}
        self.wanted_ways: dict[InstanceKey, frozenset[str]] = {}
        self._issuers = Issuers(self.files)
        self.outputs: dict[str, Output] = {}  # by path of the want
        self.pid_files: dict[str, PidFile] = {}
        self.logs: dict[str, Failure | None] = {}
        self.probed: dict[ServiceKey, Probed] = {}
        self.loads = LoadedTexts()

    def take(self, event: events.Event) -> None:
        """Note one fact."""
        if not isinstance(event, events.Ticked):
            self._processes_of = None
        match event:
            case events.Ticked():
                self.now = event.now
            case events.ProcessesSeen():
                self._end(event)
                self.processes = event
            case events.SocketsSeen() | events.HoldersSeen():
                self._take_sockets(event)
            case events.LogAppended():
                self.logs[event.source] = event.failure
            case events.WayWalked():
                self.ways[event.way.path] = event.way
            case events.CertificateRead():
                self.files[event.file.path] = event.file
                self._issuers = Issuers(self.files)
            case events.ProbeStarted():
                self.logbook.own_probe(event.local, self.now, event.peer)
            case events.ProbeFinished():
                self.probed[event.key] = Probed(
                    event.handshake, event.reaches, self.now, event.stamp, self.queues.looks
                )
            case events.CollectorFailed(name, failure):
                self.collectors[name] = failure
            case events.CollectorStarted(name):
                self.collectors[name] = None
            case _:
                self._take_place(event)

    def _take_place(self, event: events.Event) -> None:
        match event:
            case events.LoadedRead() | events.LoadedKept():
                self.loads.take(event, self.now)
            case events.ConfigsFound():
                self.host, self.found = event.host, event
                self.configs = {path: self.configs[path] for path in event.paths if path in self.configs}
            case events.ConfigRead():
                self.configs[event.config.path] = event.config
            case events.ConfigChecked():
                self.checks[event.want.path] = event
            case events.UnitsSeen():
                self.units = event
            case events.OutputSeen():
                self.outputs[event.output.want.path] = event.output
            case events.PidFileRead():
                self.pid_files[event.file.path] = event.file
            case _:
                pass

    def _take_sockets(self, event: events.SocketsSeen | events.HoldersSeen) -> None:
        if isinstance(event, events.HoldersSeen):
            self.holders |= dict(event.holders)
            self.sockets_moved = True
            return
        self.gone, quiet = frozenset(), not self.queues
        self.sockets_moved = event.tables is not self._read or self.tables is None
        if self.sockets_moved:
            self._index(event)
        self.queues.see(self._indexes.values(), self.now)
        self.sockets_moved |= not quiet or bool(self.queues)
        if self.sockets_moved:
            self.strangers.clear()  # whoever joins services to sockets asks again

    def _index(self, event: events.SocketsSeen) -> None:
        self._read = event.tables
        self.tables = {table.net: table for table in event.tables}
        self._indexes = {
            table.net: (join.port_index(table.listening), join.port_index(table.established))
            for table in event.tables
        }
        self._listening = {
            table.net: {socket.inode: socket for socket in table.listening} for table in event.tables
        }
        there = {socket.inode for table in event.tables for socket in table.listening}
        self.holders = {inode: holder for inode, holder in self.holders.items() if inode in there}

    def _end(self, event: events.ProcessesSeen) -> None:
        alive = {process.id for process in event.processes}
        ended = [each for each in self.running if each.id not in alive]
        held = frozenset[int]().union(*(each.inodes for each in event.processes))
        self.gone = (self.gone | frozenset[int]().union(*(each.inodes for each in ended))) - held

    @property
    def running(self) -> tuple[Process, ...]:
        """All stunnel processes."""
        return self.processes.processes if self.processes else ()

    def key_of(self, process: Process) -> InstanceKey:
        """The instance that a process belongs to."""
        return InstanceKey(self.host, self._config_of(process) or f"pid {process.pid}")

    def placed_by(self, log: str = "") -> bool:
        """Whether nothing but this log, or any configuration's text, can tell what some process runs."""
        lost = [each for each in self.running if not each.config]
        return any(not log or any(log == held.path for held in each.logs) for each in lost)

    def _config_of(self, process: Process) -> str:
        """The configuration a process runs, also where its command line names it relative to a folder
        it has left: from its own log, else the known file with that tail that fits its sockets."""
        if process.config:
            return process.config
        for log in process.logs:
            facts = self.logbook.sources.get(log.path)
            if facts is not None and facts.config:
                return facts.config
        tail = posixpath.normpath(process.argument).lstrip("./")
        if not tail or process.argument.startswith("-fd"):
            return ""
        paths = self.found.paths if self.found else ()
        fitting = [path for path in paths if path == tail or path.endswith(f"/{tail}")]
        if len(fitting) > 1:
            fitting = [path for path in fitting if self._listens_for(process, path)]
        return fitting[0] if len(fitting) == 1 else ""

    def _listens_for(self, process: Process, path: str) -> bool:
        """Whether the process holds a listening socket that this configuration asks for."""
        config = self.configs.get(path)
        index = self._indexes.get(process.net, ({}, {}))[0]
        accept = tuple(each for service in (config.services if config else ()) for each in service.accept)
        held = join.matching(accept, join.near(accept, index))
        return any(socket.inode in process.inodes for socket in held)

    def _sorted_out(self) -> dict[InstanceKey, tuple[Process, ...]]:
        """The processes of each instance, until another fact comes: there may be hundreds of both."""
        if self._processes_of is None:
            found: dict[InstanceKey, tuple[Process, ...]] = {}
            for process in self.running:
                key = self.key_of(process)
                found[key] = (*found.get(key, ()), process)
            self._processes_of, self._writers = found, defaultdict(set)
            for key, processes in found.items():
                for log in (log for process in processes for log in process.logs if log.inode):
                    self._writers[log.inode].add(key.config)
        return self._processes_of

    def instance_keys(self) -> set[InstanceKey]:
        """All instances: the configurations that were found, and the processes."""
        if self.found is None:
            return set()
        keys = {InstanceKey(self.host, path) for path in self.found.paths}
        return keys if self.only else keys | self._sorted_out().keys()

    def instance(self, key: InstanceKey) -> Instance:
        """Join one instance."""
        config = self.configs.get(key.config)
        processes = self._sorted_out().get(key, ())
        unit = join.unit_of(key, processes, self.units.units if self.units else ())
        log = join.log_name(config, processes, unit)
        joined = join.instance(
            key,
            config,
            processes,
            unit,
            facts=self.logbook.sources.get(log, SourceFacts()),
            log=log,
            processes_known=self.processes is not None and self.processes.failure is None,
            supervision=self.units.supervision if self.units else UNSUPERVISED,
        )
        joined = self.loads.join(joined)
        table = (self.tables or {}).get(joined.process.net if joined.process else "")
        joined = replace(
            joined,
            unprivileged_from=table.unprivileged_from if table else None,
            doors=self._doors(processes) if len(processes) > 1 else (),
            clients=self._served(joined.process),
            log_sharers=self._sharers(joined),
            log_failure=_denied(self.logs.get(joined.log)),
        )
        seen = join.output_want(joined)
        joined = replace(joined, output=self.outputs.get(seen.path) if seen else None)
        self.wanted_ways[key] = wanted = hazard.wanted_ways(joined)
        joined = replace(joined, ways={path: self.ways[path] for path in wanted if path in self.ways})
        file = self.pid_files.get(join.pid_path(joined))
        joined = replace(joined, pid_file=file, pid_file_owner=self._named(file, processes))
        checked = self.checks.get(key.config)
        fits = checked is not None and config is not None and checked.want.stamp[0] == config.stamp
        return replace(joined, remarks=checked.remarks) if checked and fits else joined

    def _named(self, file: PidFile | None, own: tuple[Process, ...]) -> str:
        """Which other stunnel a pid file names."""
        others = (
            each for each in self.running if file is not None and each.pid == file.pid and each not in own
        )
        return next((f"stunnel of {self.key_of(each).config}" for each in others), "")

    def check_want(self, instance: Instance) -> CheckWant | None:
        """What to check of an instance's configuration, once it is known who runs it; nothing where its
        files are not ours to see."""
        config, loaded, process = instance.config, instance.loaded_at, instance.process
        if self.processes is None or self.units is None or config is None or config.failure is not None:
            return None
        if process is not None and process.net:
            return None
        files = {path for each in config.services for path in paths(each, instance)}
        stamps = tuple(self.files[path].stamp for path in sorted(files) if path in self.files)
        pids = tuple(each.id for each in instance.processes)
        old = config.stamp is not None and loaded is not None and config.stamp.mtime < loaded + 1
        stamp = (config.stamp, stamps, pids, instance.unit.active_state if instance.unit else "")
        return CheckWant(config.path, join.folder(instance), stamp, loaded, old)

    def table(self, instance: Instance) -> SocketTable | None:
        """The sockets of the network namespace that the instance runs in; None while not known."""
        table = (self.tables or {}).get(instance.process.net if instance.process else "")
        return None if table is None or table.failure is not None else table

    def sockets(self, service: Service, primary: Service | None, instance: Instance) -> Sockets:
        """What the kernel shows of a service; nothing where its sockets cannot be seen."""
        net = instance.process.net if instance.process else ""
        if self.table(instance) is None:
            return Sockets()
        accept = (primary or service).accept
        listening, established = self._indexes[net]
        mine, others = join.listeners(accept, join.near(accept, listening), instance.processes, self.gone)
        near = join.on_loopback(service.connect)
        behind = join.matching(near, join.near(near, listening))
        targets = tuple(sorted(each.inode for each in behind))
        known = tuple(each for each in near if each.path or each.number)  # a name may be any port
        stalled = self._backlogs(join.matching(known, behind), named=True)
        if not mine:
            return Sockets(taken=self._holder(others), targets=targets, stalled=stalled)
        ports = {socket.port for socket in mine}
        held = (each for port in ports for each in established.get(port, ()) if each.inode)
        peers = join.matching(accept, held)
        own = sum(map(self._is_own, peers))
        return Sockets(mine, "", len(peers) - own, targets, self._backlogs(mine), stalled)

    def seen(self, want: OutputWant) -> bool:
        """Whether it was looked at where this output leads."""
        output = self.outputs.get(want.path)
        return output is not None and output.want == want

    def _sharers(self, instance: Instance) -> tuple[str, ...]:
        """Configurations of other instances that hold the same log file open."""
        held = {log.inode for process in instance.processes for log in process.logs if not log.deleted}
        found = {config for inode in held for config in self._writers.get(inode, ())}
        return tuple(sorted(found - {instance.key.config}))

    def _doors(self, processes: tuple[Process, ...]) -> tuple[tuple[int, tuple[str, ...]], ...]:
        """What each process listens on, by pid; nothing said of one whose sockets are hidden."""
        found = []
        for process in processes:
            listening = self._listening.get(process.net, {})
            held = [listening[inode] for inode in process.inodes & listening.keys()]
            if "open files" not in process.hidden:
                found.append(
                    (
                        process.pid,
                        tuple(
                            sorted(
                                f"{each.address}:{each.port}" if each.port else each.address for each in held
                            )
                        ),
                    )
                )
        return tuple(found)

    def _served(self, process: Process | None) -> int | None:
        """How many clients a process serves: the sockets it has accepted, our own probes left out; told by
        its threads where its sockets are hidden (one waits, one counts the days)."""
        if process is None or process.net not in self._indexes:
            return None
        if "open files" in process.hidden:
            return max(0, process.threads - 2) if process.threads else None
        listening, connected = self._listening.get(process.net, {}), self._indexes[process.net][1]
        doors = {listening[inode] for inode in process.inodes & listening.keys()}
        accepted = {each for door in doors for each in connected.get(door.port, ()) if each.inode}
        mine = [each for each in accepted if any(join.accepted_at(door, each) for door in doors)]
        return len(mine) - sum(map(self._is_own, mine))

    def _is_own(self, accepted: Socket) -> bool:
        """Whether it was one of our probes that was accepted."""
        peer = f"{accepted.remote_address}:{accepted.remote_port}"
        return self.logbook.is_own(peer, self.now, f"{accepted.address}:{accepted.port}")

    def _backlogs(self, sockets: tuple[Socket, ...], *, named: bool = False) -> tuple[Backlog, ...]:
        """Who waits in vain at these sockets; `named`: also who lets them wait."""
        found = [(socket, self.queues.backlog(socket)) for socket in sockets]
        return tuple(
            replace(each, holder=self._known(socket)) if named else each for socket, each in found if each
        )

    def _known(self, socket: Socket) -> str:
        """Who holds this socket, if that is known; if not, it should be found out."""
        self.strangers.add(socket.inode)
        return str(self.holders.get(socket.inode) or "")

    def _holder(self, sockets: tuple[Socket, ...]) -> str:
        """Who holds these listening sockets, in words; empty where nobody does."""
        inodes = {socket.inode for socket in sockets}
        for process in self.running:
            if inodes & process.inodes:
                return (
                    f"stunnel pid {process.pid} ({process.config or process.argument or 'its default file'})"
                )
        known = [name for name in map(self._known, sockets) if name]
        return known[0] if known else "another process" if sockets else ""

    def tunnel(self, service: Service, instance: Instance) -> Tunnel:
        """Join one service."""
        primary = join.primary_of(service, instance.services)
        seen = self.sockets(service, primary, instance)
        cwd = join.folder(instance)
        own, key = (absolute(service.text(name), cwd) for name in ("cert", "key"))
        probed, trusted = self.probed.get(service.key), self._trusted(service, instance)
        return Tunnel(
            service=service,
            instance=instance,
            plan=self._plan(service, primary, instance, cwd, seen),
            primary=primary,
            listeners=seen.listeners,
            sockets_known=self.table(instance) is not None,
            taken=seen.taken,
            sessions=seen.sessions,
            target_listeners=seen.targets,
            waiting=seen.waiting,
            stalled=seen.stalled,
            handshake=probed.handshake if probed and instance.running else None,
            probed_at=probed.at if probed else None,
            reaches=probed.reaches if probed and instance.running else (),
            own=self.files.get(own),
            key_file=self.files.get(key) if key else None,
            key_way=self.ways.get(key or own),
            issuer=self._issuers.of(last_of_chain(service, probed, self.files.get(own))),
            ca=trusted["CAfile"],
            ca_folder=trusted["CApath"],
            crl=trusted["CRLfile"],
            crl_folder=trusted["CRLpath"],
            traffic=self.logbook.traffic.get((instance.log, service.name), Traffic()),
            clients=self._clients(service, primary, instance),
        )

    def _clients(self, service: Service, primary: Service | None, instance: Instance) -> Clients:
        """The peers of a service, from its log; a mail service reaches its target before it speaks TLS."""
        mail = service.protocol in {"smtp", "pop3", "imap"}
        return self.logbook.clientele.clients(
            instance.log,
            service.name,
            client=service.client,
            prompt=not service.client and not mail,
            local=frozenset(each.host for each in (primary or service).accept),
            now=self.now,
        )

    def _trusted(self, service: Service, instance: Instance) -> dict[str, CertificateFile | None]:
        """What the service trusts and the revocation lists that it looks into, by option."""
        places = {**join.files(service, instance), **join.folders(service, instance)}
        options = ("CAfile", "CApath", "CRLfile", "CRLpath")
        return {option: self.files.get(places.get(option, "")) for option in options}

    def _plan(
        self, service: Service, primary: Service | None, instance: Instance, cwd: str, seen: Sockets
    ) -> Plan:
        jail = instance.config.text("chroot") if instance.config else ""
        chosen = plan(service, primary, cwd, self.settings, jail)
        if instance.process is not None and instance.process.net:
            # Its addresses are those of another network namespace: from here we would dial somebody else.
            return replace(chosen, depth=Depth.LISTEN, targets=(), reach=(), reach_always=False)
        if service.client:
            return chosen
        if any(not each.path and each.number == 0 for each in chosen.targets):  # a random port
            bound = tuple(dialled(Endpoint.parse(f"{each.address}:{each.port}")) for each in seen.listeners)
            known = len({each.port for each in bound}) == 1
            chosen = replace(chosen, targets=bound[:1], depth=chosen.depth if known else Depth.LISTEN)
        # Where nobody listens on loopback, to be refused costs nobody anything.
        alone = not seen.targets and join.on_loopback(chosen.reach) == chosen.reach != ()
        return replace(chosen, reach_always=chosen.reach_always or alone)

    def named_configs(self) -> frozenset[str]:
        """Configurations that processes and units name."""
        units = self.units.units if self.units else ()
        running = (self._config_of(each) for each in self.running)
        return frozenset((*running, *(each.config for each in units))) - {""}

    def blind_spots(self) -> tuple[str, ...]:
        """What this user may not see, in words; empty where nothing is hidden."""
        said = []
        needs = {}
        partly = sum(bool(process.hidden) for process in self.running)
        if partly:
            said.append(f"{partly} of {len(self.running)} processes partly visible")
        for noun, failures in (
            ("configuration", [each.failure for each in self.configs.values()]),
            ("log", list(self.logs.values())),
            ("certificate or key file", [each.failure for each in self.files.values()]),
        ):
            denied = [each for each in failures if each is not None and each.reason is Reason.DENIED]
            if denied:
                said.append(f"{counted(len(denied), noun)} not readable")
                needs.update(dict.fromkeys(each.needs for each in denied if each.needs.startswith("group")))
        if said:
            said[-1] += f": needs {', '.join((*needs, 'or root' if needs else 'root'))}"
        for _, failure in self.found.failures if self.found else ():
            if failure.reason is not Reason.MISSING:
                said.append(str(failure))
        for seen in (self.processes, self.units):
            if seen and seen.failure and seen.failure.reason is not Reason.UNSUPPORTED:
                said.append(str(seen.failure))
        return tuple(said)


def last_of_chain(service: Service, probed: Probed | None, own: CertificateFile | None) -> Certificate | None:
    """The last certificate of a server service's chain as it was seen, else as its file has it."""
    seen = probed.handshake.chain if probed and probed.handshake and not service.client else ()
    chain = seen or (own.certificates if own else ())
    return chain[-1] if chain else None


def paths(service: Service, instance: Instance) -> tuple[str, ...]:
    """The files and folders of certificates, keys and revocation lists that a service names, absolute."""
    return (*join.files(service, instance).values(), *join.folders(service, instance).values())


def _denied(failure: Failure | None) -> Failure | None:
    return failure if failure is not None and failure.reason is Reason.DENIED else None
