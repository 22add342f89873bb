"""Other programs on our terminal: the reader's pager and editor, while the screen stands aside.

Rule: no shell; the program is the user's own, and the file is an argument of its own.
"""

import os
import shlex
import shutil
import subprocess
from typing import Any

from textual.app import App

from tuimon.text import printable

_AT_A_LINE = frozenset({"less", "vi", "vim", "nvim"})  # programs that take `+…` for where to begin


def pager() -> str:
    """What shows a file."""
    return os.environ.get("PAGER") or "less"


def editor() -> str:
    """What changes one."""
    return os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"


def open_file(app: App[Any], program: str, path: str, at_end: str) -> str:
    """Open a file, at its end if the program can (`at_end` tells it to); what is to be said of it, if
    anything."""
    try:
        argv = shlex.split(program)
    except ValueError:
        argv = []
    if not argv or shutil.which(argv[0]) is None:
        return f"cannot run {printable(program, 60) or 'nothing'}: set $PAGER or $EDITOR"
    ends = [at_end] if os.path.basename(argv[0]) in _AT_A_LINE else []
    with app.suspend():
        done = subprocess.run([*argv, *ends, path], check=False)
    app.refresh(layout=True)
    return f"{printable(argv[0], 60)} ended with {done.returncode}" if done.returncode else ""
