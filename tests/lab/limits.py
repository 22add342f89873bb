"""Faults of limits: no client more, no descriptor more."""

import os
import subprocess

from tests.lab.bench import Bench, Running
from tests.lab.row import Shelf

shelf = Shelf()
fault = shelf.fault
_FEW = ("prlimit", "--nofile=32")
"""Good for 13 clients."""


def small(bench: Bench) -> Running:
    bench.write(bench.server("debug = 7"))
    return bench.run(*_FEW)


@fault("client-limit", "13 of 13 clients: new ones are turned away")
def every_client_slot_taken(bench: Bench) -> None:
    running = small(bench)
    bench.occupy(13)
    running.wait_for("] accepted connection", 13)


@fault("client-limit", "12 of 13 clients: soon")
def every_client_slot_but_one_taken(bench: Bench) -> None:
    running = small(bench)
    bench.occupy(12)
    running.wait_for("] accepted connection", 12)


@fault("client-limit", "turned clients away at", "0 of 13 now")
def clients_turned_away_lately(bench: Bench) -> None:
    running = small(bench)
    held = bench.occupy(13)
    running.wait_for("] accepted connection", 13)
    held += bench.occupy(1)
    running.wait_for("too many clients")
    for each in held:
        each.close()
    running.wait_for("left)", 13)


@fault("fd-limit", "descriptors: nobody can be accepted")
def out_of_descriptors(bench: Bench) -> None:
    running = bench.start(bench.server())
    count = len(os.listdir(f"/proc/{running.pid}/fd"))
    subprocess.run(["prlimit", f"--pid={running.pid}", f"--nofile={count}"], check=True)
