"""This machine, as a `Host`, and how long it is waited for.

Rule: nothing here blocks the loop.  Every blocking call runs on the host's own threads under a
timeout; a path on a file system that stalls costs one thread and a `Failure` at once from then on, until
it answers; it never costs the screen, the other files or the end of the program.
"""

import asyncio
import os
import socket
import time
from collections.abc import Callable, Set
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from tuimon.host import commands, files, sock_diag
from tuimon.host.base import MAX_READ, Completed, Entry, FileContent, Pipe, Stream, Tail, Watch
from tuimon.host.descriptors import holders
from tuimon.host.net import connect
from tuimon.host.threads import PATIENCE, Threads
from tuimon.host.watch import Watcher
from tuimon.host.ways import walk
from tuimon.model.access import Way
from tuimon.model.endpoint import Endpoint
from tuimon.model.failure import Failure, Reason
from tuimon.model.output import Room
from tuimon.model.process import Holder, Process
from tuimon.model.service import Stamp
from tuimon.text import printable

if TYPE_CHECKING:
    from tuimon.host.procs import ProcessTable

T = TypeVar("T")

_FLAGS = {"e": os.F_OK, "r": os.R_OK, "w": os.W_OK, "x": os.X_OK}
_MANY, _HASTE = 4, 0.5  # while so many paths are silent, every other one gets this many seconds
_AT_ONCE = 32  # calls: several of them may be about to be found silent


class LocalHost:
    """This machine.  `poll`: seconds between two looks at all files that are watched; `hears`: whether
    changes are heard from the kernel as well."""

    def __init__(self, *, poll: float = 5.0, name: str = "", hears: bool = True) -> None:
        self.name = name or printable(socket.gethostname().partition(".")[0])
        self._threads, self._names = Threads(_AT_ONCE, "host"), Threads(16, "names")
        self._silent: set[str] = set()  # paths with a call that has not come back
        self._watcher = Watcher(poll, self.blocking, hears=hears)

    @cached_property
    def _processes(self) -> "ProcessTable":
        from tuimon.host.procs import ProcessTable  # noqa: PLC0415 - psutil can wait for the first look

        return ProcessTable()

    def monotonic(self) -> float:
        """Seconds of a clock that never goes back, and goes on while the machine sleeps."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)

    async def blocking(self, call: Callable[[], T], timeout: float = PATIENCE, path: str = "") -> T | Failure:
        """Run `call` on the host's threads; `Failure` after `timeout` seconds or on an OSError.

        While a call that is about `path` has not come back, the next one is a `Failure` at once.
        """
        silent = Failure(Reason.TIMEOUT, "no answer from the file system")
        if path in self._silent:
            return silent
        if path and len(self._silent) >= _MANY:
            timeout = min(timeout, _HASTE)
        future = self._threads.submit(call)
        try:
            async with asyncio.timeout(timeout):  # wait_for of Python 3.11 can swallow a cancellation
                return await asyncio.wrap_future(future)
        except TimeoutError:
            self._threads.give_up(future)
            if path:
                self._silent.add(path)
                future.add_done_callback(lambda _: self._silent.discard(path))
            return silent
        except OSError as error:
            return Failure(Reason.OTHER, printable(error.strerror or str(error)))

    async def read(self, path: str, limit: int = MAX_READ) -> FileContent | Failure:
        """A regular file's content; anything else (FIFO, device, folder) is a `Failure`."""
        return await self.blocking(lambda: files.read(path, limit), path=path)

    async def write(self, path: str, data: bytes) -> Failure | None:
        """Put a file of our own in place whole or not at all, readable for us alone."""
        return await self.blocking(lambda: files.write(path, data), path=path)

    async def stamp(self, path: str) -> Stamp | Failure:
        """The identity of what `path` leads to."""
        return await self.blocking(lambda: files.stamp(path), path=path)

    async def room(self, path: str) -> Room | Failure:
        """What the file system of `path` has left."""
        return await self.blocking(lambda: files.room(path), path=path)

    async def way(self, path: str) -> Way:
        """Every folder on the way to what `path` leads to, with who may cross it."""
        way = await self.blocking(lambda: walk(path), path=path)
        return Way(printable(path), failure=way) if isinstance(way, Failure) else way

    async def allows(self, path: str, flag: str) -> bool | None:
        """What test(1) says to `-e`, `-r`, `-w` or `-x` (`flag` without the dash); None without an answer."""
        answer = await self.blocking(lambda: os.access(path, _FLAGS[flag], effective_ids=True), path=path)
        return None if isinstance(answer, Failure) else answer

    async def names(self, path: str) -> tuple[str, ...] | Failure:
        """The names in a folder, in no order, wherever they lead."""
        return await self.blocking(lambda: files.names(path), path=path)

    async def list(self, path: str) -> tuple[Entry, ...] | Failure:
        """The names in a folder, in no order."""
        return await files.entries(self.blocking, path)

    async def tail(self, path: str) -> Tail | Failure:
        """Open a regular file for reading onwards, at offset 0."""
        return await files.tail(self.blocking, path)

    def watch(self) -> Watch:
        """A new subscription to file changes; they share one watcher."""
        return self._watcher.subscribe()

    async def connect(self, endpoint: Endpoint, timeout: float, local: str = "") -> Stream | Failure:
        """Open a connection within `timeout` seconds, from the address `local` if given."""
        return await connect(endpoint, timeout, local, self._names)

    async def run(self, argv: tuple[str, ...], timeout: float) -> Completed | Failure:
        """Run a command to its end, without a shell and without input."""
        return await commands.run(argv, timeout)

    async def stream(self, argv: tuple[str, ...]) -> Pipe | Failure:
        """Start a command that runs on, without a shell and without input; it ends with us."""
        return await commands.stream(argv)

    async def sock_diag(self, request: bytes) -> bytes | Failure:
        """What the kernel answers to a question about the sockets of our own network."""
        return await self.blocking(lambda: sock_diag.ask(request))

    async def processes(self, there: Set[int] = frozenset()) -> tuple[Process, ...] | Failure:
        """Every stunnel main process; `config` is not filled in."""
        return await self.blocking(lambda: self._processes.scan(there))

    async def holders(self, inodes: frozenset[int]) -> dict[int, Holder] | Failure:
        """Which process holds each of these sockets; every process's descriptors are looked through."""
        return await self.blocking(lambda: holders(inodes))

    async def close(self) -> None:
        """Release the watcher and the threads; a thread that is stuck is left behind."""
        await self._watcher.close()
        for threads in (self._threads, self._names):
            threads.shutdown()
