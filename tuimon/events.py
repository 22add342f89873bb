"""What collectors report: the closed union `Event`.

Rule: an event is a frozen fact about one host.  It carries no behaviour and no reference to who
reported it; the store is the only reader.
"""

from msgspec import Struct

from tuimon.model.access import Way
from tuimon.model.action import Action, Logged, Outcome
from tuimon.model.certificate import CertificateFile
from tuimon.model.failure import Failure
from tuimon.model.handshake import Handshake, Reach
from tuimon.model.loaded import Loaded
from tuimon.model.log import LogRecord
from tuimon.model.output import Output
from tuimon.model.pid_file import PidFile
from tuimon.model.process import Holder, Process, ProcessId, SocketTable
from tuimon.model.remark import Remark
from tuimon.model.service import Config, InstanceKey, ServiceKey
from tuimon.model.tunnel import CheckWant
from tuimon.model.unit import UNSUPERVISED, Supervision, Unit


class Ticked(Struct, frozen=True, gc=False):
    """The wall clock: seconds since the epoch.  The only source of `now`."""

    now: float


class ConfigsFound(Struct, frozen=True, gc=False):
    """All configuration files that exist to be looked at (absolute paths), or why none can be seen."""

    host: str
    paths: tuple[str, ...]
    failures: tuple[tuple[str, Failure], ...] = ()


class ConfigRead(Struct, frozen=True, gc=False):
    """One configuration as it is on disk now."""

    host: str
    config: Config


class ConfigChecked(Struct, frozen=True, gc=False):
    """What stands against a start with a configuration now; `want` is what was asked."""

    host: str
    want: CheckWant
    remarks: tuple[Remark, ...]


class ProcessesSeen(Struct, frozen=True, gc=False):
    """All stunnel main processes now; with a `failure` those that could be seen, if any."""

    host: str
    processes: tuple[Process, ...]
    failure: Failure | None = None


class UnitsSeen(Struct, frozen=True, gc=False):
    """All systemd units that start stunnel, or why they cannot be seen."""

    host: str
    units: tuple[Unit, ...]
    failure: Failure | None = None
    supervision: Supervision = UNSUPERVISED


class PidFileRead(Struct, frozen=True, gc=False):
    """What a pid file says now (or why it cannot be read)."""

    host: str
    file: PidFile


class SocketsSeen(Struct, frozen=True, gc=False):
    """Listening and connected sockets, one table a network namespace.

    Told at every look, since a queue that stays is a fact too; `tables` is the same object as the last
    time where nothing has changed.
    """

    host: str
    tables: tuple[SocketTable, ...]


class HoldersSeen(Struct, frozen=True, gc=False):
    """Which process holds each of these sockets, by inode; None where that cannot be seen."""

    host: str
    holders: tuple[tuple[int, Holder | None], ...]


class CertificateRead(Struct, frozen=True, gc=False):
    """What a certificate, key or CA file holds now (or its failure)."""

    host: str
    file: CertificateFile


class WayWalked(Struct, frozen=True, gc=False):
    """Who may reach a path now."""

    host: str
    way: Way


class OutputSeen(Struct, frozen=True, gc=False):
    """Where the log file of a running process is, and whether there is room for it."""

    host: str
    output: Output


class LoadedRead(Struct, frozen=True, gc=False):
    """What was kept of the configuration that `process` loaded; None where nothing fit was kept."""

    host: str
    config: str
    process: ProcessId
    loaded: Loaded | None


class LoadedKept(Struct, frozen=True, gc=False):
    """What a process loaded is kept for the next tuimon, or why it could not be."""

    host: str
    loaded: Loaded
    failure: Failure | None = None


class LogAppended(Struct, frozen=True, gc=False):
    """New records of one log file, in the file's order.  `first` marks the tail read at the start,
    which is history; an empty `records` says that the log was looked at."""

    host: str
    source: str
    records: tuple[LogRecord, ...]
    first: bool = False
    failure: Failure | None = None


class LogRecalled(Struct, frozen=True, gc=False):
    """Records of a log that are older than what was read at the start: to be seen, and to judge nothing."""

    host: str
    source: str
    records: tuple[LogRecord, ...]


class ProbeStarted(Struct, frozen=True, gc=False):
    """Our own connection is open: `local` (`IP:port`) is how stunnel's log will name it, `peer` where it
    leads: one local port may lead to many places at once."""

    key: ServiceKey
    local: str
    peer: str = ""


class ProbeWaits(Struct, frozen=True, gc=False):
    """Nothing is left of a probe but the wait for an early close; whom it was handed on to was asked."""

    key: ServiceKey


class ProbeFinished(Struct, frozen=True, gc=False):
    """A probe counts now: a success, or a failure that was repeated."""

    key: ServiceKey
    handshake: Handshake | None
    reaches: tuple[Reach, ...] = ()
    stamp: tuple[object, ...] = ()


class CollectorFailed(Struct, frozen=True, gc=False):
    """A collector fell; the runtime starts it again after `retry_in` seconds."""

    name: str
    failure: Failure
    retry_in: float


class CollectorStarted(Struct, frozen=True, gc=False):
    """A collector runs (again)."""

    name: str


class ActionStarted(Struct, frozen=True, gc=False):
    """Somebody acts on an instance; `at` is seconds since the epoch, `command` what is run."""

    key: InstanceKey
    action: Action
    at: float
    who: str
    command: str


class ActionStep(Struct, frozen=True, gc=False):
    """How far an action has come, in words."""

    key: InstanceKey
    text: str


class ActionFinished(Struct, frozen=True, gc=False):
    """An action has ended, one way or another."""

    outcome: Outcome


class ActionsTold(Struct, frozen=True, gc=False):
    """What the action log says: the last actions on this machine, oldest first."""

    host: str
    actions: tuple[Logged, ...]


Acted = ActionStarted | ActionStep | ActionFinished
"""What is told of an action."""

Event = (
    Ticked
    | ConfigsFound
    | ConfigRead
    | ConfigChecked
    | ProcessesSeen
    | UnitsSeen
    | PidFileRead
    | SocketsSeen
    | HoldersSeen
    | OutputSeen
    | CertificateRead
    | WayWalked
    | LoadedRead
    | LoadedKept
    | LogAppended
    | LogRecalled
    | ProbeStarted
    | ProbeWaits
    | ProbeFinished
    | CollectorFailed
    | CollectorStarted
    | ActionsTold
    | Acted
)
