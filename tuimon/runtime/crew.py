"""All collectors of one host besides the first two, and what gives older log lines.

Rule: imported when they are wanted: what they need (OpenSSL, X.509, the grammars of systemd) costs as much
as the screen's first rows, which need none of it.
"""

from functools import partial

from tuimon.collect.base import Collector
from tuimon.collect.certificates import Certificates
from tuimon.collect.checks import Checks
from tuimon.collect.journal import Journal
from tuimon.collect.loaded import LoadedFiles
from tuimon.collect.logs import Logs
from tuimon.collect.older import Older
from tuimon.collect.outputs import Outputs
from tuimon.collect.pid_files import PidFiles
from tuimon.collect.probes import Probes
from tuimon.collect.processes import Processes
from tuimon.collect.recorded import Recorded
from tuimon.collect.units import Units
from tuimon.collect.ways import Ways
from tuimon.control import record
from tuimon.host.base import Host
from tuimon.model.action import ACTION_LOG, Logged
from tuimon.settings import Settings


class Crew:
    """The collectors, those by name that somebody hurries or asks."""

    def __init__(self, host: Host, settings: Settings) -> None:
        self.logs = Logs(host)
        self.older = Older(host, self.logs.began)
        self.probes, self.processes = Probes(host, settings), Processes(host, settings)
        self.collectors: tuple[Collector, ...] = (
            self.processes,
            Certificates(host),
            Ways(host, settings),
            Outputs(host, settings),
            self.logs,
            Journal(host),
            Units(host, settings),
            PidFiles(host, settings),
            Checks(host, settings),
            LoadedFiles(host, str(settings.state_file("loaded"))),
            self.probes,
            Recorded(host, str(settings.state_file(ACTION_LOG)), partial(_done_on, host.name)),
        )


def _done_on(host: str, data: bytes) -> tuple[Logged, ...]:
    """The actions of a log that were done on this host: several may share a home."""
    return record.told([line for line in record.read(data) if line.host == host])
