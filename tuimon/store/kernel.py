"""What the kernel shows: sockets by service and by process, who waits at them, who holds them.

Rule: one table a network namespace, the last one counts.  A socket of a process that has ended since the
table was read is gone; our own probes are nobody's session.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from msgspec.structs import replace

from tuimon import events
from tuimon.model.endpoint import Backlog, Endpoint, Socket
from tuimon.model.instance import Instance
from tuimon.model.process import Holder, Process, SocketTable
from tuimon.model.service import Service
from tuimon.store import join
from tuimon.store.queues import Index, Queues


class Sockets(NamedTuple):
    """What the kernel shows of a service: its listening sockets, who else holds its port, its sessions
    (None where they cannot be counted), inodes of the listeners of its targets on this machine, and who
    waits in vain at these and those."""

    listeners: tuple[Socket, ...] = ()
    taken: str = ""
    sessions: int | None = None
    targets: tuple[int, ...] = ()
    waiting: tuple[Backlog, ...] = ()
    stalled: tuple[Backlog, ...] = ()


class Moved(NamedTuple):
    """The ports of whatever moved (0: those of Unix sockets): `doors` of listening sockets that came, went or
    accept nobody, `clients` of connections that came, went or wait."""

    doors: frozenset[int] = frozenset()
    clients: frozenset[int] = frozenset()

    @property
    def ports(self) -> frozenset[int]:
        """All of them."""
        return self.doors | self.clients


class Kernel:
    """The sockets of one host; `is_own(peer, door)` tells whether a connection is a probe of ours,
    `led_to(log, peer)` which service one was led to (`Clientele.led_to`)."""

    def __init__(self, is_own: Callable[[str, str], bool], led_to: Callable[[str, str], str | None]) -> None:
        self._is_own_probe, self._led_to = is_own, led_to
        self.tables: dict[str, SocketTable] | None = None
        self.queues = Queues()
        self.moved = False  # whether the last look may change what services show
        self.ports: Moved | None = None  # None where any may have
        self.holders: dict[int, Holder | None] = {}
        self.strangers: set[int] = set()  # sockets of which somebody should find out who holds them
        self._running: tuple[Process, ...] = ()
        self._gone: frozenset[int] = frozenset()  # inodes of processes that ended since the tables were read
        self._read: tuple[SocketTable, ...] = ()
        self._indexes: dict[str, tuple[Index, Index]] = {}
        self._before: dict[
            str, tuple[Index, Index]
        ] = {}  # at the look before: what is not in it has just come
        self._listening: dict[str, dict[int, Socket]] = {}  # by inode

    def take(self, event: events.SocketsSeen | events.HoldersSeen, now: float) -> None:
        """Take one look at the sockets, or at who holds them."""
        if isinstance(event, events.HoldersSeen):
            self.holders |= dict(event.holders)
            self.moved, self.ports = True, None
            return
        gone, queued = self._gone, self.queues.ports
        self._gone = frozenset()
        self.moved = event.tables is not self._read or self.tables is None
        before, first = self._indexes, self.tables is None
        if self.moved:
            self._index(event)
        self._before = self._indexes if first else before
        self.queues.see(self._indexes.values(), now)
        queued |= self.queues.ports
        self.moved |= bool(gone or queued)
        moved, gone_from = _moved(before, self._indexes), self._ports_of(gone)
        self.ports = moved and Moved(moved.doors | queued | gone_from, moved.clients | gone_from)
        if self.ports is None:
            self.strangers.clear()  # whoever joins services to sockets asks again

    def _ports_of(self, inodes: frozenset[int]) -> frozenset[int]:
        """The ports of these sockets, as far as they are there."""
        pairs = (table for pair in self._indexes.values() for table in pair) if inodes else ()
        held = (item for table in pairs for item in table.items())
        return frozenset(port for port, each in held if any(socket.inode in inodes for socket in each))

    def _index(self, event: events.SocketsSeen) -> None:
        before, self._read = self.tables or {}, event.tables
        self.tables = {table.net: table for table in event.tables}
        indexes, listening = self._indexes, self._listening
        self._indexes, self._listening = {}, {}
        for table in event.tables:
            net, known = table.net, before.get(table.net)
            if (
                known is not None and known.listening is table.listening
            ):  # connections come and go all the time
                listens, self._listening[net] = indexes[net][0], listening[net]
            else:
                listens = join.port_index(table.listening)
                self._listening[net] = {socket.inode: socket for socket in table.listening}
            self._indexes[net] = listens, join.port_index(table.established)
        there = {socket.inode for table in event.tables for socket in table.listening}
        self.holders = {inode: holder for inode, holder in self.holders.items() if inode in there}
        self.strangers &= there

    def take_processes(self, running: tuple[Process, ...]) -> None:
        """Note who runs now: what the others held is gone."""
        alive = {process.id for process in running}
        ended = [each for each in self._running if each.id not in alive]
        held = frozenset[int]().union(*(each.inodes for each in running))
        self._running = running
        self._gone = (self._gone | frozenset[int]().union(*(each.inodes for each in ended))) - held

    def table(self, instance: Instance) -> SocketTable | None:
        """The sockets of the network namespace that the instance runs in; None while not known."""
        table = (self.tables or {}).get(instance.process.net if instance.process else "")
        return None if table is None or table.failure is not None else table

    def sockets(self, service: Service, primary: Service | None, instance: Instance) -> Sockets:
        """What the kernel shows of a service; nothing where its sockets cannot be seen."""
        net = instance.process.net if instance.process else ""
        if self.table(instance) is None:
            return Sockets()
        accept = (primary or service).accept
        listening, established = self._indexes[net]
        mine, others = join.listeners(accept, join.near(accept, listening), instance.processes, self._gone)
        near = join.on_loopback(service.connect)
        behind = join.matching(near, join.near(near, listening))
        targets = tuple(sorted(each.inode for each in behind))
        known = tuple(each for each in near if each.path or each.number)  # a name may be any port
        stalled = self._backlogs(join.matching(known, behind), named=True)
        if not mine:
            return Sockets(taken=self._holder(others), targets=targets, stalled=stalled)
        ports = {socket.port for socket in mine}
        held = (each for port in ports for each in established.get(port, ()) if each.inode)
        peers = join.matching(accept, held)
        clients = [each for each in peers if not self._is_own(each)]
        sessions = len(clients) if primary is None else self._led(service.name, instance, clients)
        return Sockets(mine, "", sessions, targets, self._backlogs(mine), stalled)

    def _led(self, name: str, instance: Instance, peers: list[Socket]) -> int | None:
        """How many of those who came to a door that several services share were led to this one; None where
        the log does not tell of all, apart from those who have just come."""
        connected = self._before.get(instance.process.net if instance.process else "", ({}, {}))[1]
        led = [(each, self._led_to(instance.log, _peer(each))) for each in peers]
        if any(to is None and each.inode in _inodes(connected.get(each.port, ())) for each, to in led):
            return None
        return [to for _, to in led].count(name)

    def doors(self, processes: tuple[Process, ...]) -> tuple[tuple[int, tuple[str, ...]], ...]:
        """What each process listens on, by pid; nothing said of one whose sockets are hidden."""
        seen = (each for each in processes if "open files" not in each.hidden)
        return tuple((each.pid, tuple(sorted(map(_door, self._held(each))))) for each in seen)

    def _held(self, process: Process) -> Iterable[Socket]:
        """The listening sockets of a process."""
        listening = self._listening.get(process.net, {})
        return (listening[inode] for inode in process.inodes & listening.keys())

    def listens_for(self, process: Process, accept: tuple[Endpoint, ...]) -> bool:
        """Whether a process holds a listening socket at one of these addresses."""
        index = self._indexes.get(process.net, ({}, {}))[0]
        held = join.matching(accept, join.near(accept, index))
        return any(socket.inode in process.inodes for socket in held)

    def served(self, process: Process | None) -> int | None:
        """How many clients a process serves: the sockets it has accepted, our own probes left out; told by
        its threads where its sockets are hidden (one waits, one counts the days)."""
        if process is None or process.net not in self._indexes:
            return None
        if "open files" in process.hidden:
            return max(0, process.threads - 2) if process.threads else None
        listens, connected = self._indexes[process.net]
        near = (
            (door, each)
            for port in listens.keys() & connected.keys()  # far fewer than it has doors
            for door in listens[port]
            if door.inode in process.inodes
            for each in connected[port]
            if each.inode
        )
        accepted = {each for door, each in near if join.accepted_at(door, each)}
        return len(accepted) - sum(map(self._is_own, accepted))

    def _is_own(self, accepted: Socket) -> bool:
        """Whether it was one of our probes that was accepted."""
        return self._is_own_probe(_peer(accepted), f"{accepted.address}:{accepted.port}")

    def _backlogs(self, sockets: tuple[Socket, ...], *, named: bool = False) -> tuple[Backlog, ...]:
        """Who waits in vain at these sockets; `named`: also who lets them wait."""
        found = [(socket, self.queues.backlog(socket)) for socket in sockets]
        return tuple(
            replace(each, holder=self._known(socket)) if named else each for socket, each in found if each
        )

    def _known(self, socket: Socket) -> str:
        """Who holds this socket, if that is known; if not, it should be found out."""
        self.strangers.add(socket.inode)
        return str(self.holders.get(socket.inode) or "")

    def _holder(self, sockets: tuple[Socket, ...]) -> str:
        """Who holds these listening sockets, in words; empty where nobody does."""
        inodes = {socket.inode for socket in sockets}
        for process in self._running:
            if inodes & process.inodes:
                return (
                    f"stunnel pid {process.pid} ({process.config or process.argument or 'its default file'})"
                )
        known = [name for name in map(self._known, sockets) if name]
        return known[0] if known else "another process" if sockets else ""


def _moved(before: dict[str, tuple[Index, Index]], after: dict[str, tuple[Index, Index]]) -> Moved | None:
    """The ports whose sockets changed; None where namespaces came or went."""
    if before.keys() != after.keys():
        return None
    doors, clients = set[int](), set[int]()
    for net, (listens, connects) in after.items():
        listened, connected = before[net]
        clients.update(_changed(connected, connects))
        for port in _changed(listened, listens):
            same = _inodes(listened.get(port, ())) == _inodes(listens.get(port, ()))
            (clients if same else doors).add(port)  # the same sockets: their queues are longer or shorter
    return Moved(frozenset(doors), frozenset(clients))


def _changed(before: Index, after: Index) -> Iterable[int]:
    if before is after:
        return ()
    return (port for port in before.keys() | after.keys() if before.get(port) != after.get(port))


def _peer(accepted: Socket) -> str:
    """Whom stunnel's log calls so."""
    return f"{accepted.remote_address}:{accepted.remote_port}"


def _inodes(sockets: Iterable[Socket]) -> list[int]:
    return [each.inode for each in sockets]


def _door(socket: Socket) -> str:
    return f"{socket.address}:{socket.port}" if socket.port else socket.address
