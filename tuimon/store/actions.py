"""Actions as they were reported: which go on, how far they are, and how the last ones ended.

Rule: what the events say, no more.  What the file of all actions says counts where it was not seen to happen.
"""

from collections import deque
from typing import NamedTuple

from msgspec import Struct

from tuimon import events
from tuimon.model.action import Action, Logged, Outcome, Result
from tuimon.model.instance import Instance
from tuimon.model.service import InstanceKey

_KEPT = 500
_ONE_END = 120.0  # seconds between a stop and what log or systemd say of the end, if they are one


class Ongoing(Struct, frozen=True, gc=False):
    """One action that goes on, with its steps so far."""

    started: events.ActionStarted
    steps: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """`reloading: waiting for a handshake with [web]`."""
        doing = self.started.action.doing
        return f"{doing}: {self.steps[-1]}" if self.steps else doing

    @property
    def words(self) -> str:
        """`reloading, by root`."""
        return f"{self.started.action.doing}, by {self.started.who}"


class Done(Struct, frozen=True, gc=False):
    """One action that has ended, with all its steps."""

    started: events.ActionStarted
    steps: tuple[str, ...]
    outcome: Outcome


class Stop(NamedTuple):
    """That somebody stopped an instance through tuimon, and when (seconds since the epoch)."""

    who: str
    at: float


def _stands(told: Logged, instance: Instance) -> bool:
    """Whether the last action was a stop, and nothing tells of a life after it."""
    if told.action != Action.STOP.value or told.result != Result.VERIFIED.value:
        return False
    ends = (
        instance.stopped.time if instance.stopped else None,
        instance.unit.since if instance.unit else None,
    )
    return all(end is None or abs(end - told.at) <= _ONE_END for end in ends)


class Actions:
    """Actions of one host."""

    def __init__(self) -> None:
        self.ongoing: dict[InstanceKey, Ongoing] = {}
        self.done: deque[Done] = deque(maxlen=_KEPT)
        self._stopped: dict[InstanceKey, Stop] = {}
        self._last: dict[InstanceKey, Logged] = {}  # the last action on each by the file of all actions

    def stopped(self, instance: Instance) -> Stop | None:
        """The stop that is why an instance does not run; forgotten as soon as it has run since."""
        key = instance.key
        if instance.running and key not in self.ongoing:
            self._stopped.pop(key, None)
        if instance.running:
            return None
        told = self._last.get(key)
        if key in self._stopped or told is None or not _stands(told, instance):
            return self._stopped.get(key)
        return Stop(told.who, told.at)

    def recall(self, event: events.ActionsTold) -> set[InstanceKey]:
        """Take what the file says; returns the instances that it says something new of."""
        last = {InstanceKey(event.host, each.instance): each for each in event.actions}
        fresh = {key for key, each in last.items() if self._last.get(key) != each}
        self._last = last
        return fresh

    def take(self, event: events.Acted) -> InstanceKey:
        """Note one event; returns the instance that it is about."""
        match event:
            case events.ActionStarted():
                self.ongoing[event.key] = Ongoing(event)
                return event.key
            case events.ActionStep():
                known = self.ongoing.get(event.key)
                if known is not None:
                    self.ongoing[event.key] = Ongoing(known.started, (*known.steps, event.text))
                return event.key
            case events.ActionFinished():
                key = event.outcome.key
                known = self.ongoing.pop(key, None)
                if known is not None:
                    ended = Done(known.started, known.steps, event.outcome)
                    self.done.append(ended)
                    if known.started.action is Action.STOP and event.outcome.result is Result.VERIFIED:
                        self._stopped[key] = Stop(known.started.who, known.started.at)
                return key
