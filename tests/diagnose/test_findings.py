"""The right finding first, and none on what is well: a table of troubles, each told as facts."""

import re
from collections.abc import Callable

import pytest
from msgspec import Struct
from msgspec.structs import replace

from tests.facts import CLIENT, CONFIG, HOST, World
from tests.fixtures import Pki
from tuimon import events
from tuimon.diagnose.finding import Finding, Light, State, clock, span
from tuimon.model.certificate import CertificateFile
from tuimon.model.failure import Failure, Reason
from tuimon.model.handshake import Reach, Verdict, VerifyError
from tuimon.model.process import SocketTable
from tuimon.model.remark import Remark, Scope, Severity
from tuimon.model.service import Stamp
from tuimon.model.unit import Unit
from tuimon.settings import ServiceRule, Settings

TWO_TARGETS = """
[web]
accept = 127.0.0.1:8443
connect = 127.0.0.1:8080
connect = 127.0.0.1:8081
cert = {pki}/server.pem
key = {pki}/server.key
"""


class Trouble(Struct, frozen=True):
    """What happens to a healthy tunnel, and what its row must then say first."""

    code: str
    state: State
    happens: Callable[[World], None]
    says: str
    sections: str = ""


def probe_ends(verdict: Verdict, stage: str, detail: str = "", alert: str = "") -> Callable[[World], None]:
    return lambda world: world.probed(world.bad(verdict, stage, detail, alert))


def hangs_up(*reaches: Reach) -> Callable[[World], None]:
    def happens(world: World) -> None:
        world.probed(replace(world.good(), closed_early=True, stage="after"), reaches=reaches)

    return happens


def file_fails(name: str, reason: Reason) -> Callable[[World], None]:
    def happens(world: World) -> None:
        path = world.pki.path(name)
        world.tell(
            events.CertificateRead(HOST, CertificateFile(path, failure=Failure(reason, f"{path}: no")))
        )

    return happens


def stops(world: World) -> None:
    world.processes()
    world.sockets(SocketTable())


def both(first: Callable[[World], None], then: Callable[[World], None]) -> Callable[[World], None]:
    def happens(world: World) -> None:
        first(world)
        then(world)

    return happens


def ends_with(happens: Callable[[World], None]) -> Callable[[World], None]:
    return both(stops, happens)


def unit(**facts: object) -> Callable[[World], None]:
    def happens(world: World) -> None:
        plain = Unit("stunnel@web.service", "loaded", "inactive", "dead", "enabled", "simple", config=CONFIG)
        told = replace(plain, **facts)  # type: ignore[arg-type]
        world.tell(events.UnitsSeen(HOST, (told,)))

    return happens


def holds(name: str) -> Callable[[World], None]:
    """On disk this certificate of the PKI has taken the place of the service's."""

    def happens(world: World) -> None:
        world.file(world.pki.path(f"{name}.pem"), as_path=world.pki.path("server.pem"))
        world.file(world.pki.path(f"{name}.key"), as_path=world.pki.path("server.key"))

    return happens


def serves(name: str) -> Callable[[World], None]:
    """… and it is what the service shows."""
    return both(holds(name), lambda world: world.probed(world.good(name)))


def remote_shows(name: str, *errors: int) -> Callable[[World], None]:
    def happens(world: World) -> None:
        found = tuple(VerifyError(code, 0, f"error {code}") for code in errors)
        shown = replace(world.good(name, "10.1.4.7:443"), verify_errors=found, trusted=not errors)
        world.probed(shown)

    return happens


def remote_ends(verdict: Verdict, stage: str, alert: str = "") -> Callable[[World], None]:
    return lambda world: world.probed(
        replace(world.bad(verdict, stage, "words", alert), target="10.1.4.7:443")
    )


def everybody_reads_the_key(world: World) -> None:
    world.file(world.pki.path("server.key"), mode=0o644)
    world.walked(key_mode=0o644)


def edited(world: World) -> None:
    world.tick(600)
    world.text = world.text.replace("127.0.0.1:8080", "127.0.0.1:8081")
    config = replace(world.config(), stamp=Stamp(1, 2, int((world.now - 300) * 1e9)))
    world.tell(events.ConfigRead(HOST, config))


def spoiled(world: World) -> None:
    world.text += "[bad]\naccpet = 1\n"
    world.tell(events.ConfigRead(HOST, world.config()))


def reload_fails(world: World) -> None:
    world.log(world.line("Failed to reload the configuration file", level=3))


REFUSED = Reach("127.0.0.1:8080", Verdict.REFUSED, "connection refused")
REACHED = Reach("127.0.0.1:8081", Verdict.OK, connect_ms=0.2)

TROUBLES = [
    # instance
    Trouble("not-running", State.DOWN, stops, "not running"),
    Trouble("not-running", State.OFF, ends_with(unit(stopped=True)), "stopped"),
    Trouble(
        "unit-failed", State.DOWN, ends_with(unit(active_state="failed", result="exit-code")), "exit-code"
    ),
    Trouble(
        "unit-restarting",
        State.DOWN,
        ends_with(unit(active_state="activating", sub_state="auto-restart", restarts=7)),
        "7 times",
    ),
    Trouble(
        "hung", State.DOWN, lambda w: w.processes(replace(w.process, status="stopped")), "4711 is stopped"
    ),
    Trouble("config-error", State.CRITICAL, spoiled, "a restart would fail: web.conf:10"),
    Trouble("config-error", State.DOWN, ends_with(spoiled), "web.conf:10 refused"),
    Trouble("reload-failed", State.CRITICAL, reload_fails, "the old configuration serves"),
    Trouble("config-changed", State.WARNING, edited, "connect of [web] changed 5 min ago"),
    Trouble(
        "duplicate-instance",
        State.WARNING,
        lambda w: w.processes(w.process, replace(w.process, id=w.process.id._replace(pid=99, started=w.now))),
        "4711, 99",
    ),
    # listener
    Trouble(
        "accept-refused", State.DOWN, lambda w: w.sockets(SocketTable()), "not listening on 127.0.0.1:8443"
    ),
    Trouble("accept-taken", State.DOWN, lambda w: w.sockets(w.listening(mine=False)), "127.0.0.1:8443"),
    Trouble(
        "accept-taken",
        State.DOWN,
        both(lambda w: w.processes(), lambda w: w.sockets(w.listening(mine=False))),
        "held by another process",
    ),
    # TLS at the accept side
    Trouble("accept-refused", State.DOWN, probe_ends(Verdict.REFUSED, "connect"), "refuses connections"),
    Trouble("accept-timeout", State.DOWN, probe_ends(Verdict.TIMEOUT, "connect"), "does not answer"),
    Trouble("tls-timeout", State.DOWN, probe_ends(Verdict.TIMEOUT, "tls"), "accepts and then is silent"),
    Trouble(
        "hung",
        State.DOWN,
        both(lambda w: w.sockets(w.listening(queue=3)), probe_ends(Verdict.TIMEOUT, "tls")),
        "3 connections wait",
    ),
    Trouble("not-tls", State.DOWN, probe_ends(Verdict.NOT_TLS, "tls", "an SSH server"), "an SSH server"),
    Trouble("tls-closed", State.DOWN, probe_ends(Verdict.CLOSED, "tls"), "hangs up during the tls"),
    Trouble(
        "tls-rejected", State.DOWN, probe_ends(Verdict.TLS_ALERT, "tls", "", "handshake_failure"), "alert"
    ),
    Trouble(
        "tls-no-shared-version",
        State.DOWN,
        probe_ends(Verdict.TLS_ALERT, "tls", "", "protocol_version"),
        "no TLS version in common",
    ),
    Trouble(
        "protocol-failed", State.DOWN, probe_ends(Verdict.NEGOTIATION_FAILED, "negotiation", "554"), "554"
    ),
    # connect target
    Trouble("connect-refused", State.DOWN, hangs_up(REFUSED), "connect 127.0.0.1:8080 refused"),
    Trouble("connect-timeout", State.DOWN, hangs_up(REFUSED._replace(verdict=Verdict.TIMEOUT)), "times out"),
    Trouble(
        "connect-unresolved",
        State.DOWN,
        hangs_up(REFUSED._replace(verdict=Verdict.UNRESOLVED)),
        "cannot be resolved",
    ),
    Trouble("connect-closed", State.DOWN, hangs_up(), "hangs up right after the handshake"),
    Trouble(
        "connect-partial",
        State.WARNING,
        lambda w: w.probed(w.good(), reaches=(REFUSED, REACHED)),
        "1 of 2 targets down",
        TWO_TARGETS,
    ),
    # own certificate
    Trouble("cert-expired", State.CRITICAL, serves("expired"), "certificate expired 10 days ago"),
    Trouble("cert-expiring", State.WARNING, serves("soon"), "certificate expires in 9 days"),
    Trouble("cert-expiring", State.CRITICAL, serves("very-soon"), "certificate expires in 2 days"),
    Trouble("cert-not-yet-valid", State.CRITICAL, serves("early"), "not valid for another 10 days"),
    Trouble(
        "cert-missing", State.CRITICAL, file_fails("server.pem", Reason.MISSING), "server.pem is missing"
    ),
    Trouble(
        "cert-missing",
        State.DOWN,
        ends_with(file_fails("server.pem", Reason.MISSING)),
        "stunnel cannot start",
    ),
    Trouble("key-missing", State.CRITICAL, file_fails("server.key", Reason.MISSING), "server.key is missing"),
    Trouble(
        "key-mismatch",
        State.CRITICAL,
        lambda w: w.file(w.pki.path("client.key"), as_path=w.pki.path("server.key")),
        "does not belong",
    ),
    Trouble("key-exposed", State.WARNING, everybody_reads_the_key, "everybody"),
    Trouble("cert-not-loaded", State.WARNING, holds("client"), "served"),
    Trouble(
        "chain-order",
        State.WARNING,
        lambda w: w.probed(replace(w.good(), chain=(w.certificate("server"), w.certificate("stranger")))),
        "wrong order",
    ),
    Trouble(
        "chain-expired",
        State.CRITICAL,
        lambda w: w.probed(replace(w.good(), chain=(w.certificate("server"), w.certificate("expired")))),
        "expired",
    ),
    Trouble("slow", State.WARNING, lambda w: w.probed(replace(w.good(), flight_ms=4000.0)), "takes 4 s"),
    Trouble(
        "slow",
        State.WARNING,
        lambda w: w.probed(replace(w.good(), flight_ms=6000.0, late_ms=1000.0)),
        "takes 5 s",
    ),
    # the remote of a client service
    Trouble("connect-refused", State.DOWN, remote_ends(Verdict.REFUSED, "connect"), "10.1.4.7:443", CLIENT),
    Trouble("connect-timeout", State.DOWN, remote_ends(Verdict.TIMEOUT, "connect"), "times out", CLIENT),
    Trouble("peer-timeout", State.DOWN, remote_ends(Verdict.TIMEOUT, "tls"), "silent", CLIENT),
    Trouble("peer-not-tls", State.DOWN, remote_ends(Verdict.NOT_TLS, "tls"), "does not speak TLS", CLIENT),
    Trouble(
        "peer-tls-rejected",
        State.DOWN,
        remote_ends(Verdict.TLS_ALERT, "tls", "handshake_failure"),
        "refuses TLS",
        CLIENT,
    ),
    Trouble(
        "peer-client-cert-required",
        State.DOWN,
        lambda w: w.probed(
            replace(
                w.bad(Verdict.TLS_ALERT, "after", "", "certificate_required"),
                client_certificate_requested=True,
            )
        ),
        "asks for a client certificate",
        CLIENT,
    ),
    Trouble("peer-untrusted", State.DOWN, remote_shows("intruder", 20), "issuer not in ca.pem", CLIENT),
    Trouble("peer-cert-expired", State.DOWN, remote_shows("expired", 10), "expired 10 days ago", CLIENT),
    Trouble("peer-revoked", State.DOWN, remote_shows("server", 23), "revoked", CLIENT),
    Trouble("peer-name-mismatch", State.DOWN, remote_shows("client"), "not for server", CLIENT),
    Trouble(
        "connect-closed",
        State.DOWN,
        lambda w: w.probed(replace(w.good("server", "10.1.4.7:443"), closed_early=True)),
        "hangs up after the handshake",
        CLIENT,
    ),
]


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    """With certificates that run out soon, and one whose time has not come."""
    made = Pki(tmp_path_factory.mktemp("pki"))
    made.now = made.now.replace(microsecond=0)
    made.issue("soon", start=-80, end=10)
    made.issue("very-soon", start=-80, end=3)
    made.issue("early", start=11, end=90)
    return made


def world_of(pki: Pki, sections: str) -> World:
    world = World(pki, sections) if sections else World(pki)
    world.now += 60  # "10 days" are 9 whole ones then
    world.healthy()
    if sections == CLIENT:
        world.probed(world.good("server", "10.1.4.7:443"))
    return world


@pytest.mark.parametrize("sections", ["", CLIENT, TWO_TARGETS], ids=["server", "client", "two targets"])
def test_a_healthy_tunnel_has_no_finding(pki: Pki, sections: str) -> None:
    """No false alarm."""
    world = world_of(pki, sections)
    assert world.codes() == []
    assert world.row().state is State.OK


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda each: f"{each.code}-{each.state}-{each.says}")
def test_a_trouble_is_named_first(pki: Pki, trouble: Trouble) -> None:
    """Code, state and words of the first finding; each names what it saw, and none comes twice."""
    world = world_of(pki, trouble.sections)
    trouble.happens(world)
    row = world.row()
    assert row.cause is not None, "no finding"
    assert (row.cause.code, row.state) == (trouble.code, trouble.state), row.findings
    assert trouble.says in row.cause.text
    assert len(row.cause.text) <= 110
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", row.cause.code)
    codes = world.codes()
    assert len(codes) == len(set(codes)), codes


def test_our_own_lateness_is_nobody_s_slowness(pki: Pki) -> None:
    """What is left of the time once it is taken away is what counts."""
    world = world_of(pki, "")
    world.probed(replace(world.good(), flight_ms=6000.0, late_ms=4500.0))
    assert world.codes() == []


def test_where_connect_was_mended_on_disk_the_reload_is_what_is_missing(pki: Pki) -> None:
    """The loaded target refuses, and the file names another one by now."""
    world = world_of(pki, "")
    world.tick(600)
    hangs_up(REFUSED)(world)
    assert world.row().findings[0].fix == "start or mend the target"
    edited(world)
    cause = world.row().findings[0]
    assert cause.text.startswith("connect 127.0.0.1:8080 refused")
    assert cause.fix == "`connect` was changed on disk to 127.0.0.1:8081: reload"
    world.text += "[bad]\naccpet = 1\n"
    world.tell(events.ConfigRead(HOST, replace(world.config(), stamp=Stamp(1, 3, int(world.now * 1e9)))))
    assert world.row().findings[0].fix.endswith("to 127.0.0.1:8081: mend the file, then reload")


def test_what_would_be_refused_is_to_be_mended_before_it_is_loaded(pki: Pki) -> None:
    """The first cause says that a restart would fail: the second must not say to reload."""
    world = world_of(pki, "")
    world.tick(600)
    edited(world)
    assert changed(world).text.endswith("not loaded: reload")
    world.checked(
        Remark(
            CONFIG, 5, Severity.CRITICAL, Scope.ENVIRONMENT, "key-mismatch", "[web] not its key", "mend it"
        )
    )
    assert world.row().findings[0].text == "a restart would fail: [web] not its key"
    assert changed(world).text.endswith("not loaded: mend it, then reload")
    assert changed(world).fix == "mend the file, then reload"


def changed(world: World) -> Finding:
    return next(each for each in world.row().findings if each.code == "config-changed")


def test_denied_files_are_not_judged(pki: Pki) -> None:
    """What this user may not read is said, and no fault."""
    world = world_of(pki, "")
    file_fails("server.key", Reason.DENIED)(world)
    assert world.codes() == ["not-permitted"]
    assert world.row().state is State.OK


@pytest.mark.parametrize("sections", ["", CLIENT], ids=["server", "client"])
def test_of_a_process_that_accepts_nobody_the_listener_has_failed(pki: Pki, sections: str) -> None:
    """Its socket is there, and what a probe met before it was stopped proves nothing now."""
    world = world_of(pki, sections)
    assert world.row().lights == (Light.OK, Light.OK, Light.OK)
    world.processes(replace(world.process, status="stopped"))
    assert world.row().lights == (Light.FAILED, Light.UNKNOWN, Light.UNKNOWN)
    world.processes(world.process)
    assert world.row().lights == (Light.OK, Light.OK, Light.OK)


def test_disk_sleep_is_no_outage(pki: Pki) -> None:
    """Every process that writes its log is in it now and then."""
    world = world_of(pki, "")
    world.processes(replace(world.process, status="disk-sleep"))
    assert world.row().state is State.OK


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (119, "119 s"), (120, "2 min"), (7199, "119 min"), (7200, "2 h"), (86399, "23 h"),
     (86400, "1 day"), (-3 * 86400, "3 days")],
)  # fmt: skip
def test_spans_are_in_the_largest_unit_that_says_enough(seconds: float, words: str) -> None:
    """For both signs."""
    assert span(seconds) == words


def test_the_clock_says_the_day_only_where_it_is_another() -> None:
    """03:12, or 2 Nov 03:12."""
    now = 1_795_500_000.0
    assert re.fullmatch(r"\d\d:\d\d", clock(now, now))
    assert re.fullmatch(r"\d{1,2} \S+ \d\d:\d\d", clock(now - 3 * 86400, now))
    assert clock(None, now) == "?"


def test_a_service_is_judged_by_its_own_thresholds(pki: Pki) -> None:
    """What is early enough for the fleet may be late for one."""
    strict = Settings(services=(ServiceRule("w*", warn_days=60, warn_share=1),))
    world = World(pki, settings=strict).healthy()
    assert (world.row().state, world.codes()) == (State.WARNING, ["cert-expiring"])
    assert world.store.summary().expiring == 1
    assert World(pki).healthy().store.summary().expiring == 0


def test_of_two_processes_on_one_file_the_idle_one_is_named(pki: Pki) -> None:
    """Which holds the ports, and which one may be ended."""
    world = World(pki).healthy()
    idle = replace(world.process, id=world.process.id._replace(pid=4720), inodes=frozenset())
    world.processes(world.process, idle)
    (finding,) = (each for each in world.row().findings if each.code == "duplicate-instance")
    assert finding.text == "2 processes run this configuration: pids 4711, 4720; 4720 listens nowhere"
    assert finding.fix == "kill 4720"
    assert finding.evidence == ("pid 4711 listens on 127.0.0.1:8443", "pid 4720 listens on nothing")
