"""Whose failures and whose silence matter, and what is said of them."""

import random
from collections.abc import Callable

import pytest
from msgspec import Struct
from msgspec.structs import replace

from tests.facts import HOST, SECTIONS, World
from tests.fixtures import Pki
from tests.store.test_clientele import CONNECTED, ENDED, HUNG_UP, REFUSED, UNKNOWN_CA
from tuimon import events
from tuimon.diagnose.client_reasons import fix
from tuimon.diagnose.finding import Finding, Severity
from tuimon.model.process import OpenLog
from tuimon.model.service import Stamp
from tuimon.parse.stunnel_reasons import reason_in_words
from tuimon.parse.x509 import read_file

EXPIRED = "SSL_accept: ../ssl/x.c:1: error:0A000415:SSL routines::sslv3 alert certificate expired"
DAYS = 5 * 86400


def healthy(pki: Pki, sections: str = "", *, up: float = DAYS) -> World:
    """A gateway whose stunnel has run for so many seconds."""
    world = World(pki, sections) if sections else World(pki)
    world.started = world.now - up
    world.process = replace(world.process, id=world.process.id._replace(started=world.started))
    return world.healthy()


def come(world: World, ago: float, *, peer: str = "10.0.0.9", failure: str = "", open_: bool = False) -> None:
    """One connection, so many seconds ago; it fails, or is served and ends, or is still open."""
    number = next(_NUMBERS)
    end = [failure, REFUSED] if failure else [CONNECTED] if open_ else [CONNECTED, ENDED]
    told = (f"Service [web] accepted connection from {peer}:{number}", *end)
    world.log(*(world.line(each, log_id=str(number), at=world.now - ago) for each in told))


_NUMBERS = iter(range(1024, 60_000))


def probe(world: World) -> None:
    """Our own handshake, which leaves its lines in the log."""
    world.tell(events.ProbeStarted(world.key(), "127.0.0.1:50001"))
    come(world, 0, peer="127.0.0.1")
    world.probed(world.good())


def found(world: World, code: str) -> Finding | None:
    return next((each for each in world.row().findings if each.code == code), None)


STRICT = f"{SECTIONS}CAfile = {{pki}}/ca.pem\nverifyChain = yes\n"


# -- failures -----------------------------------------------------------------------------------


def test_whose_issuer_may_be_on_disk_by_now_is_let_in_by_a_reload(pki: Pki) -> None:
    """What the fix says was done already, but for the reload."""
    world = healthy(pki, STRICT)
    for ago in (900, 800):
        come(world, ago)
    for ago in (300, 200, 100):
        come(world, ago, failure="Rejected by CERT at depth=0: CN=client")
    finding = found(world, "clients-failing")
    assert finding is not None
    assert not finding.fix.startswith("reload")
    path = world.pki.path("ca.pem")
    stamp = Stamp(8, 1, int(world.now * 1e9))
    world.tell(events.CertificateRead(HOST, read_file(path, world.pki.pem("ca.pem"), stamp=stamp)))
    finding = found(world, "clients-failing")
    assert finding is not None
    assert finding.fix.startswith("reload: what is in CAfile by now is not loaded")


def test_who_used_to_be_served_and_fails_now_is_an_alarm(pki: Pki) -> None:
    """With the peer, since when, why, what to do, and the lines; well again with its next success."""
    world = healthy(pki)
    for ago in (900, 800):
        come(world, ago)
    for ago in (300, 200, 100):
        come(world, ago, failure=UNKNOWN_CA)
    alarm = found(world, "clients-failing")
    assert alarm is not None
    assert alarm.severity is Severity.WARNING
    assert alarm.text.startswith("10.0.0.9 fails since ")
    assert alarm.text.endswith(": does not know our CA")
    assert "CA" in alarm.fix
    assert any("alert unknown ca" in each for each in alarm.evidence)
    come(world, 10)
    assert found(world, "clients-failing") is None


def test_what_another_finding_explains_is_not_said_twice(pki: Pki) -> None:
    """Clients that turn away from an expired certificate are its consequence."""
    world = healthy(pki)
    for ago in (900, 800):
        come(world, ago)
    for ago in (300, 200, 100):
        come(world, ago, failure=EXPIRED)
    assert found(world, "clients-failing") is not None
    world.file(pki.path("expired.pem"), as_path=pki.path("server.pem"))
    world.file(pki.path("expired.key"), as_path=pki.path("server.key"))
    world.probed(world.good("expired"))
    assert found(world, "cert-expired") is not None
    assert found(world, "clients-failing") is None


def test_a_stranger_is_told_of_and_disturbs_nobody(pki: Pki) -> None:
    """Somebody sets up a client: why it does not get in is worth knowing."""
    world = healthy(pki)
    for ago in (300, 200, 100):
        come(world, ago, failure=UNKNOWN_CA)
    told = found(world, "clients-failing")
    assert told is not None
    assert told.severity is Severity.INFO
    assert "never got in" in told.text
    world.tick(2 * 3600)
    assert found(world, "clients-failing") is None


def test_who_hangs_up_among_its_successes_does_so_by_habit(pki: Pki) -> None:
    """A health check beside a client at one address; who never did so before has trouble."""
    world = healthy(pki)
    for ago in (900, 800):
        come(world, ago)
    for ago in (700, 600, 500):
        come(world, ago, failure=HUNG_UP)
    assert found(world, "clients-failing") is not None
    for ago in (400, 300):
        come(world, ago)
    for ago in (290, 280, 270, 260):
        come(world, ago, failure=HUNG_UP)
    assert found(world, "clients-failing") is None


def test_what_a_reload_may_have_mended_waits_for_the_next_try(pki: Pki) -> None:
    """Told of, and no alarm; the next failure is one again."""
    world = healthy(pki)
    for ago in (900, 800):
        come(world, ago)
    for ago in (300, 200, 100):
        come(world, ago, failure=UNKNOWN_CA)
    world.log(world.line("Configuration successful", at=world.now - 50))
    told = found(world, "clients-failing")
    assert told is not None
    assert told.severity is Severity.INFO
    assert told.text.startswith("before the last load, 10.0.0.9 fails")
    assert any("not tried since" in each for each in told.evidence)
    come(world, 10, failure=UNKNOWN_CA)
    again = found(world, "clients-failing")
    assert again is not None
    assert again.severity is Severity.WARNING


def test_failures_of_yesterday_are_forgotten(pki: Pki) -> None:
    """Nobody tries any more: after a day it is no news."""
    world = healthy(pki)
    for ago in (900, 800):
        come(world, ago)
    for ago in (300, 200, 100):
        come(world, ago, failure=UNKNOWN_CA)
    world.tick(86400)
    assert found(world, "clients-failing") is None


@pytest.mark.parametrize(
    "message",
    [
        "SSL_accept: x.c:1: error:0A00009C:SSL routines::http request",
        "SSL_accept: x.c:1: error:0A00010B:SSL routines::wrong version number",
        "SSL_accept: x.c:1: error:0A000102:SSL routines::unsupported protocol",
        "SSL_accept: x.c:1: error:0A0000C1:SSL routines::no shared cipher",
        "SSL_accept: x.c:1: error:0A000076:SSL routines::no suitable signature algorithm",
        "SSL_accept: x.c:1: error:0A0000C7:SSL routines::peer did not return a certificate",
        "SSL_accept: x.c:1: error:0A000412:SSL routines::sslv3 alert bad certificate",
        "SSL_accept: x.c:1: error:0A0000DF:SSL routines::psk identity not found",
        "SSL_accept: x.c:1: error:0A0000FD:SSL routines::binder does not verify",
        UNKNOWN_CA,
        EXPIRED,
        "CERT: Pre-verification error: unable to get local issuer certificate",
        "CERT: Pre-verification error: certificate has expired",
        "CERT: Pre-verification error: CRL has expired",
        "CERT: Subject checks failed",
        "CERT: Certificate not found in local repository",
        "Rejected by OCSP at depth=0: CN=client",
        "PostgreSQL client did not request TLS, rejecting",
        "Service [web] REFUSED by libwrap from 10.0.0.9:1",
    ],
)
def test_every_usual_reason_has_its_own_advice(message: str) -> None:
    """In the words that the reader of the log has for it; nobody is told to look at some log."""
    reason = reason_in_words(message)
    assert reason
    assert fix(reason, client=False) != fix("something new", client=False)


# -- silence ------------------------------------------------------------------------------------

MINUTES = 60.0


def every(seconds: float, *, last: float, count: int = 30) -> list[float]:
    """How long ago each call was, the oldest first."""
    return [last + seconds * number for number in reversed(range(count))]


def humans(*, last: float, seed: int) -> list[float]:
    """A crowd: the next one comes when it comes."""
    dice, ago, calls = random.Random(seed), last, []  # noqa: S311
    for _ in range(40):
        calls.append(ago)
        ago += dice.expovariate(1 / 300)
    return calls[::-1]


class Silence(Struct, frozen=True):
    """When a partner called, how the world is, and whether it is missed."""

    name: str
    calls: list[float]
    missed: bool = False
    up: float = DAYS
    debug: str = ""
    then: Callable[[World], None] = lambda world: None


def log_deleted(world: World) -> None:
    world.process = replace(world.process, logs=(OpenLog("/var/log/stunnel4/web.log", True),))
    world.processes(world.process)


def back_again(world: World) -> None:
    come(world, 30)


def inside(world: World) -> None:
    come(world, 60 * MINUTES, open_=True)


SILENCES = (
    Silence("every five minutes, until an hour ago", every(300, last=60 * MINUTES), missed=True),
    Silence("every half minute, until a quarter of an hour ago", every(30, last=15 * MINUTES), missed=True),
    Silence(
        "three connections at each call",
        sorted((ago + more for ago in every(300, last=60 * MINUTES) for more in (0, 1, 2)), reverse=True),
        missed=True,
    ),
    Silence("every hour, for the fifth time not", every(3600, last=5 * 3600, count=8), missed=True),
    Silence("within its patience", every(300, last=15 * MINUTES)),
    Silence("long gone", every(300, last=4 * 3600)),
    Silence("five calls make no rhythm", every(300, last=60 * MINUTES, count=5)),
    Silence("every ten seconds: a health check", every(10, last=60 * MINUTES, count=48)),
    *(Silence(f"a crowd ({seed})", humans(last=60 * MINUTES, seed=seed)) for seed in range(8)),
    Silence(
        "office hours: it was silent last night too",
        [*every(300, last=17 * 3600, count=8), *every(300, last=60 * MINUTES, count=20)],
    ),
    Silence("stunnel was started just now", every(300, last=60 * MINUTES), up=5 * MINUTES),
    Silence("a log that tells of no connections", every(300, last=60 * MINUTES), debug="debug = 4\n"),
    Silence("a log that nobody can read any more", every(300, last=60 * MINUTES), then=log_deleted),
    Silence("back again", every(300, last=60 * MINUTES), then=back_again),
    Silence("still connected", every(300, last=65 * MINUTES), then=inside),
)


@pytest.mark.parametrize("silence", SILENCES, ids=[each.name for each in SILENCES])
def test_only_who_comes_like_clockwork_is_missed(pki: Pki, silence: Silence) -> None:
    """And only where its coming would have been seen, and not for ever."""
    sections = f"{silence.debug}[web]\naccept = 127.0.0.1:8443\nconnect = 127.0.0.1:8080\n"
    sections += f"cert = {pki.path('server.pem')}\nkey = {pki.path('server.key')}\n"
    world = healthy(pki, sections, up=silence.up)
    for ago in silence.calls:
        come(world, ago)
    silence.then(world)
    probe(world)
    alarm = found(world, "client-missing")
    assert (alarm is not None) == silence.missed
    assert alarm is None or (
        alarm.severity is Severity.WARNING and alarm.text.startswith("10.0.0.9 connects")
    )


def test_what_is_said_of_a_silence(pki: Pki) -> None:
    """Who, how often it used to come, for how long it has not; and when it comes back, nothing."""
    world = healthy(pki)
    for ago in every(300, last=40 * MINUTES):
        come(world, ago)
    probe(world)
    alarm = found(world, "client-missing")
    assert alarm is not None
    assert alarm.text == "10.0.0.9 connects every 5 min, silent for 40 min"
    come(world, 1)
    assert found(world, "client-missing") is None


def test_while_the_machine_slept_nobody_could_come(pki: Pki) -> None:
    """Nor in an hour that never was: patience begins when it is awake, its clock set."""
    world = healthy(pki)
    for ago in every(300, last=MINUTES):
        come(world, ago)
    probe(world)
    world.tick(3600)
    probe(world)
    assert found(world, "client-missing") is None
    for _ in range(40):
        world.tick(60)
    probe(world)
    assert found(world, "client-missing") is not None


def test_a_log_that_does_not_tell_of_our_own_probe_proves_no_silence(pki: Pki) -> None:
    """Disk full, a log that was renamed: whoever comes is not heard there either."""
    world = healthy(pki)
    for ago in every(300, last=40 * MINUTES):
        come(world, ago)
    world.probed(world.good())
    assert found(world, "client-missing") is None
