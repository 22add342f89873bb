"""The prober is as gentle as the README promises, counted on every kind of service."""

import asyncio
import resource
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fixtures import eventually
from tests.gentle.cycle import SETTINGS, Measured, prober, rest
from tests.gentle.kinds import KINDS, NOTHING, Kind
from tests.gentle.meter import Place
from tests.lab.bench import Lab
from tuimon.host.base import Stream
from tuimon.host.local import LocalHost
from tuimon.model.endpoint import Endpoint
from tuimon.model.failure import Failure
from tuimon.runtime import Runtime
from tuimon.settings import Probes, Settings

pytestmark = pytest.mark.timeout(120)  # the first test of the module measures all kinds


@pytest.mark.parametrize("kind", KINDS, ids=[kind.name for kind in KINDS])
def test_what_a_cycle_costs(measured: Measured, kind: Kind) -> None:
    """Once at first sight, once an interval, nothing in between; again after a while where it fails."""
    again = kind.cost if kind.failing else NOTHING
    wanted = {"first sight": kind.cost, "periodic": kind.cost, "idle": NOTHING, "failing": again}
    assert measured.costs[kind.name] == wanted


@pytest.mark.parametrize("kind", KINDS, ids=[kind.name for kind in KINDS])
def test_probes_leave_no_trace_in_what_is_told_of_clients(measured: Measured, kind: Kind) -> None:
    """No success, no failure and no session is anybody's but a client's."""
    assert measured.rows[kind.name]
    for row in measured.rows[kind.name]:
        traffic = row.tunnel.traffic
        assert (traffic.last_success, traffic.failures, traffic.failure) == (None, 0, None)
        assert not row.tunnel.sessions


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """A laboratory of one test's own."""
    one = Lab(tmp_path)
    yield one
    one.close()


async def test_clients_that_fail_all_the_time_make_nobody_knock(lab: Lab) -> None:
    """A dead target with a client that tries again and again is looked at as often as without it."""
    place = Place(lab, "busy")
    place.serve(connect=lab.port())
    async with prober(lab) as (runtime, host):
        await rest(runtime, (place,))
        (key,) = runtime.opened
        runtime.opened.clear()
        for tries in range(1, 6):
            await asyncio.to_thread(place.visit)
            await eventually(lambda tries=tries: _turned_away(runtime) == tries)
        await rest(runtime, (place,))
        assert not runtime.opened
        host.ahead += SETTINGS.probes.failing_interval + 1
        runtime.probe_now(frozenset())
        await eventually(lambda: runtime.opened[key] == 2)


def _turned_away(runtime: Runtime) -> int:
    lines = runtime.store.logbook.lines
    return sum(not line.own and line.record.message.startswith("No more addresses") for line in lines)


def _failures(runtime: Runtime) -> int:
    return sum(row.tunnel.traffic.failures for row in runtime.store.rows())


async def test_scanners_are_looked_into_once(lab: Lab) -> None:
    """Strangers that fail between clients that do not: one probe sees that all is well, no more come."""
    place = Place(lab, "scanned")
    place.serve()
    async with prober(lab) as (runtime, _):
        await rest(runtime, (place,))
        runtime.opened.clear()
        for _ in range(4):
            await _scan(place.accept)
            await eventually(lambda: _failures(runtime) == 1)
            await _come_and_go(place.accept)
            await eventually(lambda: _failures(runtime) == 0)
        await rest(runtime, (place,))
        assert runtime.opened.total() == 1


async def _scan(port: int) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET / HTTP/1.0\r\n\r\n")
    writer.close()
    await writer.wait_closed()


async def _come_and_go(port: int) -> None:
    anybody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=anybody)
    writer.close()
    await writer.wait_closed()


class Counting(LocalHost):
    """This machine, and how many connections of ours are open at the same time."""

    now = most = 0

    async def connect(self, endpoint: Endpoint, timeout: float, local: str = "") -> Stream | Failure:
        stream = await super().connect(endpoint, timeout, local)
        if not isinstance(stream, Failure):
            self.now += 1
            self.most = max(self.most, self.now)
            close = stream.close

            def counted(*, abort: bool = False) -> None:
                self.now -= 1
                close(abort=abort)

            stream.close = counted  # type: ignore[method-assign]
        return stream


async def _open_at_once(lab: Lab, place: Place, services: int) -> int:
    """Sweep a process of so many services; how many connections of ours were open at the same time."""
    host = Counting(poll=SETTINGS.intervals.files)
    runtime = Runtime(host, Settings(probes=Probes(concurrency=3)), (str(lab.conf),))
    task = asyncio.create_task(runtime.run())
    await runtime.settle()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert place.here.count("accepted connection from") == services
    assert host.now == 0
    return host.most


def _crowd(lab: Lab, services: int) -> Place:
    place = Place(lab, "crowd")
    sections = [place.server(f"accept = 127.0.0.1:{lab.port()}", name=f"s{n}") for n in range(services)]
    place.begin("".join(sections))
    return place


async def test_a_process_of_fifty_services_is_not_stormed(lab: Lab) -> None:
    """All are looked at, and never more than eight connections for each of `concurrency` are open: those
    whose handshake is done only wait for an early close."""
    assert await _open_at_once(lab, _crowd(lab, 50), 50) <= 24


async def test_of_a_process_that_serves_few_at_most_a_quarter_are_we(lab: Lab) -> None:
    """With 64 descriptors stunnel allows itself 29 clients."""
    place = _crowd(lab, 20)
    resource.prlimit(place.running.pid, resource.RLIMIT_NOFILE, (64, 64))
    assert await _open_at_once(lab, place, 20) <= 29 // 4
