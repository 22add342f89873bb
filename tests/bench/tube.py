"""A program on a terminal, timed: when did it write what it was to write.

Rule: the bytes are looked at and not interpreted; a terminal's emulation would cost more than what is
measured.
"""

import os
import pty
import select
import signal
import subprocess
import termios
import time
from collections.abc import Sequence
from fcntl import ioctl
from struct import pack
from types import TracebackType
from typing import Self

PATIENCE = 120.0
_TICK = os.sysconf("SC_CLK_TCK")


class Tube:
    """`argv` as the leader of a session on a terminal of 120×36."""

    def __init__(self, argv: Sequence[str], environment: dict[str, str]) -> None:
        self._ours, theirs = pty.openpty()
        self.resize(120)
        self.raw = bytearray()
        self.began = time.monotonic()
        self._process = subprocess.Popen(
            ["setsid", "--ctty", *argv], stdin=theirs, stdout=theirs, stderr=theirs, env=environment
        )
        os.close(theirs)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.send_signal(signal.SIGTERM)
        ending = time.monotonic() + 10
        while self._process.poll() is None and time.monotonic() < ending:
            self._read(0.05)
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        os.close(self._ours)

    @property
    def pid(self) -> int:
        """The program: `setsid` becomes it."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def cpu(self) -> float:
        """CPU seconds so far, user + sys, of the program and of its children that have ended."""
        with open(f"/proc/{self.pid}/stat", encoding="utf-8") as file:
            fields = file.read().rpartition(")")[2].split()
        return sum(map(int, fields[11:15])) / _TICK

    def memory(self, what: str = "VmRSS") -> float:
        """Resident memory in MB; `VmHWM` is its peak."""
        with open(f"/proc/{self.pid}/status", encoding="utf-8") as file:
            found = next(line for line in file if line.startswith(what))
        return int(found.split()[1]) / 1024

    def press(self, key: str) -> None:
        """Type."""
        os.write(self._ours, key.encode())

    def resize(self, columns: int) -> None:
        """Another width: everything is painted anew."""
        ioctl(self._ours, termios.TIOCSWINSZ, pack("HHHH", 36, columns, 0, 0))

    def leave(self, key: str) -> tuple[int, str]:
        """Press the key that leaves; the exit status, and the last words of what was written."""
        self.press(key)
        deadline = time.monotonic() + PATIENCE
        while self._process.poll() is None:
            assert time.monotonic() < deadline, f"{key} does not leave: {self.raw[-3000:]!r}"
            self._read(0.05)
        said = bytes(self.raw).rpartition(b"\x1b")[2].decode(errors="replace")
        return self._process.returncode, said.partition("l")[2].strip()

    def until(self, words: str, since: int = 0, seconds: float = PATIENCE) -> float:
        """Monotonic time at which `words` were among what was written after `since` bytes."""
        wanted, deadline = words.encode(), time.monotonic() + seconds
        at = since
        while self.raw.find(wanted, at) < 0:
            at = max(since, len(self.raw) - len(wanted))
            assert self._process.poll() is None, f"ended: {self.raw[-2000:]!r}"
            assert time.monotonic() < deadline, f"no {words!r} within {seconds} s: {self.raw[-3000:]!r}"
            self._read(0.05)
        return time.monotonic()

    def watch(self, seconds: float) -> None:
        """Read along for so long."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self._read(left)

    def quiet(self, seconds: float = 0.3) -> None:
        """Read until nothing was written for so long."""
        while self._read(seconds):
            pass

    def _read(self, seconds: float) -> bool:
        if not select.select([self._ours], [], [], seconds)[0]:
            return False
        try:
            self.raw += os.read(self._ours, 65536)
        except OSError:  # the other side has closed
            time.sleep(0.01)
            return False
        return True
