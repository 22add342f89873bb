"""File changes of this machine: one watcher for all subscriptions, and a slow poll beneath it.

Rule: a path is watched through its parent folders, and through every symlink on the way to its
target, because a watch on the file itself goes blind when it is replaced.  A running watcher cannot
be given more folders: it is rebuilt, and everything that is newly wanted counts as changed once.  What a
stalled file system says nothing of is left out until it answers, and counts as changed then.
"""

import asyncio
import contextlib
import os
import sys
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from tuimon.host.threads import Blocking
from tuimon.model.failure import Failure
from tuimon.model.service import Stamp

if TYPE_CHECKING:
    from watchfiles import Change

T = TypeVar("T")

_LATER = 0.2  # seconds before the library of the watch is loaded: what is to be seen at once comes first
_LINKS = 40  # as many symlinks as the kernel follows before it says ELOOP


def spots(path: str) -> set[str]:
    """Every name whose change can change what `path` leads to: itself, and each symlink on the way."""
    found = {path}
    queue = [path]
    followed = 0
    while queue and followed < _LINKS:
        current = os.path.normpath(queue.pop())
        walked = "/"
        parts = current.strip("/").split("/")
        for index, part in enumerate(parts):
            walked = os.path.join(walked, part)
            try:
                target = os.readlink(walked)
            except OSError:
                continue
            found.add(walked)
            followed += 1
            rest = parts[index + 1 :]
            queue.append(os.path.join(os.path.dirname(walked), target, *rest))
            break
        else:
            found.add(current)
    return found


def _identity(path: str) -> Stamp | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return Stamp(status.st_ino, status.st_size, status.st_mtime_ns)


class Subscription:
    """What one collector watches."""

    def __init__(self, watcher: "Watcher") -> None:
        self._watcher = watcher
        self.wanted: frozenset[str] = frozenset()
        self.stamps: dict[str, Stamp | None] = {}
        self._changed: set[str] = set()
        self._looks: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        self._closed = False

    def want(self, paths: Iterable[str]) -> None:
        """Watch exactly these files and folders from now on; new ones count as changed once."""
        wanted = frozenset(paths)
        if wanted == self.wanted:
            return
        new = wanted - self.wanted
        self.wanted = wanted
        self._watcher.stir()
        if new:
            look = asyncio.create_task(self._first_look(new))
            self._looks.add(look)
            look.add_done_callback(self._looks.discard)

    async def _first_look(self, paths: frozenset[str]) -> None:
        """Note the identities before the reader is told, so that no change falls between the two."""
        for path, stamp in (await self._watcher.identities(paths)).items():
            self.stamps.setdefault(path, stamp)
        self.changed(paths)

    def stamped(self, stamps: dict[str, Stamp | None]) -> None:
        """Take the identities of all wanted paths as they are now; what differs has changed."""
        known = self.stamps
        self.stamps = {path: stamps[path] for path in self.wanted if path in stamps}
        self.changed({path for path, stamp in self.stamps.items() if known.get(path, stamp) != stamp})

    def changed(self, paths: Iterable[str]) -> None:
        """Hand these paths to the reader."""
        fresh = self.wanted.intersection(paths)
        if fresh:
            self._changed |= fresh
            self._wake.set()

    async def changes(self) -> frozenset[str]:
        """Wait for wanted paths that may have changed; empty when the subscription was closed."""
        while not self._closed:
            await self._wake.wait()
            self._wake.clear()
            changed, self._changed = frozenset(self._changed & self.wanted), set()
            if changed:
                return changed
        return frozenset()

    def close(self) -> None:
        """Wake the reader for the last time."""
        self._closed = True
        for look in self._looks:
            look.cancel()
        self._wake.set()
        self._watcher.drop(self)


class _Survey(NamedTuple):
    """One look at all wanted paths: who depends on which name, identities, folders to watch."""

    dependents: dict[str, set[str]]
    stamps: dict[str, Stamp | None]
    folders: frozenset[str]


def _survey(paths: frozenset[str]) -> _Survey:
    dependents: dict[str, set[str]] = {}
    folders: set[str] = set()
    for path in paths:
        for spot in spots(path):
            dependents.setdefault(spot, set()).add(path)
            if os.path.isdir(spot):
                folders.add(spot)
            folder = os.path.dirname(spot)
            while not os.path.isdir(folder):  # what is missing is awaited where it would appear
                dependents.setdefault(folder, set()).add(path)
                folder = os.path.dirname(folder)
            folders.add(folder)
    return _Survey(dependents, {path: _identity(path) for path in paths}, frozenset(folders))


def _joined(surveys: list[_Survey]) -> _Survey:
    if len(surveys) == 1:
        return surveys[0]
    dependents: dict[str, set[str]] = {}
    for survey in surveys:
        for name, paths in survey.dependents.items():
            dependents.setdefault(name, set()).update(paths)
    stamps = {path: stamp for survey in surveys for path, stamp in survey.stamps.items()}
    return _Survey(dependents, stamps, frozenset().union(*(survey.folders for survey in surveys)))


def _identities(paths: frozenset[str]) -> dict[str, Stamp | None]:
    return {path: _identity(path) for path in paths}


class Watcher:
    """The one watcher of a host; `blocking` is how it touches the file system.  Without `hears` it is left to
    the poll: for whoever looks once, and is gone before anything could be heard."""

    def __init__(self, poll: float, blocking: Blocking, *, hears: bool = True) -> None:
        self._poll, self._blocking, self._hears = poll, blocking, hears
        self._silent: frozenset[str] = frozenset()  # wanted paths that a look finds no answer about
        self._subscriptions: list[Subscription] = []
        self._survey = _Survey({}, {}, frozenset())
        self._stirred = asyncio.Event()
        self._rebuild = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._closed = False

    def subscribe(self) -> Subscription:
        """A new subscription, with nothing wanted yet."""
        subscription = Subscription(self)
        self._subscriptions.append(subscription)
        return subscription

    def drop(self, subscription: Subscription) -> None:
        """Forget a subscription that was closed."""
        if subscription in self._subscriptions:
            self._subscriptions.remove(subscription)

    async def identities(self, paths: Iterable[str]) -> dict[str, Stamp | None]:
        """Who these are now; nothing where the file system stalls."""
        answers, _ = await self._ask(frozenset(paths), _identities)
        return {path: stamp for answer in answers for path, stamp in answer.items()}

    async def _ask(
        self, paths: frozenset[str], call: Callable[[frozenset[str]], T]
    ) -> tuple[list[T], frozenset[str]]:
        """What `call` says of all paths; where that finds no end, of each, and who is silent."""
        if not self._silent & paths:
            whole = await self._blocking(partial(call, paths))
            if not isinstance(whole, Failure):
                return [whole], frozenset()
        order = sorted(paths)
        calls = (self._blocking(partial(call, frozenset((path,))), path=path) for path in order)
        answers = dict(zip(order, await asyncio.gather(*calls), strict=True))
        silent = frozenset(path for path, answer in answers.items() if isinstance(answer, Failure))
        return [answer for answer in answers.values() if not isinstance(answer, Failure)], silent

    def stir(self) -> None:
        """Look at all wanted paths soon; the first call, on the running loop, starts the watcher."""
        if self._closed:  # a stir that was put off until after the end
            return
        if not self._tasks:
            self._tasks = [asyncio.create_task(self._tend())]
            if self._hears:
                self._tasks.append(asyncio.create_task(self._watch()))
        self._stirred.set()

    async def _tend(self) -> None:
        """Survey on every stir, and every few seconds as the net under the watcher."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._poll):
                    await self._stirred.wait()
            self._stirred.clear()
            paths = frozenset[str]().union(*(each.wanted for each in self._subscriptions))
            surveys, silent = await self._ask(paths, _survey)
            survey = _joined(surveys)
            answering, self._silent = self._silent - silent, silent
            if survey.folders != self._survey.folders:
                self._rebuild.set()
            self._survey = survey
            for subscription in self._subscriptions:
                subscription.stamped(survey.stamps)
                subscription.changed(answering)

    async def _watch(self) -> None:
        while True:
            self._rebuild = asyncio.Event()
            folders = self._survey.folders
            if not folders:
                await self._rebuild.wait()
                continue
            if "watchfiles" not in sys.modules:
                await asyncio.sleep(_LATER)
            from watchfiles import awatch  # noqa: PLC0415

            # What changed between the survey and the first watch is found by one more survey.
            asyncio.get_running_loop().call_later(0.2, self.stir)
            with contextlib.suppress(OSError, RuntimeError):  # a folder went away, or no watch is left
                async for changes in awatch(
                    *folders,
                    watch_filter=None,
                    debounce=100,
                    step=20,
                    stop_event=self._rebuild,
                    recursive=False,
                    ignore_permission_denied=True,
                ):
                    self._notice(changes)
            if not self._rebuild.is_set():
                self.stir()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._poll):
                        await self._rebuild.wait()

    def _notice(self, changes: set[tuple["Change", str]]) -> None:
        """Tell the subscribers; a folder that is wanted changes with its entries."""
        from watchfiles import Change  # noqa: PLC0415

        hit: set[str] = set()
        for change, name in changes:
            dependents = self._survey.dependents.get(name, set())
            hit |= dependents | self._survey.dependents.get(os.path.dirname(name), set())
            if dependents and change is not Change.modified:  # it may be a symlink that leads elsewhere
                self.stir()
            if change is Change.deleted and name in self._survey.folders:  # the watch died with it
                self._rebuild.set()
                self.stir()
        for subscription in self._subscriptions:
            subscription.changed(hit)

    async def close(self) -> None:
        """Stop watching, for good."""
        self._closed = True
        self._rebuild.set()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
