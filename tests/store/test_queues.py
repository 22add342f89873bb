"""Accept queues over time: when a queue says that nobody is accepted, and when it says nothing."""

import pytest
from msgspec.structs import replace

from tests.facts import World
from tests.fixtures import Pki
from tuimon.diagnose.finding import State
from tuimon.model.endpoint import Socket, SocketState
from tuimon.model.process import SocketTable

HELD = Socket(SocketState.ESTABLISHED, "127.0.0.1", 8443, "10.0.0.9", 51522, 0, 50)


@pytest.fixture
def world(pki: Pki) -> World:
    return World(pki).healthy()


def look(world: World, queue: int, *held: Socket) -> None:
    """One second later sockets are looked at."""
    world.tick(1)
    world.sockets(SocketTable(listening=world.listening(queue=queue).listening, established=held))


def test_a_queue_that_only_grows_is_a_process_that_hangs(world: World) -> None:
    """After three seconds of it; the text counts who waits and since when."""
    for queue in (1, 1, 2):
        look(world, queue)
        assert (world.codes(), "queues" in world.store.pending()) == ([], True)
    look(world, 4)
    (finding,) = world.row().findings
    assert (finding.code, world.row().state, finding.down) == ("hung", State.DOWN, True)
    assert finding.text.startswith("accepts nobody: 4 wait in its queue since ")
    assert "queues" not in world.store.pending()
    assert world.store.interest().probes == (), "a probe would only make the queue longer"
    look(world, 0)
    assert world.store.interest().probes
    assert (world.codes(), world.row().state) == ([], State.OK)


@pytest.mark.parametrize("queues", [(3, 2, 3, 3), (5, 4, 5, 4, 5, 4, 5), (1, 1, 0, 1, 1)])
def test_a_queue_that_moves_is_a_busy_service(world: World, queues: tuple[int, ...]) -> None:
    """Also where one look after the other finds it filled; and nobody waits for it to become empty."""
    for queue in queues:
        look(world, queue)
    assert world.codes() == []


def test_a_queue_that_stays_full_while_somebody_is_accepted_is_a_busy_service(world: World) -> None:
    """As much comes as goes."""
    for second in range(10):
        look(world, 129, *(HELD._replace(inode=50 + each) for each in range(second)))
    assert world.codes() == []
    assert "queues" not in world.store.pending()


def test_a_clock_that_is_set_back_is_no_end_of_it(world: World) -> None:
    """Who hung before hangs on, and has waited for as long as before."""
    for queue in (1, 1, 2, 2):
        look(world, queue)
    waited = world.now - world.row().tunnel.waiting[0].since
    world.tick(-3600)
    look(world, 3)
    assert world.codes() == ["hung"]
    assert world.now - world.row().tunnel.waiting[0].since == waited + 1


def test_one_look_is_no_proof_however_long_ago_it_was(world: World) -> None:
    """A machine that was suspended in a busy moment."""
    look(world, 1)
    world.tick(3600)
    world.sockets(world.listening(queue=1))
    assert world.codes() == []


def test_the_process_itself_is_named_before_its_queue(world: World) -> None:
    """A stopped process does not accept either."""
    world.processes(replace(world.process, status="stopped"))
    for _ in range(5):
        look(world, 2)
    (finding,) = world.row().findings
    assert "is stopped" in finding.text
