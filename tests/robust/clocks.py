"""A tuimon whose clock is not ours: `python -m tests.robust.clocks CONFIGS SLEPT SETTINGS`.

Rule: the real runtime with all its collectors.  Its wall clock is libfaketime's; what that cannot do, a clock
of intervals that went on while the machine slept, its host hands to it.  Each line that it reads is answered
with what it shows.
"""

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from tests.robust.machine import Gateway
from tuimon.host.local import LocalHost
from tuimon.runtime import Runtime
from tuimon.settings import Settings
from tuimon.store import Row
from tuimon.ui import service_page
from tuimon.ui.document import Document
from tuimon.ui.palette import Palette

_ROOT = Path(__file__).parents[2]
_PLAIN = Palette()
_PATIENCE, _PAUSE = 30.0, 0.05
_LINES = 100  # of the log that are told


class Look(NamedTuple):
    """What was shown: the clock, what is said of it, the log's last lines (time, message, whether it is of a
    probe), and of each service what `_told` tells."""

    now: float
    jumped: str
    log: list[tuple[float, str, bool]]
    services: dict[str, dict[str, Any]]

    @property
    def states(self) -> set[str]:
        """Those that there are."""
        return {each["state"] for each in self.services.values()}


class Watch:
    """A tuimon in a process of its own, and all that it showed so far."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process, self.looks = process, list[Look]()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def look(self) -> Look:
        """What it shows now."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        self.looks.append(Look(*json.loads(self._process.stdout.readline())))
        return self.looks[-1]

    def until(self, fact: Callable[[Look], object]) -> float:
        """Look until this is true; seconds that it took."""
        began = time.monotonic()
        while not fact(self.look()):
            assert time.monotonic() - began < _PATIENCE, self.looks[-1]
            time.sleep(_PAUSE)
        return time.monotonic() - began


@contextmanager
def watching(gateway: Gateway, **intervals: float) -> Iterator[Watch]:
    """A tuimon that has seen everything once, and everything well."""
    settings = json.dumps({"intervals": intervals, "probes": {"failing_interval": 1}})
    with subprocess.Popen(
        [sys.executable, "-m", "tests.robust.clocks", gateway.conf, gateway.clock.slept, settings],
        env=os.environ | gateway.clock.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=_ROOT,
        text=True,
    ) as process:
        watch = Watch(process)
        watch.until(lambda look: look.services and look.states == {"ok"})
        yield watch
        assert process.stdin
        process.stdin.close()
        assert process.wait(_PATIENCE) == 0


class _Host(LocalHost):
    """This machine, had it slept for as many seconds as a file says."""

    def __init__(self, slept: Path) -> None:
        super().__init__()
        self._slept = slept

    def monotonic(self) -> float:
        """As on a machine that sleeps."""
        return super().monotonic() + float(self._slept.read_text() if self._slept.exists() else 0)


def _told(runtime: Runtime, row: Row) -> dict[str, Any]:
    """A service as it is seen: `moments` is whatever was noted by the clock, `minutes` the sessions of each
    of the last ones."""
    store, past = runtime.store, runtime.store.past(row.key)
    document = Document(_PLAIN, 100, now=store.now, settings=store.settings)
    service_page.page(document, row, [], past, store.logbook.chronicle)
    probes = [each.at for each in past.probes()]
    return {
        "state": row.state.value,
        "codes": [each.code for each in row.findings],
        "sessions": row.tunnel.sessions,
        "probed": row.tunnel.probed_at,
        "probes": len(probes),
        "moments": [row.since, row.tunnel.probed_at, past.seen, *(each.at for each in past.changes), *probes],
        "minutes": past.sessions(store.now),
        "page": document.plain,
    }


async def _serve(configs: str, slept: Path, settings: Settings) -> None:
    """Run, and answer every line."""
    runtime, reader = Runtime(_Host(slept), settings, (configs,)), asyncio.StreamReader()
    running = asyncio.create_task(runtime.run())
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while await reader.readline():
        store = runtime.store
        log = [(each.record.time, each.record.message, each.own) for each in store.logbook.lines]
        services = {row.tunnel.service.name: _told(runtime, row) for row in store.rows()}
        print(json.dumps((store.now, store.jumped, log[-_LINES:], services)), flush=True)
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1], Path(sys.argv[2]), msgspec.json.decode(sys.argv[3], type=Settings)))
