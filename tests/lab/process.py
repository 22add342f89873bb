"""Faults of the process: not there, ended, stopped in its tracks, there twice."""

import fcntl
import os
import signal
import subprocess
import sys
from contextlib import suppress

from tests.fixtures import PATIENCE
from tests.lab.bench import Bench, Running
from tests.lab.row import Shelf

shelf = Shelf()
fault = shelf.fault
_DEBUGGER = """
import ctypes, os, sys
pid = int(sys.argv[1])
assert ctypes.CDLL(None).ptrace(16, pid, None, None) == 0  # PTRACE_ATTACH
os.waitpid(pid, 0x40000000)  # __WALL
print("held", flush=True)
sys.stdin.read()
"""


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


@fault("hung", "held by python", "accepts nobody")
def held_by_a_debugger(bench: Bench) -> None:
    pid = bench.start(bench.server()).pid
    debugger = subprocess.Popen(
        [sys.executable, "-c", _DEBUGGER, str(pid)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    bench.lab.defer(lambda: debugger.communicate(timeout=PATIENCE))
    assert debugger.stdout
    assert debugger.stdout.readline() == b"held\n"


@fault("hung", "accepts nobody", "wait in its queue since")
def stuck_on_a_log_that_nobody_reads(bench: Bench) -> None:
    fifo = bench.file("stuck.fifo")
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    bench.lab.defer(lambda: os.close(reader))
    fcntl.fcntl(reader, fcntl.F_SETPIPE_SZ, 4096)
    bench.write(bench.server(), "debug = 7")
    bench.config.write_text(bench.config.read_text().replace(str(bench.log), fifo))
    running = Running(bench.lab, bench.config, bench.log)
    bench.lab.defer(lambda: running.end(signal.SIGKILL))  # it could not say that it ends
    running.wait_for_port(bench.accept)
    assert os.read(reader, 64)  # it writes; from now on nobody reads
    with suppress(TimeoutError):
        while True:  # each is worth some lines, until the pipe is full and one is not answered
            bench.babble()


@fault("duplicate-instance", "2 processes", "pids")
def started_twice(bench: Bench) -> None:
    bench.start(bench.server(f"accept = 127.0.0.1:{bench.lab.port()}"))
    bench.write(bench.server())
    Running(bench.lab, bench.config, bench.log).wait_for("Configuration successful", 2)


@fault("not-running", "not running")
def ended_long_ago(bench: Bench) -> None:
    bench.write(bench.server())
    bench.log.write_text("2026.01.02 03:04:05 LOG5[ui]: Terminated\n")
