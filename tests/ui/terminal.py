"""The real program in a real pseudo-terminal, its screen kept by pyte.

Rule: nobody waits blindly: `until` reads what the program writes and looks again after every piece.
"""

import contextlib
import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from fcntl import ioctl
from pathlib import Path
from struct import pack
from types import TracebackType
from typing import Self, TypeVar

import pyte

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 20.0
"""Seconds after which what should have come true counts as a failure."""

T = TypeVar("T")

# What pyte would print instead of skipping: kitty's keyboard protocol (CSI > 1 u, CSI < u).
_UNKNOWN_TO_PYTE = re.compile(rb"\x1b\[[<>=][0-9;]*[a-zA-Z]")


class Terminal:
    """`python -m tuimon ARGUMENTS` as the leader of a session on a terminal of `size` (columns, rows).

    `raw` is everything it wrote.  Leaving the `with` block ends the program if it still runs.
    """

    def __init__(
        self,
        *arguments: str,
        size: tuple[int, int] = (120, 36),
        environment: dict[str, str] | None = None,
        by: tuple[str, ...] = (),
        module: str = "tuimon",
        as_left: bool = False,
        cwd: Path | None = None,
    ) -> None:
        """`by` is a command that becomes the program: another user's, on another host.  Unless it is to be
        `as_left`, the screen is arranged as if nobody had ever arranged it."""
        self.raw = b""
        self.screen = pyte.Screen(*size)
        self._stream = pyte.ByteStream(self.screen)
        self._unfed = b""
        self._ours, self._theirs = pty.openpty()
        ioctl(self._theirs, termios.TIOCSWINSZ, pack("HHHH", size[1], size[0], 0, 0))
        self.modes = self.terminal_modes()
        settled = {"TERM": "xterm-256color", "LANG": "C.UTF-8", "PYTHONPATH": str(ROOT)}
        inherited = {
            name: value
            for name, value in os.environ.items()
            if name not in {"TMUX", "NO_COLOR", "COLUMNS", "LINES", "LC_ALL"}
        }
        every = inherited | settled | (environment or {})
        self.state = every.get("XDG_STATE_HOME", "")
        if not as_left and "XDG_STATE_HOME" in every:
            with contextlib.suppress(OSError):  # there may be no folder of that name
                Path(every["XDG_STATE_HOME"], "tuimon", "view.json").unlink()
        self.process = subprocess.Popen(
            ["setsid", "--ctty", *by, sys.executable, "-m", module, *arguments],
            stdin=self._theirs,
            stdout=self._theirs,
            stderr=self._theirs,
            env=every,
            cwd=cwd,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.ended()
            except AssertionError:
                self.process.kill()
                self.process.wait()
        self.close()

    def close(self) -> None:
        """Close the terminal, as a window that is shut; harmless when repeated."""
        for side in (self._ours, self._theirs):
            if side >= 0:
                os.close(side)
        self._ours = self._theirs = -1

    def terminal_modes(self) -> list[object]:
        """The line discipline's settings (termios)."""
        return list(termios.tcgetattr(self._theirs))

    @property
    def lines(self) -> list[str]:
        """What the terminal shows."""
        return [line.rstrip() for line in self.screen.display]

    @property
    def text(self) -> str:
        """What the terminal shows, in one string."""
        return "\n".join(self.lines)

    def line(self, pattern: str) -> str:
        """The first line that matches, or the empty string."""
        return next((line for line in self.lines if re.search(pattern, line)), "")

    def press(self, *keys: str) -> None:
        """Type; a key is what the terminal would send for it."""
        for key in keys:
            os.write(self._ours, {"enter": "\r", "esc": "\x1b"}.get(key, key).encode())

    def until(self, fact: Callable[[], T], seconds: float = PATIENCE) -> T:
        """Read until `fact` is true and return what it gave; fails with the screen after `seconds`."""
        deadline = time.monotonic() + seconds
        while not (found := fact()):
            assert time.monotonic() < deadline, f"did not come true within {seconds} s:\n{self.text}"
            assert self._read(0.05) or self.process.poll() is None, f"ended:\n{self.text}"
        return found

    def sees(self, *patterns: str, seconds: float = PATIENCE) -> None:
        """Wait until the screen has a line for each pattern, all at the same time."""

        def missing() -> list[str]:
            return [pattern for pattern in patterns if not self.line(pattern)]

        try:
            self.until(lambda: not missing(), seconds)
        except AssertionError as error:
            raise AssertionError(f"{missing()} {error}") from None

    def settle(self, quiet: float = 0.3, seconds: float = PATIENCE) -> None:
        """Read until nothing was written for `quiet` seconds, or `seconds` are over."""
        deadline = time.monotonic() + seconds
        while self._read(quiet) and time.monotonic() < deadline:
            pass

    def ended(self, seconds: float = PATIENCE) -> int:
        """Read until the program has ended; returns its exit status."""
        deadline = time.monotonic() + seconds
        while self.process.poll() is None:
            assert time.monotonic() < deadline, f"still runs after {seconds} s:\n{self.text}"
            self._read(0.05)
        while self._read(0):
            pass
        return self.process.returncode

    def _read(self, seconds: float) -> bool:
        """Take what is there, waiting at most so long for it; whether there was anything."""
        if self._ours < 0 or not select.select([self._ours], [], [], seconds)[0]:
            return False
        data = os.read(self._ours, 65536)
        self.raw += data
        # A sequence that is cut in two by the reading is kept until its rest has come.
        data = self._unfed + data
        cut = data.rfind(b"\x1b", len(data) - 32 if len(data) > 32 else 0)
        whole = len(data) if cut < 0 or re.search(rb"[@-Z\\^-~]", data[cut + 2 :]) else cut
        self._unfed = data[whole:]
        self._stream.feed(_UNKNOWN_TO_PYTE.sub(b"", data[:whole]))
        return True
