"""Before an action it is the file as it will be read that says where services connect to.

Rule: tuimon has seen what is loaded, and then the file is changed, as somebody does who watches it.
"""

import asyncio
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.control.bench import Bench, Field
from tests.fixtures import PATIENCE, Pki
from tuimon.host.local import LocalHost
from tuimon.host.local_hands import LocalHands
from tuimon.model.action import Action, Preflight
from tuimon.model.log import LOG_SECOND
from tuimon.model.service import InstanceKey
from tuimon.runtime import Runtime
from tuimon.settings import Settings


@pytest.fixture
def bench(tmp_path: Path, pki: Pki) -> Iterator[Bench]:
    """A stunnel of this test's own, not started yet."""
    field = Field(tmp_path, pki)
    bench = Bench(field, "moved")
    yield bench
    bench.end()
    field.close()


async def before_and_after(bench: Bench, change: Callable[[], None]) -> tuple[Preflight, Preflight]:
    """The reports on a reload before the file is changed, and when that was seen."""
    runtime = Runtime(LocalHost(poll=0.2), Settings(), (str(bench.config),), LocalHands)
    key = InstanceKey(runtime.store.host, str(bench.config))

    def changed() -> bool:
        known = runtime.store.instance(key)
        return known is not None and known.instance.change is not None

    def a_second_old() -> bool:
        """The log tells of a load by its second: what is written in it may have been loaded."""
        known = runtime.store.instance(key)
        loaded = known.instance.loaded_at if known is not None else None
        return loaded is not None and time.time() > loaded + LOG_SECOND

    async def report() -> Preflight:
        told = await runtime.control.preflight(key, Action.RELOAD)
        assert isinstance(told, Preflight)
        return told

    running = asyncio.create_task(runtime.run())
    try:
        async with asyncio.timeout(PATIENCE):
            await runtime.settle()
            key = InstanceKey(runtime.store.host, str(bench.config))
            before = await report()
            while not a_second_old():
                await asyncio.sleep(0.02)
            change()
            while not changed():
                await asyncio.sleep(0.02)
            return before, await report()
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def dead(told: Preflight) -> list[str]:
    return [each.text for each in told.warnings if each.code == "connect-refused"]


async def test_a_target_that_was_changed_to_where_nobody_listens_is_told(bench: Bench) -> None:
    """What is loaded still connects to a target that is there."""
    port = bench.free()
    bench.start()
    moved = bench.section(connect=f"127.0.0.1:{port}")
    before, after = await before_and_after(bench, lambda: bench.write(moved))
    assert dead(before) == []
    assert dead(after) == [f"nobody listens on 127.0.0.1:{port}, where [moved] connects to"]


async def test_a_target_that_was_mended_is_not_told_of_any_more(bench: Bench) -> None:
    """What is loaded connects to where nobody listens, and a reload ends that."""
    port = bench.free()
    bench.write(bench.section(connect=f"127.0.0.1:{port}"))
    bench.begin()
    before, after = await before_and_after(bench, bench.write)
    assert dead(before) == [f"nobody listens on 127.0.0.1:{port}, where [moved] connects to"]
    assert dead(after) == []


async def test_a_target_on_a_unix_socket_is_looked_for_by_its_path(bench: Bench) -> None:
    """Its file may be there, and nobody behind it."""
    bench.start()
    path = bench.folder / "gone.sock"
    before, after = await before_and_after(bench, lambda: bench.write(bench.section(connect=str(path))))
    assert dead(before) == []
    assert dead(after) == [f"nobody listens on {path}, where [moved] connects to"]
