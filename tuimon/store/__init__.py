"""The store: facts joined, judged and asked for.

Rule: one way only.  `apply` takes events, `drain` tells what changed, the queries read.  No clock, no
thread, no I/O: time is the last `Ticked`.  A failure is a fact like any other.
"""

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from tuimon import events
from tuimon.diagnose.finding import span
from tuimon.model.failure import Failure, bug
from tuimon.model.service import InstanceKey, ServiceKey
from tuimon.model.tunnel import Interest
from tuimon.settings import Settings
from tuimon.store import wants
from tuimon.store.actions import Actions, Done, Ongoing
from tuimon.store.blind_spots import blind_spots
from tuimon.store.facts import Facts
from tuimon.store.joiner import Joiner
from tuimon.store.log_lines import LogLine
from tuimon.store.logbook import Logbook
from tuimon.store.past import Change, Past, Pasts
from tuimon.store.pending import pending
from tuimon.store.rows import CertificateUse, InstanceRow, Row, Summary, inventory, summary

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


class Store:
    """Services and instances of one host, judged."""

    def __init__(self, settings: Settings, *, only: Sequence[str] = (), ages: bool = True) -> None:
        """`only` are the PATH arguments: what none of them names is left out; `ages` says that somebody looks
        for long, and all is judged anew as time goes by."""
        self.settings, self.only = settings, tuple(only)
        self._facts = Facts(settings, only=bool(only))
        self.actions = Actions()
        self._pasts = Pasts()
        self._joiner = Joiner(settings, self._facts, self.actions, self._pasts, ages=ages)
        self._board, self._touched = self._joiner.board, self._joiner.touched
        self._rows, self._instances = self._board.rows, self._board.instances
        self._uses: list[CertificateUse] = []  # asked for on every tick
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
        if seconds < 0:
            self._pasts.set_back(self.now, -seconds)
            self._facts.set_back(-seconds)
        if not -_BACK <= seconds <= _PAUSE:
            self._jump = self.now, seconds
            self.logbook.jumped(then, self.now)

    # -- the join -------------------------------------------------------------------------------

    def drain(self, *, in_turns: bool = False) -> Changes:
        """Join and judge what changed since the last time.

        With `in_turns`, only some of the services of which a log told: a busy log tells of all of them all
        the time.  Each has its turn within twenty times, and `behind` says whether anybody waits.

        A bug in what concerns one service or one instance ends there (`judge`, `Tunnels`); one in what
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
        touched = self._touched
        rows = self._joiner.join(in_turns=in_turns)
        changes = Changes(rows, touched.log, touched.clock, touched.status)
        touched.clear()
        return changes

    # -- facts wanted ---------------------------------------------------------------------------

    def interest(self) -> Interest:
        """What the collectors should look at, given the facts so far."""
        facts, needs = self._facts, self._joiner.needs.all()
        instances = [row.instance for row in self._instances.values()]
        processes = [each.process for each in instances if each.process]
        return Interest(
            configs=self._joiner.owners.named_configs(),
            certificates=frozenset[str]().union(*(each.certificates for each in needs)),
            folders=frozenset[str]().union(*(each.folders for each in needs)),
            ways=frozenset[str]().union(*(each.ways for each in needs)),
            logs=frozenset(each.log for each in needs) - {""},
            nets=frozenset({each.net: each.pid for each in processes if each.net}.items()),
            sockets=frozenset(facts.kernel.strangers),
            outputs=frozenset(each.output for each in needs if each.output),
            probes=tuple(self._joiner.wants.values()),
            checks=tuple(each.check for each in needs if each.check),
            running=frozenset(process.id for process in facts.running),
            pid_files=frozenset(each.pid_file for each in needs) - {""},
            recall=facts.loads.recall(instances),
            keep=facts.loads.keep(each for each in instances if not each.log or each.log in facts.logs),
        )

    def probeable(self, keys: frozenset[ServiceKey]) -> frozenset[ServiceKey]:
        """Those of `keys` that there is something to probe of."""
        wanted = self._joiner.wants
        return frozenset(key for key in keys if key in wanted and wanted[key].plan.targets)

    def fresh(self, key: ServiceKey) -> bool:
        """Whether the last probe of a service was made for what runs now, and stands in its row."""
        want, probed, row = self._joiner.wants.get(key), self._facts.probed.get(key), self._rows.get(key)
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
        joining, probing = bool(self._touched), not self._joiner.wants.keys() <= self._facts.probed.keys()
        return pending(self._facts, self.interest(), self._rows.values(), joining=joining, probing=probing)

    @property
    def answered(self) -> bool:
        """Whether nothing is left of the probes but waiting for early closes."""
        probed, answered = self._facts.probed, self._facts.answered
        return all(key in probed or key in answered for key in self._joiner.wants)

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
        if self._joiner.certificates_moved:
            self._joiner.certificates_moved, self._uses = False, inventory(list(self._rows.values()))
        return self._uses

    def summary(self) -> Summary:
        """The header's counts."""
        return summary(list(self._rows.values()), self.certificates(), self.now, self.settings)

    def blind_spots(self) -> tuple[str, ...]:
        """What this user may not see, in words; empty where nothing is hidden."""
        return blind_spots(self._facts)
