"""What a process of ours holds, as the kernel counts it.

Rule: no estimate: descriptors are those of /proc, memory is what is resident.
"""

import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple


def descriptors() -> int:
    """How many this process has open (that of the look itself always among them)."""
    return len(os.listdir("/proc/self/fd"))


def resident(pid: int | str = "self") -> float:
    """Resident memory in MB."""
    found = re.search(r"^VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    return int(found[1]) / 1024 if found else 0.0


class Ran(NamedTuple):
    """A command that ended: its status, what it printed, seconds it took, and the most memory in MB."""

    status: int
    out: str
    err: str
    seconds: float
    peak: float


# A process inherits the peak of the one that forked it, so a small one forks.
_WEIGH = """
import resource, subprocess, sys
status = subprocess.call(sys.argv[2:])
with open(sys.argv[1], "w") as file:
    print(status, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=file)
"""


def run(argv: tuple[str, ...], folder: Path, timeout: float = 60) -> Ran:
    """Run a command to its end, which comes after `timeout` seconds at the latest; what it says goes
    through files in `folder`."""
    limited = (sys.executable, "-c", _WEIGH, str(folder / "weighed"), "timeout", f"{timeout:g}", *argv)
    began = time.monotonic()
    with open(folder / "out", "wb") as out, open(folder / "err", "wb") as err:
        subprocess.run(limited, stdin=subprocess.DEVNULL, stdout=out, stderr=err, check=True)
    took = time.monotonic() - began
    status, peak = map(int, (folder / "weighed").read_text().split())
    return Ran(status, *((folder / name).read_text() for name in ("out", "err")), took, peak / 1024)
