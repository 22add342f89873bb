"""One stunnel instance: configuration ↔ process ↔ unit, joined."""

from msgspec import Struct, field

from tuimon.model.access import Way
from tuimon.model.failure import Failure
from tuimon.model.loaded import Change
from tuimon.model.log import LogRecord
from tuimon.model.output import Output
from tuimon.model.pid_file import PidFile
from tuimon.model.process import Process
from tuimon.model.remark import Remark
from tuimon.model.service import Config, InstanceKey, Service
from tuimon.model.unit import UNSUPERVISED, Supervision, Unit


class Instance(Struct, frozen=True, gc=False):
    """What is known of one instance.

    `processes` are the main processes that run this configuration, oldest first; `config` is None
    until it was read.  `processes_known` is False until processes were looked at once, and where those that
    could be seen run something else and others could not: `processes_hidden` says why.  `loaded_at`
    is when the running process last read its configuration (seconds since the epoch; from the log,
    else the process's start), `loaded_from_log` says which.  `trouble` is the last record that told
    of a failed start or reload after that, `log` the path of the file log, empty if there is none.
    `ways` are known ways to its files by path, `unprivileged_from` the first port that anybody may bind
    where it runs (None: not known).  `remarks` is what stands against a start with the configuration as
    it is now.  `output` is where its log file was seen, `log_sharers` are configurations of others that
    log to the same file, `log_failure` is why we may not read it.  `clients` is how many it serves at
    this moment, `client_limit` how many it would; `turned_away` and `out_of_files` are the last records
    of that process that told of such a limit.  `doors` are, where several processes run it, the addresses
    that each pid listens on as far as that can be seen.

    `services` are those of `config`, but as they are served where that is known: `loaded` is the
    configuration that the process has loaded, `change` how the text on disk differs from it.  `bug` is why
    nothing but its configuration is known.
    """

    key: InstanceKey
    config: Config | None = None
    processes: tuple[Process, ...] = ()
    processes_known: bool = False
    processes_hidden: Failure | None = None
    unit: Unit | None = None
    supervision: Supervision = UNSUPERVISED
    loaded_at: float | None = None
    loaded_from_log: bool = False
    trouble: LogRecord | None = None
    stopped: LogRecord | None = None
    version: str = ""
    log: str = ""
    ways: dict[str, Way] = field(default_factory=dict)
    unprivileged_from: int | None = None
    pid_file: PidFile | None = None
    pid_file_owner: str = ""
    remarks: tuple[Remark, ...] = ()
    doors: tuple[tuple[int, tuple[str, ...]], ...] = ()
    output: Output | None = None
    log_sharers: tuple[str, ...] = ()
    log_failure: Failure | None = None
    clients: int | None = None
    client_limit: int | None = None
    turned_away: LogRecord | None = None
    out_of_files: LogRecord | None = None
    stopped_by: str = ""
    stopped_at: float | None = None
    loads: int = 0
    troubles: int = 0
    services: tuple[Service, ...] = ()
    loaded: Config | None = None
    change: Change | None = None
    bug: Failure | None = None

    @property
    def process(self) -> Process | None:
        """The process that counts: the oldest that runs."""
        return self.processes[0] if self.processes else None

    @property
    def running(self) -> bool:
        """Whether a process runs this configuration."""
        return bool(self.processes)

    @property
    def title(self) -> str:
        """A short name: the configuration's file name, or what stands in its place."""
        return self.key.config.rsplit("/", 1)[-1]
