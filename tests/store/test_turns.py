"""Of many services that a log tells of, some are judged at a time; a few never wait."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.facts import HOST, LOG, World
from tests.fixtures import Pki
from tests.store.test_clientele import CONNECTED, ENDED
from tuimon import events
from tuimon.model.service import InstanceKey, ServiceKey
from tuimon.store.turns import Queue

ROUND = 20  # looks in which everybody has a turn


def keys(*numbers: int) -> list[ServiceKey]:
    return [ServiceKey(InstanceKey("gw", "/etc/x.conf"), "web", number) for number in numbers]


def test_a_few_never_wait() -> None:
    """Whoever they are; and nobody is there twice."""
    queue = Queue()
    queue.join(keys(1, 2, 3, 4))
    queue.join(keys(1, 2))
    assert queue.take() == set(keys(1, 2, 3, 4))
    assert queue.take() == set()


@settings(derandomize=True)
@given(st.integers(1, 2000))
def test_everybody_has_a_turn_within_a_round_however_often_the_log_tells(many: int) -> None:
    """Who was there first comes first, and who comes again stands behind the others."""
    queue, had = Queue(), set[ServiceKey]()
    for _ in range(ROUND):
        queue.join(keys(*range(many)))
        turn = queue.take()
        assert len(turn) <= max(4, many // ROUND + 1)
        had |= turn
    assert had == set(keys(*range(many)))


def test_nothing_that_waits_is_lost(pki: Pki) -> None:
    """A busy fleet is judged in turns, and at the end as if it had been judged at once."""
    sections = "".join(
        f"[s{number}]\naccept = {9000 + number}\nconnect = 8080\ncert = {{pki}}/server.pem\n"
        for number in range(9)
    )
    world = World(pki, sections).healthy()
    for number in range(9):
        accepted = f"Service [s{number}] accepted connection from 10.0.0.{number}:1"
        lines = [world.line(each, log_id=str(number)) for each in (accepted, CONNECTED, ENDED)]
        world.store.apply(events.LogAppended(HOST, LOG, tuple(world.reader.feed(lines))))
    changed = [world.store.drain(in_turns=True).rows for _ in range(3)]
    assert [len(rows) for rows in changed] == [4, 4, 1]
    assert not world.store.behind
    assert all(world.row(number).tunnel.clients.peers for number in range(9))
