"""What the logs tell of the past, also of the time before anybody looked: starts, loads, ends, and when a
target could not be reached.

Rule: bounded, and in the words of stunnel; what a log does not hold any more never happened for us.
"""

from collections import OrderedDict, deque
from typing import NamedTuple

from tuimon.model.log import Event, LogRecord
from tuimon.store.bounded import put

MILESTONES = 12
"""Records that are remembered of one log."""

OUTAGES = 8
"""Outages of its target that are remembered of one service."""

TOLD = frozenset(
    {
        Event.STARTED,
        Event.CONFIG_OK,
        Event.CONFIG_FAILED,
        Event.RELOAD_FAILED,
        Event.BIND_FAILED,
        Event.LIMIT,
        Event.STOPPED,
    }
)
_ERROR = 3  # a level: what is less is no failure to bind


class TargetOutage(NamedTuple):
    """From the first client that did not get through to the first that did again."""

    since: float
    until: float
    record: LogRecord


class Chronicle:
    """Milestones of each log, and outages of each service's target."""

    def __init__(self) -> None:
        self._milestones: dict[str, deque[LogRecord]] = {}
        self._outages: OrderedDict[tuple[str, str], deque[TargetOutage]] = OrderedDict()

    def learn(self, source: str, record: LogRecord) -> None:
        """Note a record, if it tells of the process; one that says the same again replaces the one before."""
        if record.event not in TOLD or record.time is None:
            return
        if record.event is Event.BIND_FAILED and (record.level or 0) > _ERROR:
            return
        kept = self._milestones.setdefault(source, deque(maxlen=MILESTONES))
        if record.event is Event.LIMIT and kept and kept[-1].event is Event.LIMIT:
            kept.pop()
        kept.append(record)

    def reached(
        self, source: str, service: str, since: float | None, until: float | None, record: LogRecord
    ) -> None:
        """Note that a target is reached again; `record` told why it was not."""
        if since is not None and until is not None:
            kept = self._outages.get((source, service))
            if kept is None:
                kept = put(self._outages, (source, service), deque(maxlen=OUTAGES))
            kept.append(TargetOutage(since, until, record))

    def milestones(self, source: str) -> tuple[LogRecord, ...]:
        """What a log told of its process, oldest first."""
        return tuple(self._milestones.get(source, ()))

    def outages(self, source: str, service: str) -> tuple[TargetOutage, ...]:
        """When the target of a service could not be reached, and was again; oldest first."""
        return tuple(self._outages.get((source, service), ()))
