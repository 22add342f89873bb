"""The kernel's sockets from look to look: of which ports something may be said anew."""

from tuimon import events
from tuimon.model.endpoint import Socket, SocketState
from tuimon.model.process import Process, ProcessId, SocketTable
from tuimon.store.kernel import Kernel, Moved

DOOR = Socket(SocketState.LISTEN, "127.0.0.1", 8443, "", 0, 0, 41)
OTHER = DOOR._replace(port=8444, inode=42)
BOTH = SocketTable(listening=(DOOR, OTHER))
ALL = Moved(frozenset({8444}), frozenset({8444}))


def process(pid: int, *inodes: int) -> Process:
    return Process(ProcessId(pid, 1.0, "/usr/bin/stunnel"), inodes=frozenset(inodes))


def kernel(table: SocketTable) -> Kernel:
    """Two processes, each with a socket, looked at twice."""
    found = Kernel(lambda peer, door: False, lambda log, peer: None)
    for _ in range(2):
        found.take_processes((process(1, 41), process(2, 42)))
        found.take(events.SocketsSeen("here", (table,)), 0.0)
    return found


def test_a_process_that_ended_concerns_the_ports_that_it_held() -> None:
    """On a machine where processes come and go (inetd) not every service is joined anew at every look."""
    seen = kernel(BOTH)
    seen.take_processes((process(1, 41),))
    seen.take(events.SocketsSeen("here", (SocketTable(listening=(DOOR,)),)), 1.0)
    assert (seen.moved, seen.ports) == (True, Moved(doors=frozenset({8444})))


def test_a_socket_that_outlives_its_process_is_somebody_elses_now() -> None:
    """A program that stunnel has started keeps it open: the table is what it was, and what it says is not."""
    tables = (BOTH,)
    seen = kernel(BOTH)
    seen.take(events.SocketsSeen("here", tables), 1.0)
    seen.take_processes((process(1, 41),))
    seen.take(events.SocketsSeen("here", tables), 2.0)
    assert (seen.moved, seen.ports) == (True, ALL)
    seen.take(events.SocketsSeen("here", tables), 3.0)
    assert (seen.moved, seen.ports) == (False, Moved())


def test_a_connection_moves_no_door() -> None:
    """A thousand services may have one target: who connects or waits there says nothing of them."""
    seen = kernel(BOTH)
    client = OTHER._replace(state=SocketState.ESTABLISHED, remote_port=50001, inode=43)
    for waiting in (0, 1):
        listening = (DOOR, OTHER._replace(queue=waiting))
        table = SocketTable(listening=listening, established=(client,) * (1 - waiting))
        seen.take(events.SocketsSeen("here", (table,)), 1.0)
        assert seen.ports == Moved(clients=frozenset({8444}))
