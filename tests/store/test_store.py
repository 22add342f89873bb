"""Events in, rows out: what the first screen says when something happens."""

import shutil
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.facts import CONFIG, HOST, LOG, PID, World
from tests.fixtures import Pki
from tests.lab.authority import issue
from tuimon import events
from tuimon.diagnose.finding import Light, Severity, State
from tuimon.model.certificate import CertificateFile
from tuimon.model.endpoint import Socket, SocketState
from tuimon.model.failure import Failure, Reason
from tuimon.model.handshake import Reach, Verdict
from tuimon.model.process import OpenLog, ProcessId, SocketTable
from tuimon.model.remark import Remark, Scope
from tuimon.model.service import InstanceKey
from tuimon.settings import Settings
from tuimon.store import Changes, Store
from tuimon.store.joiner import Joiner


@pytest.fixture
def world(pki: Pki) -> World:
    """One instance with one server service, not looked at yet."""
    return World(pki)


def test_a_healthy_tunnel_is_ok_without_a_word(world: World) -> None:
    """No false alarm: state, lights, findings, summary."""
    world.healthy()
    row = world.row()
    assert (row.state, row.findings) == (State.OK, ())
    assert row.lights == (Light.OK, Light.OK, Light.OK)
    assert row.certificate == world.certificate("server")
    assert row.renewed is None
    summary = world.store.summary()
    assert (summary.services, summary.ok, summary.down) == (1, 1, 0)


def test_before_anything_was_looked_at_there_is_a_row_without_judgement(world: World) -> None:
    """Rows from the parsed configuration at once: state `…`, no alarm about what nobody looked at."""
    world.tick()
    world.configs()
    assert (world.row().state, world.row().findings) == (State.PENDING, ())
    world.processes(world.process)
    assert world.row().state is State.PENDING
    assert not any(finding.down for finding in world.row().findings)


def test_what_the_services_themselves_lack_is_told_once_the_machine_was_looked_at(pki: Pki) -> None:
    """A thousand rows are seen before a thousand judgements are made."""
    world = World(pki, "[web]\naccept = 1\nconnect = localhost:80\ncert = /c.pem\n")
    world.configs()
    assert world.codes() == []
    world.processes(world.process)
    assert "ipv6-first" in world.codes()


def test_pending_says_what_the_first_sweep_lacks(world: World) -> None:
    """One word fewer with every look; `status` waits for the empty tuple."""
    assert Store(Settings()).pending() == ("configurations", "processes", "sockets", "units")
    steps = (
        (world.configs, "configurations"),
        (lambda: world.processes(world.process), "processes"),
        (world.sockets, "sockets"),
        (world.units, "units"),
        (world.files, "certificates"),
        (world.walked, "permissions"),
        (world.outputs, "outputs"),
        (lambda: world.log(first=True), "logs"),
        (lambda: world.probed(world.good()), "probes"),
        (world.checked, "checks"),
        (world.kept, "loaded texts"),
    )
    for look, what in steps:
        if what in {"certificates", "permissions", "outputs", "logs", "probes", "checks", "loaded texts"}:
            assert what in world.store.pending()
        look()
        assert what not in world.store.pending()
    assert world.store.pending() == ()


def test_interest_follows_from_the_facts(world: World) -> None:
    """Files of the services, the log that the process holds open, the configuration that it names."""
    world.begin()
    interest = world.store.interest()
    assert interest.configs == {CONFIG}
    assert interest.logs == {LOG}
    assert interest.certificates == {world.pki.path("server.pem"), world.pki.path("server.key")}
    (want,) = interest.probes
    assert want.key == world.key()


def test_a_process_that_is_gone_is_down_at_once(world: World) -> None:
    """No probe is needed for that, and its refusals are not listed besides."""
    world.healthy()
    world.processes()
    world.sockets(SocketTable())
    assert world.row().state is State.DOWN
    assert world.codes() == ["not-running"]
    assert world.row().lights[0] is Light.FAILED
    assert world.store.interest().probes == ()


def test_a_listener_that_is_gone_is_down_at_once(world: World) -> None:
    """The process runs, the socket is not there: the good handshake of before says nothing any more."""
    world.healthy()
    world.sockets(SocketTable())
    assert world.row().state is State.DOWN
    assert world.codes()[0] == "accept-refused"
    world.sockets(world.listening(mine=False))
    assert world.codes()[0] == "accept-taken"
    world.sockets()
    assert world.row().state is State.OK


def test_sockets_that_cannot_be_read_are_no_fault_of_the_service(world: World) -> None:
    """Unknown is not gone."""
    world.healthy()
    world.sockets(SocketTable(failure=Failure(Reason.DENIED, "permission denied")))
    assert world.row().state is not State.DOWN
    assert "accept-refused" not in world.codes()


def test_a_renewed_certificate_is_a_warning_until_it_is_served(world: World, tmp_path: Path) -> None:
    """Walked through: renewed on disk, old one still served, reload, new one served."""
    path, other = world.pki.path("server.pem"), Pki(tmp_path)
    world.healthy()
    shutil.copy(world.pki.path("server.pem"), tmp_path / "old.pem")
    world.file(other.path("server.pem"), as_path=path)
    world.file(other.path("server.key"), as_path=world.pki.path("server.key"))
    row = world.row()
    assert (row.state, world.codes()) == (State.WARNING, ["cert-not-loaded"])
    assert row.renewed is not None
    assert row.cause is not None
    assert "served" in row.cause.text
    stale = [use for use in world.store.certificates() if use.stale]
    assert [use.certificate for use in stale] == [world.certificate("server")]
    served = World(other).certificate("server")
    world.probed(replace(world.good(), chain=(served,)))
    assert (world.row().state, world.codes()) == (State.OK, [])


def test_a_renewal_asks_for_a_fresh_probe(world: World, tmp_path: Path) -> None:
    """So do a restart and a reload; a tick does not, and failures in the log are a doubt."""
    world.healthy()
    stamps = [world.store.interest().probes[0].stamp]

    def is_fresh() -> bool:
        stamps.append(world.store.interest().probes[0].stamp)
        return stamps[-1] != stamps[-2]

    world.tick(30)
    assert not is_fresh()
    world.file(Pki(tmp_path).path("server.pem"), as_path=world.pki.path("server.pem"))
    assert is_fresh()
    world.log(world.line("Configuration successful"))
    assert is_fresh()
    world.processes(replace(world.process, id=world.process.id._replace(pid=9, started=world.now)))
    assert is_fresh()
    doubt = world.store.interest().probes[0].doubt
    connection(world, "10.0.0.9:51522", "SSL_accept: Connection reset by peer (104)")
    assert not is_fresh()
    assert world.store.interest().probes[0].doubt != doubt


def connection(world: World, peer: str, error: str = "", log_id: str = "7") -> None:
    """A connection of `peer` in the log, good or failed for `error`."""
    middle = (
        (world.line(error, level=3, log_id=log_id),)
        if error
        else (world.line("Service [web] connected remote server from 127.0.0.1:40000", log_id=log_id),)
    )
    world.log(
        world.line(f"Service [web] accepted connection from {peer}", log_id=log_id),
        *middle,
        world.line("Connection closed: 0 byte(s) sent to TLS, 0 byte(s) sent to socket", log_id=log_id),
    )


def test_a_dead_back_end_is_named_with_its_reason(world: World) -> None:
    """TLS is well, then stunnel hangs up; the direct connect says why."""
    world.begin()
    early = replace(world.good(), closed_early=True, stage="after")
    world.probed(early, reaches=(Reach("127.0.0.1:8080", Verdict.REFUSED, "connection refused"),))
    row = world.row()
    assert (row.state, world.codes()) == (State.DOWN, ["connect-refused"])
    assert row.cause is not None
    assert "127.0.0.1:8080 refused" in row.cause.text
    assert row.lights == (Light.OK, Light.OK, Light.FAILED)


def test_a_target_that_fails_in_the_log_and_comes_back(world: World) -> None:
    """Since when, from the log; well again with the first connection that gets through."""
    world.healthy()
    for log_id in ("8", "9"):
        world.log(
            world.line("Service [web] accepted connection from 10.0.0.9:51522", log_id=log_id),
            world.line("s_connect: connect 127.0.0.1:8080: Connection refused (111)", level=3, log_id=log_id),
            world.line("No more addresses to connect", level=3, log_id=log_id),
            world.line("Connection reset: 0 byte(s) sent to TLS, 0 byte(s) sent to socket", log_id=log_id),
        )
        world.tick(60)
    early = replace(world.good(), closed_early=True, stage="after")
    world.probed(early, reaches=(Reach("127.0.0.1:8080", Verdict.REFUSED, "connection refused"),))
    cause = world.row().cause
    assert cause is not None
    assert cause.code == "connect-refused"
    assert " since " in cause.text
    assert world.row().tunnel.traffic.failures >= 2
    connection(world, "10.0.0.9:51523", log_id="10")
    world.probed(world.good())
    assert (world.row().state, world.codes()) == (State.OK, [])
    assert world.row().tunnel.traffic.target_failure is None


def test_one_dead_address_of_a_name_is_no_failure(world: World) -> None:
    """`localhost`: ::1 is refused first, then 127.0.0.1 answers; nobody is to be woken for that."""
    world.healthy()
    world.log(
        world.line("Service [web] accepted connection from 10.0.0.9:51522", log_id="8"),
        world.line("s_connect: connect ::1:8080: Connection refused (111)", level=3, log_id="8"),
        world.line("s_connect: connected 127.0.0.1:8080", log_id="8"),
        world.line("Service [web] connected remote server from 127.0.0.1:40000", log_id="8"),
    )
    assert (world.row().state, world.codes()) == (State.OK, [])
    assert world.row().tunnel.traffic.target_failure is None
    assert world.row().tunnel.traffic.failures == 0


def test_our_own_probes_are_folded_and_never_counted(world: World) -> None:
    """Neither as sessions nor as errors."""
    world.begin()
    world.tell(events.ProbeStarted(world.key(), "127.0.0.1:50001"))
    connection(world, "127.0.0.1:50001", "SSL_accept: ssl/record/rec_layer_s3.c:320: unexpected eof")
    connection(world, "10.0.0.9:51522", log_id="8")
    own = {line.record.peer for line in world.store.logbook.lines if line.own}
    assert own == {"127.0.0.1:50001"}
    assert world.row().tunnel.traffic.failures == 0
    peers = tuple(
        Socket(SocketState.ESTABLISHED, "127.0.0.1", 8443, address, port, 0, inode)
        for address, port, inode in (("127.0.0.1", 50001, 51), ("10.0.0.9", 51522, 52), ("10.0.0.9", 5, 0))
    )
    world.sockets(SocketTable(listening=world.listening().listening, established=peers))
    assert world.row().tunnel.sessions == 1


def test_a_configuration_that_is_removed_takes_its_rows_along(world: World) -> None:
    """With nobody running it, nothing is left; while somebody does, that is said."""
    world.healthy()
    world.store.apply(events.ConfigsFound(HOST, ()))
    world.store.apply(events.ProcessesSeen(HOST, ()))
    assert world.key() in world.store.drain().rows
    assert world.store.rows() == []
    assert world.store.instances() == []
    assert world.store.interest().probes == ()


def test_a_process_without_a_readable_configuration_has_a_row(world: World) -> None:
    """`-fd 3`: something runs, and the screen says what it could not see."""
    world.begin()
    nameless = replace(world.process, id=world.process.id._replace(pid=99), config="", argument="-fd 3")
    world.processes(world.process, nameless)
    titles = {row.tunnel.instance.title for row in world.store.rows()}
    assert titles == {"web.conf", "pid 99"}
    (row,) = (row for row in world.store.rows() if row.tunnel.instance.title == "pid 99")
    assert row.findings[0].code == "config-unknown"
    assert row.state is State.UNKNOWN


def test_a_configuration_that_was_not_read_yet_is_pending(world: World) -> None:
    """The process names its file: what is in it comes in a moment."""
    world.tick()
    world.tell(events.ConfigsFound(HOST, (CONFIG,)))
    world.units()
    world.processes(world.process)
    (row,) = world.store.rows()
    assert (row.state, [each.code for each in row.findings]) == (State.PENDING, [])
    assert "configurations" in world.store.pending()


def test_with_paths_other_instances_are_none_of_our_business(world: World) -> None:
    """`tuimon PATH…` looks only at these files."""
    world.store = Store(Settings(), only=("/etc/stunnel/web.conf",))
    world.healthy()
    other = replace(
        world.process,
        id=world.process.id._replace(pid=99),
        config="/etc/stunnel/other.conf",
        inodes=frozenset(),
    )
    world.processes(world.process, other)
    assert [row.key for row in world.store.rows()] == [world.key()]


def test_what_is_hidden_is_said(world: World) -> None:
    """Nothing is judged that could not be seen."""
    world.healthy()
    world.processes(replace(world.process, hidden=("exe", "cwd", "open files"), inodes=frozenset(), logs=()))
    assert any("1 of 1 processes partly visible" in said for said in world.store.blind_spots())
    assert world.row().state is State.OK
    denied = Failure(Reason.DENIED, "server.pem: permission denied")
    world.tell(events.CertificateRead(HOST, CertificateFile(world.pki.path("server.pem"), failure=denied)))
    assert not [each for each in world.row().findings if each.severity is not Severity.INFO]


def test_a_collector_that_fell_is_said_and_forgotten_when_it_runs_again(world: World) -> None:
    """A bug is visible."""
    failure = Failure(Reason.OTHER, "KeyError")
    world.store.apply(events.CollectorFailed("logs", failure, 1.0))
    assert world.store.drain().status
    assert world.store.collectors == {"logs": failure}
    world.store.apply(events.CollectorStarted("logs"))
    assert world.store.collectors == {"logs": None}


def test_drain_tells_exactly_what_changed(world: World) -> None:
    """Rows that say the same as before are not painted again."""
    world.healthy()
    assert world.store.drain() == Changes()
    assert not world.store.drain()
    world.store.apply(events.Ticked(world.now + 1))
    assert world.store.drain() == Changes(clock=True)
    world.store.apply(events.ProbeFinished(world.key(), world.good()))
    world.store.apply(events.ProcessesSeen(HOST, ()))
    assert world.store.drain().rows == {world.key()}


def test_what_says_the_same_joins_nobody_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """An accept queue that comes and goes is one service's, and a check that finds the same is no news."""
    world.healthy()
    joined: list[InstanceKey] = []
    join = Joiner._rejoin

    def counting(joiner: Joiner, key: InstanceKey) -> None:
        joined.append(key)
        join(joiner, key)

    monkeypatch.setattr(Joiner, "_rejoin", counting)
    world.sockets(world.listening(queue=1))
    world.checked()
    assert [each.queue for each in world.row().tunnel.listeners] == [1]
    assert not joined
    world.checked(Remark(CONFIG, None, Severity.WARNING, Scope.ENVIRONMENT, "x", "it is so", "mend it"))
    assert [each.config for each in joined] == [CONFIG]


def test_rows_come_worst_first_and_sni_services_follow_their_primary(pki: Pki) -> None:
    """The family stands where its worst member belongs."""
    world = World(
        pki,
        """
cert = {pki}/server.pem
key = {pki}/server.key
[a-fine]
accept = 127.0.0.1:1001
connect = 127.0.0.1:1
[front]
accept = 127.0.0.1:1002
connect = 127.0.0.1:1
[b-pattern]
sni = front:*.b.example
connect = 127.0.0.1:1
[z-broken]
accept = 127.0.0.1:1003
connect = 127.0.0.1:1
""",
    ).healthy()
    world.probed(world.bad(Verdict.TIMEOUT, "tls"), 3)
    names = [row.tunnel.service.name for row in world.store.rows()]
    assert names[0] == "z-broken"
    assert names.index("b-pattern") == names.index("front") + 1
    world.probed(replace(world.bad(Verdict.TLS_ALERT, "tls", alert="internal_error")), 2)
    names = [row.tunnel.service.name for row in world.store.rows()]
    assert names.index("a-fine") == 3
    assert names.index("b-pattern") == names.index("front") + 1


def test_since_is_when_the_state_changed(world: World) -> None:
    """It does not move while the state stays."""
    world.healthy()
    began = world.row().since
    world.tick(100)
    assert world.row().since == began
    world.processes()
    assert world.row().since == world.now


VERIFYING = """
[out]
client = yes
accept = 127.0.0.1:8443
connect = 10.1.4.7:443
CAfile = {pki}/ca.pem
verifyChain = yes
"""


def test_of_a_bundle_only_the_authorities_that_are_needed_are_shown(pki: Pki, tmp_path: Path) -> None:
    """A hundred roots that nobody here uses are no certificates of the fleet."""
    many = b"".join(issue(f"Root {index}", ca=True, days=(-9, -1)).pem for index in range(9))
    bundle = tmp_path / "bundle.pem"
    bundle.write_bytes(many + pki.pem("ca.pem"))
    world = World(pki, VERIFYING).healthy()
    world.file(str(bundle), as_path=pki.path("ca.pem"))
    world.probed(world.good("server", "10.1.4.7:443"))
    shown = {use.certificate.common_name for use in world.store.certificates() if "ca" in use.roles}
    assert shown == {world.certificate("ca").common_name}
    assert world.store.summary().expired == 0


def test_a_client_that_shares_its_port_with_a_probe_of_ours_elsewhere_is_a_session(world: World) -> None:
    """On one machine a local port may lead to many places at once: only the way to this door was ours."""
    world.healthy()
    table = world.listening()
    port = table.listening[0].port
    client = Socket(SocketState.ESTABLISHED, "127.0.0.1", port, "127.0.0.1", 50001, 0, 77)
    world.tell(events.ProbeStarted(world.key(), "127.0.0.1:50001", "127.0.0.1:9"))
    world.sockets(replace(table, established=(client,)))
    assert world.row().tunnel.sessions == 1
    world.tell(events.ProbeStarted(world.key(), "127.0.0.1:50001", f"127.0.0.1:{port}"))
    world.sockets(replace(table, established=(client, client._replace(remote_port=50002))))
    assert world.row().tunnel.sessions == 1


def test_a_configuration_that_is_read_again_and_says_the_same_keeps_nobody_waiting(world: World) -> None:
    """What is kept of a load is known by what it says: collectors hear of nothing new, and none comes."""
    world.healthy()
    world.checked()
    for wanted in world.store.interest().keep:
        world.tell(events.LoadedKept(HOST, wanted, None))
    assert world.store.pending() == ()
    before = world.store.interest()
    world.configs()
    assert world.store.interest() == before
    assert world.store.pending() == ()


def test_a_handshake_with_the_process_before_says_nothing_of_the_new_one(world: World) -> None:
    """Not even while the new one is not probed yet, because its log was not looked at."""
    world.healthy()
    (want,) = world.store.interest().probes
    world.probed(world.good(), stamp=want.stamp)
    assert world.store.fresh(world.key())
    another = ProcessId(PID + 1, world.now, world.process.id.exe)
    world.processes(replace(world.process, id=another, logs=(OpenLog("/var/log/another.log", False),)))
    assert not world.store.fresh(world.key())


def test_a_load_that_was_known_by_the_start_is_told_by_the_log(world: World) -> None:
    """In its whole seconds, as all that the log tells: else what failed in that second came before it."""
    world.started = int(world.now) - 3600 + 0.9
    world.process = replace(world.process, id=ProcessId(PID, world.started, "/usr/bin/stunnel4"))
    world.begin()
    instance = world.row().tunnel.instance
    assert instance.loaded is not None
    assert (instance.loaded_at, instance.loaded_from_log) == (int(world.started), True)
