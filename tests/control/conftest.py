"""All situations, played at once before one running tuimon; and their table at the end of the run."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.control import reloads, restarts, starts
from tests.control.bench import Bench, Field
from tests.control.row import Judged, Situation, Told
from tests.fixtures import Pki
from tests.tables import Line, leave
from tuimon.host.local import LocalHost
from tuimon.host.local_hands import LocalHands
from tuimon.model.failure import Failure
from tuimon.model.service import InstanceKey
from tuimon.runtime import Runtime
from tuimon.settings import Probes, Settings

ROWS: tuple[Situation, ...] = tuple(each for kin in (reloads, restarts, starts) for each in kin.shelf.rows)
SETTINGS = Settings(probes=Probes(timeout=5, repeat_after=0.2))
_AT_ONCE = 6


@pytest.fixture(scope="session", autouse=True)
def _state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The action log of the tests is not anybody's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(scope="session")
def judged(pki: Pki, pytestconfig: pytest.Config) -> Iterator[dict[str, Judged]]:
    """Every situation by name: built, acted on, looked at."""
    if os.geteuid() != 0:
        pytest.skip("needs root: most situations are about users")
    folder = Path(tempfile.mkdtemp(prefix="control-"))  # where every user gets to
    field = Field(folder, pki)
    benches = {row.name: Bench(field, row.name) for row in ROWS}
    try:
        seen = asyncio.run(_play(field, benches))
        rows = (Line(str(each), "situations as they must end", not each.wrong) for each in seen)
        leave(pytestconfig, "actions", rows)
        yield {each.situation.name: each for each in seen}
    finally:
        for bench in benches.values():
            bench.end()
        field.close()
        shutil.rmtree(folder)


async def _play(field: Field, benches: dict[str, Bench]) -> list[Judged]:
    plays = {row.name: row.play(benches[row.name]) for row in ROWS}
    for row in ROWS:
        next(plays[row.name])
    host = LocalHost(poll=1)
    runtime = Runtime(host, SETTINGS, (str(field.conf),), LocalHands)
    running = asyncio.create_task(runtime.run())
    try:
        try:
            async with asyncio.timeout(60):
                await runtime.settle()
        except TimeoutError:
            raise AssertionError(f"never seen: {runtime.store.pending()}") from None
        slots = asyncio.Semaphore(_AT_ONCE)

        async def one(row: Situation) -> Judged:
            async with slots:
                return await _one(runtime, row, benches[row.name], plays[row.name])

        return list(await asyncio.gather(*map(one, ROWS)))
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def _one(runtime: Runtime, row: Situation, bench: Bench, play) -> Judged:  # type: ignore[no-untyped-def]
    loop = asyncio.get_running_loop()
    served = await loop.run_in_executor(None, bench.serves)
    preflight = await runtime.control.preflight(
        InstanceKey(runtime.store.host, str(bench.config)), row.action
    )
    if isinstance(preflight, Failure):
        return Judged(row, None, str(preflight))
    told = Told(preflight, await runtime.control.act(preflight))
    return Judged(
        row, told, await loop.run_in_executor(None, lambda: _wrong(row, bench, play, told, served=served))
    )


def _wrong(row: Situation, bench: Bench, play, told: Told, *, served: bool) -> str:  # type: ignore[no-untyped-def]
    """What is not as it must be; empty where everything is."""
    if told.outcome.result is not row.result:
        return f"it ended {told.outcome.result.value}: {told.text}"
    missing = [word for word in row.words if word not in told.text]
    if missing:
        return f"{missing} is not said: {told.text}"
    if served and not row.down and not bench.serves():
        return f"who was served before is not any more: {told.text}"
    try:
        play.send(told)
    except StopIteration:
        return ""
    except AssertionError as error:
        return f"afterwards: {error}; {told.text}"
    return "its play goes on"
