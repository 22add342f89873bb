"""`python -m tests.bench [NAME…] [--quick]`: measures, and prints the table.

Rule: nothing here is asserted by a test run: times are the machine's, and a number that is missed is
printed as missed.
"""

import argparse
import importlib
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import cast

from tests.bench.field import Field, allow_many_files
from tests.bench.figure import FULL, QUICK, Benchmark, Figure, Scale, table
from tests.bench.log_lines import SEED

NAMES = (
    "first_rows",
    "status_one",
    "handshakes",
    "sweep",
    "log_lines",
    "log_end",
    "config_lint",
    "latency",
    "soak",
    "growth",
)


def measure(names: Sequence[str], scale: Scale) -> list[Figure]:
    """Run these benchmarks in a folder that is gone afterwards; progress goes to stderr."""
    figures: list[Figure] = []
    allow_many_files()
    with tempfile.TemporaryDirectory(prefix="tuimon-bench-") as folder:
        field = Field(Path(folder))
        try:
            for name in names:
                module = cast("Benchmark", importlib.import_module(f"tests.bench.{name}"))
                found = module.run(field, scale)
                figures += found
                print(*("  ".join(each.cells) for each in found), sep="\n", file=sys.stderr, flush=True)
        finally:
            field.close()
    return figures


def machine() -> str:
    """What the numbers are of."""
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        model = next((line.partition(":")[2].strip() for line in file if line.startswith("model name")), "?")
    said = subprocess.run(["stunnel", "-version"], capture_output=True, text=True, check=False).stderr
    stunnel = next(
        (line.partition(" on ")[0] for line in said.splitlines() if line.startswith("stunnel ")), "?"
    )
    cores = f"{os.cpu_count()} × {model}, Linux {platform.release()}"
    return f"{cores}, Python {platform.python_version()}, {stunnel}, seed {SEED}"


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", choices=[*NAMES, []], help=", ".join(NAMES))
    parser.add_argument("--quick", action="store_true", help="fewer rounds and smaller sizes")
    arguments = parser.parse_args()
    figures = measure(arguments.names or NAMES, QUICK if arguments.quick else FULL)
    print(*table(figures), "", machine(), sep="\n")


if __name__ == "__main__":
    main()
