"""A log of 5 GB opened at its end, against one of 1 MB, and against lnav."""

import os
import shutil
from pathlib import Path

from tests.bench.field import TUIMON, Field
from tests.bench.figure import Figure, Scale, interleaved
from tests.bench.log_lines import log_text
from tests.bench.tube import Tube

_SMALL = 1 << 20
_LAST = "the last line of this log"


def _log(path: Path, size: int) -> Path:
    """A log of `size` bytes: real lines at its end, a hole before them if there is room for one."""
    tail = log_text(max(1, min(size, _SMALL) // 100))
    with open(path, "wb") as file:
        file.truncate(max(0, size - len(tail)))
        file.seek(0, os.SEEK_END)
        file.write(b"\n" + tail + f"2026.11.26 23:59:59 LOG5[ui]: {_LAST}\n".encode())
    return path


def run(field: Field, scale: Scale) -> list[Figure]:
    """Wall time from exec to the log's last line on the terminal; peak memory then."""
    peaks: dict[str, float] = {}

    def opened(name: str, *argv: str) -> float:
        with Tube(argv, field.environment) as tube:
            took = (tube.until(_LAST) - tube.began) * 1000
            peaks[name] = tube.memory("VmHWM")
            return took

    logs = {
        name: _log(field.folder / f"{name}.log", size)
        for name, size in (("huge", scale.huge), ("small", _SMALL))
    }
    configs = {name: str(field.written(f"log-{name}", 1, log=str(path))) for name, path in logs.items()}
    huge, small = interleaved(
        scale.rounds,
        lambda: opened("huge", *TUIMON, configs["huge"]),
        lambda: opened("small", *TUIMON, configs["small"]),
    )
    size = f"{scale.huge / (1 << 30):.0f} GB"
    figures = [
        Figure(f"log of {size} opened at its end", huge, small, "ms", 1.2),
        Figure(f"log of {size}, peak memory", peaks["huge"], peaks["small"], "MB", 1.2),
    ]
    if shutil.which("lnav") and scale.huge >= 1 << 30:
        (lnav,) = interleaved(min(3, scale.rounds), lambda: opened("lnav", "lnav", str(logs["huge"])))
        figures.append(Figure(f"log of {size}, against lnav", huge, lnav, "ms", 1))
    logs["huge"].unlink()
    return figures
