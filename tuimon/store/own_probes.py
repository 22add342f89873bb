"""Our own probes as the logs and the kernel name them: by the address that they came from.

Rule: an address alone is not enough, the kernel gives the same ports to others.  Ours is what came from it at
that time and, where that is known, to that door.
"""

from collections import OrderedDict
from collections.abc import Iterable
from sys import intern

from tuimon.model.service import Service

BEFORE, AFTER = 2.0, 60.0
"""Seconds around a probe in which a log speaks of it.  Before: its stamps are whole seconds, and so is our
idea of now."""

_LIMIT = 4096  # addresses that are remembered
_OF_ONE = 4  # probes of one address: a sweep of thousands gets the same port for several doors


class OwnProbes:
    """When a probe came from which address, and to which door it led: `seen`, the last few of each."""

    def __init__(self) -> None:
        self.seen: OrderedDict[str, tuple[tuple[float, str], ...]] = OrderedDict()
        self._ports: dict[tuple[str, str], frozenset[str]] = {}  # by log and name of the service

    def remember(self, local: str, now: float, door: str) -> None:
        """A connection from `local` (`IP:port`) to `door`, which may be unknown, is ours."""
        before = (each for each in self.seen.get(local, ()) if each[1] != door)
        self.seen[local] = (*before, (now, intern(door)))[-_OF_ONE:]  # doors are few, and each is told anew
        self.seen.move_to_end(local)
        while len(self.seen) > _LIMIT:
            self.seen.popitem(last=False)

    def jumped(self, before: float, now: float) -> list[str]:
        """The clock went from `before` to `now`: those that may have been open meanwhile are known by both.
        Returns where they came from."""
        found = []
        for local, probes in self.seen.items():
            late = [(now, door) for at, door in probes if abs(before - at) <= AFTER]
            if late:
                self.seen[local] = (*probes, *late)[-2 * _OF_ONE :]
                found.append(local)
        return found

    def place(self, log: str, services: Iterable[Service]) -> None:
        """The services that write this log, with the ports they accept on as far as these are numbers."""
        ports: dict[str, set[str | None]] = {}
        for service in services:
            found = {str(each.number) if each.number else None for each in service.accept}
            ports.setdefault(service.name, set()).update(found or {None})
        for name, found in ports.items():
            if None in found:  # the name of a port, or a door that is another service's
                self._ports.pop((log, name), None)
            else:
                self._ports[log, name] = frozenset(filter(None, found))

    def made(self, peer: str, at: float | None, door: str = "", place: tuple[str, str] | None = None) -> bool:
        """Whether a connection from `peer`, to `door` or to the service at `place` (log, name) as far as
        these are known, was one of ours then."""
        for began, leads in self.seen.get(peer, ()):
            if door and leads and door != leads:
                continue
            ports = self._ports.get(place) if place is not None and leads else None
            if ports is not None and leads.rpartition(":")[2] not in ports:
                continue
            if at is None or began - BEFORE <= at <= began + AFTER:
                return True
        return False
