"""What the tests of the headless middle share: a real stunnel, a recorder of events, deadlines."""

import asyncio
import contextlib
import os
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TypeVar

from tests.tls.conftest import Backend, Pki, free_port
from tuimon.collect.base import Collector
from tuimon.events import Event

__all__ = ["PATIENCE", "Backend", "Pki", "Recorder", "Stunnel", "eventually", "free_port", "running"]

PATIENCE = 15.0
"""Seconds after which what should have come true counts as a failure."""

T = TypeVar("T")


async def eventually(fact: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Wait until `fact` is true; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < deadline, "did not come true in time"
        await asyncio.sleep(0.005)


class Recorder:
    """Takes events as the store would, and lets a test wait for one."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._came = asyncio.Event()

    def __call__(self, event: Event) -> None:
        self.events.append(event)
        self._came.set()

    def of(self, kind: type[T]) -> list[T]:
        """The events of one kind so far."""
        return [event for event in self.events if isinstance(event, kind)]

    async def until(self, fact: Callable[[], T], seconds: float = PATIENCE) -> T:
        """Wait until `fact` is true, looking whenever an event came; returns what it gave."""
        try:
            async with asyncio.timeout(seconds):
                while not (found := fact()):
                    self._came.clear()
                    await self._came.wait()
        except TimeoutError:
            raise AssertionError(f"did not come true; events so far: {self.events}") from None
        return found


@contextlib.asynccontextmanager
async def running(collector: Collector, recorder: Recorder) -> AsyncIterator[None]:
    """Run a collector meanwhile; one that fell fails the test."""
    task = asyncio.create_task(collector.run(recorder))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


class Stunnel:
    """A real stunnel that runs `services` (sections as text) until it is closed.

    `config` and `log` are its files, `by` the command that becomes it, `log`
    where it really logs if `options` say so.  It reads the certificates by
    absolute path.
    """

    def __init__(
        self,
        folder: Path,
        services: str,
        options: str = "",
        name: str = "stunnel",
        *,
        by: tuple[str, ...] = ("stunnel",),
        log: Path | None = None,
    ) -> None:
        self.config, self.log = folder / f"{name}.conf", log or folder / f"{name}.log"
        head = f"foreground = quiet\nsyslog = no\ndebug = 5\npid =\noutput = {self.log}\n{options}\n"
        self.config.write_text(head + services)
        self.started = time.time()
        # The exec is part of what is tested: first the process is setpriv, then it is stunnel.
        argv = ["setpriv", "--pdeathsig", "TERM", *by, str(self.config)]
        self._stderr = folder / f"{name}.stderr"  # tells why it ends before it opens its log
        null = subprocess.DEVNULL
        with self._stderr.open("wb") as stderr:
            self._process = subprocess.Popen(argv, stdin=null, stdout=null, stderr=stderr)
        try:
            self.wait_for("Configuration successful")
        except BaseException:
            self.close()
            raise

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def text(self) -> str:
        """The log so far."""
        return self.log.read_text() if self.log.exists() else ""

    def wait_for(self, words: str, count: int = 1) -> None:
        """Wait until the log holds `words` `count` times."""
        deadline = time.monotonic() + PATIENCE
        while self.text().count(words) < count:
            assert self._process.poll() is None, f"stunnel ended: {self.text()}{self._stderr.read_text()}"
            assert time.monotonic() < deadline, f"no {words!r} in {self.text()}"
            time.sleep(0.01)

    def reload(self) -> None:
        """SIGHUP, and wait until the configuration was read again."""
        count = self.text().count("Configuration successful")
        os.kill(self.pid, signal.SIGHUP)
        self.wait_for("Configuration successful", count + 1)

    def reopen_log(self) -> None:
        """SIGUSR1: write to whatever file the name of the log leads to now."""
        os.kill(self.pid, signal.SIGUSR1)

    def close(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End it and wait for it; harmless when repeated."""
        if self._process.poll() is None:
            self._process.send_signal(number)
            self._process.send_signal(signal.SIGCONT)
        self._process.wait(PATIENCE)
