"""Healthy oddities of processes: busy, far from their limits, with a log that is where it should be.

Rule: nothing above information may be said of any of them.
"""

from tests.lab.bench import Bench
from tests.lab.limits import small
from tests.lab.row import Shelf

shelf = Shelf()
healthy = shelf.healthy


@healthy
def half_of_the_clients_there(bench: Bench) -> None:
    running = small(bench)
    bench.occupy(7)
    running.wait_for("] accepted connection", 7)
