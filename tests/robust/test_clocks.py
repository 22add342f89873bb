"""Clocks that are set while one looks, both ways, and a machine that slept: nothing is wrong by that."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fixtures import Pki
from tests.robust.clocks import Look, Watch, watching
from tests.robust.conftest import Note
from tests.robust.machine import SERVICES, Gateway, gateway

pytestmark = pytest.mark.timeout(180)

HOUR, DAY = 3600, 86_400
OFTEN, JITTER = 2.0, 0.2  # seconds between two handshakes, and the share of it by which one may come early
TICKS = 2.5  # seconds by which the clock of what is shown may be late, and what was seen ahead of it
TITLE = "clocks"


@pytest.fixture
def here(tmp_path: Path, pki: Pki) -> Iterator[Gateway]:
    with gateway(tmp_path, pki) as one:
        yield one


def _probed(watch: Watch, since: Look, times: int) -> float:
    """Wait until each service was probed so often since that look; seconds until then."""
    least = {name: each["probes"] + times for name, each in since.services.items()}
    return watch.until(
        lambda look: all(each["probes"] >= least[name] for name, each in look.services.items())
    )


def _shown(watch: Watch, gateway: Gateway) -> float:
    """Wait until the lines of a visitor that comes now are shown; seconds until then."""
    visitor, at = gateway.visit(), time.time() + gateway.clock.ahead
    end = f"accepted connection from {visitor}"
    took = watch.until(lambda look: any(message.endswith(end) for _, message, _ in look.log))
    (line,) = (line for line in watch.look().log if line[1].endswith(end))
    assert abs(line[0] - at) < TICKS
    assert not line[2]  # a client's, not one of ours
    return took


def _told(watch: Watch, gateway: Gateway) -> float:
    """Wait until the clock is seen as it is now, and that it jumped is said; seconds until then."""
    return watch.until(lambda look: look.jumped and abs(look.now - time.time() - gateway.clock.ahead) < TICKS)


def _sane(look: Look) -> None:
    """Nothing that was seen lies ahead, and whoever was there all the time is in the picture."""
    moments = (at for each in look.services.values() for at in each["moments"] if at is not None)
    assert max(moments) < look.now + TICKS
    sessions = {name: each["sessions"] for name, each in look.services.items()}
    assert sessions == dict.fromkeys(sessions, 0) | {"s2": 1}
    assert all(each["minutes"][-1] is not None for each in look.services.values())
    assert look.services["s2"]["minutes"][-1] >= 1
    shown = time.strftime("at %H:%M:%S", time.localtime(look.services["s2"]["probed"]))
    assert f"proved by a handshake {shown}" in look.services["s2"]["page"]


@pytest.mark.parametrize("seconds", [HOUR, -HOUR], ids=["forth", "back"])
def test_a_clock_that_is_set_is_no_alarm(here: Gateway, note: Note, seconds: int) -> None:
    """Nor when it is set right: what was well stays so, probes are made as often as before, what is logged
    from then on is shown, and nothing that was seen lies ahead."""
    with watching(here, handshake=OFTEN) as watch:
        for ahead in (seconds, 0):
            accepted, began, looks = here.handshakes(), time.monotonic(), len(watch.looks)
            here.clock.set(ahead)
            told, _, shown = _told(watch, here), _probed(watch, watch.looks[-1], 3), _shown(watch, here)
            took, made = time.monotonic() - began, here.handshakes() - accepted
            assert 2 * SERVICES <= made <= SERVICES * (took / (OFTEN * (1 - JITTER)) + 2)
            _sane(watch.look())
            seen = watch.looks[looks:]
            assert {state for look in seen for state in look.states} == {"ok"}
            codes = {code for look in seen for each in look.services.values() for code in each["codes"]}
            assert "client-missing" not in codes
            way = "back" if ahead < max(0, seconds) else "forth"
            note(
                TITLE,
                f"clock set {way} by an hour: told in {told:.1f} s, "
                f"{SERVICES} services ok in {len(seen)} looks, {made / took:.1f} handshakes/s "
                f"(one each {OFTEN:.0f} s is {SERVICES / OFTEN:.1f}), a line shown after {shown:.2f} s",
            )


@pytest.mark.parametrize(
    ("days", "own", "peer"),
    [(40, "cert-expired", "ca-expired"), (-40, "cert-not-yet-valid", "peer-cert-not-yet-valid")],
)
def test_certificates_run_out_by_the_clock(here: Gateway, note: Note, days: int, own: str, peer: str) -> None:
    """That is an alarm, and gone when the clock comes back."""
    with watching(here, handshake=OFTEN) as watch:
        here.clock.set(days * DAY)
        servers = watch.until(lambda look: [codes[:1] for codes in _codes(look)] == [[own]] * (SERVICES - 1))
        remote = servers + watch.until(lambda look: look.services["out"]["codes"][:1] == [peer])
        here.clock.set(0)
        well = watch.until(lambda look: [each for each in _codes(look) if each] == [])
        all_well = well + watch.until(lambda look: look.states == {"ok"})
        _sane(watch.look())
        note(
            TITLE,
            f"{days:+} days: {own} after {servers:.1f} s, {peer} after {remote:.1f} s; "
            f"the clock set right: gone after {well:.1f} s and {all_well:.1f} s",
        )


def _codes(look: Look) -> list[list[str]]:
    """The findings of the servers."""
    return [each["codes"] for name, each in look.services.items() if name != "out"]


def _rests(look: Look) -> bool:
    """Whether the last probe was a while ago, so that nothing is left of it."""
    return all(look.now - each["probed"] > 3 for each in look.services.values())


def test_a_machine_that_slept_looks_soon_and_once(here: Gateway, note: Note) -> None:
    """After eight hours all is due: each service is probed once, within seconds, however long it would have
    been until its time; nobody is wrong meanwhile."""
    with watching(here) as watch:
        watch.until(_rests)
        accepted, looks, before = here.handshakes(), len(watch.looks), watch.looks[-1]
        here.clock.sleep(8 * HOUR, (watch.pid, *here.pids))
        told, probed = _told(watch, here), _probed(watch, before, 1)
        shown = _shown(watch, here)
        _sane(watch.look())
        seen = watch.looks[looks:]
        assert {state for look in seen for state in look.states} == {"ok"}
        made = here.handshakes() - accepted
        assert made == SERVICES
        note(
            TITLE,
            f"8 h asleep: told after {told:.1f} s, {made} handshakes with {SERVICES} services within "
            f"{told + probed:.1f} s, all ok in {len(seen)} looks, a line shown after {shown:.2f} s",
        )
