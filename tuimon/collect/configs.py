"""Configuration files: which there are, and what they say now.

Rule: with PATH arguments only these files and folders; without, the configuration folder and whatever
processes and units name.  Every included file and folder is watched as well.
"""

import os

from msgspec import Struct
from msgspec.structs import replace

from tuimon.collect.base import Publish, side_by_side
from tuimon.events import ConfigRead, ConfigsFound
from tuimon.host.base import Host
from tuimon.model.failure import Failure, Reason
from tuimon.model.service import Config, Stamp
from tuimon.model.tunnel import Interest
from tuimon.parse.stunnel_asks import ListFolder, Request
from tuimon.parse.stunnel_conf import parse
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
        self._readings: dict[str, _Reading] = {}
        self._watch = host.watch()

    def want(self, interest: Interest) -> None:
        """Read these configurations too, named by processes and units; where PATHs were given, those of their
        folders: one whose file is gone is served all the same."""
        named = interest.configs
        if self._only:
            named = frozenset(each for each in named if self._in_root(each))
        if named != self._named:
            self._named = named
            self._rewatch()

    def _in_root(self, path: str) -> bool:
        return path.endswith(".conf") and os.path.dirname(path) in self._roots

    def _rewatch(self) -> None:
        self._watch.want({*self._roots, *self._named, *frozenset().union(*self._parts.values())})

    async def run(self, publish: Publish) -> None:
        """Read at first and on every change until cancelled."""
        found: ConfigsFound | None = None
        self._parts, self._readings = {}, {}
        self._rewatch()

        async def look(path: str) -> None:
            before = self._readings.get(path)
            config = await self._read(path)
            self._parts[path] = frozenset((path, *config.files))
            if before is None or config != before.config:
                publish(ConfigRead(self._host.name, config))

        changed = frozenset(self._roots) | self._named
        while True:
            seen = await self._find()
            if seen != found:
                found = seen
                publish(seen)
            for path in [path for path in self._parts if path not in seen.paths]:
                del self._parts[path], self._readings[path]
            parts = self._parts
            due = [path for path in seen.paths if path not in parts or parts[path] & changed]
            await side_by_side(due, look)
            self._rewatch()
            changed = await self._watch.changes()

    async def _find(self) -> ConfigsFound:
        paths: dict[str, None] = {}
        failures: list[tuple[str, Failure]] = []
        for root in self._roots:
            names = await self._host.names(root)
            if not isinstance(names, Failure):
                found = sorted(name for name in names if name.endswith(".conf"))
                paths.update((os.path.join(root, name), None) for name in found)
            elif self._only and names.reason is not Reason.DENIED:
                paths[root] = None  # a file, or nothing: reading it will tell
            else:
                failures.append((root, names))
        paths.update((path, None) for path in sorted(self._named))
        for path in [path for path in paths if printable(path) != path]:
            # Shown, it would be another name than the one to read and to know it by.
            del paths[path]
            shown = printable(path)
            failures.append((shown, Failure(Reason.INVALID, f"not read, this name cannot be shown: {shown}")))
        return ConfigsFound(self._host.name, tuple(paths), tuple(failures))

    async def _read(self, path: str) -> Config:
        """What the file says now.  A new watch and a touched file say "changed" of what says the same: it is
        read again, and parsed only where an answer differs from last time's."""
        before, times = self._readings.get(path), _Times()
        answers: list[bytes | tuple[str, ...] | Failure] = []
        for request, mark in before.asked if before else ():
            answers.append(await self._answer(request, times))
            if _mark(answers[-1]) != mark:
                break
        else:
            if before:
                same = replace(before.config, stamp=times.newest, changed_at=times.changed_at)
                self._readings[path] = _Reading(same, before.asked)
                return same
        reading, asked = parse(path, host=self._host.name), list[tuple[Request, _Mark]]()
        try:
            request = next(reading)
            while True:
                answer = (
                    answers[len(asked)] if len(asked) < len(answers) else await self._answer(request, times)
                )
                asked.append((request, _mark(answer)))
                request = reading.send(answer)
        except StopIteration as done:
            config: Config = replace(done.value, stamp=times.newest, changed_at=times.changed_at)
        self._readings[path] = _Reading(config, tuple(asked))
        return config

    async def _answer(self, request: Request, times: "_Times") -> bytes | tuple[str, ...] | Failure:
        """What the host has for the parser."""
        if isinstance(request, ListFolder):
            folder = await self._host.stamp(request.path)
            if not isinstance(folder, Failure):  # what was removed from it leaves no other trace
                times.changed_at = max(times.changed_at, folder.mtime)
            entries = await self._host.list(request.path)
            if isinstance(entries, Failure):
                return entries
            return tuple(sorted(each.name for each in entries if each.regular))
        content = await self._host.read(request.path, request.limit)
        if isinstance(content, Failure):
            return content
        if times.newest is None or content.stamp.mtime_ns > times.newest.mtime_ns:
            times.newest = content.stamp
        times.changed_at = max(times.changed_at, content.placed_at, content.stamp.mtime)
        return content.data


class _Times(Struct):
    """Of the files and folders of one reading: the newest file, and when any was last changed."""

    newest: Stamp | None = None
    changed_at: float = 0.0


_Mark = int | tuple[str, ...] | Failure


class _Reading(Struct, frozen=True):
    """A configuration and what it was read from: each request with the mark of its answer."""

    config: Config
    asked: tuple[tuple[Request, _Mark], ...]


def _mark(answer: bytes | tuple[str, ...] | Failure) -> _Mark:
    """What tells one answer from another without keeping a file's bytes."""
    return hash(answer) if isinstance(answer, bytes) else answer
