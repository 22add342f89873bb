"""Healthy oddities of processes: busy, far from their limits, with a log that is where it should be.

Rule: nothing above information may be said of any of them.
"""

import signal

from tests.lab.bench import Bench
from tests.lab.limits import small
from tests.lab.logfile import logs_of, until
from tests.lab.row import Shelf

shelf = Shelf()
healthy = shelf.healthy


@healthy
def half_of_the_clients_there(bench: Bench) -> None:
    running = small(bench)
    bench.occupy(7)
    running.wait_for("] accepted connection", 7)


@healthy
def log_rotated(bench: Bench) -> None:
    running = bench.start(bench.server())
    bench.log.rename(f"{bench.log}.1")
    running.tell(signal.SIGUSR1)
    until(lambda: logs_of(running) == [str(bench.log)])


@healthy
def log_through_a_symlink(bench: Bench) -> None:
    bench.log.symlink_to(bench.log.with_suffix(".elsewhere.log"))
    bench.start(bench.server())


@healthy
def log_overwritten(bench: Bench) -> None:
    bench.start(bench.server(), "log = overwrite")
