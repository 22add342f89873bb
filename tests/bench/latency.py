"""How soon a log line, and a key, is seen: p99 of what the terminal was sent."""

import threading
import time
from pathlib import Path

from tests.bench.field import TUIMON, Field, name_of
from tests.bench.figure import Figure, Scale, late
from tests.bench.log_lines import log_text
from tests.bench.soak import settle
from tests.bench.tube import Tube
from tuimon.runtime.bell import BELL

_RATE = 10_000  # lines a second
_BEAT = 0.05  # seconds between two writes of the storm


def lines(tube: Tube, log: Path, count: int) -> float:
    """Seconds from a line written to the line painted."""
    times = []
    with open(log, "ab", buffering=0) as file:
        for number in range(count):
            # no harmonic of any interval: every phase of the repaint window is met
            tube.watch(0.137 + number % 7 * 0.011)
            mark, since = f"mark-{number:05}", len(tube.raw)
            file.write(time.strftime(f"%Y.%m.%d %H:%M:%S LOG5[ui]: {mark}\n").encode())
            began = time.monotonic()
            times.append(tube.until(mark, since) - began)
    return late(times)


def keys(tube: Tube, count: int, services: int) -> float:
    """Seconds from a key pressed to the row it leads to painted, down some of them and up again."""
    times, span = [], min(10, services - 1)
    tube.press("g")
    tube.watch(1)
    for number in range(count):
        step = number % (2 * span)
        down = step < span
        tube.watch(0.083 + number % 5 * 0.013)
        since, began = len(tube.raw), time.monotonic()
        tube.press("j" if down else "k")
        at = step + 1 if down else 2 * span - 1 - step
        times.append(tube.until(name_of(at), since) - began)
    return late(times)


class _Storm:
    """Writes `_RATE` lines a second to a log."""

    def __init__(self, log: Path) -> None:
        self._log, self._over = log, threading.Event()
        self._thread = threading.Thread(target=self._blow)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _blow(self) -> None:
        piece = log_text(int(_RATE * _BEAT)).replace(b"[svc-", b"[other-")
        with open(self._log, "ab", buffering=0) as file:
            while not self._over.wait(_BEAT):
                file.write(piece)


def run(field: Field, scale: Scale) -> list[Figure]:
    """In one run: lines, keys, and keys again in a storm of log lines."""
    with (
        field.fleet("pressed", scale.services) as running,
        Tube((*TUIMON, str(running.config)), field.environment) as tube,
    ):
        settle(tube, scale.services)
        seen = lines(tube, running.log, scale.timed)
        idle = keys(tube, scale.timed, scale.services)
        with _Storm(running.log):
            tube.watch(3)
            loaded = keys(tube, scale.timed, scale.services)
    many = f"{scale.services:,} services"
    return [
        Figure("log line written → painted, p99", seen * 1000, BELL * 1000, "ms", 2.5),
        Figure(f"key → painted, p99, {many}, {_RATE:,} lines/s", loaded * 1000, idle * 1000, "ms", 2),
    ]
