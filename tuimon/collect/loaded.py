"""What processes have loaded, kept over restarts of tuimon: one file a configuration.

Rule: it holds no secret (the texts were masked when they were read), it is for our eyes only, and it is
never needed: what cannot be kept or read back is told as such, and nothing else breaks.
"""

import asyncio
import hashlib
import posixpath

from tuimon.collect.base import Publish
from tuimon.events import LoadedKept, LoadedRead
from tuimon.host.base import Host
from tuimon.model.failure import Failure
from tuimon.model.loaded import Loaded
from tuimon.model.process import ProcessId
from tuimon.model.tunnel import Interest
from tuimon.parse.kept_text import decode, encode

_LIMIT = 8 * 1024 * 1024  # bytes; twice what a configuration can have


class LoadedFiles:
    """Publishes `LoadedRead` for what may have been kept, and `LoadedKept` for what is kept now."""

    name = "loaded"

    def __init__(self, host: Host, folder: str) -> None:
        self._host, self._folder = host, folder
        self._recall: frozenset[tuple[str, ProcessId]] = frozenset()
        self._keep: tuple[Loaded, ...] = ()
        self._wake = asyncio.Event()

    def want(self, interest: Interest) -> None:
        """Read back and keep exactly these."""
        if (interest.recall, interest.keep) != (self._recall, self._keep):
            self._recall, self._keep = interest.recall, interest.keep
            self._wake.set()

    async def run(self, publish: Publish) -> None:
        """Read and write what is wanted and was not yet, until cancelled."""
        read: frozenset[tuple[str, ProcessId]] = frozenset()
        kept: dict[str, Loaded] = {}
        self._wake.set()
        while True:
            await self._wake.wait()
            self._wake.clear()
            wanted = self._recall
            for config, process in sorted(wanted - read):
                publish(LoadedRead(self._host.name, config, process, await self._read(config)))
            read = wanted
            for loaded in self._keep:
                if kept.get(loaded.config.path) != loaded:
                    kept[loaded.config.path] = loaded
                    publish(LoadedKept(self._host.name, loaded, await self._write(loaded)))

    def _path(self, config: str) -> str:
        name = hashlib.sha256(f"{self._host.name}\0{config}".encode()).hexdigest()[:32]
        return posixpath.join(self._folder, f"{name}.json")

    async def _read(self, config: str) -> Loaded | None:
        content = await self._host.read(self._path(config), _LIMIT)
        return None if isinstance(content, Failure) else decode(content.data, self._host.name, config)

    async def _write(self, loaded: Loaded) -> Failure | None:
        path, data = self._path(loaded.config.path), encode(loaded, self._host.name)
        there = await self._host.read(path, _LIMIT)
        if not isinstance(there, Failure) and there.data == data:
            return None
        return await self._host.write(path, data)
