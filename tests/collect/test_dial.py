"""One probe against real peers: whatever they do ends in a verdict within the deadline."""

import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.fixtures import Backend, Pki, Stunnel, eventually, free_port
from tuimon.collect.dial import Material, probe, reach
from tuimon.host.local import LocalHost
from tuimon.model.endpoint import Endpoint
from tuimon.model.handshake import Depth, Handshake, Verdict
from tuimon.model.tunnel import Plan

Start = Callable[..., Stunnel]
Serve = Callable[..., Backend]


def at(port: int) -> Endpoint:
    return Endpoint.parse(f"127.0.0.1:{port}")


async def knock(
    host: LocalHost, plan: Plan, material: Material | None = None, timeout: float = 10
) -> tuple[Handshake, list[str]]:
    """The result, and the local addresses that were told."""
    told: list[str] = []
    found = await probe(
        host,
        plan,
        material or Material(),
        timeout=timeout,
        early_close=0.3,
        opened=lambda local, _: told.append(local),
    )
    return found, told


def service(port: int, target: int, *options: str) -> str:
    return "\n".join(["[web]", f"accept = 127.0.0.1:{port}", f"connect = 127.0.0.1:{target}", *options, ""])


async def test_a_loop_that_is_busy_is_late_itself(
    host: LocalHost, start_stunnel: Start, backend: Serve
) -> None:
    """What somebody else keeps it from is not the peer's time; where nobody does, nearly all of it is."""
    port, busy = free_port(), 0.5
    start_stunnel(service(port, backend().port))

    def opened(local: str, peer: str) -> None:
        time.sleep(busy)  # here, and not at the loop's next turn: the peer may have answered by then

    found = await probe(
        host, Plan(Depth.HANDSHAKE, (at(port),)), Material(), timeout=10, early_close=0, opened=opened
    )
    assert found.ok
    assert found.flight_ms is not None
    assert found.flight_ms >= found.late_ms >= 0.9 * busy * 1000


@pytest.fixture
def tarpit() -> Iterator[int]:
    """The port of a listener whose backlog is full: the kernel drops what comes."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


async def test_a_complete_handshake(host: LocalHost, start_stunnel: Start, backend: Serve, pki: Pki) -> None:
    """The certificate, the times in their order, a touched back end, and no error line in the log."""
    target, port = backend(), free_port()
    program = start_stunnel(service(port, target.port))
    material = Material(ca=pki.pem("ca.pem"))
    found, told = await knock(host, Plan(Depth.HANDSHAKE, (at(port),)), material)
    assert (found.verdict, found.closed_early, found.trusted) == (Verdict.OK, False, True)
    assert found.served
    assert found.served.common_name == "server"
    assert found.tls_version == "TLSv1.3"
    times = [found.connect_ms, found.first_byte_ms, found.flight_ms, found.handshake_ms]
    assert None not in times
    assert times == sorted(times, key=lambda each: each or 0)
    assert told == [found.local]
    assert found.address == f"127.0.0.1:{port}"
    program.wait_for("Connection closed")
    assert f"accepted connection from {found.local}" in program.text()
    assert "LOG3[0]" not in program.text()
    await eventually(lambda: target.connections == 1)


async def test_the_certificate_alone(host: LocalHost, start_stunnel: Start, backend: Serve) -> None:
    """Our Finished is withheld: the back end is never touched."""
    target, port = backend(), free_port()
    program = start_stunnel(service(port, target.port))
    found, _ = await knock(host, Plan(Depth.CERTIFICATE, (at(port),)))
    assert found.ok
    assert found.served
    assert found.handshake_ms is None
    program.wait_for("Connection reset")
    assert target.connections == 0


async def test_mutual_tls_shows_its_certificate(host: LocalHost, start_stunnel: Start, pki: Pki) -> None:
    """And that it asks for ours."""
    port = free_port()
    start_stunnel(service(port, 1, "verifyChain = yes", f"CAfile = {pki.path('ca.pem')}"))
    found, _ = await knock(host, Plan(Depth.CERTIFICATE, (at(port),)))
    assert found.ok
    assert found.served
    assert found.client_certificate_requested


async def test_a_refused_client_certificate_is_told_after_the_handshake(
    host: LocalHost, start_stunnel: Start, pki: Pki
) -> None:
    """TLS 1.3 refuses on the first read; a right certificate gets through."""
    port = free_port()
    start_stunnel(service(port, 1, "verifyChain = yes", f"CAfile = {pki.path('ca.pem')}"))
    plan = Plan(Depth.HANDSHAKE, (at(port),))
    for name, verdict in (("", Verdict.TLS_ALERT), ("intruder", Verdict.TLS_ALERT), ("client", Verdict.OK)):
        mine = Material(b"", pki.pem(f"{name}.pem"), pki.pem(f"{name}.key")) if name else Material()
        found, _ = await knock(host, plan, mine)
        assert found.verdict is verdict, name
        assert found.served


async def test_a_dead_back_end_shows_after_the_handshake(host: LocalHost, start_stunnel: Start) -> None:
    """TLS is fine, then stunnel hangs up."""
    port = free_port()
    start_stunnel(service(port, free_port()))
    found, _ = await knock(host, Plan(Depth.HANDSHAKE, (at(port),)))
    assert found.ok
    assert found.closed_early
    assert found.stage == "after"


async def test_nobody_listens(host: LocalHost) -> None:
    """Refused while connecting, and nothing is told of a connection."""
    found, told = await knock(host, Plan(Depth.HANDSHAKE, (at(free_port()),)))
    assert (found.verdict, found.stage, told) == (Verdict.REFUSED, "connect", [])


async def test_a_name_that_does_not_exist(host: LocalHost) -> None:
    """RFC 2606 keeps `.invalid` free."""
    plan = Plan(Depth.HANDSHAKE, (Endpoint.parse("nowhere.invalid:443"),))
    found, _ = await knock(host, plan)
    assert (found.verdict, found.stage) == (Verdict.UNRESOLVED, "connect")


async def test_silence_before_the_connection_ends_at_the_deadline(host: LocalHost, tarpit: int) -> None:
    """The SYN is dropped."""
    began = time.monotonic()
    found, _ = await knock(host, Plan(Depth.HANDSHAKE, (at(tarpit),)), timeout=0.4)
    assert (found.verdict, found.stage) == (Verdict.TIMEOUT, "connect")
    assert 0.3 < time.monotonic() - began < 3


@pytest.mark.parametrize(("protocol", "stage"), [("", "tls"), ("smtp", "negotiation")])
async def test_silence_after_the_connection_ends_at_the_deadline(
    host: LocalHost, backend: Serve, protocol: str, stage: str
) -> None:
    """It accepts and says nothing: the stage tells what was awaited."""
    plan = Plan(Depth.HANDSHAKE, (at(backend().port),), protocol=protocol)
    began = time.monotonic()
    found, told = await knock(host, plan, timeout=0.4)
    assert (found.verdict, found.stage, len(told)) == (Verdict.TIMEOUT, stage, 1)
    assert 0.3 < time.monotonic() - began < 3


async def test_a_stopped_process_is_a_timeout(host: LocalHost, start_stunnel: Start) -> None:
    """The kernel accepts for it, then nothing comes."""
    port = free_port()
    program = start_stunnel(service(port, 1))
    os.kill(program.pid, 19)
    found, _ = await knock(host, Plan(Depth.HANDSHAKE, (at(port),)), timeout=0.4)
    assert (found.verdict, found.stage) == (Verdict.TIMEOUT, "tls")


async def test_something_else_on_the_port(host: LocalHost, backend: Serve) -> None:
    """An SSH server says who it is."""
    found, _ = await knock(host, Plan(Depth.HANDSHAKE, (at(backend(b"SSH-2.0-OpenSSH_9.2\r\n").port),)))
    assert found.verdict is Verdict.NOT_TLS
    assert "SSH" in found.detail


async def test_starttls_through_a_real_stunnel(host: LocalHost, start_stunnel: Start, backend: Serve) -> None:
    """stunnel itself says 220 and 250, once the mail server behind it has greeted."""
    port = free_port()
    mail = backend(b"220 mail.example ESMTP\r\n")
    start_stunnel(service(port, mail.port, "protocol = smtp"))
    found, _ = await knock(host, Plan(Depth.HANDSHAKE, (at(port),), protocol="smtp"))
    assert found.ok, found
    assert found.served


async def test_starttls_that_is_refused(host: LocalHost, backend: Serve) -> None:
    """The server's own words are kept."""
    found, _ = await knock(
        host, Plan(Depth.HANDSHAKE, (at(backend(b"554 go away\r\n").port),), protocol="smtp")
    )
    assert found.verdict is Verdict.NEGOTIATION_FAILED
    assert "554 go away" in found.detail


async def test_the_next_target_is_tried_where_one_refuses(host: LocalHost, start_stunnel: Start) -> None:
    """As stunnel does with several `connect` lines."""
    port = free_port()
    start_stunnel(service(port, 1))
    found, _ = await knock(host, Plan(Depth.CERTIFICATE, (at(free_port()), at(port))))
    assert found.ok
    assert found.target == f"127.0.0.1:{port}"


async def test_a_unix_socket_is_probed_like_a_port(
    host: LocalHost, start_stunnel: Start, tmp_path: Path
) -> None:
    """`accept = /path`."""
    path = tmp_path / "door"
    start_stunnel(f"[web]\naccept = {path}\nconnect = 127.0.0.1:1\n")
    found, _ = await knock(host, Plan(Depth.CERTIFICATE, (Endpoint.parse(str(path)),)))
    assert found.ok, found


async def test_broken_material_is_a_verdict_too(host: LocalHost, start_stunnel: Start, pki: Pki) -> None:
    """A certificate without its key, text that is no PEM: the probe ends like any other."""
    port = free_port()
    start_stunnel(service(port, 1))
    for material in (
        Material(certificate=pki.pem("client.pem")),
        Material(ca=b"not a certificate"),
        Material(b"", b"garbage", b"garbage"),
        Material(b"", pki.pem("client.pem"), pki.pem("server.key")),
    ):
        found, _ = await knock(host, Plan(Depth.CERTIFICATE, (at(port),)), material)
        assert isinstance(found.verdict, Verdict)


async def test_reach_says_whether_and_how_fast(host: LocalHost, backend: Serve, tarpit: int) -> None:
    """A connection that is closed again, a refusal, a silence."""
    good = await reach(host, at(backend().port), 5)
    assert good.verdict is Verdict.OK
    assert good.connect_ms is not None
    assert (await reach(host, at(free_port()), 5)).verdict is Verdict.REFUSED
    assert (await reach(host, at(tarpit), 0.3)).verdict is Verdict.TIMEOUT
