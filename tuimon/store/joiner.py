"""The joiner: facts become rows and instances, each judged, where something was told of them.

Rule: what nobody was told of is not touched, and a bug in what concerns one service or one instance ends
there (`Tunnels`, `Instances`, `diagnose.service.judge`).
"""

from msgspec.structs import replace

from tuimon import diagnose
from tuimon.diagnose.far_end import FarEnd
from tuimon.diagnose.finding import Finding, State
from tuimon.model.failure import bug
from tuimon.model.instance import Instance
from tuimon.model.service import InstanceKey, ServiceKey
from tuimon.model.tunnel import ProbeWant, Tunnel
from tuimon.settings import Settings
from tuimon.store import join, wants
from tuimon.store.actions import Actions
from tuimon.store.board import Board
from tuimon.store.facts import Facts
from tuimon.store.instances import Instances
from tuimon.store.needs import Ledger, needs_of
from tuimon.store.owners import Owners
from tuimon.store.pairs import Pairs
from tuimon.store.past import Pasts
from tuimon.store.rows import InstanceRow, Row
from tuimon.store.touched import Touched
from tuimon.store.tunnels import Tunnels


def _doors(tunnel: Tunnel) -> object:
    """Where a service is reached."""
    return [each.inode for each in tunnel.listeners], tunnel.service.accept


def _differ(before: Row, row: Row, *, joined: bool) -> bool:
    """Whether a row says something else.  Two instances that are the same are one object, so that they need
    not be compared for each row; of those that were not joined anew only counts differ."""
    if before.tunnel.instance is row.tunnel.instance:
        return row != before
    return joined or row != replace(before, tunnel=replace(before.tunnel, instance=row.tunnel.instance))


def _certificates(tunnel: Tunnel) -> object:
    """What the inventory of certificates takes from a service."""
    chain = tunnel.handshake.chain if tunnel.handshake else ()
    return tunnel.service, tunnel.own, tunnel.ca, tunnel.ca_folder, chain


class Joiner:
    """Keeps the `board` as the facts have it, with what each service is to be probed for (`wants`) and each
    instance makes somebody look at (`needs`).  `touched` is what is to be joined; `certificates_moved` says
    that the certificates in use may be others, until somebody takes it back."""

    def __init__(
        self, settings: Settings, facts: Facts, actions: Actions, pasts: Pasts, *, ages: bool
    ) -> None:
        self._settings, self._facts, self._actions, self._pasts = settings, facts, actions, pasts
        self.owners = Owners(facts)
        self._whole, self._tunnels = Instances(facts, self.owners), Tunnels(facts)
        self.board, self.needs = Board(), Ledger()
        self.wants: dict[ServiceKey, ProbeWant] = {}
        self.touched = Touched(facts, self._whole, self.owners, self.board, self.needs, ages=ages)
        self.certificates_moved = True
        self._rows, self._instances = self.board.rows, self.board.instances
        self._pairs = Pairs()
        self._doors_moved = True  # whether somebody listens elsewhere than when they were paired
        self._others: set[ServiceKey] = set()  # rows that are others than at the last join

    def join(self, *, in_turns: bool) -> frozenset[ServiceKey]:
        """Join what was touched; returns the rows that are others now, or gone."""
        self._others = set()
        keys = self._whole.keys()
        for gone in self._instances.keys() - keys:
            self.needs.drop(gone)
            self._forget(self.board.drop(gone))
        touched = self.touched
        dirty = keys if touched.everything else touched.instances & keys
        dirty |= self._outgrown(keys - dirty)
        if self._facts.processes is None:
            for key in dirty:
                self._stand_in(self._whole.written(key))
        else:
            self._join_all(dirty, in_turns=in_turns)
        return frozenset(self._others)

    def _join_all(self, dirty: set[InstanceKey], *, in_turns: bool) -> None:
        """Join these instances, and the services of others that something else concerns."""
        touched = self.touched
        for key in dirty:
            self._rejoin(key)
        told = touched.told.take() if in_turns else touched.told.take_all()
        for each in (touched.services | touched.aged | told) & self._rows.keys():
            if each.instance not in dirty:
                self._refresh(self._rows[each].tunnel)
        if self._others:
            self._pair()

    def _pair(self) -> None:
        """Judge client services again whose far end is another, or was judged anew."""
        if self._doors_moved:
            self._pairs.rebuild(row.tunnel for row in self._rows.values())
            self._doors_moved = False
        for row in [self._rows[key] for key in self.board.clients]:
            far = self._pairs.far(row.tunnel)
            if far != row.tunnel.far or (far is not None and far.key in self._others):
                self._judge(row.tunnel, self._instances[row.key.instance].findings)

    def _forget(self, keys: frozenset[ServiceKey]) -> None:
        for key in keys:
            self.board.take_off(key)
            self.wants.pop(key, None)
        self._pasts.forget(keys)
        if keys:
            self._doors_moved = self.certificates_moved = True
        self._others |= keys

    def _outgrown(self, keys: set[InstanceKey]) -> set[InstanceKey]:
        """Count anew what the kernel counts of these; returns those of which something else follows now."""
        found, aged = set(), {key.instance for key in self.touched.aged if key.ordinal <= 0}
        for key in keys & self._instances.keys() & (self.touched.counted | aged):
            row = self._instances[key]
            instance = self._whole.counted(row.instance)
            if instance == row.instance and key not in aged:
                continue
            tunnels = tuple(self._rows[each].tunnel for each in self.board.members[key])
            if diagnose.instance.judge(instance, tunnels, self._facts.now) != row.findings:
                found.add(key)
            elif instance != row.instance:
                self._instances[key] = InstanceRow(instance, row.findings)
        return found

    def _refresh(self, before: Tunnel) -> None:
        """Join one service again with its instance as it is."""
        known = self._instances[before.key.instance]
        tunnel = self._tunnels.joined(before.service, known.instance)
        self._judge(tunnel, known.findings, joined=False)

    def _rejoin(self, key: InstanceKey) -> None:
        try:
            self._join(key, self._whole.joined(key))
        except Exception as error:
            self._join(key, self._whole.written(key, bug(error)))

    def _join(self, key: InstanceKey, instance: Instance) -> None:
        stop = self._actions.stopped(instance)
        if stop is not None:
            instance = replace(instance, stopped_by=stop.who, stopped_at=stop.at)
        known = self._instances.get(key)
        if known is not None and known.instance == instance:
            instance = known.instance
        services = join.services(instance)
        tunnels = tuple(self._tunnels.joined(service, instance) for service in services)
        self._facts.logbook.own_probes.place(instance.log, services)
        inherited = diagnose.instance.judge(instance, tunnels, self._facts.now)
        self._instances[key] = InstanceRow(instance, inherited)
        ways, check = diagnose.hazard.wanted_ways(instance), self._whole.check_want(instance)
        self.needs.put(key, needs_of(instance, tunnels, ways, check))
        self._forget(self.board.seat(key, tunnels))
        for tunnel in tunnels:
            self._judge(tunnel, inherited)

    def _stand_in(self, instance: Instance) -> None:
        """What the file says: before the machine was looked at there is nothing to join it with."""
        tunnels = tuple(join.bare(each, instance) for each in join.services(instance))
        self._instances[instance.key] = InstanceRow(instance)
        self._forget(self.board.seat(instance.key, tunnels))
        for tunnel in tunnels:
            if (row := Row(tunnel)) != self._rows.get(tunnel.key):
                self.board.put(row)
                self._others.add(tunnel.key)

    def _judge(self, tunnel: Tunnel, inherited: tuple[Finding, ...], *, joined: bool = True) -> None:
        """Make its row; unless its instance was `joined` anew, no more than the counts of that differ."""
        before = self._rows.get(tunnel.key)
        tunnel = replace(tunnel, far=self._pairs.far(tunnel), trials=before.tunnel.trials if before else None)
        there = self._rows.get(tunnel.far.key) if tunnel.far else None
        far = FarEnd(there.findings) if there else None
        found, state, lights, trials = diagnose.service.judge(
            tunnel, inherited, self._facts.now, self._settings, far
        )
        ongoing = self._actions.ongoing.get(tunnel.key.instance)
        acting = ongoing.text if ongoing is not None else ""
        past = self._pasts.of(tunnel.key, tunnel.service.name)
        cause = found[0].text if found and state is not State.OK else ""
        past.judged(
            state,
            ongoing.words if ongoing else cause,
            self._facts.now,
            meant=ongoing is not None,
            whole=wants.settled(tunnel),
        )
        past.counted(tunnel.sessions, self._facts.now)
        tunnel = replace(tunnel, trials=trials)
        row = Row(tunnel, found, state, lights, past.since if state is past.state else None, acting)
        if before is None or _differ(before, row, joined=joined):
            self._doors_moved |= before is None or _doors(before.tunnel) != _doors(tunnel)
            if before is None or _certificates(before.tunnel) != _certificates(tunnel):
                self.certificates_moved = True
            self.board.put(row)
            self._others.add(tunnel.key)
        self._want(tunnel)

    def _want(self, tunnel: Tunnel) -> None:
        """Whether and for what the service should be probed."""
        if not wants.reachable(tunnel):
            self.wants.pop(tunnel.key, None)
        elif wants.looked_at(tunnel, self._facts):
            want = wants.probe_want(tunnel)
            if want != self.wants.get(tunnel.key):  # else it stays the same object: soon compared
                self.wants[tunnel.key] = want
