"""A bug of tuimon's own: it is told where it strikes, and everything else goes on being judged."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from tests.facts import World
from tests.fixtures import Pki
from tuimon import events
from tuimon.diagnose import service as judge_service
from tuimon.diagnose.finding import Light, State
from tuimon.diagnose.itself import CODE
from tuimon.host.local import LocalHost
from tuimon.model.failure import Failure, Reason
from tuimon.model.process import SocketTable
from tuimon.runtime import Runtime
from tuimon.settings import Settings
from tuimon.store import JUDGEMENT, Store, join
from tuimon.store.instances import Instances
from tuimon.store.pairs import Pairs
from tuimon.store.tunnels import Tunnels

TWO = """
[web]
accept = 127.0.0.1:8443
connect = 127.0.0.1:8080
cert = {pki}/server.pem
key = {pki}/server.key
[redis]
accept = 127.0.0.1:8444
connect = 127.0.0.1:6379
cert = {pki}/server.pem
key = {pki}/server.key
"""
WORDS = "open sesame"  # what the error's own words quote


@pytest.fixture
def world(pki: Pki) -> World:
    """One instance with two services, both well."""
    return World(pki, TWO).healthy()


def stumbling(whole: Callable[..., Any], over: Callable[..., bool]) -> Callable[..., Any]:
    """`whole`, with a bug for what `over` is true of."""

    def call(*args: Any, **named: Any) -> Any:
        if over(*args):
            raise KeyError(WORDS)
        return whole(*args, **named)

    return call


def web(tunnel: Any, *_: Any) -> bool:
    return bool(tunnel.service.name == "web")


@pytest.mark.parametrize("judgement", ["slow", "_tls_light", "tls_broken"])
def test_a_bug_in_one_judgement_is_the_affected_services_own(
    world: World, judgement: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says `?` and where the bug is; its neighbour is judged, also when it changes later."""
    whole = getattr(judge_service, judgement)
    monkeypatch.setattr(judge_service, judgement, stumbling(whole, web))
    world.tick(60)
    row = world.row(0)
    assert (row.state, row.lights) == (State.UNKNOWN, (Light.UNKNOWN,) * 3)
    assert row.why.startswith("tuimon itself failed: KeyError in ")
    assert row.why.endswith("; please report")
    assert row.findings[0].evidence[-1].startswith("diagnose/service.py:")
    assert WORDS not in repr(row.findings)
    assert world.row(1).state is State.OK
    world.sockets(SocketTable())
    assert world.row(1).state is State.DOWN
    monkeypatch.setattr(judge_service, judgement, whole)
    world.sockets()
    world.tick(60)
    assert [world.row(each).state for each in (0, 1)] == [State.OK, State.OK]


def test_a_bug_in_the_join_of_one_service_is_that_services_own(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot be joined keeps its place in the table."""
    whole = Tunnels._tunnel
    monkeypatch.setattr(Tunnels, "_tunnel", stumbling(whole, lambda _, service, __: service.name == "web"))
    world.tick(60)
    assert (world.row(0).state, world.codes(0)) == (State.UNKNOWN, [CODE])
    assert world.row(1).state is State.OK


@pytest.mark.parametrize("place", [(Instances, "_instance"), (Instances, "check_want"), (join, "pid_path")])
def test_a_bug_in_the_join_of_an_instance_is_told_by_its_services(
    world: World, place: tuple[Any, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the bug is in what should be looked at next."""
    struck: list[object] = []

    def first(*args: Any) -> bool:
        struck.append(args)
        return len(struck) == 1

    monkeypatch.setattr(*place, stumbling(getattr(*place), first))
    world.tick(60)
    assert [(world.row(each).state, world.codes(each)) for each in (0, 1)] == [(State.UNKNOWN, [CODE])] * 2
    world.tick(60)
    assert [world.row(each).state for each in (0, 1)] == [State.OK, State.OK]


def test_what_is_down_stays_down_whatever_else_fails(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug does not hide what was judged before it."""
    world.processes()
    monkeypatch.setattr(judge_service, "_listener_light", stumbling(judge_service._listener_light, web))
    world.sockets(SocketTable())
    world.tick(60)
    assert world.row(0).state is State.DOWN
    assert world.codes(0) == ["not-running", CODE]


def test_a_bug_that_concerns_all_is_told_and_tried_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stands among the fallen collectors, and the screen is told to paint."""
    monkeypatch.setattr(Pairs, "rebuild", stumbling(Pairs.rebuild, lambda *_: True))
    world.store.apply(events.SocketsSeen("gw-01", (SocketTable(),)))
    changes = world.store.drain()
    assert changes.status
    assert "please report" in str(world.store.collectors[JUDGEMENT])
    monkeypatch.undo()
    assert world.store.drain().rows
    assert JUDGEMENT not in world.store.collectors
    assert world.row(0).state is State.DOWN


async def test_a_bug_in_what_to_look_at_leaves_the_screen_alive(
    host: LocalHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bell rings on, and says what is wrong."""
    monkeypatch.setattr(Store, "interest", stumbling(Store.interest, lambda *_: True))
    runtime = Runtime(host, Settings(), ("/nonexistent",))
    rung = asyncio.Event()
    runtime.subscribe(lambda changes: rung.set() if runtime.store.collectors.get("interest") else None)
    running = asyncio.create_task(runtime.run())
    async with asyncio.timeout(20):
        await rung.wait()
        monkeypatch.undo()
        while runtime.store.collectors["interest"] is not None:
            await asyncio.sleep(0.05)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


def test_when_a_fallen_collector_is_tried_again_is_known(world: World) -> None:
    """As long as it has not come back."""
    world.tell(events.CollectorFailed("logs", Failure(Reason.BUG, "tuimon itself failed"), 4.0))
    assert (str(world.store.collectors["logs"]), world.store.retries["logs"]) == ("tuimon itself failed", 4.0)
    world.tell(events.CollectorStarted("logs"))
    assert world.store.collectors["logs"] is None
