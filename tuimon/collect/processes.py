"""Processes and their sockets.

Rule: passive only.  Process state, LISTEN and ESTABLISHED sockets and accept queues cost the tunnels
nothing and are read all the time; a process or a listener that is gone counts at once.
"""

import asyncio
import contextlib
from collections.abc import Set

from msgspec.structs import replace

from tuimon.collect.base import Publish
from tuimon.events import HoldersSeen, ProcessesSeen, SocketsSeen
from tuimon.host.base import Host
from tuimon.model.endpoint import Socket, SocketState
from tuimon.model.failure import Failure, Reason
from tuimon.model.process import Process, ProcessId, SocketTable
from tuimon.model.tunnel import Interest
from tuimon.parse.inet_diag import REQUEST, Known, parse_inet_diag
from tuimon.parse.owner import owner_of, unit_of
from tuimon.parse.proc_net import parse_tcp, parse_unix
from tuimon.settings import Settings

_DEFAULT = "stunnel.conf"  # what a stunnel without arguments reads, in the configuration folder
_BELIEVED = 30.0  # seconds until it is looked at again who holds a socket
_TABLE = 64 * 1024 * 1024  # bytes of /proc/net/tcp: some 400,000 sockets

_TRIES = 4  # looks until processes and sockets are of one moment
_FIRST = "/proc/1/stat"  # the first process is everybody's to see, unless /proc hides those of others
_HIDDEN = Failure(Reason.DENIED, "processes of other users are hidden (hidepid of /proc): needs root", "root")
_FIRST_PORT = "/proc/sys/net/ipv4/ip_unprivileged_port_start"


class Processes:
    """Publishes `ProcessesSeen` when something differs, `SocketsSeen` at every look, and who holds the
    sockets that somebody asks about."""

    name = "processes"

    def __init__(self, host: Host, settings: Settings) -> None:
        self._host, self._settings = host, settings
        self._configs: dict[ProcessId, str] = {}
        self._nets: frozenset[tuple[str, int]] = frozenset()
        self._sockets: frozenset[int] = frozenset()
        self._known: Known = {}
        self._asked: dict[int, float] = {}  # inode → monotonic time until which its holder is believed
        self._hurried = asyncio.Event()

    def hurry(self) -> None:
        """Look again now: something is expected to change."""
        self._hurried.set()

    def want(self, interest: Interest) -> None:
        """Read the sockets of these network namespaces besides our own; tell who holds these sockets."""
        self._nets, self._sockets = interest.nets, interest.sockets

    async def run(self, publish: Publish) -> None:
        """Look until cancelled."""
        processes: ProcessesSeen | None = None
        tables: tuple[SocketTable, ...] = ()
        while True:
            seen, read = await self._moment(tables)
            if seen != processes:
                processes = seen
                publish(seen)
            tables = tables if read == tables else _lasting(read, tables)
            publish(SocketsSeen(self._host.name, tables))
            await self._tell_holders(publish)
            await self._pause()

    async def _moment(self, before: tuple[SocketTable, ...]) -> tuple[ProcessesSeen, tuple[SocketTable, ...]]:
        """Processes and sockets that belong together: a reload between two looks would make the listeners
        somebody else's.  `before` is what the last look saw, empty at first."""
        known = _listeners(before)
        seen, read = await self.see(_inodes(before)), await self._tables()
        for _ in range(_TRIES):
            listeners = _listeners(read)
            if not known or listeners == known:
                break
            again = await self.see(_inodes(read))
            if _held(again, listeners) == _held(seen, listeners):
                break
            seen, read = again, await self._tables()
        return seen, read

    async def _pause(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._settings.intervals.processes):
                await self._hurried.wait()
        self._hurried.clear()

    async def see(self, there: Set[int] = frozenset()) -> ProcessesSeen:
        """All processes as they are now; `there` are sockets that were there a moment ago."""
        found = await self._host.processes(there)
        if isinstance(found, Failure):
            return ProcessesSeen(self._host.name, (), found)
        self._configs = {each.id: self._configs[each.id] for each in found if each.id in self._configs}
        hidden = isinstance(await self._host.read(_FIRST, 4096), Failure)
        placed = tuple([await self._placed(each) for each in found])
        return ProcessesSeen(self._host.name, placed, _HIDDEN if hidden else None)

    async def _placed(self, process: Process) -> Process:
        """With its configuration, its unit and its owner."""
        return replace(
            process,
            config=await self._config(process),
            cgroup_unit=unit_of(process.cgroup),
            owner=owner_of(process.cgroup, process.parent_words),
        )

    async def _config(self, process: Process) -> str:
        """The absolute path of its configuration; a relative one is looked for where stunnel would."""
        known = self._configs.get(process.id)
        if known is not None:
            return known
        argument, folder = process.argument, self._settings.config_folder
        if argument.startswith("-fd"):
            path = ""
        elif argument.startswith("/"):
            path = argument
        else:
            path = ""
            for start in dict.fromkeys((process.cwd, folder)):
                candidate = f"{start.rstrip('/')}/{argument or _DEFAULT}"
                if start and not isinstance(await self._host.stamp(candidate), Failure):
                    path = candidate
                    break
        self._configs[process.id] = path
        return path

    async def _tell_holders(self, publish: Publish) -> None:
        now = self._host.monotonic()
        self._asked = {each: self._asked[each] for each in self._sockets if self._asked.get(each, 0.0) > now}
        unknown = self._sockets - self._asked.keys()
        if not unknown:
            return
        found = await self._host.holders(unknown)
        known = {} if isinstance(found, Failure) else found
        publish(HoldersSeen(self._host.name, tuple((each, known.get(each)) for each in sorted(unknown))))
        self._asked |= dict.fromkeys(unknown, now + _BELIEVED)

    async def _tables(self) -> tuple[SocketTable, ...]:
        own = await self._table("", "/proc/net")
        others = [await self._table(net, f"/proc/{pid}/net") for net, pid in sorted(self._nets)]
        return (own, *others)

    async def _table(self, net: str, folder: str) -> SocketTable:
        sockets = await self._tcp(net, folder)
        if isinstance(sockets, Failure):
            return SocketTable(net, failure=sockets)
        unix = await self._host.read(f"{folder}/unix", _TABLE)
        if not isinstance(unix, Failure):  # that there are none is no failure
            sockets += parse_unix(unix.data)
        # Another namespace's setting cannot be read from ours.
        first = await self._unprivileged_from() if not net else None
        listening = tuple(each for each in sockets if each.state is SocketState.LISTEN)
        established = tuple(each for each in sockets if each.state is not SocketState.LISTEN)
        return SocketTable(net, listening, established, first)

    async def _tcp(self, net: str, folder: str) -> tuple[Socket, ...] | Failure:
        """The TCP sockets of a namespace: the kernel is asked for those of its own, if it answers."""
        answer = Failure(Reason.OTHER, "another network") if net else await self._host.sock_diag(REQUEST)
        if not isinstance(answer, Failure):
            self._known = parse_inet_diag(answer, self._known)
            return tuple(self._known.values())
        content = await self._host.read(f"{folder}/tcp", _TABLE)
        if isinstance(content, Failure):
            return content
        more = await self._host.read(f"{folder}/tcp6", _TABLE)  # no IPv6 is no failure
        return parse_tcp(content.data) + (() if isinstance(more, Failure) else parse_tcp(more.data))

    async def _unprivileged_from(self) -> int | None:
        content = await self._host.read(_FIRST_PORT, 64)
        text = b"" if isinstance(content, Failure) else content.data.strip()
        return int(text) if text.isdigit() else None


async def look_once(host: Host, settings: Settings) -> tuple[Process, ...]:
    """Every stunnel main process with its configuration; empty where they cannot be seen."""
    return (await Processes(host, settings).see()).processes


def _lasting(read: tuple[SocketTable, ...], before: tuple[SocketTable, ...]) -> tuple[SocketTable, ...]:
    """Tables whose listeners are the same object as before where they are the same: soon compared."""
    known = {table.net: table.listening for table in before}
    return tuple(
        replace(each, listening=known[each.net]) if known.get(each.net) == each.listening else each
        for each in read
    )


def _held(seen: ProcessesSeen, listeners: set[int]) -> dict[ProcessId, frozenset[int]]:
    return {each.id: each.inodes & listeners for each in seen.processes}


def _inodes(tables: tuple[SocketTable, ...]) -> set[int]:
    return {each.inode for table in tables for each in (*table.listening, *table.established)}


def _listeners(tables: tuple[SocketTable, ...]) -> set[int]:
    return {socket.inode for table in tables for socket in table.listening}
