"""What was seen of one service in the course of time: probes, changes of its state, sessions.

Rule: bounded, and nothing but what was seen.  Nothing is told of the time before the first look, nor of a
pause in which nobody looked; times are those of the events (seconds since the epoch).
"""

from array import array
from collections import deque
from collections.abc import Iterable
from math import isnan, nan
from typing import NamedTuple

from tuimon.diagnose.finding import State
from tuimon.model.handshake import DENIED, Handshake, Verdict
from tuimon.model.service import ServiceKey
from tuimon.store.moments import behind

PROBES = 32
"""Probes that are remembered of a service."""

CHANGES = 32
"""Changes of its state that are."""

MINUTES = 60
"""Minutes for which the number of its sessions is."""

DAY = 86400.0
"""Seconds for which it is counted how often it was down."""

_SETTLED = 3.0  # seconds after a change in which its cause may still be found out
_FIRST_LOOK = 30.0  # seconds after which a first look is over, whatever was not seen
_FIELDS = 6  # numbers that are kept of a probe
_VERDICTS = tuple(Verdict)
_STEP = 3  # numbers that are kept of a step in the count of sessions: minute, most, last
_UNSEEN, _NEVER = -1, -2


class Probe(NamedTuple):
    """One probe that counted: when it ended, and the times of `Handshake`."""

    at: float
    verdict: Verdict
    connect_ms: float | None
    first_byte_ms: float | None
    flight_ms: float | None
    handshake_ms: float | None

    @property
    def took(self) -> float | None:
        """Milliseconds of the whole handshake, as far as it was meant to go; None where it failed."""
        if self.verdict is not Verdict.OK:
            return None
        return self.flight_ms if self.handshake_ms is None else self.handshake_ms


class Change(NamedTuple):
    """One change of state: `cause` in words, empty where nothing is wrong any more; `meant` says that an
    action of ours went on.  `before` is `PENDING` at the first look."""

    at: float
    before: State
    after: State
    cause: str
    meant: bool


class Outage(NamedTuple):
    """A time in which it was down, without being meant to be; `until` is None while it is.  What was found
    at the first look may have begun `earlier`."""

    since: float
    until: float | None
    cause: str
    earlier: bool = False

    def lasted(self, now: float) -> float:
        """Seconds so far."""
        return max(0.0, (now if self.until is None else self.until) - self.since)


class Past:
    """The past of one service, as far as anybody looked."""

    __slots__ = ("_levels", "_looked", "_probes", "changes", "forgotten", "name", "seen", "state")

    def __init__(self, name: str = "") -> None:
        self.name = name
        self.seen: float | None = None  # when it was first judged
        self.state = State.PENDING  # the last that was more than "not looked yet"
        self.changes: deque[Change] = deque(maxlen=CHANGES)
        self._looked = False
        self.forgotten = False  # whether older changes than these were seen
        self._probes = array("d")
        self._levels = array("i")

    # -- what is told --------------------------------------------------------------------------

    def probed(self, handshake: Handshake, at: float) -> None:
        """Note a probe that counts; that we may not connect says nothing of the service."""
        if handshake.detail == DENIED:
            return
        times = (
            handshake.connect_ms,
            handshake.first_byte_ms,
            handshake.flight_ms,
            handshake.handshake_ms,
        )
        self._probes.extend((at, _VERDICTS.index(handshake.verdict)))
        self._probes.extend(nan if each is None else each for each in times)
        del self._probes[: -PROBES * _FIELDS]

    def judged(self, state: State, cause: str, now: float, *, meant: bool, whole: bool = True) -> None:
        """Note what it was found to be; the first look is not over before it was `whole`."""
        if state is State.PENDING:
            return
        if self.seen is None:
            self.seen = now
        last = self.changes[-1] if self.changes else None
        if last is None or not self._looked:
            self._looked = whole or now - self.seen > _FIRST_LOOK
            self.changes.clear()
            self.changes.append(Change(self.seen, State.PENDING, state, cause, meant))
            self.state = state
        elif state is not self.state:
            self.forgotten |= len(self.changes) == CHANGES
            self.changes.append(Change(now, self.state, state, cause, meant))
            self.state = state
        else:
            settling = now - last.at <= _SETTLED
            # What an action left behind when it had ended was not meant.
            self.changes[-1] = last._replace(
                cause=cause if settling else last.cause, meant=last.meant and meant
            )

    def counted(self, sessions: int | None, now: float) -> None:
        """Note how many sessions there are now; None where that cannot be seen."""
        minute, level = int(now // 60), _UNSEEN if sessions is None else sessions
        before, most, last = self._levels[-_STEP:] or (minute, level, _NEVER)
        if last == level:
            return
        if last != _NEVER and before == minute:
            del self._levels[-_STEP:]
        else:  # what there was at the minute's start is part of it
            most = max(last, level)
        self._levels.extend((minute, max(most, level), level))
        del self._levels[: -(MINUTES + 1) * _STEP]

    def set_back(self, now: float, by: float) -> None:
        """The clock was set back to `now` by so many seconds."""
        changed = behind((each.at for each in self.changes), now, by)
        for index, at in enumerate(changed):
            self.changes[index] = self.changes[index]._replace(at=at)
        if self.seen is not None:
            (self.seen,) = behind((self.seen,), now, by)
        for index, at in enumerate(behind(self._probes[::_FIELDS], now, by)):
            self._probes[index * _FIELDS] = at
        minutes = behind((minute * 60.0 for minute in self._levels[::_STEP]), now, by)
        for index, at in enumerate(minutes):
            self._levels[index * _STEP] = int(at // 60)

    # -- what can be asked ---------------------------------------------------------------------

    @property
    def since(self) -> float | None:
        """When it came to be what it is; None where it has been so since the first look."""
        last = self.changes[-1] if self.changes else None
        return None if last is None or last.before is State.PENDING else last.at

    def probes(self, most: int = PROBES) -> list[Probe]:
        """The last probes, oldest first."""
        kept = self._probes[-most * _FIELDS :]
        return [_probe(kept[at : at + _FIELDS]) for at in range(0, len(kept), _FIELDS)]

    def outages(self, after: float) -> list[Outage]:
        """The times it was down that began after `after` (or go on), oldest first."""
        found: list[Outage] = []
        for change in self.changes:
            if change.after is State.DOWN and not change.meant:
                found.append(Outage(change.at, None, change.cause, change.before is State.PENDING))
            elif found and found[-1].until is None:
                found[-1] = found[-1]._replace(until=change.at)
        return [each for each in found if each.since >= after or each.until is None]

    def sessions(self, now: float) -> list[int | None]:
        """The most sessions at once in each of the last minutes, this one last; None where not seen."""
        this = int(now // 60)
        found: list[int | None] = []
        at, current = 0, _UNSEEN
        for minute in range(this - MINUTES + 1, this + 1):
            most = current
            while at < len(self._levels) and self._levels[at] <= minute:
                told, most, current = self._levels[at : at + _STEP]
                most = most if told == minute else current
                at += _STEP
            found.append(None if most == _UNSEEN else most)
        return found


class Pasts:
    """The pasts of all services."""

    def __init__(self) -> None:
        self._known: dict[ServiceKey, Past] = {}

    def of(self, key: ServiceKey, name: str = "") -> Past:
        """The past of a service; where its place is another's now (`name`), a new one."""
        past = self._known.get(key)
        if past is None or (name and past.name and past.name != name):
            past = self._known[key] = Past(name)
        past.name = past.name or name
        return past

    def get(self, key: ServiceKey) -> Past:
        """The past of a service, empty where it was never looked at."""
        return self._known.get(key) or Past()

    def pause(self, then: float) -> None:
        """Nobody looked from `then` on."""
        for past in self._known.values():
            past.counted(None, then)

    def set_back(self, now: float, by: float) -> None:
        """The clock was set back to `now` by so many seconds."""
        for past in self._known.values():
            past.set_back(now, by)

    def forget(self, keys: Iterable[ServiceKey]) -> None:
        """These services are gone."""
        for key in keys:
            self._known.pop(key, None)

    def changes(self, after: float) -> list[tuple[ServiceKey, Change]]:
        """What changed after a moment, in the order of time; first looks left out."""
        found = (
            (key, change)
            for key, past in self._known.items()
            for change in past.changes
            if change.at > after and change.before is not State.PENDING
        )
        return sorted(found, key=lambda each: each[1].at)


def _probe(numbers: "array[float]") -> Probe:
    times = [None if isnan(each) else each for each in numbers[2:]]
    return Probe(numbers[0], _VERDICTS[int(numbers[1])], *times)
