"""Whatever a peer does ends in a verdict within the deadline, and costs nobody else anything."""

import asyncio
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.fixtures import Recorder, running
from tests.lab.bench import Bench, Lab
from tests.robust import chains
from tests.robust.conftest import Note
from tests.robust.measure import Ran, descriptors, resident, run
from tests.robust.peers import PEERS, crowd
from tests.robust.turns import Turns, TurnsHost
from tuimon.collect.dial import Material, probe
from tuimon.collect.probes import Probes
from tuimon.events import Event, ProbeFinished
from tuimon.host.local import LocalHost
from tuimon.model.endpoint import Endpoint
from tuimon.model.handshake import Depth, Handshake
from tuimon.model.service import ServiceKey
from tuimon.model.tunnel import Interest, Plan, ProbeWant
from tuimon.settings import Probes as ProbeSettings
from tuimon.settings import Settings

pytestmark = pytest.mark.timeout(120)

TUIMON = (sys.executable, "-m", "tuimon")
HEALTHY, EACH = 40, 33  # of fifteen kinds: five hundred
TIMEOUT = 3.0  # seconds: the deadline where a crowd of silent ones has to be waited for
PATIENCE = 60.0  # seconds: the deadline of whoever is not expected to miss it, on a busy machine
TURNS = 3  # of the loop, after its deadline, until a probe has a verdict
VARIES = 16  # bytes by which two handshakes with the same peer may differ: signatures have no fixed length
GROWTH = 150.0  # MB that a crowd of five hundred may add for good

# What each is told to be: the verdict, and of a client service that has it as its remote the cause.
EXPECTED = {
    "tarpit": ("timeout", "peer-timeout"),
    "accepts-nobody": ("timeout", "peer-timeout"),
    "a-byte-a-second": ("timeout", "peer-timeout"),
    "a-word-a-second": ("not-tls", "peer-not-tls"),
    "garbage": ("not-tls", "peer-not-tls"),
    "garbage-in-tls": ("ok", ""),
    "garbage-behind-tls": ("failed", "peer-tls-rejected"),
    "plain-http": ("not-tls", "peer-not-tls"),
    "ssh-banner": ("not-tls", "peer-not-tls"),
    "hundred-certificates": ("ok", ""),
    "ten-thousand-names": ("ok", ""),
    "endless-warnings": ("failed", "peer-not-tls"),
    "endless-tickets": ("failed", "peer-not-tls"),
    "hangs-up": ("closed", "peer-tls-rejected"),
    "resets": ("closed", "peer-tls-rejected"),
}
AT_ONCE = 16
"""Resets at a time: the n-th connection is counted where it is accepted, and as many may change places."""

WHOLE = {"TLSv1.2": 860, "TLSv1.3": 760}
"""More than the bytes of a server until the end of the handshake."""

LENGTHS = {"hundred-certificates": 100, "ten-thousand-names": 1}


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the certificates that peers show."""
    folder = tmp_path_factory.mktemp("shown")
    chains.write(folder)
    return folder


@pytest.fixture(scope="module")
def ports(shown: Path) -> Iterator[dict[str, int]]:
    """One of each peer."""
    with crowd(shown) as each:
        yield {name: port for name, (port,) in each.items()}


def _plan(port: int, depth: Depth = Depth.HANDSHAKE) -> Plan:
    return Plan(depth, (Endpoint.parse(f"127.0.0.1:{port}"),), remote=True)


async def _knock(
    host: LocalHost, plan: Plan, timeout: float = PATIENCE, early_close: float = 0.2
) -> Handshake:
    return await probe(host, plan, Material(), timeout=timeout, early_close=early_close)


def test_every_peer_is_expected() -> None:
    """None is forgotten."""
    assert EXPECTED.keys() == {*PEERS, "accepts-nobody"}


class _Held(NamedTuple):
    """What came of a probe, the seconds that it took, by how many of them it waited for more than it was
    given, and the turns of the loop that it took after its deadline."""

    handshake: Handshake
    took: float
    beyond: float
    late: int


async def _timed(plan: Plan, timeout: float, early_close: float = 0.2) -> _Held:
    loop, host = asyncio.get_running_loop(), TurnsHost(name="here")
    assert isinstance(loop, Turns)
    began = loop.time()
    found = await _knock(host, plan, timeout, early_close)
    held = _Held(
        *(found, loop.time() - began, max(loop.waits) - began - timeout, loop.begun_after(began + timeout))
    )
    await host.close()
    return held


@pytest.mark.parametrize("name", EXPECTED)
def test_a_verdict_within_the_deadline(ports: dict[str, int], note: Note, name: str) -> None:
    """At both depths; words where it is not ok, the chain where there was one, no descriptor left.

    Nothing is waited for beyond the deadline, connection, handshake and the wait for an early close taken
    together; and once that has passed, the verdict is there within a few turns of the loop.
    """
    before = descriptors()
    for depth in (Depth.HANDSHAKE, Depth.CERTIFICATE):
        timeout = 0.5 if EXPECTED[name][0] == "timeout" else PATIENCE
        with asyncio.Runner(loop_factory=Turns) as runner:
            found, took, beyond, late = runner.run(_timed(_plan(ports[name], depth), timeout))
        # what comes after the server's flight is not even read at the lesser depth
        unread = depth is Depth.CERTIFICATE and name == "garbage-behind-tls"
        assert found.verdict == ("ok" if unread else EXPECTED[name][0]), found
        assert found.ok or found.detail
        assert beyond < 1e-6  # seconds: of a sum of floats
        assert late <= TURNS
        assert len(found.chain) == LENGTHS.get(name, "tls" in name.split("-") and 1)
        if depth is Depth.HANDSHAKE:
            given = f"{took * 1000:6.0f} of {timeout * 1000:5.0f} ms, {late} turns late"
            note("what peers do", f"{name:22}{found.verdict:10}{given}  {found.detail}")
    assert descriptors() <= before


def test_the_wait_for_an_early_close_ends_with_the_deadline(ports: dict[str, int]) -> None:
    """However long it may be: the peer stays."""
    with asyncio.Runner(loop_factory=Turns) as runner:
        held = runner.run(_timed(_plan(ports["ten-thousand-names"]), 2, early_close=1000))
    assert held.beyond < 1e-6
    assert held.late <= TURNS


@pytest.mark.parametrize("version", WHOLE)
async def test_a_reset_at_every_byte_of_the_handshake(
    host: LocalHost, lab: Lab, shown: Path, note: Note, version: str
) -> None:
    """The n-th connection to a real stunnel is reset after n bytes: closed before the end, ok from there
    on; the chain is kept as soon as it was there."""
    bench = Bench(lab, f"cut-{version}")
    bench.start(bench.server(f"sslVersion = {version}"))
    turns, whole = asyncio.Semaphore(AT_ONCE), WHOLE[version]

    async def one() -> Handshake:
        async with turns:
            return await _knock(host, _plan(port))

    with crowd(shown, 0, (bench.accept,)) as here:
        (port,) = here["cut"]
        found = await asyncio.gather(*(one() for _ in range(whole)))
    assert {each.verdict for each in found} == {"closed", "ok"}
    assert all("the peer closed the connection" in each.detail for each in found if each.detail)
    shaken, seen = ([n for n, each in enumerate(found) if fact(each)] for fact in (_ok, _chained))
    cut, blind = ([n for n, each in enumerate(found) if not fact(each)] for fact in (_ok, _chained))
    assert max(cut) - min(shaken) < VARIES + AT_ONCE
    assert max(blind) - min(seen) < VARIES + AT_ONCE
    note(
        "resets", f"{version}: chain known after {min(seen)} bytes, handshake after {min(shaken)}, of {whole}"
    )


def _ok(handshake: Handshake) -> bool:
    return handshake.ok


def _chained(handshake: Handshake) -> bool:
    return bool(handshake.chain)


class _Clocked(Recorder):
    """When the last healthy one had its result, seconds from the start."""

    def __init__(self) -> None:
        super().__init__()
        self._began = time.monotonic()
        self.healthy, self.last = 0, 0.0

    def __call__(self, event: Event) -> None:
        super().__call__(event)
        if isinstance(event, ProbeFinished) and event.key.config == "healthy":
            self.healthy, self.last = self.healthy + 1, time.monotonic() - self._began


async def _sweep(wants: list[ProbeWant], timeout: float, count: int) -> _Clocked:
    """One sweep of the real prober, until it has told of all healthy ones, and of `count` altogether."""
    host, told = LocalHost(), _Clocked()
    prober = Probes(host, Settings(probes=ProbeSettings(timeout=timeout, repeat_after=0.2)))
    async with running(prober, told):
        prober.want(Interest(probes=tuple(wants)))
        await told.until(lambda: told.healthy == HEALTHY and len(told.of(ProbeFinished)) >= count, PATIENCE)
    await host.close()
    return told


def _wants(name: str, ports: list[int]) -> list[ProbeWant]:
    return [ProbeWant(ServiceKey("here", name, n), _plan(port), (), None) for n, port in enumerate(ports)]


def _shuffled(wants: list[ProbeWant]) -> list[ProbeWant]:
    return random.Random(8446).sample(wants, len(wants))  # noqa: S311 - a seed


async def test_five_hundred_of_them_delay_nobody(lab: Lab, shown: Path, note: Note) -> None:
    """No healthy one waits for anybody's deadline; everybody gets a verdict, and nothing is left of it."""
    bench, others = Bench(lab, "healthy"), EACH * len(EXPECTED)
    doors = [lab.port() for _ in range(HEALTHY + others)]
    bench.start("".join(bench.server(f"accept = 127.0.0.1:{port}", name=f"s{port}") for port in doors))
    healthy = _wants("healthy", doors[:HEALTHY])
    alone = await _sweep(healthy, TIMEOUT, HEALTHY)
    friends = _shuffled(healthy + _wants("friends", doors[HEALTHY:]))
    at_ease = await _sweep(friends, TIMEOUT, len(friends))
    before, weight = descriptors(), resident()
    with crowd(shown, EACH) as each:
        wants = _shuffled(healthy + [want for name, ports in each.items() for want in _wants(name, ports)])
        among = await _sweep(wants, PATIENCE, HEALTHY)  # ended by then, or the first deadline was waited for
        whole = await _sweep(wants, TIMEOUT, len(wants))
    assert descriptors() <= before
    grown = resident() - weight
    assert grown < GROWTH
    verdicts = Counter((each.key.config, _verdict(each)) for each in whole.of(ProbeFinished))
    expected = {(name, verdict): EACH for name, (verdict, _) in EXPECTED.items()}
    assert verdicts == expected | {("healthy", "ok"): HEALTHY}
    took = (
        f"{alone.last:.1f} s alone, {at_ease.last:.1f} s among {others} healthy others, "
        f"{among.last:.1f} s among as many hostile ones (×{among.last / at_ease.last:.1f})"
    )
    note("bad company", f"{HEALTHY} healthy services: {took}, {grown:.0f} MB more, no descriptor more")


def _verdict(event: ProbeFinished) -> str:
    assert event.handshake
    return event.handshake.verdict


def test_status_names_each(lab: Lab, ports: dict[str, int], note: Note, tmp_path: Path) -> None:
    """`tuimon status` over client services of a real stunnel that have them as their remotes."""
    bench = Bench(lab, "clients")
    text = ""
    for name, port in {**ports, "healthy": bench.remote()}.items():
        bench.name, bench.accept = name, lab.port()
        text += bench.client(port)
    bench.start(text)
    quick = tmp_path / "settings.toml"
    quick.write_text(f"[probes]\ntimeout = {TIMEOUT}\nrepeat_after = 0.2\n")
    done = _tuimon("--config", str(quick), "status", "--json", str(bench.config), folder=tmp_path)
    assert (done.status, done.err) == (2, "")
    found = {each["name"]: each for each in json.loads(done.out)["services"]}
    causes = {name: _cause(each) for name, each in found.items()}
    if causes["accepts-nobody"] == "connect-stalled":  # our own probe waited in its queue long enough to tell
        causes["accepts-nobody"] = "peer-timeout"
    assert causes == {name: cause for name, (_, cause) in EXPECTED.items()} | {"healthy": ""}
    note("commands", f"status of {len(found)} services: {done.seconds:.1f} s, {done.peak:.0f} MB at most")


def _cause(service: dict[str, Any]) -> str:
    """The first finding that makes it critical; empty where nothing does."""
    return next((each["code"] for each in service["findings"] if each["severity"] == "critical"), "")


def test_fifty_megabytes_are_not_kept(ports: dict[str, int], note: Note, tmp_path: Path) -> None:
    """Nor 50 MB before, nor in, nor behind TLS: `tuimon probe` weighs the same as against a peer that
    hangs up."""
    calm = _tuimon("probe", f"127.0.0.1:{ports['hangs-up']}", folder=tmp_path)
    for name in ("garbage", "garbage-in-tls", "garbage-behind-tls", "endless-warnings", "endless-tickets"):
        done = _tuimon("probe", "--json", f"127.0.0.1:{ports[name]}", folder=tmp_path)
        (found,) = json.loads(done.out)
        assert (found["verdict"], done.err) == (EXPECTED[name][0], "")
        assert done.peak < calm.peak + 20
        note("commands", f"probe of {name}: {done.seconds:.1f} s, {done.peak:.0f} MB at most")


def _tuimon(*arguments: str, folder: Path) -> Ran:
    return run((*TUIMON, *arguments), folder)
