"""Tunnel: everything known about one service, joined; what a row of the screen shows."""

from typing import NamedTuple

from msgspec import Struct

from tuimon.model.access import Way
from tuimon.model.certificate import Certificate, CertificateFile
from tuimon.model.clients import NOBODY, Clients
from tuimon.model.endpoint import Backlog, Endpoint, Socket
from tuimon.model.failure import Failure
from tuimon.model.handshake import Depth, Handshake, Reach
from tuimon.model.instance import Instance
from tuimon.model.loaded import Loaded
from tuimon.model.log import LogRecord
from tuimon.model.output import OutputWant
from tuimon.model.process import ProcessId
from tuimon.model.service import Service, ServiceKey

JOURNAL = "journal:"
"""What the name of a log starts with that is the journal of a unit; every other log is a path."""


class Plan(Struct, frozen=True, gc=False):
    """How one service is to be probed; see README, "What it does to your tunnels".

    `targets` are dialled in order until one answers: the accept address of a server service, the
    remote of a client service (`remote`).  `reach` are TCP addresses that are only connected to: always where
    there are several, else only to find out why the peer hung up early (`reach_always`).  Paths are
    absolute; `minimum` and `maximum` are versions as sslVersion spells them, `legacy` allows a second
    attempt with TLS 1.0 and 1.1; `ca_file`, `ca_path`, `cert`, `key`, `crl_file` and `crl_path` are what a
    client service itself uses towards its remote.
    """

    depth: Depth
    targets: tuple[Endpoint, ...] = ()
    reach: tuple[Endpoint, ...] = ()
    reach_always: bool = False
    server_name: str = ""
    protocol: str = ""
    protocol_host: str = ""
    ca_file: str = ""
    ca_path: str = ""
    cert: str = ""
    key: str = ""
    crl_file: str = ""
    crl_path: str = ""
    local: str = ""
    minimum: str = ""
    maximum: str = ""
    legacy: bool = True
    interval: float = 300.0
    remote: bool = False


class ProbeWant(NamedTuple):
    """That `key` should be probed by `plan`.

    `stamp` changes whenever a fresh look is due at once (restart, reload, new certificate or
    configuration); `doubt` whenever the log tells of failures, or of the first success after them, which
    is as often as clients come.  `proved_at` is when a real client last got through (seconds since the
    epoch), which replaces a periodic probe; `most` how many connections of ours the process may be asked to
    hold at once, where it is known how many clients it allows itself.
    """

    key: ServiceKey
    plan: Plan
    stamp: tuple[object, ...]
    proved_at: float | None
    doubt: tuple[object, ...] = ()
    most: int | None = None


class CheckWant(NamedTuple):
    """That the configuration at `path` should be checked for a start from the folder `start`.

    `stamp` changes whenever a fresh look is due (another text, a certificate, a process that came or
    went).  `loaded_at` is when a process loaded it (seconds since the epoch, None if none runs), and
    `loaded` says that this is the very text that it loaded.
    """

    path: str
    start: str
    stamp: tuple[object, ...]
    loaded_at: float | None = None
    loaded: bool = False


class Interest(Struct, frozen=True, gc=False):
    """What the collectors should look at, as follows from the facts so far; paths are absolute.

    `folders` hold certificates or revocation lists under hashed names; `ways` are paths of which is
    asked who may reach them.  `running` are the processes that run: what follows from them is worth a new
    look when they change.
    `sockets` are inodes of listening sockets of which it should be found out who holds them.
    `recall` are configurations and processes whose loaded text may have been kept, `keep` what should be.
    """

    configs: frozenset[str] = frozenset()
    certificates: frozenset[str] = frozenset()
    folders: frozenset[str] = frozenset()
    ways: frozenset[str] = frozenset()
    logs: frozenset[str] = frozenset()
    nets: frozenset[tuple[str, int]] = frozenset()
    sockets: frozenset[int] = frozenset()
    outputs: frozenset[OutputWant] = frozenset()
    probes: tuple[ProbeWant, ...] = ()
    checks: tuple[CheckWant, ...] = ()
    running: frozenset[ProcessId] = frozenset()
    pid_files: frozenset[str] = frozenset()
    recall: frozenset[tuple[str, ProcessId]] = frozenset()
    keep: tuple[Loaded, ...] = ()


class Traffic(Struct, frozen=True, gc=False):
    """What the log tells of real clients of one service, own probes left out.

    Times are seconds since the epoch.  `failing_since` is the first failure after the last success,
    `failure` the last failure, `failures` how many since the last success.  `target_failure` is the
    last record that told of an unreachable connect target with no success after it (own probes
    included: their reason is as good), `target_since` the time of the first of them, `target_ok` when
    the target was last reached.
    """

    last_success: float | None = None
    failing_since: float | None = None
    failures: int = 0
    failure: LogRecord | None = None
    target_failure: LogRecord | None = None
    target_since: float | None = None
    target_ok: float | None = None


class Trial(NamedTuple):
    """Probes in a row of which each found that a client service would refuse its remote's certificate, or
    that none would: when the first and the last of them ended (seconds since the epoch)."""

    refused: bool
    since: float
    until: float


class Trials(NamedTuple):
    """How a client service judged its remote since it loaded what it trusts at `loaded_at`: of late, and
    before that.  What was judged by files that changed since the load is not counted."""

    loaded_at: float
    last: Trial
    before: Trial | None = None


class Far(NamedTuple):
    """The server service of this very machine that a client service leads to."""

    key: ServiceKey
    name: str


class Tunnel(Struct, frozen=True, gc=False):
    """The join that a row shows.

    `listeners` are the listening sockets of its accept addresses (of the primary, for an SNI service);
    `sockets_known` is False until sockets were looked at.  `taken` names who else holds the accept port,
    empty if nobody does.  `sessions` counts established connections on the accept port, of an SNI service
    those that were led to it, None where they cannot be seen or told apart.  `waiting` is what nobody accepts
    at its own listeners, `stalled` at those of its targets on this machine.  `probed_at` is when the
    handshake ended.  `ca` and `ca_folder` are what CAfile and CApath hold, `crl` and `crl_folder` the same of
    CRLfile and CRLpath.  `far` is where a client service leads to, if that is seen here too.  `key_way` is
    the way to a private key that others may read or write; `issuer` the authority that issued the last
    certificate of its chain, where another service of the fleet sends that one along.  `trials` is how a
    client service judged its remote so far.  `bug` is why nothing but its text is known.
    """

    service: Service
    instance: Instance
    plan: Plan
    primary: Service | None = None
    listeners: tuple[Socket, ...] = ()
    sockets_known: bool = False
    taken: str = ""
    sessions: int | None = None
    target_listeners: tuple[int, ...] = ()
    waiting: tuple[Backlog, ...] = ()
    stalled: tuple[Backlog, ...] = ()
    handshake: Handshake | None = None
    probed_at: float | None = None
    reaches: tuple[Reach, ...] = ()
    own: CertificateFile | None = None
    key_file: CertificateFile | None = None
    key_way: Way | None = None
    issuer: Certificate | None = None
    ca: CertificateFile | None = None
    ca_folder: CertificateFile | None = None
    crl: CertificateFile | None = None
    crl_folder: CertificateFile | None = None
    traffic: Traffic = Traffic()
    far: Far | None = None
    clients: Clients = NOBODY
    trials: Trials | None = None
    bug: Failure | None = None

    @property
    def key(self) -> ServiceKey:
        """The service's identity."""
        return self.service.key
