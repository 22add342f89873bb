"""Actions as they were reported: which go on, how far they are, and how the last ones ended.

Rule: what the events say, no more; the file of all actions is not read here.
"""

from collections import deque
from dataclasses import dataclass

from tuimon import events
from tuimon.model.action import Action, Outcome, Result
from tuimon.model.instance import Instance
from tuimon.model.service import InstanceKey

_KEPT = 500


@dataclass(frozen=True, slots=True)
class Ongoing:
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


@dataclass(frozen=True, slots=True)
class Done:
    """One action that has ended, with all its steps."""

    started: events.ActionStarted
    steps: tuple[str, ...]
    outcome: Outcome


class Actions:
    """Actions of one host."""

    def __init__(self) -> None:
        self.ongoing: dict[InstanceKey, Ongoing] = {}
        self.done: deque[Done] = deque(maxlen=_KEPT)
        self._stopped: dict[InstanceKey, Done] = {}

    def stopped(self, instance: Instance) -> Done | None:
        """The stop that is why an instance does not run; forgotten as soon as it has run since."""
        if instance.running and instance.key not in self.ongoing:
            self._stopped.pop(instance.key, None)
        return None if instance.running else self._stopped.get(instance.key)

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
                        self._stopped[key] = ended
                return key
