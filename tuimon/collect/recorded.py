"""The action log: what was done by whom on this machine, also by another tuimon.

Rule: read at once, and again when it has changed; the file is never held open.
"""

import asyncio
from collections.abc import Callable

from tuimon.collect.base import Publish
from tuimon.events import ActionsTold
from tuimon.host.base import Host
from tuimon.model.action import Logged
from tuimon.model.failure import Failure

_REST = 2.0  # seconds between two looks at the file


class Recorded:
    """Publishes `ActionsTold` for the file at `path`, which `read` understands."""

    name = "action log"

    def __init__(self, host: Host, path: str, read: Callable[[bytes], tuple[Logged, ...]]) -> None:
        self._host, self._path, self._read = host, path, read

    def want(self, _: object) -> None:
        """Nobody asks for more."""

    async def run(self, publish: Publish) -> None:
        """Read until cancelled."""
        known: object = None
        while True:
            stamp = await self._host.stamp(self._path)
            if not isinstance(stamp, Failure) and stamp != known:
                content = await self._host.read(self._path)
                if not isinstance(content, Failure):
                    known = stamp
                    publish(ActionsTold(self._host.name, self._read(content.data)))
            await asyncio.sleep(_REST)
