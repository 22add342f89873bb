"""Faults of the log: gone, left behind by a rotation, nowhere to be written."""

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from tests.fixtures import PATIENCE
from tests.lab.bench import Bench, Running
from tests.lab.row import Shelf

shelf = Shelf()
fault = shelf.fault


def until(fact: Callable[[], bool]) -> None:
    """Wait until it is true."""
    deadline = time.monotonic() + PATIENCE
    while not fact():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def logs_of(running: Running) -> list[str]:
    """The files that the process has open, without those of the kernel."""
    folder, names = f"/proc/{running.pid}/fd", []
    for each in os.listdir(folder):
        with suppress(FileNotFoundError):  # closed meanwhile
            names.append(os.readlink(f"{folder}/{each}"))
    return [name for name in names if ".log" in name]


@fault("log-silent", "log-deleted.log was deleted")
def log_deleted(bench: Bench) -> None:
    bench.start(bench.server())
    bench.log.unlink()


@fault("log-silent", "log-deleted-and-made-again.log was deleted")
def log_deleted_and_made_again(bench: Bench) -> None:
    bench.start(bench.server())
    bench.log.unlink()
    bench.log.touch()


@fault("log-silent", "writes to log-rotated-unnoticed.log.1, not to log-rotated-unnoticed.log")
def log_rotated_unnoticed(bench: Bench) -> None:
    bench.start(bench.server())
    bench.log.rename(f"{bench.log}.1")
    bench.log.touch()


@fault("log-silent", "writes no log", "does not hold log-not-reopened.log open")
def log_not_reopened(bench: Bench) -> None:
    folder = bench.log.parent / "not-reopened"
    folder.mkdir()
    bench.log = folder / bench.log.name
    running = bench.start(bench.server())
    folder.rename(f"{folder}.gone")
    running.tell(signal.SIGUSR1)
    until(lambda: not logs_of(running))
    Path(f"{folder}.gone").rename(folder)


@fault("log-silent", "/dev/full")
def log_to_nowhere(bench: Bench) -> None:
    bench.write(bench.server())
    bench.config.write_text(bench.config.read_text().replace(str(bench.log), "/dev/full"))
    Running(bench.lab, bench.config, bench.log).wait_for_port(bench.accept)


@fault("log-level", "debug = 2: neither clients nor failures are seen")
def log_without_failures(bench: Bench) -> None:
    bench.write(bench.server("debug = 2"))
    bench.run()


@fault("log-level", "debug = warning: no client is seen")
def log_without_clients(bench: Bench) -> None:
    bench.write(bench.server("debug = warning"))
    bench.run()


@fault("log-shared", "shares its log with log-shared-too.conf: ids ambiguous")
def log_shared(bench: Bench) -> None:
    bench.start(bench.server())
    other = Bench(bench.lab, f"{bench.name}-too")
    other.log = bench.log
    other.start(other.server())
