"""The clock: what it does by itself is said while it is news, and nothing that was seen lies ahead of it."""

import pytest

from tests.facts import World
from tests.fixtures import Pki
from tuimon import events
from tuimon.diagnose.finding import State
from tuimon.model.handshake import Verdict
from tuimon.store import Past


@pytest.fixture
def world(pki: Pki) -> World:
    return World(pki)


def test_a_clock_that_goes_on_is_no_news(world: World) -> None:
    """Nor is the first tick, nor a step by which it is kept right."""
    for seconds in (0.0, 1.0, 60.0, -1.5, 1.0):
        world.tick(seconds)
        assert world.store.jumped == ""


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-7200.0, "the clock was set back by 2 h: what is timed may be wrong"),
        (30000.0, "nothing was looked at for 8 h: asleep, or the clock was set"),
    ],
)
def test_a_jump_is_told_for_a_minute(world: World, seconds: float, words: str) -> None:
    """Whichever way; then it is history."""
    world.tick()
    world.tick(seconds)
    assert world.store.jumped == words
    world.tick(50)
    assert world.store.jumped == words
    world.tick(50)
    assert world.store.jumped == ""


def _past(world: World) -> Past:
    return world.store.past(world.key())


def _down_for_a_minute(world: World) -> None:
    world.healthy()
    world.tick(10)
    world.probed(world.bad(Verdict.REFUSED, "connect"))
    world.tick(60)
    world.probed(world.good())


def test_what_was_seen_goes_back_with_the_clock(world: World) -> None:
    """It was as long ago as before, and lasted as long."""
    _down_for_a_minute(world)
    before = [world.now - each.at for each in _past(world).changes]
    world.tick(-3600)
    assert [world.now - each.at for each in _past(world).changes] == before
    assert [world.now - each.at for each in _past(world).probes()] == [70, 60, 0]
    assert [each.lasted(world.now) for each in _past(world).outages(0.0)] == [60]
    assert world.row().tunnel.probed_at == world.now
    assert world.row().since == world.now


def test_what_came_first_stays_first(world: World) -> None:
    """Also where only a part of it would lie ahead, and where the clock goes forth and back again."""
    _down_for_a_minute(world)
    true = [each.at for each in _past(world).changes]
    world.tick(-30)
    assert [world.now - each.at for each in _past(world).changes] == [40, 30, 0]
    world.tick(40 * 86400)
    world.probed(world.bad(Verdict.REFUSED, "connect"))
    assert world.row().state is State.DOWN
    world.tick(-40 * 86400)
    assert [world.now - each.at for each in _past(world).changes] == [40, 30, 0, 0, 0]  # expired, down
    assert [each.at for each in _past(world).changes][:2] == true[:2]


def test_a_probe_that_was_open_is_ours_by_both_clocks(world: World) -> None:
    """Its lines bear the time from before and from after."""
    world.healthy()
    begun = world.now
    world.tell(events.ProbeStarted(world.key(), "127.0.0.1:50001", "127.0.0.1:8443"))
    came = "Service [web] accepted connection from 127.0.0.1:50001"
    for jump in (3600, -7200):
        early = world.line(came, at=world.now + jump)
        world.log(early)  # told before the clock is
        assert not world.store.logbook.lines[-1].own
        world.tick(jump)
        assert world.store.logbook.lines[-1].own
    world.log(world.line(came, at=begun))
    assert world.store.logbook.lines[-1].own
