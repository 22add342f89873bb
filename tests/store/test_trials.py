"""What a client service refuses is judged by what its process has loaded, not by what is on disk by now.

Rule: our probes trust the disk; what they found before it changed is remembered, and the log is heard.
"""

import pytest
from msgspec.structs import replace

from tests.facts import CLIENT, HOST, World
from tests.fixtures import Pki
from tuimon import events
from tuimon.diagnose.finding import Light, State
from tuimon.model.handshake import Verdict, VerifyError
from tuimon.model.service import Stamp
from tuimon.parse.x509 import read_file

REJECTED = "Rejected by CERT at depth=0: CN=server"


def takes(world: World) -> None:
    """A probe that trusts what is on disk takes the remote."""
    world.probed(replace(world.good("server", "10.1.4.7:443"), trusted=True))


def refuses(world: World) -> None:
    """It does not know the issuer."""
    unknown = VerifyError(20, 0, "unable to get local issuer certificate")
    world.probed(replace(world.good("server", "10.1.4.7:443"), trusted=False, verify_errors=(unknown,)))


@pytest.fixture
def world(pki: Pki) -> World:
    """A client service that is well."""
    world = World(pki, CLIENT).begin()
    takes(world)
    assert said(world) == (State.OK, [])
    return world


def changes(world: World, at: float | None = None) -> None:
    """The file of the authorities was written `at`, by default now."""
    stamp = Stamp(8, 1, int((world.now if at is None else at) * 1e9))
    file = read_file(world.pki.path("ca.pem"), world.pki.pem("ca.pem"), stamp=stamp)
    world.tell(events.CertificateRead(HOST, file))


def reloads(world: World) -> None:
    world.tick(1)
    world.log(world.line("Configuration successful"))


def client_comes(world: World, port: int, *lines: str) -> None:
    """A local client comes at this moment; `lines` are what the log says of it."""
    name = f"Service [out] accepted connection from 127.0.0.1:{port}"
    connected = "Service [out] connected remote server from 127.0.0.1:5"
    count = 0 if lines else 9
    ends = f"Connection closed: {count} byte(s) sent to TLS, {count} byte(s) sent to socket"
    told = (name, connected, *lines, ends)
    world.log(*(world.line(each, log_id=str(port)) for each in told))


def said(world: World) -> tuple[State, list[str]]:
    return world.row().state, world.codes()


def test_an_issuer_added_on_disk_relieves_nobody_before_the_reload(world: World) -> None:
    """Down goes on, whatever a probe brings that trusts the disk; after the reload it is well at once."""
    world.tick(60)
    refuses(world)
    assert said(world) == (State.DOWN, ["peer-untrusted"])
    world.tick(60)
    changes(world)
    assert said(world) == (State.DOWN, ["ca-not-loaded"]), "judged by a probe of before the change"
    for _ in range(3):
        world.tick(61)  # three minutes and a little: the time of a file is rounded
        takes(world)
        assert said(world) == (State.DOWN, ["ca-not-loaded"])
    row = world.row()
    assert (row.why, row.findings[0].fix) == ("ca.pem changed 3 min ago, not loaded: reload", "reload")
    assert row.lights == (Light.OK, Light.FAILED, Light.OK)
    reloads(world)
    assert said(world) == (State.OK, [])


def test_a_probe_that_was_faster_than_the_look_at_the_file_is_no_relief_either(world: World) -> None:
    """It trusted what nobody had told us of yet."""
    world.tick(60)
    refuses(world)
    world.tick(60)
    written = world.now
    takes(world)
    world.tick(1)
    takes(world)
    assert world.row().state is State.OK
    changes(world, written)
    assert said(world) == (State.DOWN, ["ca-not-loaded"])


def test_where_the_disk_does_not_know_the_issuer_either_that_is_the_cause(world: World) -> None:
    """A reload alone would not do."""
    world.tick(60)
    refuses(world)
    world.tick(60)
    changes(world)
    world.tick(60)
    refuses(world)
    state, codes = said(world)
    assert (state, codes[0]) == (State.DOWN, "peer-untrusted")
    assert not world.row().why.startswith("after a reload")


def test_authorities_that_were_only_touched_turn_nobody_away(world: World) -> None:
    """Neither of a service that was always well, nor of one whose remote had mended itself before."""
    world.tick(60)
    changes(world)
    takes(world)
    assert said(world) == (State.WARNING, ["ca-not-loaded"])  # an authority of late: it was brought for this
    reloads(world)
    refuses(world)
    world.tick(60)
    client_comes(world, 50100, REJECTED)
    world.tick(60)
    takes(world)
    assert world.row().state is State.OK
    world.tick(60)
    changes(world)
    takes(world)
    assert not any(each.down for each in world.row().findings)


def test_authorities_made_worse_on_disk_turn_nobody_away_yet(world: World) -> None:
    """What the process holds still takes the remote."""
    world.tick(60)
    changes(world)
    world.tick(60)
    refuses(world)
    assert world.row().state is State.WARNING
    assert world.row().why.startswith("after a reload: ")


def test_the_log_tells_who_is_refused_where_no_probe_was_before(world: World) -> None:
    """tuimon came when the file had changed; its probe is taken, and clients are not."""
    world.tick(60)
    client_comes(world, 50101, REJECTED)
    changes(world, world.now - 30)
    takes(world)
    assert said(world) == (State.DOWN, ["ca-not-loaded"])
    assert any(REJECTED in each for each in world.row().findings[0].evidence)
    world.tick(60)
    client_comes(world, 50102)
    assert not world.row().findings[0].down, "somebody got through"
    world.tick(60)
    client_comes(world, 50103, REJECTED)
    assert world.row().state is State.DOWN
    reloads(world)
    assert world.row().state is State.OK
    assert "ca-not-loaded" not in world.codes()


def test_a_remote_that_is_gone_is_the_cause_whatever_was_refused_before(world: World) -> None:
    """What cannot be reached cannot be judged."""
    world.tick(60)
    refuses(world)
    world.tick(60)
    changes(world)
    world.probed(replace(world.bad(Verdict.REFUSED, "connect"), target="10.1.4.7:443"))
    assert (world.row().state, world.codes()[0]) == (State.DOWN, "connect-refused")
