"""Faults of the process: not there, ended, stopped in its tracks, there twice."""

import signal

from tests.lab.bench import Bench, Running
from tests.lab.row import Shelf

shelf = Shelf()
fault = shelf.fault


@fault("not-running", "not running")
def never_started(bench: Bench) -> None:
    bench.write(bench.server())


@fault("not-running", "not running")
def killed(bench: Bench) -> None:
    bench.start(bench.server()).end(signal.SIGKILL)


@fault("not-running", "not running", "ended at")
def ended(bench: Bench) -> None:
    bench.start(bench.server()).end()


@fault("not-running", "not running")
def client_killed(bench: Bench) -> None:
    bench.start(bench.client(bench.remote())).end(signal.SIGKILL)


@fault("hung", "stopped")
def stopped(bench: Bench) -> None:
    bench.start(bench.server()).tell(signal.SIGSTOP)


@fault("hung", "stopped")
def client_stopped(bench: Bench) -> None:
    bench.start(bench.client(bench.remote())).tell(signal.SIGSTOP)


@fault("duplicate-instance", "2 processes", "pids")
def started_twice(bench: Bench) -> None:
    bench.start(bench.server(f"accept = 127.0.0.1:{bench.lab.port()}"))
    bench.write(bench.server())
    Running(bench.lab, bench.config, bench.log).wait_for("Configuration successful", 2)


@fault("not-running", "not running")
def ended_long_ago(bench: Bench) -> None:
    bench.write(bench.server())
    bench.log.write_text("2026.01.02 03:04:05 LOG5[ui]: Terminated\n")
