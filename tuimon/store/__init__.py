"""The store: facts joined, judged and asked for.

Rule: one way only.  `apply` takes events, `drain` tells what changed, the queries read.  No clock, no
thread, no I/O: time is the last `Ticked`.  A failure is a fact like any other.
"""

from msgspec import Struct
from msgspec.structs import replace

from tuimon import diagnose, events
from tuimon.diagnose.far_end import FarEnd
from tuimon.diagnose.finding import Finding, State, span
from tuimon.model.failure import Failure, bug
from tuimon.model.instance import Instance
from tuimon.model.service import InstanceKey, ServiceKey
from tuimon.model.tunnel import Interest, ProbeWant, Tunnel
from tuimon.settings import Settings
from tuimon.store import join, wants
from tuimon.store.actions import Actions, Done, Ongoing
from tuimon.store.blind_spots import blind_spots
from tuimon.store.board import Board
from tuimon.store.facts import Facts
from tuimon.store.log_lines import LogLine
from tuimon.store.logbook import Logbook
from tuimon.store.needs import Ledger, needs_of
from tuimon.store.pairs import Pairs
from tuimon.store.past import Change, Past, Pasts
from tuimon.store.pending import pending
from tuimon.store.rows import CertificateUse, InstanceRow, Row, Summary, inventory, summary
from tuimon.store.touched import Touched

__all__ = [
    "CertificateUse",
    "Change",
    "Changes",
    "Done",
    "InstanceRow",
    "LogLine",
    "Ongoing",
    "Past",
    "Row",
    "Store",
    "Summary",
]

JUDGEMENT = "judgement"
"""What stands among the collectors while nothing can be judged."""

_PAUSE = 90.0  # seconds between two ticks after which nobody can have looked meanwhile
_BACK = 2.0  # seconds that a clock may be set back without a word: it is kept right by small steps
_NEWS = 60.0  # seconds for which a jump of the clock is told


class Changes(Struct, frozen=True, gc=False):
    """What changed since the last `drain`: rows to paint, whether log lines came, the clock moved."""

    rows: frozenset[ServiceKey] = frozenset()
    log: bool = False
    clock: bool = False
    status: bool = False

    def __bool__(self) -> bool:
        return bool(self.rows or self.log or self.clock or self.status)


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


class Store:
    """Services and instances of one host, judged."""

    def __init__(self, settings: Settings, *, only: bool = False) -> None:
        self.settings = settings
        self._facts = Facts(settings, only=only)
        self.actions = Actions()
        self._board = Board()
        self._rows, self._instances = self._board.rows, self._board.instances
        self._wants: dict[ServiceKey, ProbeWant] = {}
        self._pasts = Pasts()
        self._needs = Ledger()
        self._pairs = Pairs()
        self._doors_moved = True  # whether somebody listens elsewhere than when they were paired
        self._uses: list[CertificateUse] | None = None  # asked for on every tick
        self._touched = Touched(self._facts, self._board, self._needs)
        self._jump = (0.0, 0.0)  # when the clock jumped, and by how many seconds

    @property
    def now(self) -> float:
        """Seconds since the epoch at the last tick."""
        return self._facts.now

    @property
    def host(self) -> str:
        """The host's name."""
        return self._facts.host

    @property
    def logbook(self) -> Logbook:
        """The log lines."""
        return self._facts.logbook

    @property
    def collectors(self) -> dict[str, Failure | None]:
        """Every collector that was started, and why it fell if it did."""
        return self._facts.collectors

    @property
    def retries(self) -> dict[str, float]:
        """Seconds after which a collector that fell is started again."""
        return self._facts.retries

    @property
    def jumped(self) -> str:
        """That the clock was set, or nobody looked, a moment ago, in words; else empty."""
        at, by = self._jump
        if not by or abs(self.now - at) > _NEWS:
            return ""
        if by < 0:
            return f"the clock was set back by {span(by)}: what is timed may be wrong"
        return f"nothing was looked at for {span(by)}: asleep, or the clock was set"

    # -- facts in -------------------------------------------------------------------------------

    def apply(self, event: events.Event) -> None:
        """Take one fact."""
        if isinstance(event, events.Acted):
            self._touched.instances.add(self.actions.take(event))
            self._touched.status = True
            return
        if isinstance(event, events.ActionsTold):
            self._touched.instances |= self.actions.recall(event)
            return
        then = self.now
        self._touched.take(event)
        if isinstance(event, events.Ticked) and then:
            self._tick(self.now - then, then)
        elif isinstance(event, events.ProbeFinished) and event.handshake is not None:
            self._pasts.of(event.key).probed(event.handshake, self.now)

    def _tick(self, seconds: float, then: float) -> None:
        """Time went by; or it did not, as it should have."""
        if abs(seconds) > _PAUSE:
            self._pasts.pause(then)
        if not -_BACK <= seconds <= _PAUSE:
            self._jump = self.now, seconds

    # -- the join -------------------------------------------------------------------------------

    def drain(self, *, in_turns: bool = False) -> Changes:
        """Join and judge what changed since the last time.

        With `in_turns`, only some of the services of which a log told: a busy log tells of all of them all
        the time.  Each has its turn within twenty times, and `behind` says whether anybody waits.

        A bug in what concerns one service or one instance ends there (`judge`, `Facts.tunnel`); one in what
        concerns them all is told as a collector's fall would be, and the next drain tries again.
        """
        fallen = self._facts.collectors.pop(JUDGEMENT, None)
        try:
            changes = self._drain(in_turns=in_turns)
            if fallen is None:
                return changes
        except Exception as error:
            self._facts.collectors[JUDGEMENT] = bug(error)
        return Changes(frozenset(self._rows), log=True, clock=True, status=True)

    @property
    def behind(self) -> bool:
        """Whether a log told of services that are not joined yet."""
        return bool(self._touched.told.waiting)

    def _drain(self, *, in_turns: bool) -> Changes:
        rows: set[ServiceKey] = set()
        keys = self._facts.instance_keys()
        for gone in self._instances.keys() - keys:
            self._needs.drop(gone)
            self._forget(self._board.drop(gone), rows)
        touched = self._touched
        dirty = keys if touched.everything else touched.instances & keys
        dirty |= self._outgrown(keys - dirty)
        if self._facts.processes is None:
            for key in dirty:
                self._stand_in(self._facts.written(key), rows)
        else:
            self._join_all(dirty, rows, in_turns=in_turns)
        changes = Changes(frozenset(rows), touched.log, touched.clock, touched.status)
        touched.clear()
        return changes

    def _join_all(self, dirty: set[InstanceKey], rows: set[ServiceKey], *, in_turns: bool) -> None:
        """Join these instances, and the services of others that something else concerns."""
        touched = self._touched
        for key in dirty:
            self._rejoin(key, rows)
        told = touched.told.take() if in_turns else touched.told.take_all()
        for each in (touched.services | touched.aged | told) & self._rows.keys():
            if each.instance not in dirty:
                self._refresh(self._rows[each].tunnel, rows)
        if rows:
            self._pair(rows)

    def _pair(self, rows: set[ServiceKey]) -> None:
        """Judge client services again whose far end is another, or was judged anew."""
        if self._doors_moved:
            self._pairs.rebuild(row.tunnel for row in self._rows.values())
            self._doors_moved = False
        for row in [self._rows[key] for key in sorted(self._board.clients)]:
            far = self._pairs.far(row.tunnel)
            if far != row.tunnel.far or (far is not None and far.key in rows):
                self._judge(row.tunnel, self._instances[row.key.instance].findings, rows)

    def _forget(self, keys: frozenset[ServiceKey], rows: set[ServiceKey]) -> None:
        for key in keys:
            self._board.take_off(key)
            self._wants.pop(key, None)
        self._pasts.forget(keys)
        if keys:
            self._doors_moved, self._uses = True, None
        rows |= keys

    def _outgrown(self, keys: set[InstanceKey]) -> set[InstanceKey]:
        """Count anew what the kernel counts of these; returns those of which something else follows now."""
        found, aged = set(), {key.instance for key in self._touched.aged if key.ordinal <= 0}
        for key in keys & self._instances.keys() & (self._touched.counted | aged):
            row = self._instances[key]
            instance = self._facts.counted(row.instance)
            if instance == row.instance and key not in aged:
                continue
            tunnels = tuple(self._rows[each].tunnel for each in sorted(self._board.members[key]))
            if diagnose.instance.judge(instance, tunnels, self.now) != row.findings:
                found.add(key)
            elif instance != row.instance:
                self._instances[key] = InstanceRow(instance, row.findings)
        return found

    def _refresh(self, before: Tunnel, rows: set[ServiceKey]) -> None:
        """Join one service again with its instance as it is."""
        known = self._instances[before.key.instance]
        tunnel = self._facts.tunnel(before.service, known.instance)
        self._judge(tunnel, known.findings, rows, joined=False)

    def _rejoin(self, key: InstanceKey, rows: set[ServiceKey]) -> None:
        try:
            self._join(key, self._facts.instance(key), rows)
        except Exception as error:
            self._join(key, self._facts.written(key, bug(error)), rows)

    def _join(self, key: InstanceKey, instance: Instance, rows: set[ServiceKey]) -> None:
        stop = self.actions.stopped(instance)
        if stop is not None:
            instance = replace(instance, stopped_by=stop.who, stopped_at=stop.at)
        known = self._instances.get(key)
        if known is not None and known.instance == instance:
            instance = known.instance
        services = join.services(instance)
        tunnels = tuple(self._facts.tunnel(service, instance) for service in services)
        self.logbook.own_probes.place(instance.log, services)
        inherited = diagnose.instance.judge(instance, tunnels, self.now)
        self._instances[key] = InstanceRow(instance, inherited)
        ways, check = diagnose.hazard.wanted_ways(instance), self._facts.check_want(instance)
        self._needs.put(key, needs_of(instance, tunnels, ways, check))
        self._forget(self._board.seat(key, tunnels), rows)
        for tunnel in tunnels:
            self._judge(tunnel, inherited, rows)

    def _stand_in(self, instance: Instance, rows: set[ServiceKey]) -> None:
        """What the file says: before the machine was looked at there is nothing to join it with."""
        tunnels = tuple(join.bare(each, instance) for each in join.services(instance))
        self._instances[instance.key] = InstanceRow(instance)
        self._forget(self._board.seat(instance.key, tunnels), rows)
        for tunnel in tunnels:
            if (row := Row(tunnel)) != self._rows.get(tunnel.key):
                self._board.put(row)
                rows.add(tunnel.key)

    def _judge(
        self, tunnel: Tunnel, inherited: tuple[Finding, ...], rows: set[ServiceKey], *, joined: bool = True
    ) -> None:
        """Make its row; unless its instance was `joined` anew, no more than the counts of that differ."""
        before = self._rows.get(tunnel.key)
        tunnel = replace(tunnel, far=self._pairs.far(tunnel), trials=before.tunnel.trials if before else None)
        there = self._rows.get(tunnel.far.key) if tunnel.far else None
        far = FarEnd(there.findings) if there else None
        found, state, lights, trials = diagnose.service.judge(tunnel, inherited, self.now, self.settings, far)
        ongoing = self.actions.ongoing.get(tunnel.key.instance)
        acting = ongoing.text if ongoing is not None else ""
        past = self._pasts.of(tunnel.key, tunnel.service.name)
        cause = found[0].text if found and state is not State.OK else ""
        past.judged(
            state,
            ongoing.words if ongoing else cause,
            self.now,
            meant=ongoing is not None,
            whole=wants.settled(tunnel),
        )
        past.counted(tunnel.sessions, self.now)
        tunnel = replace(tunnel, trials=trials)
        row = Row(tunnel, found, state, lights, past.since if state is past.state else None, acting)
        if before is None or _differ(before, row, joined=joined):
            self._doors_moved |= before is None or _doors(before.tunnel) != _doors(tunnel)
            if before is None or _certificates(before.tunnel) != _certificates(tunnel):
                self._uses = None
            self._board.put(row)
            rows.add(tunnel.key)
        self._want(tunnel)

    # -- facts wanted ---------------------------------------------------------------------------

    def _want(self, tunnel: Tunnel) -> None:
        """Whether and for what the service should be probed."""
        if not wants.reachable(tunnel):
            self._wants.pop(tunnel.key, None)
        elif wants.looked_at(tunnel, self._facts):
            want = wants.probe_want(tunnel)
            if want != self._wants.get(tunnel.key):  # else it stays the same object: soon compared
                self._wants[tunnel.key] = want

    def interest(self) -> Interest:
        """What the collectors should look at, given the facts so far."""
        facts, needs = self._facts, self._needs.all()
        instances = [row.instance for row in self._instances.values()]
        processes = [each.process for each in instances if each.process]
        return Interest(
            configs=facts.named_configs(),
            certificates=frozenset[str]().union(*(each.certificates for each in needs)),
            folders=frozenset[str]().union(*(each.folders for each in needs)),
            ways=frozenset[str]().union(*(each.ways for each in needs)),
            logs=frozenset(each.log for each in needs) - {""},
            nets=frozenset({each.net: each.pid for each in processes if each.net}.items()),
            sockets=frozenset(facts.kernel.strangers),
            outputs=frozenset(each.output for each in needs if each.output),
            probes=tuple(self._wants.values()),
            checks=tuple(each.check for each in needs if each.check),
            running=frozenset(process.id for process in facts.running),
            pid_files=frozenset(each.pid_file for each in needs) - {""},
            recall=facts.loads.recall(instances),
            keep=facts.loads.keep(each for each in instances if not each.log or each.log in facts.logs),
        )

    def probeable(self, keys: frozenset[ServiceKey]) -> frozenset[ServiceKey]:
        """Those of `keys` that there is something to probe of."""
        return frozenset(key for key in keys if key in self._wants and self._wants[key].plan.targets)

    def fresh(self, key: ServiceKey) -> bool:
        """Whether the last probe of a service was made for what runs now, and stands in its row."""
        want, probed, row = self._wants.get(key), self._facts.probed.get(key), self._rows.get(key)
        if want is None or probed is None or row is None:
            return False
        # What is wanted may be what was: a new process is not probed before its log was looked at.
        if not probed.stamp == want.stamp == wants.probe_want(row.tunnel).stamp:
            return False
        return row.tunnel.handshake == probed.handshake  # it may have come since the row was joined

    @property
    def surveyed(self) -> bool:
        """Whether the machine itself was looked at once: what is to be looked at follows from that."""
        facts = self._facts
        known = (facts.processes, facts.units, facts.kernel.tables, facts.found)
        return None not in known and set(facts.found.paths if facts.found else ()) <= facts.configs.keys()

    def pending(self) -> tuple[str, ...]:
        """What has not been looked at once; empty when a first sweep is complete."""
        joining = bool(self._touched)
        return pending(self._facts, self.interest(), self._rows.values(), joining=joining)

    @property
    def answered(self) -> bool:
        """Whether nothing is left of the probes but waiting for early closes."""
        return all(key in self._facts.probed or key in self._facts.answered for key in self._wants)

    # -- questions ------------------------------------------------------------------------------

    def rows(self) -> list[Row]:
        """All services, worst first; an SNI service follows its primary."""
        return self._board.ranked()

    def row(self, key: ServiceKey) -> Row | None:
        """One service, with what was last counted of its instance."""
        row, known = self._rows.get(key), self._instances.get(key.instance)
        if row is None or known is None or row.tunnel.instance is known.instance:
            return row
        return replace(row, tunnel=replace(row.tunnel, instance=known.instance))

    def instance(self, key: InstanceKey) -> InstanceRow | None:
        """One instance."""
        return self._instances.get(key)

    def instances(self) -> list[InstanceRow]:
        """All instances by path."""
        return [self._instances[key] for key in sorted(self._instances)]

    def past(self, key: ServiceKey) -> Past:
        """What was seen of one service in the course of time."""
        return self._pasts.get(key)

    def changes(self, after: float) -> list[tuple[Row, Change]]:
        """What changed state after a moment (seconds since the epoch), the last one last."""
        found = ((self._rows.get(key), change) for key, change in self._pasts.changes(after))
        return [(row, change) for row, change in found if row is not None]

    def certificates(self) -> list[CertificateUse]:
        """Every certificate of the fleet, soonest first."""
        if self._uses is None:
            self._uses = inventory(list(self._rows.values()))
        return self._uses

    def summary(self) -> Summary:
        """The header's counts."""
        return summary(list(self._rows.values()), self.certificates(), self.now, self.settings)

    def blind_spots(self) -> tuple[str, ...]:
        """What this user may not see, in words; empty where nothing is hidden."""
        return blind_spots(self._facts)
