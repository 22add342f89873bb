"""Accept queues over time: which listening socket accepts nobody, and since when.

Rule: a queue that is not empty says nothing by itself, a busy service has one now and then.  It counts
when it was there at each of several looks, never became shorter, and nobody was accepted meanwhile.
"""

from collections.abc import Iterable

from msgspec import Struct
from msgspec.structs import replace

from tuimon.model.endpoint import Backlog, Socket

_LOOKS = 3  # besides the first; looks are told even when nothing has changed
_SECONDS = 3.0

Index = dict[int, tuple[Socket, ...]]


class _Queue(Struct, frozen=True, gc=False):
    """One queue that is not empty.  `held` are the connections that its process had accepted by then,
    `moved` that somebody was accepted since it was first seen."""

    since: float
    count: int
    held: frozenset[int]
    looks: int = 0
    moved: bool = False


class Queues:
    """The queues of all listening sockets that were not empty at the last look, by inode."""

    def __init__(self) -> None:
        self._queues: dict[int, _Queue] = {}
        self.ports = frozenset[int]()  # of those at which nobody is accepted (0: Unix sockets)
        self.looks = 0
        self._now = 0.0

    def see(self, tables: Iterable[tuple[Index, Index]], now: float) -> None:
        """Take one look: listening and connected sockets by port, one pair a network namespace."""
        seen: dict[int, _Queue] = {}
        ports: dict[int, int] = {}
        for listening, connected in tables:
            for port, sockets in listening.items():
                for socket in sockets:
                    if socket.queue:
                        seen[socket.inode] = self._grown(socket, connected, now)
                        ports[socket.inode] = port
        self._queues, self._now = seen, now
        self.ports = frozenset(ports[inode] for inode, each in seen.items() if self._stands(each))
        self.looks += 1

    def set_back(self, now: float, by: float) -> None:
        """The clock was set back to `now` by so many seconds: who waited then waits as long by now."""
        self._queues = {
            inode: replace(each, since=each.since if each.since <= now else each.since - by)
            for inode, each in self._queues.items()
        }
        self._now = now

    def _grown(self, socket: Socket, connected: Index, now: float) -> _Queue:
        peers = connected.get(socket.port, ())
        held = frozenset(
            each.inode for each in peers if each.inode and (socket.port or each.address == socket.address)
        )
        before = self._queues.get(socket.inode)
        if before is None:
            return _Queue(now, socket.queue, held)
        if socket.queue < before.count or not held <= before.held:
            return _Queue(now, socket.queue, held, moved=True)
        return _Queue(before.since, socket.queue, held, before.looks + 1, before.moved)

    def undecided(self, inodes: Iterable[int]) -> bool:
        """Whether one of these sockets may turn out to accept nobody, but was not looked at for long."""
        found = (self._queues.get(inode) for inode in inodes)
        return any(each is not None and not each.moved and not self._stands(each) for each in found)

    def backlog(self, socket: Socket, holder: str = "") -> Backlog | None:
        """What waits at this socket, if nobody is accepted there."""
        queue = self._queues.get(socket.inode)
        if queue is None or not self._stands(queue):
            return None
        where = f"{socket.address}:{socket.port}" if socket.port else socket.address
        return Backlog(where, queue.count, queue.since, holder)

    def _stands(self, queue: _Queue) -> bool:
        return queue.looks >= _LOOKS and self._now - queue.since >= _SECONDS
