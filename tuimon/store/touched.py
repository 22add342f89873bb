"""Touched: whom the facts that came since the last join concern, and so what is joined and judged again.

Rule: as little as possible.  What concerns one service does not touch its instance, what is no more than a
count of the kernel's touches nobody unless something follows from it, and time touches a few at every tick.
"""

from collections import Counter

from tuimon import events
from tuimon.model.service import InstanceKey, ServiceKey
from tuimon.model.tunnel import Tunnel
from tuimon.store.board import Board
from tuimon.store.facts import Facts
from tuimon.store.instances import Instances
from tuimon.store.kernel import Sockets
from tuimon.store.needs import Ledger
from tuimon.store.owners import Owners
from tuimon.store.turns import Queue, Turns

_AGES = 30.0  # seconds in which everything is judged anew because time went by, a share at every tick


def _instance_of(event: events.ConfigChecked | events.LoadedRead) -> InstanceKey:
    match event:
        case events.ConfigChecked():
            return InstanceKey(event.host, event.want.path)
        case events.LoadedRead():
            return InstanceKey(event.host, event.config)


def _path_of(
    event: events.WayWalked | events.CertificateRead | events.PidFileRead | events.OutputSeen,
) -> str:
    match event:
        case events.WayWalked():
            return event.way.path
        case events.OutputSeen():
            return event.output.want.path
        case events.CertificateRead() | events.PidFileRead():
            return event.file.path


def _held(shown: Sockets | Tunnel) -> list[int]:
    return [each.inode for each in shown.listeners]


class Touched:
    """`everything`, or `instances` with all their services, `services` alone, those that are `aged`, those of
    which a log `told`, and instances of which something was `counted`; besides, whether log lines came, the
    `clock` moved or the `status` of tuimon itself changed."""

    def __init__(
        self, facts: Facts, whole: Instances, owners: Owners, board: Board, needs: Ledger, *, ages: bool
    ) -> None:
        self._facts, self._whole, self._owners = facts, whole, owners
        self._board, self._needs = board, needs
        self._turns, self._ages = Turns(), ages
        self.told = Queue()
        self.clear()

    def clear(self) -> None:
        """All of it was joined and told, but for those who wait for their turn."""
        self.everything = self.log = self.clock = self.status = False
        self.instances: set[InstanceKey] = set()
        self.services: set[ServiceKey] = set()
        self.counted: set[InstanceKey] = set()
        self.aged: set[ServiceKey] = set()

    def __bool__(self) -> bool:
        """Whether facts are there that are not joined yet; that time went by is none."""
        return self.everything or bool(self.instances or self.services)

    def take(self, event: events.Event) -> None:
        """Hand a fact on to the facts, and note whom it concerns."""
        before, then = self._facts.processes, self._facts.now
        first_sockets, logs = self._facts.kernel.tables is None, len(self._facts.logs)
        remarks = self._facts.remarks(event.want.path) if isinstance(event, events.ConfigChecked) else ()
        self._facts.take(event)
        match event:
            case events.Ticked():
                self.clock = True
                self._age(abs(self._facts.now - then))
            case events.ProcessesSeen():
                self._touch_processes(before, event)
            case events.SocketsSeen() | events.HoldersSeen():
                self._touch_sockets(first=first_sockets)
            case events.LogAppended() | events.LogRecalled():
                self._take_log(event, first=len(self._facts.logs) > logs)
            case events.WayWalked() | events.CertificateRead() | events.PidFileRead() | events.OutputSeen():
                self.instances |= self._needs.users(_path_of(event))
            case events.ProbeFinished():
                self.services.add(event.key)
            case events.ConfigChecked():
                if self._facts.remarks(event.want.path) != remarks:
                    self.instances.add(_instance_of(event))
            case events.LoadedRead():
                self.instances.add(_instance_of(event))
            case events.ConfigsFound() | events.ConfigRead() | events.UnitsSeen():
                self._touch_places(event)
            case events.CollectorFailed() | events.CollectorStarted() | events.LoadedKept():
                self.status = True
            case _:
                pass

    def _touch_places(self, event: events.ConfigsFound | events.ConfigRead | events.UnitsSeen) -> None:
        if isinstance(event, events.ConfigRead) and not self._owners.placed_by():
            self.instances.add(InstanceKey(event.host, event.config.path))
        else:
            self.everything = True

    def _touch_processes(self, before: events.ProcessesSeen | None, event: events.ProcessesSeen) -> None:
        if before is None or before.failure or event.failure:
            self.everything = True
            return
        changed = set(before.processes) ^ set(event.processes)
        known = Counter(each.lasting for each in changed)
        self.counted |= {self._owners.key_of(process) for process in changed}
        self.instances |= {self._owners.key_of(each) for each in changed if known[each.lasting] < 2}

    def _touch_sockets(self, *, first: bool) -> None:
        if first:
            self.everything = True
            return
        kernel = self._facts.kernel
        if not kernel.moved:
            return
        counted = {key: self._whole.counted(row.instance) for key, row in self._board.instances.items()}
        for row in self._board.near(kernel.ports):
            key, tunnel = row.key, row.tunnel
            found = kernel.sockets(tunnel.service, tunnel.primary, counted[key.instance])
            if (_held(found), found.taken, found.waiting) != (_held(tunnel), tunnel.taken, tunnel.waiting):
                self.instances.add(key.instance)
            elif (found.listeners, found.sessions, found.targets, found.stalled) != (
                tunnel.listeners,  # but for their queues they are the same
                tunnel.sessions,
                tunnel.target_listeners,
                tunnel.stalled,
            ):
                self.services.add(key)
        self.counted |= {each for each, row in self._board.instances.items() if row.instance.running}

    def _age(self, seconds: float) -> None:
        """Whose turn it is to be judged anew because so many seconds went by."""
        if seconds >= _AGES:
            self.everything = True
            return
        if not self._ages:
            return
        if not self._turns.left:
            self._turns.left = sorted(self._board.rows, reverse=True)
        self.aged |= self._turns.take(seconds / _AGES, len(self._board.rows))

    def _take_log(self, event: events.LogAppended | events.LogRecalled, *, first: bool) -> None:
        self.log = True
        if isinstance(event, events.LogRecalled):
            self._facts.logbook.recall(event.source, event.records)
            return
        before = self._facts.logbook.sources.get(event.source)
        touched = self._facts.logbook.append(event.source, event.records, history=event.first)
        after = self._facts.logbook.sources.get(event.source)
        if after and after.config and (before is None or before.config != after.config):
            self.everything |= self._owners.placed_by(event.source)
        writers = self._needs.writers(event.source)
        if first or before != after:
            self.instances |= writers
        elif touched:
            members = [self._board.named.get(writer, {}) for writer in writers]
            told = [key for named in members for name in touched for key in named.get(name, ())]
            if event.first:  # the past is told once: nobody has to wait
                self.services.update(told)
            else:
                self.told.join(told)
