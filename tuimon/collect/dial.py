"""One probe from beginning to end: connect, negotiate, handshake, take leave.

Rule: everything happens under one deadline, and whatever the peer does ends in a verdict.  The probe
is gentle: no byte of application data is sent, a complete handshake ends with close_notify.
"""

import asyncio
import contextlib
from collections.abc import Callable

from msgspec import Struct

from tuimon.collect.lateness import Lateness
from tuimon.host.base import Host, Stream
from tuimon.model.endpoint import Endpoint
from tuimon.model.failure import Failure, Reason
from tuimon.model.handshake import Depth, Handshake, Reach, Verdict
from tuimon.model.tunnel import Plan
from tuimon.parse.x509 import served
from tuimon.tls.context import Offer
from tuimon.tls.dialogue import Negotiation
from tuimon.tls.handshake import Handshake as ClientHandshake
from tuimon.tls.negotiate import negotiation

_VERDICTS = {
    Reason.REFUSED: Verdict.REFUSED,
    Reason.UNREACHABLE: Verdict.UNREACHABLE,
    Reason.TIMEOUT: Verdict.TIMEOUT,
    Reason.UNRESOLVED: Verdict.UNRESOLVED,
    Reason.RESET: Verdict.CLOSED,
}


_SLOW = 1.0  # seconds that a slow peer gets on top of the wait for an early close, at most
_TURNS = 16  # pieces that are read without a turn for anybody else


def _unheard(*_: object) -> None:
    """Nobody wants to know."""


class Material(Struct, frozen=True):
    """File contents that a handshake needs, in PEM; empty where there is none.

    `crl` holds revocation lists that the peer's certificate is to be looked up in.
    """

    ca: bytes = b""
    certificate: bytes = b""
    key: bytes = b""
    crl: bytes = b""


async def reach(
    host: Host,
    endpoint: Endpoint,
    timeout: float,
    local: str = "",
    opened: Callable[[str, str], None] = _unheard,
) -> Reach:
    """Connect to `endpoint` and close again: whether it can be reached, and how fast."""
    stream = await host.connect(endpoint, timeout, local)
    if isinstance(stream, Failure):
        return Reach(endpoint.text, _VERDICTS.get(stream.reason, Verdict.FAILED), stream.detail)
    opened(stream.local, stream.peer)
    stream.close()
    return Reach(endpoint.text, Verdict.OK, connect_ms=stream.connect_ms)


class Probe:
    """One connection to one endpoint, and the `Handshake` that came of it so far.

    `began` is monotonic seconds at the first SYN.
    """

    def __init__(
        self, host: Host, endpoint: Endpoint, plan: Plan, material: Material, *, legacy: bool = False
    ) -> None:
        self._host, self._endpoint, self._plan = host, endpoint, plan
        brought = (material.ca, material.crl, material.certificate, material.key)
        offer = Offer(*brought, legacy=legacy, minimum=plan.minimum, maximum=plan.maximum)
        self._tls = ClientHandshake(offer, depth=plan.depth, server_name=plan.server_name)
        self._began, self._turns, self._late = 0.0, 0, Lateness(host.monotonic)
        self._known: dict[str, object] = {"stage": "connect", "legacy": legacy}

    async def run(
        self,
        timeout: float,
        early_close: float,
        opened: Callable[[str, str], None] = _unheard,
        settled: Callable[[], None] = _unheard,
    ) -> Handshake:
        """Probe within `timeout` seconds; `opened` is told both addresses before a byte is sent, `settled`
        is called when nothing is left but the wait for an early close."""
        self._began = self._host.monotonic()
        with self._late:
            await self._run(timeout, early_close, opened, settled)
        return self.result

    async def _run(
        self,
        timeout: float,
        early_close: float,
        opened: Callable[[str, str], None],
        settled: Callable[[], None],
    ) -> None:
        stream = await self._host.connect(self._endpoint, timeout, self._plan.local)
        if isinstance(stream, Failure):
            verdict = _VERDICTS.get(stream.reason, Verdict.FAILED)
            self._note(verdict=verdict, detail=stream.detail)
            return
        opened(stream.local, stream.peer)
        self._note(address=stream.peer, local=stream.local, connect_ms=stream.connect_ms)
        try:
            async with asyncio.timeout(timeout - self._elapsed() / 1000):
                if await self._negotiate(stream):
                    await self._shake_hands(stream)
            if self._tls.done and not self._tls.failed and self._plan.depth is Depth.HANDSHAKE:
                # what the peer makes of our Finished takes a round trip to be heard, and a slow peer its time
                settled()
                wait = early_close + stream.connect_ms / 1000 + min(2 * self._flight_ms / 1000, _SLOW)
                await self._take_leave(stream, min(wait, timeout - self._elapsed() / 1000))
        except TimeoutError:
            detail = {
                "negotiation": f"silent during the {self._plan.protocol} negotiation",
                "tls": "accepts the connection but does not answer the TLS handshake",
            }
            words = detail.get(str(self._known["stage"]), "no answer")
            self._note(verdict=Verdict.TIMEOUT, detail=f"{words} ({timeout:g} s)")
        except ConnectionError:
            self._note(verdict=Verdict.CLOSED, detail="connection reset")
        finally:
            stream.close()

    @property
    def result(self) -> Handshake:
        """What came of it so far."""
        facts = {"verdict": Verdict.FAILED, "depth": self._plan.depth, **self._known}
        return Handshake(self._endpoint.text, **facts)  # type: ignore[arg-type]

    @property
    def _flight_ms(self) -> float:
        """How long the peer took for its flight."""
        flight = self._known.get("flight_ms")
        return flight if isinstance(flight, float) else 0.0

    def _note(self, **facts: object) -> None:
        self._known |= facts

    def _elapsed(self) -> float:
        return (self._host.monotonic() - self._began) * 1000

    async def _receive(self, stream: Stream) -> bytes:
        """What has arrived.  A peer that floods leaves nothing to wait for: without a turn for the loop
        now and then no deadline would ever be noticed."""
        self._turns += 1
        if self._turns % _TURNS == 0:
            await asyncio.sleep(0)
        return await stream.receive()

    async def _negotiate(self, stream: Stream) -> bool:
        """Speak the protocol that precedes TLS; False if the peer would not."""
        self._note(stage="negotiation")
        talk = Negotiation(negotiation(self._plan.protocol, host=self._plan.protocol_host))
        outgoing = talk.start()
        while True:
            if outgoing:
                await stream.send(outgoing)
            if talk.done:
                return True
            if talk.failed:
                verdict = Verdict.CLOSED if talk.closed else Verdict.NEGOTIATION_FAILED
                self._note(verdict=verdict, detail=talk.detail)
                return False
            outgoing = talk.feed(await self._receive(stream))

    async def _shake_hands(self, stream: Stream) -> None:
        self._note(stage="tls")
        tls = self._tls
        with contextlib.suppress(ConnectionError):  # it may have said something before it hung up
            await stream.send(tls.start())
        try:
            while not (tls.done or tls.failed):
                try:
                    data = await self._receive(stream)
                except ConnectionError:
                    data = b""
                if "first_byte_ms" not in self._known and data:
                    self._note(first_byte_ms=self._elapsed())
                outgoing = tls.receive(data)
                if "flight_ms" not in self._known and tls.flight_complete:
                    self._note(flight_ms=self._elapsed(), late_ms=self._late.seconds * 1000)
                if outgoing:
                    with contextlib.suppress(ConnectionError):  # what it said first is still to be read
                        await stream.send(outgoing)
        finally:
            self._take_outcome()
        if tls.done and not tls.failed and self._plan.depth is Depth.HANDSHAKE:
            self._note(handshake_ms=self._elapsed())

    def _take_outcome(self) -> None:
        outcome = self._tls.outcome
        self._note(
            verdict=outcome.verdict or Verdict.TIMEOUT,
            detail=outcome.detail,
            messages=outcome.messages,
            tls_version=outcome.tls_version,
            cipher=outcome.cipher,
            group=outcome.group,
            alpn=outcome.alpn,
            alert=outcome.alert,
            client_certificate_requested=outcome.client_certificate_requested,
            client_ca_names=outcome.client_ca_names,
            chain=tuple(map(served, outcome.chain_der)),
            verify_errors=outcome.verify_errors,
            trusted=outcome.trusted,
            refusal=outcome.refusal,
        )

    async def _take_leave(self, stream: Stream, early_close: float) -> None:
        """Wait briefly: stunnel hangs up at once where its target cannot be reached, and TLS 1.3
        refuses a missing client certificate only now.  Then say close_notify."""
        closed = False
        try:
            async with asyncio.timeout(early_close):
                while not (self._tls.failed or self._tls.flooded or closed):
                    data = await self._receive(stream)
                    self._tls.receive(data)
                    closed = not data
        except TimeoutError:
            pass  # still open: the target was reached
        except ConnectionError:
            closed = True
        if self._tls.failed:
            self._take_outcome()
            self._note(stage="after")
        elif closed or self._tls.closed_early:
            words = "the peer closed the connection right after the handshake"
            self._note(stage="after", closed_early=True, detail=words)
        else:
            with contextlib.suppress(ConnectionError):
                await stream.send(self._tls.close())


def _too_old(result: Handshake) -> bool:
    """Whether the peer speaks no TLS version that we offered: it says so, or answers in an older one."""
    return result.alert == "protocol_version" or result.refusal == "unsupported protocol"


async def _probe_one(
    host: Host,
    endpoint: Endpoint,
    plan: Plan,
    material: Material,
    *,
    timeout: float,
    early_close: float,
    opened: Callable[[str, str], None],
    settled: Callable[[], None],
) -> Handshake:
    """Probe one endpoint; where no TLS version is shared, try TLS 1.0 and 1.1 in the time that is left."""
    began = host.monotonic()
    result = await Probe(host, endpoint, plan, material).run(timeout, early_close, opened, settled)
    left = timeout - (host.monotonic() - began)
    if not plan.legacy or not _too_old(result) or left <= 0:
        return result
    old = Probe(host, endpoint, plan, material, legacy=True)
    second = await old.run(left, early_close, opened, settled)
    return second if second.tls_version else result


async def probe(
    host: Host,
    plan: Plan,
    material: Material,
    *,
    timeout: float,
    early_close: float,
    opened: Callable[[str, str], None] = _unheard,
    settled: Callable[[], None] = _unheard,
) -> Handshake:
    """Probe the targets of `plan` in order until one lets us connect; the last result otherwise.

    `timeout` is seconds for each; `early_close` how long to wait after a handshake for the peer to
    close or refuse; `opened` and `settled` as of `Probe.run`.
    """
    result = Handshake("", Verdict.UNRESOLVED, plan.depth, "no address to probe", "connect")
    for endpoint in plan.targets:
        result = await _probe_one(
            host,
            endpoint,
            plan,
            material,
            timeout=timeout,
            early_close=early_close,
            opened=opened,
            settled=settled,
        )
        if result.stage != "connect":
            break
    return result
