"""Pid files of the instances: what they say now.

Rule: read when it is asked for another set of them, when a process came or went, and now and then; never
watched, since the folder that most of them lie in is the busiest of the machine.
"""

import asyncio
from contextlib import suppress

from tuimon.collect.base import Publish
from tuimon.events import PidFileRead
from tuimon.host.base import Host
from tuimon.model.failure import Failure
from tuimon.model.pid_file import PidFile
from tuimon.model.process import ProcessId
from tuimon.model.tunnel import Interest
from tuimon.settings import Settings

_LIMIT = 4096  # bytes; a pid has at most seven digits
_REST = 2.0  # seconds between two readings of the same file at least


class PidFiles:
    """Publishes `PidFileRead` for every wanted path whose content differs."""

    name = "pid files"

    def __init__(self, host: Host, settings: Settings) -> None:
        self._host, self._settings = host, settings
        self._wanted: frozenset[str] = frozenset()
        self._running: frozenset[ProcessId] = frozenset()
        self._wake = asyncio.Event()

    def want(self, interest: Interest) -> None:
        """Read exactly these, and again when the processes changed."""
        if (interest.pid_files, interest.running) != (self._wanted, self._running):
            self._wanted, self._running = interest.pid_files, interest.running
            self._wake.set()

    async def run(self, publish: Publish) -> None:
        """Read until cancelled."""
        known: dict[str, PidFile] = {}
        read_at, again = 0.0, False
        while True:
            now = self._host.monotonic()
            known = {path: file for path, file in known.items() if path in self._wanted}
            due = now - read_at >= _REST
            for path in sorted(self._wanted if due else self._wanted - known.keys()):
                file = await self._read(path)
                if known.get(path) != file:
                    known[path] = file
                    publish(PidFileRead(self._host.name, file))
            if due:
                read_at = now
            pause = _REST if again else self._settings.intervals.units
            again = False
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._wake.wait()
                    again = True  # a process that came writes its file a moment later
            self._wake.clear()

    async def _read(self, path: str) -> PidFile:
        content = await self._host.read(path, _LIMIT)
        if isinstance(content, Failure):
            return PidFile(path, failure=content)
        word = content.data.strip()[:10]
        pid = int(word) if word.isdigit() and word.isascii() else 0
        alive = pid > 0 and not isinstance(await self._host.stamp(f"/proc/{pid}"), Failure)
        return PidFile(path, pid, alive, content.stamp.mtime)
