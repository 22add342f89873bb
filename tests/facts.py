"""A small world of facts for the tests of the store and of the judgements: one gateway, told in events.

Everything goes through the real parsers; only the kernel's part (processes, sockets) is made up.
"""

import time
from pathlib import Path

from msgspec.structs import replace

from tests.fixtures import Pki
from tuimon import events
from tuimon.model.access import Place, Way
from tuimon.model.certificate import Certificate
from tuimon.model.endpoint import Socket, SocketState
from tuimon.model.failure import Failure, Reason
from tuimon.model.handshake import Depth, Handshake, Verdict
from tuimon.model.output import Output
from tuimon.model.process import OpenLog, Process, ProcessId, SocketTable
from tuimon.model.remark import Remark
from tuimon.model.service import Config, ServiceKey, Stamp
from tuimon.parse.stunnel_conf import run
from tuimon.parse.stunnel_connections import LogReader
from tuimon.parse.x509 import read_file
from tuimon.settings import Settings
from tuimon.store import Row, Store

HOST = "gw-01"
CONFIG = "/etc/stunnel/web.conf"
LOG = "/var/log/stunnel4/web.log"
PID = 4711

SECTIONS = """
[web]
accept = 127.0.0.1:8443
connect = 127.0.0.1:8080
cert = {pki}/server.pem
key = {pki}/server.key
"""
CLIENT = """
[out]
client = yes
accept = 127.0.0.1:8443
connect = 10.1.4.7:443
CAfile = {pki}/ca.pem
verifyChain = yes
checkHost = server
"""


class World:
    """A store and the facts that it is told; `now` is the world's clock, an hour after the start."""

    def __init__(self, pki: Pki, sections: str = SECTIONS, settings: Settings | None = None) -> None:
        self.pki = pki
        self.now = pki.now.timestamp()
        self.started = self.now - 3600
        self.store = Store(settings or Settings())
        self.text = f"foreground = yes\noutput = {LOG}\n" + sections.replace("{pki}", str(pki.folder))
        self.reader = LogReader()
        self.process = Process(
            id=ProcessId(PID, self.started, "/usr/bin/stunnel4"),
            argument=CONFIG,
            config=CONFIG,
            cwd="/",
            logs=(OpenLog(LOG, False),),
            status="sleeping",
            fds=12,
            fd_limit=1024,
            inodes=frozenset(range(1, 100)),
        )

    # -- the pieces ----------------------------------------------------------------------------

    def tell(self, *told: events.Event) -> None:
        for event in told:
            self.store.apply(event)
        self.store.drain()

    def config(self) -> Config:
        missing = Failure(Reason.MISSING, "no such file")
        config = run(CONFIG, lambda path: self.text.encode(), lambda path: missing, host=HOST)
        return replace(config, stamp=Stamp(1, len(self.text), int((self.started - 60) * 1e9)))

    def key(self, ordinal: int = 0) -> ServiceKey:
        return self.config().services[ordinal].key

    def row(self, ordinal: int = 0) -> Row:
        row = self.store.row(self.key(ordinal))
        assert row is not None
        return row

    def codes(self, ordinal: int = 0) -> list[str]:
        return [finding.code for finding in self.row(ordinal).findings]

    def tick(self, seconds: float = 0.0) -> None:
        self.now += seconds
        self.tell(events.Ticked(self.now))

    def configs(self) -> None:
        self.tell(events.ConfigsFound(HOST, (CONFIG,)), events.ConfigRead(HOST, self.config()))

    def processes(self, *processes: Process) -> None:
        self.tell(events.ProcessesSeen(HOST, processes))

    def units(self) -> None:
        self.tell(events.UnitsSeen(HOST, (), Failure(Reason.UNSUPPORTED, "no systemd")))

    def checked(self, *remarks: Remark) -> None:
        """stunnel would start, but for these."""
        self.tell(*(events.ConfigChecked(HOST, want, remarks) for want in self.store.interest().checks))

    def listening(self, *, mine: bool = True, queue: int = 0) -> SocketTable:
        """Every accept address of the configuration has its listening socket."""
        ports = [each.number or 0 for service in self.config().services for each in service.accept]
        inodes = range(1 if mine else 1001, 2000)
        found = (
            Socket(SocketState.LISTEN, "127.0.0.1", port, "0.0.0.0", 0, queue, inode)  # noqa: S104
            for port, inode in zip(ports, inodes, strict=False)
        )
        return SocketTable(listening=tuple(found))

    def sockets(self, table: SocketTable | None = None) -> None:
        self.tell(events.SocketsSeen(HOST, (self.listening() if table is None else table,)))

    def file(self, path: str, *, as_path: str = "", mode: int = 0o600) -> None:
        """A certificate or key file of the PKI, read from `path`, told of as `as_path`."""
        data, stamp = Path(path).read_bytes(), Stamp(7, 1, int((self.started - 60) * 1e9))
        file = read_file(as_path or path, data, stamp=stamp, mode=mode, owner="root")
        self.tell(events.CertificateRead(HOST, file))

    def files(self) -> None:
        for path in sorted(self.store.interest().certificates):
            self.file(path)

    def walked(self, *, key_mode: int = 0o600) -> None:
        """Who may reach the paths that are asked for: root alone, but for a key with `key_mode`."""
        above = tuple(Place(path, 0, 0, 0o755) for path in ("/", "/etc", "/etc/stunnel"))
        for path in sorted(self.store.interest().ways):
            mode = key_mode if path.endswith(".key") else 0o600
            self.tell(events.WayWalked(HOST, Way(path, (*above, Place(path, 0, 0, mode)))))

    def kept(self) -> None:
        """What is loaded is kept, as far as it is known."""
        self.tell(*(events.LoadedKept(HOST, each) for each in self.store.interest().keep))

    def line(self, words: str, *, level: int = 5, log_id: str = "ui", at: float | None = None) -> bytes:
        when = time.strftime("%Y.%m.%d %H:%M:%S", time.localtime(self.now if at is None else at))
        return f"{when} LOG{level}[{log_id}]: {words}".encode()

    def log(self, *lines: bytes, first: bool = False) -> None:
        self.tell(events.LogAppended(HOST, LOG, tuple(self.reader.feed(lines)), first=first))

    def certificate(self, name: str) -> Certificate:
        return read_file("x", self.pki.pem(f"{name}.pem")).certificates[0]

    def good(self, served: str = "server", target: str = "127.0.0.1:8443") -> Handshake:
        return Handshake(
            target,
            Verdict.OK,
            local="127.0.0.1:50001",
            connect_ms=0.1,
            first_byte_ms=1.0,
            flight_ms=1.2,
            handshake_ms=2.0,
            tls_version="TLSv1.3",
            chain=(self.certificate(served),),
        )

    def bad(self, verdict: Verdict, stage: str, detail: str = "", alert: str = "") -> Handshake:
        return Handshake(
            "127.0.0.1:8443", verdict, Depth.HANDSHAKE, detail, stage, local="127.0.0.1:50001", alert=alert
        )

    def probed(self, handshake: Handshake | None, ordinal: int = 0, **facts: object) -> None:
        self.tell(events.ProbeFinished(self.key(ordinal), handshake, **facts))  # type: ignore[arg-type]

    # -- the whole -----------------------------------------------------------------------------

    def outputs(self) -> None:
        """Every output leads to the file that its process holds open."""
        for want in self.store.interest().outputs:
            self.tell(events.OutputSeen(HOST, Output(want, want.held[0].inode)))

    def begin(self) -> "World":
        """Everything but the probes was looked at once, and is in order."""
        self.tick()
        self.configs()
        self.units()
        self.processes(self.process)
        self.sockets()
        self.files()
        self.walked()
        self.outputs()
        loaded = self.line("Configuration successful", at=self.started)
        self.log(loaded, first=True)
        return self

    def healthy(self) -> "World":
        """… and every service was probed and is well."""
        self.begin()
        for service in self.config().services:
            name = "ca" if service.client else "server"
            target = service.connect[0].text if service.client else "127.0.0.1:8443"
            self.probed(self.good(name, target), service.key.ordinal)
        return self
