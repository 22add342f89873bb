"""Commands of this machine: ended whenever their caller is, and never told twice."""

import asyncio
import logging
from pathlib import Path

import pytest

from tuimon.host.local import LocalHost


async def test_whoever_is_cancelled_leaves_no_child_and_no_noise(
    host: LocalHost, caplog: pytest.LogCaptureFixture
) -> None:
    """At any moment: while the child starts, runs, or has ended and nobody has noticed."""
    caplog.set_level(logging.WARNING)
    for turns in range(120):
        running = asyncio.create_task(host.run(("true",), 10))
        for _ in range(turns % 40):
            await asyncio.sleep(0)
        await asyncio.sleep((turns // 40) * 0.001)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert [record.getMessage() for record in caplog.records] == []
    children = Path("/proc/thread-self/children").read_text().split()
    names = [Path(f"/proc/{pid}/comm").read_text().strip() for pid in children]
    assert "true" not in names
