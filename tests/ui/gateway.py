"""A gateway at a fixed hour, for pictures that are compared: `python -m tests.ui.gateway` shows it.

Rule: nothing of it depends on the day, the machine or chance.  Its certificates stand in tests/data and are
made anew by `python -m tests.ui.gateway --make`; what the kernel would say of it is made up.
"""

import datetime
import os
import sys
import time
from pathlib import Path

from msgspec.structs import replace

from tests.facts import CONFIG, HOST, PID
from tests.fixtures import Pki
from tests.ui.fed import FedRuntime, FedWorld
from tuimon.model.action import Action, Change, Door, Load, Logged, Note, Preflight, Result, Route, Touches
from tuimon.model.endpoint import Socket, SocketState
from tuimon.model.failure import Failure
from tuimon.model.handshake import Handshake, Verdict
from tuimon.model.process import ProcessId, SocketTable
from tuimon.model.service import InstanceKey
from tuimon.settings import Settings
from tuimon.ui.app import show

NOW = datetime.datetime(2026, 11, 26, 3, 12, 40, tzinfo=datetime.UTC)
FOLDER = Path(__file__).resolve().parents[1] / "data" / "gateway"
SHOWN = "/etc/stunnel/pki"
"""Where the certificates are said to be."""

SECTIONS = f"""
cert = {SHOWN}/web.pem
key = {SHOWN}/web.key

[web]
accept = 127.0.0.1:8443
connect = 127.0.0.1:8080

[web-intern]
sni = web:*.intern.example
connect = 127.0.0.1:8081

[pgsql-eu]
accept = 127.0.0.1:5433
connect = 10.1.4.7:5432
protocol = pgsql

[edi-in]
accept = 127.0.0.1:9443
connect = 127.0.0.1:9080
cert = {SHOWN}/edi.pem
key = {SHOWN}/edi.key

[ldap]
accept = 127.0.0.1:636
connect = 127.0.0.1:389
cert = {SHOWN}/ldap.pem
key = {SHOWN}/ldap.key

[postgresql-warehouse-west-2-reporting]
accept = 127.0.0.1:5434
connect = 127.0.0.1:5440

[\u8d27\u8fd0-freight]
accept = 127.0.0.1:5435
connect = 127.0.0.1:5441

[redis]
client = yes
accept = 127.0.0.1:6379
connect = 10.1.4.9:6380
CAfile = {SHOWN}/ca.pem
verifyChain = yes
checkHost = redis
"""
_WEB, _INTERN, _PGSQL, _EDI, _LDAP, _LONG, _WIDE, _REDIS = range(8)


class _Acted(FedRuntime):
    """What would come of an action, and what came of those before, is made up too."""

    async def preflight(self, key: InstanceKey, action: Action) -> Preflight | Failure:
        unit = "stunnel@web.service"
        command = f"systemctl kill --kill-who=main --signal=HUP {unit}"
        if action is not Action.RELOAD:
            command = f"systemctl {action.value} {unit}"
        renewed = Change("certificate of [ldap]", "ldap-old, 9 days left", "ldap, 89 days left")
        return Preflight(
            key,
            action,
            Door(Route.UNIT, tuple(command.split()), unit),
            HOST,
            ProcessId(PID, 0.0, "/usr/bin/stunnel4"),
            changes=(renewed,),
            touches=Touches((Load("web", 14), Load("ldap", 2), Load("pgsql-eu", 0), Load("edi-in", 0))),
            command=command,
            warnings=(Note("sessions", "[edi-in] serves a certificate that expired 2 days ago", "renew it"),),
        )

    async def action_log(self) -> tuple[Logged, ...]:
        at, who = NOW.timestamp(), "root (ada)"
        hang_up = "systemctl kill --kill-who=main --signal=HUP stunnel@web.service"
        restart = "systemctl restart stunnel@web.service"
        proved = "web.conf: reloaded in 0.4 s; serving the new certificate; 8 of 8 services answer"
        partly = "web.conf: restarted in 1.2 s; pgsql-eu: connect 10.1.4.7:5432 refused"
        return (
            Logged(at - 90000, who, "reload", CONFIG, hang_up, Result.VERIFIED.value, proved),
            Logged(at - 3600, who, "restart", CONFIG, restart, Result.UNVERIFIED.value, partly),
            Logged(at - 60, who, "reload", CONFIG, hang_up, "begun", ""),
        )


class _Kept(Pki):
    """The certificates of tests/data."""

    def __init__(self) -> None:
        self.folder, self.now = FOLDER, NOW


def make() -> None:
    """Make the certificates anew."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    pki = Pki(FOLDER, NOW)
    ca, key = pki.issue("ca", ca=True, start=-1000, end=900)
    for name, start, end in (
        ("web", -60, 87),
        ("edi", -92, -2),
        ("ldap", -1, 89),
        ("ldap-old", -81, 9),
        ("redis", -100, 212),
    ):
        pki.issue(name, issuer=ca, issuer_key=key, start=start, end=end)


class Gateway(FedWorld):
    """Eight services: sound ones, one without its target, one expired, one renewed but not loaded."""

    runs = _Acted

    def __init__(self, settings: Settings | None = None) -> None:
        super().__init__(_Kept(), SECTIONS, settings)
        self.begin()
        for ordinal, name, target in (
            (_WEB, "web", "127.0.0.1:8443"),
            (_INTERN, "web", "127.0.0.1:8443"),
            (_LONG, "web", "127.0.0.1:5434"),
            (_WIDE, "web", "127.0.0.1:5435"),
            (_EDI, "edi", "127.0.0.1:9443"),
            (_LDAP, "ldap-old", "127.0.0.1:636"),
            (_REDIS, "redis", "10.1.4.9:6380"),
        ):
            self.probed(self._served(name, target), ordinal)
        hung_up = self.bad(Verdict.CLOSED, "negotiation", detail="the peer closed the connection")
        self.probed(replace(hung_up, target="127.0.0.1:5433"), _PGSQL)
        self._traffic()

    def _served(self, name: str, target: str) -> Handshake:
        return replace(self.good(name, target), cipher="TLS_AES_256_GCM_SHA384", group="X25519")

    def file(self, path: str, *, as_path: str = "", mode: int = 0o600) -> None:
        """Read from tests/data, told of as a file of the gateway."""
        super().file(path.replace(SHOWN, str(FOLDER)), as_path=as_path or path, mode=mode)

    def listening(self, *, mine: bool = True, queue: int = 0) -> SocketTable:
        """With sessions of two services, and none of the others."""
        table = super().listening(mine=mine, queue=queue)
        calls = [(8443, port) for port in range(40000, 40014)] + [(636, 41000), (636, 41001)]
        sessions = (
            Socket(SocketState.ESTABLISHED, "127.0.0.1", accept, "10.0.0.9", port, 0, 5000 + port)
            for accept, port in calls
        )
        return replace(table, established=tuple(sessions))

    def _traffic(self) -> None:
        """A minute of its log."""
        lines = []
        for number, (service, peer, target, refused) in enumerate(
            [
                ("web", "10.0.0.9:51522", "127.0.0.1:8080", False),
                ("pgsql-eu", "10.0.0.7:40112", "10.1.4.7:5432", True),
                ("ldap", "10.0.0.12:33018", "127.0.0.1:389", False),
                ("pgsql-eu", "10.0.0.7:40114", "10.1.4.7:5432", True),
            ]
        ):
            at, who = self.now - 60 + 12 * number, str(87 + number)
            lines.append(self.line(f"Service [{service}] accepted connection from {peer}", log_id=who, at=at))
            if refused:
                words = f"s_connect: connect {target}: Connection refused (111)"
                lines.append(self.line(words, level=3, log_id=who, at=at))
                lines.append(self.line("No more addresses to connect", level=3, log_id=who, at=at))
                end = "Connection reset: 0 byte(s) sent to TLS, 0 byte(s) sent to socket"
            else:
                words = f"Service [{service}] connected remote server from 127.0.0.1:50{number}00"
                lines.append(self.line(words, log_id=who, at=at))
                end = "Connection closed: 4120 byte(s) sent to TLS, 901 byte(s) sent to socket"
            lines.append(self.line(end, log_id=who, at=at + 2))
        self.log(*lines)


def main() -> None:
    """Show it until it is left."""
    if sys.argv[1:] == ["--make"]:
        make()
        return
    os.environ["TZ"] = "UTC"
    time.tzset()
    settings = Settings(ascii="--ascii" in sys.argv)
    sys.exit(show(Gateway(settings).runtime, settings))


if __name__ == "__main__":
    main()
