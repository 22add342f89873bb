"""Who is probed when, against a real stunnel."""

from collections.abc import AsyncIterator, Callable

import pytest

from tests.fixtures import Backend, Recorder, Stunnel, eventually, free_port, running
from tuimon.collect.probes import Probes
from tuimon.events import ProbeFinished, ProbeStarted, ProbeWaits
from tuimon.host.local import LocalHost
from tuimon.model.endpoint import Endpoint
from tuimon.model.handshake import Depth, Verdict
from tuimon.model.service import ServiceKey
from tuimon.model.tunnel import Interest, Plan, ProbeWant
from tuimon.settings import Probes as ProbeSettings
from tuimon.settings import Settings

Start = Callable[..., Stunnel]
Serve = Callable[..., Backend]
KEY = ServiceKey("here", "/etc/stunnel/web.conf", 0)


class Prober:
    """The collector with what it has told."""

    def __init__(self, host: LocalHost) -> None:
        quick = ProbeSettings(timeout=0.5, repeat_after=0.05, early_close=0.1, failing_interval=60)
        self.collector = Probes(host, Settings(probes=quick))
        self.told = Recorder()

    def want(self, *wants: ProbeWant) -> None:
        self.collector.want(Interest(probes=wants))

    async def finished(self, count: int) -> ProbeFinished:
        """The last of exactly `count` results."""
        await self.told.until(lambda: len(self.told.of(ProbeFinished)) >= count)
        assert len(self.told.of(ProbeFinished)) == count
        return self.told.of(ProbeFinished)[-1]

    @property
    def connections(self) -> int:
        return len(self.told.of(ProbeStarted))


@pytest.fixture
async def prober(host: LocalHost) -> AsyncIterator[Prober]:
    """A running collector that loses no time."""
    one = Prober(host)
    async with running(one.collector, one.told):
        yield one


def plan(port: int, **facts: object) -> Plan:
    return Plan(Depth.HANDSHAKE, (Endpoint.parse(f"127.0.0.1:{port}"),), **facts)  # type: ignore[arg-type]


def want(its: Plan, *stamp: object, proved_at: float | None = None, key: ServiceKey = KEY) -> ProbeWant:
    return ProbeWant(key, its, stamp, proved_at)


async def test_at_first_sight_and_then_when_the_stamp_changes(
    prober: Prober, start_stunnel: Start, backend: Serve
) -> None:
    """The same want told again is no reason to knock again."""
    port = free_port()
    start_stunnel(f"[web]\naccept = 127.0.0.1:{port}\nconnect = 127.0.0.1:{backend().port}\n")
    its = plan(port)
    prober.want(want(its, "old"))
    done = await prober.finished(1)
    assert done.key == KEY
    assert done.stamp == ("old",)
    assert done.handshake is not None
    assert done.handshake.ok
    prober.want(want(its, "old"))
    prober.want(want(its, "new"))
    assert (await prober.finished(2)).stamp == ("new",)
    assert prober.connections == 2


async def test_ask_probes_now(prober: Prober, start_stunnel: Start, backend: Serve) -> None:
    """`p`, whatever the plan says of time."""
    port = free_port()
    start_stunnel(f"[web]\naccept = 127.0.0.1:{port}\nconnect = 127.0.0.1:{backend().port}\n")
    prober.want(want(plan(port)))
    await prober.finished(1)
    prober.collector.ask(frozenset({KEY}))
    await prober.finished(2)


class Sleeper(LocalHost):
    """A machine that slept for so many seconds."""

    slept = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.slept


async def test_what_came_due_while_the_machine_slept_is_probed_soon(
    start_stunnel: Start, backend: Serve
) -> None:
    """Though the loop's own clock stood still, and nobody wants anything else."""
    port, host = free_port(), Sleeper(name="here")
    start_stunnel(f"[web]\naccept = 127.0.0.1:{port}\nconnect = 127.0.0.1:{backend().port}\n")
    prober = Prober(host)
    async with running(prober.collector, prober.told):
        prober.want(want(plan(port)))
        await prober.finished(1)
        await eventually(lambda: prober.collector._times)  # it waits for its time, and for nothing else
        host.slept = 8 * 3600
        await prober.finished(2)
    await host.close()


async def test_a_failed_probe_counts_when_it_was_repeated(prober: Prober, backend: Serve) -> None:
    """Two connections, one result."""
    prober.want(want(plan(backend(b"SSH-2.0-OpenSSH_9.2\r\n").port)))
    done = await prober.finished(1)
    assert done.handshake is not None
    assert done.handshake.verdict is Verdict.NOT_TLS
    assert prober.connections == 2


async def test_a_dead_back_end_is_repeated_and_then_connected_to_directly(
    prober: Prober, start_stunnel: Start
) -> None:
    """TLS is well and stunnel hangs up: the plan's `reach` tells why."""
    port, dead = free_port(), free_port()
    start_stunnel(f"[web]\naccept = 127.0.0.1:{port}\nconnect = 127.0.0.1:{dead}\n")
    prober.want(want(plan(port, reach=(Endpoint.parse(f"127.0.0.1:{dead}"),))))
    done = await prober.finished(1)
    assert done.handshake is not None
    assert done.handshake.closed_early
    assert [each.verdict for each in done.reaches] == [Verdict.REFUSED]
    assert prober.connections == 2


async def test_sockets_only_means_no_connection(prober: Prober, backend: Serve) -> None:
    """Depth `listen`: looked at, never dialled."""
    peer = backend()
    prober.want(want(Plan(Depth.LISTEN, (Endpoint.parse(f"127.0.0.1:{peer.port}"),))))
    assert (await prober.finished(1)).handshake is None
    assert (prober.connections, peer.connections) == (0, 0)


async def test_periodic_probes_are_replaced_by_the_success_of_real_clients(
    prober: Prober, start_stunnel: Start, backend: Serve
) -> None:
    """The interval passes: without news it knocks again, with a client's success it does not."""
    ports = free_port(), free_port()
    target = backend().port
    for name, port in zip("ab", ports, strict=True):
        start_stunnel(f"[{name}]\naccept = 127.0.0.1:{port}\nconnect = 127.0.0.1:{target}\n", name=name)
    quiet, busy = (KEY._replace(ordinal=number) for number in (0, 1))

    def wants(proved_at: float) -> None:
        prober.want(
            want(plan(ports[0], interval=0.2), key=quiet),
            want(plan(ports[1], interval=0.2), proved_at=proved_at, key=busy),
        )

    wants(0.0)
    await prober.told.until(lambda: len({each.key for each in prober.told.of(ProbeFinished)}) == 2)

    def count(key: ServiceKey) -> int:
        return len([each for each in prober.told.of(ProbeFinished) if each.key == key])

    seen = count(quiet)
    for success in range(1, 6):
        wants(float(success))
        await prober.told.until(lambda success=success: count(quiet) > seen + success)
    assert count(busy) < count(quiet)


async def test_one_at_a_time_per_listener(prober: Prober, start_stunnel: Start, backend: Serve) -> None:
    """SNI services share a door: each is probed, and never two at once."""
    port = free_port()
    start_stunnel(f"[web]\naccept = 127.0.0.1:{port}\nconnect = 127.0.0.1:{backend().port}\n")
    keys = [KEY._replace(ordinal=number) for number in range(4)]
    prober.want(*(want(plan(port), key=key) for key in keys))
    await prober.finished(4)
    order = [type(event) for event in prober.told.events]
    assert order == [ProbeStarted, ProbeWaits, ProbeFinished] * 4


async def test_what_is_no_longer_wanted_is_not_probed_again(
    prober: Prober, start_stunnel: Start, backend: Serve
) -> None:
    """And wanted again, it is new."""
    port = free_port()
    start_stunnel(f"[web]\naccept = 127.0.0.1:{port}\nconnect = 127.0.0.1:{backend().port}\n")
    other = KEY._replace(ordinal=1)
    prober.want(want(plan(port)))
    await prober.finished(1)
    prober.want(want(Plan(Depth.LISTEN), key=other))
    await prober.finished(2)
    prober.want(want(plan(port)))
    assert (await prober.finished(3)).key == KEY
