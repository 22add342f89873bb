"""How the fleet ends with whoever started it: parent-death signals, and clearing away what is left.

Rule: standard library only, because the back ends start through it and must start quickly; nothing is
ended or removed that does not belong to a folder which the demo made itself.
"""

import ctypes
import os
import shutil
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

PREFIX = "tuimon-demo-"
"""How the name of every folder that the demo makes begins."""

_PR_SET_PDEATHSIG = 1  # prctl(2)


def die_with(parent: int) -> bool:
    """Have the kernel send this process SIGTERM when its parent ends; False if `parent` has ended already."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
    # The order closes the gap: a parent that ended before the call above is no longer our parent here.
    return os.getppid() == parent


def tied(command: Sequence[str]) -> list[str]:
    """The argument vector that runs `command` so that it gets SIGTERM when the calling *thread* ends."""
    setpriv = shutil.which("setpriv")
    if setpriv and Path(setpriv).resolve().name == "setpriv":  # busybox has one without --pdeathsig
        return [setpriv, "--pdeathsig", "TERM", "--", *command]
    return [sys.executable, "-m", "tuimon.demo.lifeline", str(os.getpid()), *command]


def child_environment() -> dict[str, str]:
    """The environment in which `python -m tuimon.demo.…` finds this very package, installed or not."""
    package_parent = str(Path(__file__).resolve().parents[2])
    path = [package_parent, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path)}


def members(folder: str) -> tuple[int, ...]:
    """Pids of the fleet's processes: those of stunnel and of the demo that name a path inside `folder`.

    A stunnel that somebody started by hand on one of the folder's files counts; an editor does not.
    This process itself is left out, and so are zombies.
    """
    pids = (int(name) for name in os.listdir("/proc") if name.isdigit())
    return tuple(pid for pid in pids if pid != os.getpid() and _belongs(pid, folder))


def _belongs(pid: int, folder: str) -> bool:
    try:
        program = Path(os.readlink(f"/proc/{pid}/exe")).name
        cwd = os.readlink(f"/proc/{pid}/cwd")
        raw = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False  # gone, a kernel thread, or another user's
    arguments = [os.fsdecode(argument) for argument in raw.split(b"\0")]
    runs_demo = arguments[1:2] == ["-m"] and "".join(arguments[2:3]).startswith("tuimon.demo.")
    if not (runs_demo or program.startswith(("stunnel", "setpriv"))):
        return False
    paths = (os.path.normpath(os.path.join(cwd, argument)) for argument in arguments[1:] if argument)
    return any(path == folder or path.startswith(folder + os.sep) for path in paths)


def clear(folder: str, grace: float = 2.0) -> None:
    """End all `members` of `folder` (SIGTERM, after `grace` seconds SIGKILL) and remove the folder.

    Does nothing to a folder that the demo did not make; may be called twice, and by two at a time.
    """
    if not Path(folder).name.startswith(PREFIX):
        return
    for number in (signal.SIGTERM, signal.SIGKILL):
        _signal_members(folder, number)
        deadline = time.monotonic() + grace
        while members(folder) and time.monotonic() < deadline:
            time.sleep(0.01)
    # Never follows a symbolic link, neither here nor below.
    shutil.rmtree(folder, ignore_errors=True)


def _signal_members(folder: str, number: signal.Signals) -> None:
    for pid in members(folder):
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)
            os.kill(pid, signal.SIGCONT)  # a stopped process takes SIGTERM only when it goes on


def main(arguments: Sequence[str]) -> int:
    """`PARENT COMMAND…`: become COMMAND, tied to PARENT; what `tied` uses where setpriv is missing."""
    parent, *command = arguments
    if die_with(int(parent)):
        os.execv(command[0], command)  # noqa: S606 - an argument vector of our own making
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
