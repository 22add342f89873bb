"""How soon a change of a unit is seen on a real host: with the process, not at the next look at units."""

from collections.abc import Iterator

import pytest

from tests.hosts.systemd_host import SystemdHost, systemd_host
from tests.hosts.yard import Yard, prepare

pytestmark = pytest.mark.host

WATCH = """
import asyncio, sys
import msgspec
from tuimon.host.local import LocalHost
from tuimon.runtime import Runtime
from tuimon.settings import Settings

async def main(unit):
    settings = Settings()
    intervals = msgspec.structs.replace(settings.intervals, units=3600)
    runtime = Runtime(LocalHost(), msgspec.structs.replace(settings, intervals=intervals))
    causes, changed = [], asyncio.Event()
    def look(_):
        for row in runtime.store.rows():
            if not causes or causes[-1] != (row.cause.code if row.cause else ""):
                causes.append(row.cause.code if row.cause else "")
        changed.set()
    runtime.subscribe(look)
    running = asyncio.create_task(runtime.run())
    await runtime.settle()
    ending = await asyncio.create_subprocess_exec("systemctl", "kill", "--signal=KILL", unit)
    await ending.wait()
    async with asyncio.timeout(20):
        while causes[-1] != "unit-failed":
            changed.clear()
            await changed.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    print(causes)

asyncio.run(main(sys.argv[1]))
"""


@pytest.fixture
def yard() -> Iterator[Yard]:
    """A host with one instance that serves."""
    with systemd_host("gw-04") as host:
        prepare(host)
        yield started(host)


def started(host: SystemdHost) -> Yard:
    yard = Yard(host, "web", 8001)
    yard.config()
    host.run("systemctl", "daemon-reload")
    host.run("systemctl", "start", "echo.socket")
    yard.systemctl("enable")
    yard.start()
    yard.serves()
    return yard


def test_a_unit_that_fails_is_seen_with_its_process(yard: Yard) -> None:
    """The units are looked at once an hour here: only that a process ended can be the reason to look."""
    done = yard.host.python("-c", WATCH, yard.unit_name)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().endswith("'unit-failed']")
