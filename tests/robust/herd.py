"""Many real stunnel processes, found and looked at again: `python -m tests.robust.herd 1000`.

Rule: what a look costs is counted in processor time, which does not depend on who else is at work.
"""

import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from tuimon.host.procs import ProcessTable
from tuimon.model.process import Process

_TEXT = "foreground = yes\npid =\ndebug = 3\n[s]\nclient = yes\naccept = 127.0.0.1:0\nconnect = 127.0.0.1:9\n"
_LIMIT = 120.0  # seconds until all are there


class Looks(NamedTuple):
    """The processes of the herd that were found, and milliseconds of the first look and of the next."""

    found: tuple[Process, ...]
    again: tuple[Process, ...]
    first: float
    next: float


def _look(table: ProcessTable, configs: set[str]) -> tuple[tuple[Process, ...], float]:
    began = time.process_time()
    seen = table.scan()
    took = (time.process_time() - began) * 1000
    return tuple(each for each in seen if each.argument in configs), took


def watch(folder: Path, count: int) -> Looks:
    """Start so many, look twice with one table, and end them."""
    configs = {str(folder / f"{number}.conf") for number in range(count)}
    herd: list[subprocess.Popen[bytes]] = []
    with ExitStack() as stack:
        for config in sorted(configs):
            Path(config).write_text(_TEXT)
            argv = ["setpriv", "--pdeathsig", "TERM", "stunnel", config]
            quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
            herd.append(stack.enter_context(subprocess.Popen(argv, **quiet)))
        stack.callback(lambda: [each.kill() for each in herd])  # all, before any of them is waited for
        deadline, waiting = time.monotonic() + _LIMIT, ProcessTable()
        while len(_look(waiting, configs)[0]) < count:
            if time.monotonic() > deadline:
                raise TimeoutError(f"fewer than {count} started")
        table = ProcessTable()
        found, first = _look(table, configs)
        again, following = _look(table, configs)
    return Looks(found, again, first, following)


def report(count: int, looks: Looks) -> str:
    """One line."""
    each = looks.next / count
    first, following = f"first look {looks.first:.0f} ms", f"every other {looks.next:.0f} ms"
    return f"{count} processes: {first}, {following} ({each:.2f} each)"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        many = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
        print(report(many, watch(Path(place), many)))
