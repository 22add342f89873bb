"""Handshakes byte by byte, with no sockets: cut, damaged, endless."""

import random
from contextlib import suppress

import pytest
from OpenSSL import SSL

from tuimon.model.handshake import Depth, Verdict
from tuimon.tls.context import Offer
from tuimon.tls.handshake import MAX_RECEIVED, Handshake
from tuimon.tls.outcome import Outcome


class MemoryPeer:
    """An OpenSSL server over memory BIOs, for what has to be cut and fed at exact bytes."""

    def __init__(self, pki, version: int) -> None:
        context = SSL.Context(SSL.TLS_SERVER_METHOD)
        context.use_certificate_file(pki.path("server.pem"))
        context.use_privatekey_file(pki.path("server.key"))
        context.set_max_proto_version(version)
        self._connection = SSL.Connection(context, None)
        self._connection.set_accept_state()

    def answer(self, data: bytes) -> bytes:
        """Take the client's bytes, return the server's."""
        self._connection.bio_write(data)
        with suppress(SSL.WantReadError):
            self._connection.do_handshake()
        try:
            return self._connection.bio_read(65536)
        except SSL.WantReadError:
            return b""


def converse(handshake: Handshake, peer: MemoryPeer, chunk: int) -> Outcome:
    """Let both talk until the peer has nothing more to say, `chunk` bytes at a time."""
    outgoing = handshake.start()
    while outgoing and (incoming := peer.answer(outgoing)):
        pieces = [incoming[at : at + chunk] for at in range(0, len(incoming), chunk)]
        outgoing = b"".join(handshake.receive(piece) for piece in pieces)
    return handshake.outcome


def test_an_end_of_file_without_an_answer_is_told_as_such():
    """As of a stunnel that has reached its limit of clients."""
    handshake = Handshake()
    handshake.start()
    handshake.receive(b"")
    assert handshake.outcome.verdict is Verdict.CLOSED
    assert handshake.outcome.detail == "the peer closed the connection without an answer"


@pytest.mark.parametrize("version", [SSL.TLS1_2_VERSION, SSL.TLS1_3_VERSION])
@pytest.mark.parametrize("depth", [Depth.CERTIFICATE, Depth.HANDSHAKE])
def test_byte_by_byte_tells_the_same_story(pki, version, depth):
    """However the stream is cut, the outcome is equal (but for the keys of the moment)."""
    whole, bytewise = (
        converse(Handshake(Offer(ca_pem=pki.pem("ca.pem")), depth=depth), MemoryPeer(pki, version), chunk)
        for chunk in (65536, 1)
    )
    assert whole.verdict is Verdict.OK
    assert whole == bytewise


@pytest.mark.parametrize("version", [SSL.TLS1_2_VERSION, SSL.TLS1_3_VERSION])
def test_an_end_of_file_at_any_byte_is_a_close(pki, version):
    """Cut anywhere, it is closed, and a chain that was read by then is kept."""
    with_chain = set()
    size = None
    for cut in range(0, 2000, 41):
        handshake = Handshake()
        flight = MemoryPeer(pki, version).answer(handshake.start())
        size = len(flight)
        if cut >= size - 8:  # signatures differ in length by a few bytes
            break
        if cut:
            assert handshake.receive(flight[:cut]) == b""
        handshake.receive(b"")
        assert handshake.outcome.verdict is Verdict.CLOSED
        assert handshake.outcome.stage == "tls"
        with_chain.add(bool(handshake.outcome.chain_der))
    assert size is not None
    assert with_chain == {False, True}


def test_nonsense_never_raises(pki):
    """Random bytes, and true flights with random damage, end in a verdict or in waiting."""
    dice = random.Random(8446)  # noqa: S311 - a seed, so that a failure comes back
    for _ in range(150):
        handshake = Handshake()
        flight = bytearray(MemoryPeer(pki, SSL.TLS1_3_VERSION).answer(handshake.start()))
        for _ in range(dice.choice((1, 3, 30))):
            flight[dice.randrange(len(flight))] = dice.randrange(256)
        handshake.receive(bytes(flight))
        assert handshake.outcome.verdict is not Verdict.OK or handshake.done
        wild = Handshake(depth=Depth.CERTIFICATE)
        wild.start()
        wild.receive(bytes([22, 3, dice.randrange(5)]) + dice.randbytes(dice.randrange(1, 300)))
        wild.receive(b"")
        assert wild.failed
        assert wild.outcome.detail


def test_a_flood_ends_with_a_verdict():
    """Neither endless records nor one huge message is taken in for ever."""
    handshake = Handshake()
    handshake.start()
    fed = 0
    while not handshake.failed and fed < 4 * MAX_RECEIVED:
        handshake.receive(b"\x16\x03\x03\x40\x00" + b"\x02\xff\xff\xff" + bytes(16380))
        fed += 16389
    assert handshake.failed
    assert handshake.outcome.detail
    swallow = Handshake()
    swallow.start()
    swallow.receive(b"\x16\x03\x03" + bytes(MAX_RECEIVED))
    assert swallow.outcome.detail == f"more than {MAX_RECEIVED} bytes before the handshake ended"


@pytest.mark.parametrize("version", [SSL.TLS1_2_VERSION, SSL.TLS1_3_VERSION])
def test_the_end_of_the_flight_is_seen_once_and_for_good(pki, version):
    """The byte that ends the server's flight is the one that `flight_ms` is taken at."""
    handshake = Handshake()
    peer = MemoryPeer(pki, version)
    outgoing = handshake.start()
    seen = []
    while outgoing and (incoming := peer.answer(outgoing)):
        outgoing = b""
        for value in incoming:
            outgoing += handshake.receive(bytes([value]))
            seen.append(handshake.flight_complete)
    assert handshake.done
    assert seen == sorted(seen)
    assert len(set(seen)) == 2
