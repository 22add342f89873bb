"""Host: everything tuimon may ask of a machine.

Rule: a collector or a control step gets a `Host` and nothing else; it may not know which one it has.
Methods return a `Failure` where the machine says no, and raise only what is a bug.
"""

from collections.abc import Iterable, Set
from typing import NamedTuple, Protocol

from msgspec import Struct

from tuimon.model.access import Way
from tuimon.model.endpoint import Endpoint
from tuimon.model.failure import Failure
from tuimon.model.output import Room
from tuimon.model.process import Holder, Process
from tuimon.model.service import Stamp

MAX_READ = 16 * 1024 * 1024
"""Bytes of the largest file that `Host.read` returns unless told otherwise."""


class FileContent(Struct, frozen=True):
    """A regular file's bytes, with the identity they had when they were read.

    `placed_at` is when the file was last changed, replaced or renamed, whatever its time of modification
    says (seconds since the epoch).
    """

    data: bytes
    stamp: Stamp
    mode: int
    owner: str
    placed_at: float = 0.0


class Entry(NamedTuple):
    """One name in a folder; `regular` follows symlinks."""

    name: str
    regular: bool


class Completed(NamedTuple):
    """A command that ended: its status and what it printed (at most 1 MiB each)."""

    status: int
    stdout: bytes
    stderr: bytes


class Tail(Protocol):
    """An open file, read onwards from an offset; it stays readable when its name is gone."""

    inode: int

    async def size(self) -> int | Failure:
        """The file's size in bytes now."""

    async def read(self, limit: int) -> bytes | Failure:
        """Up to `limit` bytes from the offset on, empty at the end of the file; a failure moves nothing."""

    def seek(self, offset: int) -> None:
        """Set the offset of the next read."""

    @property
    def offset(self) -> int:
        """Where the next read starts."""

    def close(self) -> None:
        """Release the file."""


class Stream(Protocol):
    """A TCP or Unix connection that was opened; addresses are `IP:port`."""

    local: str
    peer: str
    connect_ms: float

    async def send(self, data: bytes) -> None:
        """Send everything; raises `ConnectionError` when the peer is gone."""

    async def receive(self, limit: int = 65536) -> bytes:
        """What has arrived, empty at the end; raises `ConnectionError` on a reset."""

    def close(self, *, abort: bool = False) -> None:
        """Close; `abort` sends a reset instead of a FIN."""


class Pipe(Protocol):
    """A command that runs on, and what it prints."""

    async def read(self, limit: int) -> bytes:
        """Up to `limit` bytes as soon as there are any; empty when the command ended."""

    async def close(self) -> None:
        """End the command."""


class Watch(Protocol):
    """A subscription to changes of some paths."""

    def want(self, paths: Iterable[str]) -> None:
        """Watch exactly these files and folders (absolute paths) from now on."""

    def changed(self, paths: Iterable[str]) -> None:
        """Count these, as far as they are wanted, as changed."""

    async def changes(self) -> frozenset[str]:
        """Wait for wanted paths that may have changed; new ones count as changed once.

        Empty when the subscription was closed.
        """

    def close(self) -> None:
        """Wake the reader for the last time."""


class Host(Protocol):
    """One machine."""

    name: str

    def monotonic(self) -> float:
        """Seconds of a clock that never goes back, and goes on while the machine sleeps."""

    async def read(self, path: str, limit: int = MAX_READ) -> FileContent | Failure:
        """A regular file's content; anything else (FIFO, device, folder) is a `Failure`."""

    async def write(self, path: str, data: bytes) -> Failure | None:
        """Put a file of our own in place whole or not at all, for nobody's eyes but ours (0600).

        Missing folders are made (0700); a folder that others may write to is a `Failure`.
        """

    async def stamp(self, path: str) -> Stamp | Failure:
        """The identity of what `path` leads to."""

    async def room(self, path: str) -> Room | Failure:
        """What the file system of `path` has left."""

    async def way(self, path: str) -> Way:
        """Every folder on the way to what `path` leads to, with who may cross it."""

    async def allows(self, path: str, flag: str) -> bool | None:
        """What test(1) says to `-e`, `-r`, `-w` or `-x` (`flag` without the dash); None without an answer."""

    async def names(self, path: str) -> tuple[str, ...] | Failure:
        """The names in a folder, in no order, wherever they lead."""

    async def list(self, path: str) -> tuple[Entry, ...] | Failure:
        """The names in a folder, in no order."""

    async def tail(self, path: str) -> Tail | Failure:
        """Open a regular file for reading onwards, at offset 0."""

    def watch(self) -> Watch:
        """A new subscription to file changes."""

    async def connect(self, endpoint: Endpoint, timeout: float, local: str = "") -> Stream | Failure:
        """Open a connection within `timeout` seconds, from the address `local` if given.

        A name that resolves to several addresses is tried in order, as stunnel does.
        """

    async def run(self, argv: tuple[str, ...], timeout: float) -> Completed | Failure:
        """Run a command to its end, without a shell and without input."""

    async def stream(self, argv: tuple[str, ...]) -> Pipe | Failure:
        """Start a command that runs on, without a shell and without input; it ends with us."""

    async def sock_diag(self, request: bytes) -> bytes | Failure:
        """What the kernel answers to a question about the sockets of its own network (sock_diag(7))."""

    async def processes(self, there: Set[int] = frozenset()) -> tuple[Process, ...] | Failure:
        """Every stunnel main process; `config` is not filled in.  `there` are inodes of sockets that were
        there a moment ago: whose they were need not be found out again."""

    async def holders(self, inodes: frozenset[int]) -> dict[int, Holder] | Failure:
        """Which process holds each of these sockets, as far as this user may see."""

    async def close(self) -> None:
        """Release what the host holds open."""
