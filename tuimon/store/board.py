"""The board: all rows and instances as they were judged last, by key and by name.

Rule: whoever shows a row finds it here; who made it, and when it has to be made anew, is not known here.
"""

from collections.abc import Sequence

from msgspec import Struct, field

from tuimon.model.endpoint import Endpoint
from tuimon.model.service import InstanceKey, ServiceKey
from tuimon.model.tunnel import Tunnel
from tuimon.store import join
from tuimon.store.kernel import Moved
from tuimon.store.rows import InstanceRow, Row, families, worst_first

_ANY = -1  # in place of a port that cannot be known from the text


class Board(Struct):
    """`order` is what each row sorts by, `members` the rows of each instance, `named` the same by name."""

    rows: dict[ServiceKey, Row] = field(default_factory=dict)
    order: dict[ServiceKey, tuple[object, ...]] = field(default_factory=dict)
    instances: dict[InstanceKey, InstanceRow] = field(default_factory=dict)
    members: dict[InstanceKey, dict[ServiceKey, None]] = field(default_factory=dict)
    named: dict[InstanceKey, dict[str, list[ServiceKey]]] = field(default_factory=dict)
    clients: dict[ServiceKey, None] = field(default_factory=dict)  # client services, as they came
    _at: dict[int, set[ServiceKey]] = field(default_factory=dict)  # by the ports that it accepts at
    _to: dict[int, set[ServiceKey]] = field(default_factory=dict)  # by the ports of its targets here
    _ranked: list[ServiceKey] | None = None  # the rows in order; sorting a thousand takes a millisecond

    def put(self, row: Row) -> None:
        """Show a row in its place."""
        key, before = row.key, self.rows.get(row.key)
        if before is None or _texts(before) != _texts(row):
            if before is not None:
                self._leave(before)
            for index, ports in self._doors(row):
                for port in ports:
                    index.setdefault(port, set()).add(key)
            self._ranked = None
            if row.tunnel.service.client:
                self.clients[key] = None
            else:
                self.clients.pop(key, None)
        order = worst_first(row)
        if order != self.order.get(key):
            self._ranked = None
        self.rows[key], self.order[key] = row, order

    def take_off(self, key: ServiceKey) -> None:
        """Show a row no more."""
        self._leave(self.rows[key])
        del self.rows[key], self.order[key]
        self.clients.pop(key, None)
        self._ranked = None

    def ranked(self) -> list[Row]:
        """All rows, worst first; an SNI service follows its primary."""
        if self._ranked is None:
            self._ranked = [row.key for row in families(self.rows, self.order)]
        return [self.rows[key] for key in self._ranked]

    def near(self, moved: Moved | None) -> list[Row]:
        """The rows of services for which these sockets may be something else; all for None.  A thousand rows
        need not be walked for a socket that came, nor for a client of the target that they all have."""
        if moved is None:
            return list(self.rows.values())
        found = self._at.get(_ANY, set()).union(*(self._at.get(port, ()) for port in moved.ports))
        if moved.doors:
            found.update(self._to.get(_ANY, ()), *(self._to.get(port, ()) for port in moved.doors))
        return [self.rows[key] for key in found]

    def _doors(self, row: Row) -> tuple[tuple[dict[int, set[ServiceKey]], set[int]], ...]:
        """Where a row stands in which index."""
        service = row.tunnel.service
        at, to = (row.tunnel.primary or service).accept, join.on_loopback(service.connect)
        return (self._at, _ports(at)), (self._to, _ports(to))

    def _leave(self, row: Row) -> None:
        for index, ports in self._doors(row):
            for port in ports:
                index[port].discard(row.key)
                if not index[port]:
                    del index[port]

    def seat(self, key: InstanceKey, tunnels: Sequence[Tunnel]) -> frozenset[ServiceKey]:
        """Note the services of an instance; returns those that are not among them any more."""
        before = self.members.get(key, {})
        self.members[key], self.named[key] = dict.fromkeys(tunnel.key for tunnel in tunnels), {}
        for tunnel in tunnels:
            self.named[key].setdefault(tunnel.service.name, []).append(tunnel.key)
        return frozenset(before.keys() - self.members[key].keys())

    def drop(self, key: InstanceKey) -> frozenset[ServiceKey]:
        """Forget an instance; returns the services that it had."""
        del self.instances[key]
        self.named.pop(key, None)
        return frozenset(self.members.pop(key, {}))


def _texts(row: Row) -> tuple[int, int]:
    """What its ports follow from: made anew, it is another object."""
    return id(row.tunnel.service), id(row.tunnel.primary)


def _ports(ends: tuple[Endpoint, ...]) -> set[int]:
    return {_ANY if join.loose(each) else 0 if each.path else each.number or 0 for each in ends}
