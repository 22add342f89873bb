"""Facts as they were reported.

Rule: the last report of a thing counts.  Nothing is joined or judged here, and nothing is remembered that no
collector said.
"""

from msgspec import Struct
from msgspec.structs import replace

from tuimon import events
from tuimon.model.access import Way
from tuimon.model.certificate import CertificateFile
from tuimon.model.failure import Failure
from tuimon.model.handshake import Handshake, Reach
from tuimon.model.output import Output, OutputWant
from tuimon.model.pid_file import PidFile
from tuimon.model.process import Process
from tuimon.model.remark import Remark
from tuimon.model.service import Config, ServiceKey
from tuimon.settings import Settings
from tuimon.store.issuers import Issuers
from tuimon.store.kernel import Kernel
from tuimon.store.loaded import LoadedTexts
from tuimon.store.logbook import Logbook
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
        self.count, self.now = 0, 0.0  # of facts other than that time goes by
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
        self.files: dict[str, CertificateFile] = {}
        self.ways: dict[str, Way] = {}
        self.issuers = Issuers(self.files)
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
            self.count += 1
        match event:
            case events.Ticked():
                self.now = event.now
            case events.ProcessesSeen():
                self.kernel.take_processes(event.processes)
                self.processes = event
            case events.SocketsSeen() | events.HoldersSeen():
                self.kernel.take(event, self.now)
            case events.LogAppended():
                self.logs[event.source] = event.failure
            case events.WayWalked():
                self.ways[event.way.path] = event.way
            case events.CertificateRead():
                self.files[event.file.path] = event.file
                self.issuers = Issuers(self.files)
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

    def remarks(self, path: str) -> tuple[Remark, ...]:
        """What stands against a start with this configuration, if this very text was checked."""
        checked, config = self.checks.get(path), self.configs.get(path)
        fits = checked is not None and config is not None and checked.want.stamp[0] == config.stamp
        return checked.remarks if checked is not None and fits else ()

    def seen(self, want: OutputWant) -> bool:
        """Whether it was looked at where this output leads."""
        output = self.outputs.get(want.config)
        return output is not None and output.want == want
