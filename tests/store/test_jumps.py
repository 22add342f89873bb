"""The clock: what it does by itself is said while it is news."""

import pytest

from tests.facts import World
from tests.fixtures import Pki


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
