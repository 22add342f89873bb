"""Hands that ask sudo, on the terminal of whoever acts, for the one command of one action.

Rule: sudo asks for its password itself, on a terminal that is ours no longer meanwhile; no password is
ever in our hands, and what cannot be done by one command is not tried.
"""

import os
import shutil
import subprocess
from collections.abc import Callable
from contextlib import AbstractContextManager

from tuimon.host.base import Completed
from tuimon.host.detached import PATH
from tuimon.host.hands import Launched
from tuimon.host.local_hands import LocalHands
from tuimon.model.failure import Failure, Reason
from tuimon.model.origin import Launch
from tuimon.model.process import ProcessId
from tuimon.text import printable


def available() -> bool:
    """Whether there is a sudo to ask."""
    return shutil.which("sudo", path=PATH) is not None


class SudoHands(LocalHands):
    """As `LocalHands`, with sudo before every command; `suspended` gives the terminal away."""

    def __init__(self, suspended: Callable[[], AbstractContextManager[None]]) -> None:
        super().__init__()
        self._suspended = suspended

    async def perform(self, argv: tuple[str, ...], timeout: float) -> Completed | Failure:
        """Run a command as root.  Everything waits while sudo has the terminal."""
        whole = ("sudo", "--", *argv)
        with self._suspended():
            print(f"tuimon: {' '.join(whole)}", flush=True)
            try:
                clean = {"PATH": PATH, "LC_ALL": "C.UTF-8", "TERM": os.environ.get("TERM", "dumb")}
                # The password is asked on the terminal itself; what is refused is told on stderr.
                done = subprocess.run(whole, stderr=subprocess.PIPE, env=clean, timeout=timeout, check=False)
            except subprocess.TimeoutExpired:
                return Failure(Reason.TIMEOUT, f"{argv[0]} did not end within {timeout:.0f} s")
            except OSError as error:
                return Failure(Reason.OTHER, str(error.strerror))
        said = done.stderr.strip()
        if done.returncode != 0 and b"sudo" in said:
            words = printable(said.rpartition(b"\n")[2].removeprefix(b"sudo: "), 200)
            return Failure(Reason.DENIED, f"sudo did not let you: {words}")
        return Completed(done.returncode, b"", said)

    async def signal(self, process: ProcessId, number: int) -> Failure | None:
        """Send a signal by kill(1); the process was identified just before."""
        done = await self.perform(("kill", f"-{int(number)}", str(process.pid)), 60.0)
        if isinstance(done, Failure):
            return done
        return None if done.status == 0 else Failure(Reason.OTHER, printable(done.stderr, 200))

    async def relaunch(self, launch: Launch, ending: ProcessId | None) -> Launched | Failure:
        """Not by one command."""
        words = "what runs outside of any unit is started anew by root alone: run tuimon as root"
        return Failure(Reason.UNSUPPORTED, words)
