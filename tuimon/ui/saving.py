"""Files that somebody asks for: what was copied, a table, an incident bundle.

Rule: nothing is ever written over, everything is readable by its owner alone, and the reader is told where.
"""

import os
import time
from functools import partial
from pathlib import Path

from tuimon.model.failure import Failure, Reason
from tuimon.patience import patiently
from tuimon.text import printable

_TRIES = 100
_PATIENCE = 1.0  # seconds: the screen is waiting


def place(name: str, host: str, now: float, suffix: str) -> str:
    """A file name that sorts by time: `tuimon-gw-01-certificates-20261126T031240.csv`."""
    safe = "".join(each if each.isalnum() or each in "-_." else "-" for each in f"{host}-{name}")[:80]
    return f"tuimon-{safe}-{time.strftime('%Y%m%dT%H%M%S', time.localtime(now))}.{suffix}"


def save(name: str, text: str, otherwise: str) -> str | Failure:
    """Write `text` to `name` in the current folder, or in `otherwise` where that cannot be written.

    Returns the path of the file (in the current folder its name, which no line need be folded for), or why
    there is none.
    """
    failure = Failure(Reason.OTHER, "there are too many files of that name")
    for folder in (".", otherwise):
        try:
            if path := patiently(partial(_written, folder, name, text), _PATIENCE):
                return path
        except OSError as error:
            where = "the current folder" if folder == "." else folder
            failure = Failure(Reason.OTHER, printable(f"cannot write to {where}: {error.strerror}"))
    return failure


def _written(folder: str, name: str, text: str) -> str:
    """The path of a new file; empty where there are too many of that name."""
    Path(folder).mkdir(mode=0o700, parents=True, exist_ok=True)
    stem, dot, suffix = name.rpartition(".")
    for attempt in range(_TRIES):
        path = os.path.normpath(os.path.join(folder, f"{stem}-{attempt}{dot}{suffix}" if attempt else name))
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            continue
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        return path
    return ""
