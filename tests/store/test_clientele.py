"""The clientele: who is a client, who is not, and how each fares, from lines of a log."""

from collections.abc import Iterator

import pytest

from tests.facts import World
from tests.fixtures import Pki
from tuimon import events
from tuimon.model.clients import Clients, Peer

UNKNOWN_CA = "SSL_accept: ../ssl/x.c:1: error:0A000418:SSL routines::tlsv1 alert unknown ca"
HUNG_UP = "SSL_accept: ../ssl/x.c:1: error:0A000126:SSL routines::unexpected eof while reading"
CONNECTED = "Service [web] connected remote server from 127.0.0.1:40000"
ENDED = "Connection closed: 9 byte(s) sent to TLS, 5 byte(s) sent to socket"
REFUSED = "Connection reset/closed: 0 byte(s) sent to TLS, 0 byte(s) sent to socket"
LOOKED = "Connection closed: 0 byte(s) sent to TLS, 0 byte(s) sent to socket"
SECTIONS = """
[web]
accept = 8443
connect = 127.0.0.1:8080
cert = {pki}/server.pem
key = {pki}/server.key
[two]
sni = web:two.example
connect = 127.0.0.1:8081
cert = {pki}/server.pem
key = {pki}/server.key
[out]
client = yes
accept = 127.0.0.1:8444
connect = 10.1.4.7:443
"""


@pytest.fixture
def world(pki: Pki) -> World:
    """A gateway on which nobody has come yet."""
    return World(pki, SECTIONS).healthy()


@pytest.fixture
def numbers() -> Iterator[int]:
    """Connection ids."""
    return iter(range(100, 100_000))


def come(world: World, peer: str, *words: str, log_id: object, service: str = "web") -> None:
    """One connection of `peer` (`IP:port`), with these lines after its accept line."""
    told = (f"Service [{service}] accepted connection from {peer}", *words)
    world.log(*(world.line(each, log_id=str(log_id)) for each in told))


def clients(world: World, ordinal: int = 0) -> Clients:
    return world.row(ordinal).tunnel.clients


def only(world: World, ordinal: int = 0) -> Peer:
    (peer,) = clients(world, ordinal).peers
    return peer


def test_a_peer_is_an_address(world: World, numbers: Iterator[int]) -> None:
    """Whatever its port; successes, failures since the last one, and why in words."""
    for port in (1, 2):
        come(world, f"10.0.0.9:{port}", CONNECTED, ENDED, log_id=next(numbers))
    for port in (3, 4):
        come(world, f"10.0.0.9:{port}", UNKNOWN_CA, REFUSED, log_id=next(numbers))
    peer = only(world)
    assert (peer.address, peer.connections, peer.failed, peer.served) == ("10.0.0.9", 4, 2, 2)
    assert (peer.streak, len(peer.failing)) == (2, 2)
    assert peer.last_reason == "peer does not know our CA (alert unknown ca)"
    come(world, "10.0.0.9:5", CONNECTED, log_id=next(numbers))  # still open, and through
    assert (only(world).streak, only(world).open) == (0, 1)


def test_in_one_second_the_order_of_the_ends_counts(world: World, numbers: Iterator[int]) -> None:
    """The log's clock has whole seconds: a success and a failure may have the same time."""
    come(world, "10.0.0.9:1", UNKNOWN_CA, REFUSED, log_id=next(numbers))
    come(world, "10.0.0.9:2", CONNECTED, ENDED, log_id=next(numbers))
    assert only(world).streak == 0
    come(world, "10.0.0.9:3", UNKNOWN_CA, REFUSED, log_id=next(numbers))
    assert only(world).streak == 1


def test_our_own_probes_are_no_clients_though_their_lines_came_first(world: World) -> None:
    """Told of before, while they run, or after their end."""
    world.tell(events.ProbeStarted(world.key(), "127.0.0.1:50001"))
    come(world, "127.0.0.1:50001", CONNECTED, ENDED, log_id=1)
    come(world, "127.0.0.1:50002", CONNECTED, log_id=2)
    come(world, "127.0.0.1:50003", CONNECTED, ENDED, log_id=3)
    for port in (50002, 50003):
        world.tell(events.ProbeStarted(world.key(), f"127.0.0.1:{port}"))
    come(world, "10.0.0.9:1", CONNECTED, ENDED, log_id=4)
    assert only(world).address == "10.0.0.9"


@pytest.mark.parametrize(("address", "known"), [("127.0.0.1", 0), ("::1", 0), ("10.0.0.9", 2)])
def test_who_says_nothing_from_this_machine_is_a_probe(world: World, address: str, known: int) -> None:
    """Of another tuimon, or of whatever watches; from elsewhere it is seen, and served nothing."""
    come(world, f"{address}:1", CONNECTED, LOOKED, log_id=1)
    come(world, f"{address}:2", HUNG_UP, REFUSED, log_id=2)
    assert sum(each.connections for each in clients(world).peers) == known
    assert sum(each.served for each in clients(world).peers) == 0


def test_peers_that_cannot_be_told_apart_are_left_out(world: World) -> None:
    """A Unix socket has no address."""
    come(world, "unnamed socket", CONNECTED, ENDED, log_id=1)
    assert clients(world).peers == ()


def test_a_server_name_leads_the_client_along(world: World) -> None:
    """It is the secondary's client, and none of the primary's."""
    switched = "SNI: switched to service [two]"
    connected = CONNECTED.replace("[web]", "[two]")
    come(world, "10.0.0.9:1", switched, connected, ENDED, log_id=1)
    assert clients(world).peers == ()
    assert (only(world, 1).connections, only(world, 1).served) == (1, 1)


def test_a_dead_target_is_nobody_s_failure(world: World) -> None:
    """Seen, and neither a success nor a failure of the client."""
    refused = "s_connect: connect 127.0.0.1:8080: Connection refused (111)"
    come(world, "10.0.0.9:1", refused, "No more addresses to connect", REFUSED, log_id=1)
    peer = only(world)
    assert (peer.connections, peer.failed, peer.last_success) == (1, 0, None)


def test_a_client_service_has_succeeded_at_the_end_only(world: World) -> None:
    """It connects before it shakes hands, and with TLS 1.3 is refused after that."""
    connected = CONNECTED.replace("[web]", "[out]")
    come(world, "127.0.0.1:1", connected, log_id=1, service="out")
    assert only(world, 2).last_success is None
    late = "SSL_read: ../ssl/x.c:1: error:0A00045C:SSL routines::tlsv13 alert certificate required"
    said = "Connection closed/reset: 5 byte(s) sent to TLS, 0 byte(s) sent to socket"
    world.log(world.line(late, level=3, log_id="1"), world.line(said, log_id="1"))
    assert (only(world, 2).failed, only(world, 2).streak) == (1, 1)
    come(world, "127.0.0.1:2", connected, ENDED, log_id=2, service="out")
    assert only(world, 2).streak == 0
    come(world, "127.0.0.1:3", connected, log_id=3, service="out")
    world.tick(30)
    assert only(world, 2).last_success == int(world.now - 30)


def test_the_end_of_the_process_ends_every_connection(world: World) -> None:
    """Nobody is left inside, and a successor may use the same numbers."""
    come(world, "10.0.0.9:1", CONNECTED, log_id=1)
    world.log(world.line("Terminated"))
    assert (only(world).open, only(world).connections) == (0, 1)


def test_it_is_bounded_and_regulars_outlast_passers_by(world: World, numbers: Iterator[int]) -> None:
    """A sweep of the whole network does not push out who is served every day; all are counted."""
    for port in range(1, 101):
        come(world, f"10.0.0.9:{port}", CONNECTED, ENDED, log_id=next(numbers))
    for number in range(300):
        address = f"192.0.{number // 250}.{number % 250 + 1}"
        come(world, f"{address}:1", UNKNOWN_CA, REFUSED, log_id=next(numbers))
    peers = {each.address: each for each in clients(world).peers}
    assert len(peers) == 64
    assert (peers["10.0.0.9"].connections, peers["10.0.0.9"].served) == (100, 100)
    assert len(peers["10.0.0.9"].calls) <= 48
    assert len(clients(world).recent) == 10


def test_a_responder_is_awaited(world: World) -> None:
    """How long, and which, while it lasts and afterwards; what it costs to connect to it included."""
    asked = 'OCSP: Connecting the AIA responder "http://ocsp.example/x"'
    come(world, "10.0.0.9:1", asked, "s_connect: connected 127.0.0.1:80", log_id=1)
    world.tick(30)
    (waiting,) = clients(world).stalls
    assert (waiting.responder, waiting.over) == ("http://ocsp.example/x", False)
    assert waiting.seconds >= 30
    world.log(world.line("Certificate accepted at depth=0: CN=client", log_id="1"))
    (stall,) = clients(world).stalls
    assert stall.over
    assert 29 <= stall.seconds <= 31
