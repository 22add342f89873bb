"""How long the proof of an action is waited for: in simulated time, as the real one would take minutes."""

from tuimon.control.proof import Patience, Proof, Stage
from tuimon.settings import Probes

PROBES = Probes(timeout=5, repeat_after=2)
READING = Proof(Stage.WAITING, "waiting for the listener of [a]")


def awaiting(count: int) -> Proof:
    """So many handshakes are still to come."""
    return Proof(Stage.WAITING, "waiting for a handshake", loaded=True, awaited=count)


def test_a_large_fleet_is_waited_for_as_long_as_handshakes_come_in() -> None:
    patience = Patience(PROBES, 100.0)
    assert not any(patience.over(awaiting(3000 - at), 100.0 + 10 * at) for at in range(3000))


def test_a_handshake_that_does_not_come_ends_the_wait() -> None:
    patience = Patience(PROBES, 100.0)
    assert not patience.over(awaiting(3), 110.0)
    assert not patience.over(awaiting(3), 136.9)
    assert patience.over(awaiting(3), 137.1)  # 15 s, two handshakes and the pause between them later


def test_services_that_come_and_go_do_not_prolong_it() -> None:
    patience = Patience(PROBES, 100.0)
    waits = [patience.over(awaiting(2 + at % 2), 100.0 + at) for at in range(60)]
    assert waits.index(True) == 28


def test_a_process_that_does_not_get_ready_is_waited_for_briefly() -> None:
    patience = Patience(PROBES, 100.0)
    assert not patience.over(READING, 114.9)
    assert patience.over(READING, 115.1)
