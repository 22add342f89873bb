"""Healthy oddities between the disk and the process: the file was touched, and nothing is other than loaded.

Rule: nothing above information may be said of any of them.
"""

from tests.lab.bench import Bench
from tests.lab.loaded import edit
from tests.lab.row import Shelf

shelf = Shelf()
healthy = shelf.healthy


@healthy
def touched(bench: Bench) -> None:
    bench.start(bench.server())
    bench.then(lambda: bench.later(bench.config))


@healthy
def commented(bench: Bench) -> None:
    bench.start(bench.server())
    edit(bench, bench.server("; to be looked at", "", "# protocolPassword = hunter2"))


@healthy
def spelt_otherwise(bench: Bench) -> None:
    bench.start(bench.server("TIMEOUTidle = 60"))
    edit(bench, bench.server("  timeoutIDLE=60"))


@healthy
def changed_and_reloaded_unseen(bench: Bench) -> None:
    running = bench.start(bench.server())
    bench.then(lambda: bench.write(bench.server("TIMEOUTidle = 60")))
    bench.then(running.reload)


@healthy
def changed_and_restarted(bench: Bench) -> None:
    running = bench.start(bench.server())
    bench.then(running.end)
    bench.then(lambda: bench.start(bench.server("TIMEOUTidle = 60")))
