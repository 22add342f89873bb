"""Facts as they were reported, and the tunnels and instances that they join to.

Rule: the last report of a thing counts.  Nothing is judged here, and nothing is remembered that no
collector said.
"""

import posixpath
from collections import defaultdict

from msgspec import Struct
from msgspec.structs import replace

from tuimon import diagnose, events
from tuimon.diagnose.policy import absolute, dialled, plan
from tuimon.model.access import Way
from tuimon.model.certificate import Certificate, CertificateFile
from tuimon.model.clients import Clients
from tuimon.model.endpoint import Endpoint
from tuimon.model.failure import Failure, Reason, bug
from tuimon.model.handshake import Depth, Handshake, Reach
from tuimon.model.instance import Instance
from tuimon.model.output import Output, OutputWant
from tuimon.model.pid_file import PidFile
from tuimon.model.process import OpenLog, Process, ProcessId
from tuimon.model.remark import Remark
from tuimon.model.service import Config, InstanceKey, Service, ServiceKey
from tuimon.model.tunnel import CheckWant, Plan, Traffic, Tunnel
from tuimon.model.unit import UNSUPERVISED
from tuimon.settings import Settings
from tuimon.store import join
from tuimon.store.issuers import Issuers
from tuimon.store.kernel import Kernel, Sockets
from tuimon.store.loaded import LoadedTexts
from tuimon.store.logbook import Logbook, SourceFacts
from tuimon.store.moments import behind


class Probed(Struct, frozen=True, gc=False):
    """What the last probe that counted brought, when it ended (seconds since the epoch), the stamp that it
    was made for, and how often sockets had been looked at by then."""

    handshake: Handshake | None
    reaches: tuple[Reach, ...]
    at: float
    stamp: tuple[object, ...] = ()
    look: int = 0


class Facts:
    """Everything reported of one host; `only` leaves out instances that no PATH argument names."""

    def __init__(self, settings: Settings, *, only: bool) -> None:
        self.settings, self.only = settings, only
        self.now = 0.0
        self.host = ""
        self.logbook = Logbook(settings.log_lines)
        self.collectors: dict[str, Failure | None] = {}
        self.retries: dict[str, float] = {}  # seconds after which a fallen collector is started again
        self.found: events.ConfigsFound | None = None
        self.configs: dict[str, Config] = {}
        self.checks: dict[str, events.ConfigChecked] = {}
        self.processes: events.ProcessesSeen | None = None
        self.units: events.UnitsSeen | None = None
        self.kernel = Kernel(
            lambda peer, door: self.logbook.own_probes.made(peer, self.now, door),
            self.logbook.clientele.led_to,
        )
        self._processes_of: dict[InstanceKey, tuple[Process, ...]] | None = None
        self._names: dict[ProcessId, tuple[int, str]] = {}  # of each process's log: inode and name
        self._writers: dict[int, set[str]] = {}  # configurations by inode of their log
        self.files: dict[str, CertificateFile] = {}
        self.ways: dict[str, Way] = {}
        self._issuers = Issuers(self.files)
        self.outputs: dict[str, Output] = {}  # by configuration
        self.pid_files: dict[str, PidFile] = {}
        self.logs: dict[str, Failure | None] = {}
        self.probed: dict[ServiceKey, Probed] = {}
        self.answered: dict[
            ServiceKey, int
        ] = {}  # whose probe only waits: how often was looked at queues then
        self.loads = LoadedTexts()

    def take(self, event: events.Event) -> None:
        """Note one fact."""
        if not isinstance(event, events.Ticked):
            self._processes_of = None
        match event:
            case events.Ticked():
                self.now = event.now
            case events.ProcessesSeen():
                self.kernel.take_processes(event.processes)
                self.processes = event
                alive = {process.id for process in event.processes}
                self._names = {each: name for each, name in self._names.items() if each in alive}
            case events.SocketsSeen() | events.HoldersSeen():
                self.kernel.take(event, self.now)
            case events.LogAppended():
                self.logs[event.source] = event.failure
            case events.WayWalked():
                self.ways[event.way.path] = event.way
            case events.CertificateRead():
                self.files[event.file.path] = event.file
                self._issuers = Issuers(self.files)
            case events.ProbeStarted() | events.ProbeWaits() | events.ProbeFinished():
                self._take_probe(event)
            case events.CollectorFailed(name, failure, retry):
                self.collectors[name], self.retries[name] = failure, retry
            case events.CollectorStarted(name):
                self.collectors[name] = None
            case _:
                self._take_place(event)

    def _take_probe(self, event: events.ProbeStarted | events.ProbeWaits | events.ProbeFinished) -> None:
        looks = self.kernel.queues.looks
        match event:
            case events.ProbeStarted():
                self.logbook.own_probe(event.local, self.now, event.peer)
                self.answered.pop(event.key, None)
            case events.ProbeWaits():
                self.answered[event.key] = looks
            case events.ProbeFinished():
                look = self.answered.pop(event.key, looks)
                self.probed[event.key] = Probed(event.handshake, event.reaches, self.now, event.stamp, look)

    def set_back(self, by: float) -> None:
        """The clock was set back by so many seconds: what was seen does not lie ahead."""
        for key, probed in self.probed.items():
            self.probed[key] = replace(probed, at=behind((probed.at,), self.now, by)[0])
        self.kernel.queues.set_back(self.now, by)

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
                self.outputs[event.output.want.config] = event.output
            case events.PidFileRead():
                self.pid_files[event.file.path] = event.file
            case _:
                pass

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
        return any(not log or any(log == self._first_name(each, held) for held in each.logs) for each in lost)

    def _config_of(self, process: Process) -> str:
        """The configuration a process runs, also where its command line names it relative to a folder
        it has left: from its own log, else the known file with that tail that fits its sockets."""
        if process.config:
            return process.config
        for log in process.logs:
            facts = self.logbook.sources.get(self._first_name(process, log))
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
        accept = tuple(each for service in (config.services if config else ()) for each in service.accept)
        return self.kernel.listens_for(process, accept)

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
        """Join one instance; where a bug keeps us from that, what its file says is all there is."""
        try:
            return self._instance(key)
        except Exception as error:
            return self.written(key, bug(error))

    def written(self, key: InstanceKey, failure: Failure | None = None) -> Instance:
        """An instance of which nothing is known but what its file says, and why."""
        config = self.configs.get(key.config)
        return Instance(key, config, services=config.services if config else (), bug=failure)

    def _instance(self, key: InstanceKey) -> Instance:
        config = self.configs.get(key.config)
        processes = self._sorted_out().get(key, ())
        unit = join.unit_of(key, processes, self.units.units if self.units else ())
        log = self._log(processes, join.log_name(config, processes, unit))
        joined = join.instance(
            key,
            config,
            processes,
            unit,
            facts=self.logbook.sources.get(log, SourceFacts()),
            log=log,
            processes_known=self.processes is not None and (not self.processes.failure or bool(processes)),
            supervision=self.units.supervision if self.units else UNSUPERVISED,
        )
        joined = self.loads.join(joined)
        table = (self.kernel.tables or {}).get(joined.process.net if joined.process else "")
        hidden = self.processes.failure if self.processes and not processes else None
        joined = replace(
            self.counted(joined),
            processes_hidden=hidden,
            unprivileged_from=table.unprivileged_from if table else None,
            log_sharers=self._sharers(joined),
            log_failure=_withheld(self.logs.get(joined.log)),
        )
        joined = replace(joined, output=self._output(join.output_want(joined)))
        wanted = diagnose.hazard.wanted_ways(joined)
        joined = replace(joined, ways={path: self.ways[path] for path in wanted if path in self.ways})
        file = self.pid_files.get(join.pid_path(joined))
        joined = replace(joined, pid_file=file, pid_file_owner=self._named(file, processes))
        return replace(joined, remarks=self.remarks(key.config))

    def _log(self, processes: tuple[Process, ...], name: str) -> str:
        """The log by the name that it had first: one that was renamed, and that its process has not opened
        anew yet, is no other log."""
        process = processes[0] if processes else None
        held = next((each for each in process.logs if each.path == name), None) if process else None
        if process is None or held is None:
            return name
        self._names[process.id] = held.inode, self._first_name(process, held)
        return self._names[process.id][1]

    def _first_name(self, process: Process, log: OpenLog) -> str:
        inode, name = self._names.get(process.id, (0, ""))
        return name if inode and inode == log.inode else log.path

    def remarks(self, path: str) -> tuple[Remark, ...]:
        """What stands against a start with this configuration, if this very text was checked."""
        checked, config = self.checks.get(path), self.configs.get(path)
        fits = checked is not None and config is not None and checked.want.stamp[0] == config.stamp
        return checked.remarks if checked is not None and fits else ()

    def counted(self, instance: Instance) -> Instance:
        """The instance with what the kernel counts of it now."""
        now = {each.id: each for each in self._sorted_out().get(instance.key, ())}
        instance = replace(instance, processes=tuple(now.get(each.id, each) for each in instance.processes))
        held = self.kernel.doors(instance.processes) if len(instance.processes) > 1 else ()
        return replace(instance, doors=held, clients=self.kernel.served(instance.process))

    def _named(self, file: PidFile | None, own: tuple[Process, ...]) -> str:
        """Which other stunnel a pid file names."""
        others = (
            each for each in self.running if file is not None and each.pid == file.pid and each not in own
        )
        return next((f"stunnel of {self.key_of(each).config}" for each in others), "")

    def check_want(self, instance: Instance) -> CheckWant | None:
        """What to check of an instance's configuration, once its files were read and it is known who runs it:
        it would be checked again for each; nothing where its files are not ours to see."""
        config, loaded, process = instance.config, instance.loaded_at, instance.process
        if self.processes is None or self.units is None or config is None or config.failure is not None:
            return None
        if process is not None and process.net:
            return None
        files = {path for each in config.services for path in paths(each, instance)}
        if not files <= self.files.keys():
            return None
        stamps = tuple(self.files[path].stamp for path in sorted(files))
        pids = tuple(each.id for each in instance.processes)
        old = config.stamp is not None and loaded is not None and config.stamp.mtime < loaded + 1
        stamp = (config.stamp, stamps, pids, instance.unit.active_state if instance.unit else "")
        return CheckWant(config.path, join.folder(instance), stamp, loaded, old)

    def seen(self, want: OutputWant) -> bool:
        """Whether it was looked at where this output leads."""
        output = self.outputs.get(want.config)
        return output is not None and output.want == want

    def _output(self, want: OutputWant | None) -> Output | None:
        """What was seen last where the log of this very process should be."""
        output = self.outputs.get(want.config) if want else None
        return output if output and want and output.want.path == want.path else None

    def _sharers(self, instance: Instance) -> tuple[str, ...]:
        """Configurations of other instances that hold the same log file open."""
        held = {log.inode for process in instance.processes for log in process.logs if not log.deleted}
        found = {config for inode in held for config in self._writers.get(inode, ())}
        return tuple(sorted(found - {instance.key.config}))

    def tunnel(self, service: Service, instance: Instance) -> Tunnel:
        """Join one service; where a bug keeps us from that, it is bare."""
        try:
            return (
                join.bare(service, instance, instance.bug)
                if instance.bug
                else self._tunnel(service, instance)
            )
        except Exception as error:
            return join.bare(service, instance, bug(error))

    def _tunnel(self, service: Service, instance: Instance) -> Tunnel:
        primary = join.primary_of(service, instance.services)
        seen = self.kernel.sockets(service, primary, instance)
        cwd = join.folder(instance)
        own, key = (absolute(service.text(name), cwd) for name in ("cert", "key"))
        probed, trusted = self.probed.get(service.key), self._trusted(service, instance)
        return Tunnel(
            service=service,
            instance=instance,
            plan=self._plan(service, primary, instance, cwd, seen),
            primary=primary,
            listeners=seen.listeners,
            sockets_known=self.kernel.table(instance) is not None,
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


def last_of_chain(service: Service, probed: Probed | None, own: CertificateFile | None) -> Certificate | None:
    """The last certificate of a server service's chain as it was seen, else as its file has it."""
    seen = probed.handshake.chain if probed and probed.handshake and not service.client else ()
    chain = seen or (own.certificates if own else ())
    return chain[-1] if chain else None


def paths(service: Service, instance: Instance) -> tuple[str, ...]:
    """The files and folders of certificates, keys and revocation lists that a service names, absolute."""
    return (*join.files(service, instance).values(), *join.folders(service, instance).values())


def _withheld(failure: Failure | None) -> Failure | None:
    """Why a log that is there cannot be read; one that is missing is no failure of ours."""
    return failure if failure is not None and failure.reason is not Reason.MISSING else None
