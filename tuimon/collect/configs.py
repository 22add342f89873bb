"""Configuration files: which there are, and what they say now.

Rule: with PATH arguments only these files and folders; without, the configuration folder and whatever
processes and units name.  Every included file and folder is watched as well.
"""

import os

from msgspec.structs import replace

from tuimon.collect.base import Publish
from tuimon.events import ConfigRead, ConfigsFound
from tuimon.host.base import Host
from tuimon.model.failure import Failure, Reason
from tuimon.model.service import Config, Stamp
from tuimon.model.tunnel import Interest
from tuimon.parse.stunnel_conf import ListFolder, parse
from tuimon.settings import Settings
from tuimon.text import printable


class Configs:
    """Publishes `ConfigsFound` and one `ConfigRead` for every file that changed."""

    name = "configs"

    def __init__(self, host: Host, settings: Settings, paths: tuple[str, ...] = ()) -> None:
        self._host = host
        self._only = bool(paths)
        self._roots = paths or (settings.config_folder,)
        self._named: frozenset[str] = frozenset()
        self._parts: dict[str, frozenset[str]] = {}  # configuration → files and folders it is made of
        self._watch = host.watch()

    def want(self, interest: Interest) -> None:
        """Read these configurations too (named by processes and units), unless PATHs were given."""
        if not self._only and interest.configs != self._named:
            self._named = interest.configs
            self._rewatch()

    def _rewatch(self) -> None:
        self._watch.want({*self._roots, *self._named, *frozenset().union(*self._parts.values())})

    async def run(self, publish: Publish) -> None:
        """Read at first and on every change until cancelled."""
        found: ConfigsFound | None = None
        self._parts = {}
        self._rewatch()
        changed = frozenset(self._roots) | self._named
        while True:
            seen = await self._find()
            if seen != found:
                found = seen
                publish(seen)
            for path in [path for path in self._parts if path not in seen.paths]:
                del self._parts[path]
            for path in seen.paths:
                parts = self._parts.get(path)
                if parts is None or parts & changed:
                    config = await self._read(path)
                    self._parts[path] = frozenset((path, *config.files))
                    publish(ConfigRead(self._host.name, config))
            self._rewatch()
            changed = await self._watch.changes()

    async def _find(self) -> ConfigsFound:
        paths: dict[str, None] = {}
        failures: list[tuple[str, Failure]] = []
        for root in self._roots:
            entries = await self._host.list(root)
            if not isinstance(entries, Failure):
                names = sorted(entry.name for entry in entries if entry.name.endswith(".conf"))
                paths.update((os.path.join(root, name), None) for name in names)
            elif self._only and entries.reason is not Reason.DENIED:
                paths[root] = None  # a file, or nothing: reading it will tell
            else:
                failures.append((root, entries))
        paths.update((path, None) for path in sorted(self._named))
        for path in [path for path in paths if printable(path) != path]:
            # Shown, it would be another name than the one to read and to know it by.
            del paths[path]
            shown = printable(path)
            failures.append((shown, Failure(Reason.INVALID, f"not read, this name cannot be shown: {shown}")))
        return ConfigsFound(self._host.name, tuple(paths), tuple(failures))

    async def _read(self, path: str) -> Config:
        """Drive the parser: it asks for files and folders, the host answers."""
        reading = parse(path, host=self._host.name)
        newest: Stamp | None = None
        changed_at = 0.0
        try:
            request = next(reading)
            while True:
                if isinstance(request, ListFolder):
                    folder = await self._host.stamp(request.path)
                    if not isinstance(folder, Failure):  # what was removed from it leaves no other trace
                        changed_at = max(changed_at, folder.mtime)
                    entries = await self._host.list(request.path)
                    if isinstance(entries, Failure):
                        request = reading.send(entries)
                    else:
                        request = reading.send(tuple(each.name for each in entries if each.regular))
                else:
                    content = await self._host.read(request.path, request.limit)
                    if isinstance(content, Failure):
                        request = reading.send(content)
                    else:
                        if newest is None or content.stamp.mtime_ns > newest.mtime_ns:
                            newest = content.stamp
                        changed_at = max(changed_at, content.placed_at, content.stamp.mtime)
                        request = reading.send(content.data)
        except StopIteration as done:
            config: Config = done.value
        return replace(config, stamp=newest, changed_at=changed_at)
