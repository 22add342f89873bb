"""The board: all rows and instances as they were judged last, by key and by name.

Rule: whoever shows a row finds it here; who made it, and when it has to be made anew, is not known here.
"""

from collections.abc import Sequence

from msgspec import Struct, field

from tuimon.model.service import InstanceKey, ServiceKey
from tuimon.model.tunnel import Tunnel
from tuimon.store.rows import InstanceRow, Row, worst_first


class Board(Struct):
    """`order` is what each row sorts by, `members` the rows of each instance, `named` the same by name."""

    rows: dict[ServiceKey, Row] = field(default_factory=dict)
    order: dict[ServiceKey, tuple[object, ...]] = field(default_factory=dict)
    instances: dict[InstanceKey, InstanceRow] = field(default_factory=dict)
    members: dict[InstanceKey, frozenset[ServiceKey]] = field(default_factory=dict)
    named: dict[InstanceKey, dict[str, list[ServiceKey]]] = field(default_factory=dict)

    def put(self, row: Row) -> None:
        """Show a row in its place."""
        self.rows[row.key], self.order[row.key] = row, worst_first(row)

    def take_off(self, key: ServiceKey) -> None:
        """Show a row no more."""
        del self.rows[key], self.order[key]

    def seat(self, key: InstanceKey, tunnels: Sequence[Tunnel]) -> frozenset[ServiceKey]:
        """Note the services of an instance; returns those that are not among them any more."""
        before = self.members.get(key, frozenset())
        self.members[key], self.named[key] = frozenset(tunnel.key for tunnel in tunnels), {}
        for tunnel in tunnels:
            self.named[key].setdefault(tunnel.service.name, []).append(tunnel.key)
        return before - self.members[key]

    def drop(self, key: InstanceKey) -> frozenset[ServiceKey]:
        """Forget an instance; returns the services that it had."""
        del self.instances[key]
        self.named.pop(key, None)
        return self.members.pop(key, frozenset())
