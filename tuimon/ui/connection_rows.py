"""The rows of connections: which of them are shown, and how each looks.

Rule: a row is made once, and its cells when somebody sees it: a busy log tells of thousands, and of a few
more every moment.
"""

import time
from collections.abc import Sequence
from functools import partial

from rich.text import Text

from tuimon.model.connection import Connection
from tuimon.store.connections import Told
from tuimon.ui.filtering import Filter
from tuimon.ui.palette import Palette
from tuimon.ui.widgets.table import Column, TableRow
from tuimon.ui.widgets.table_model import Cells

COLUMNS = (
    Column("started", "TIME", 8, keep=100),
    Column("service", "SERVICE", 16, min_width=8, keep=100),
    Column("peer", "CLIENT", 21, min_width=15, keep=100),
    Column("outcome", "END", 8, keep=100),
    Column("seconds", "SECONDS", 7, align="right", keep=8),
    Column("tls", "TLS", 7, keep=7),
    Column("received", "IN", 6, align="right", keep=6),
    Column("sent", "OUT", 6, align="right", keep=6),
    Column("target", "TARGET", 21, min_width=14, keep=5),
    Column("reason", "WHY", 24, grow=1, min_width=18, keep=100),
)
_ENDS = {"closed": "ok", "open": "accent", "rejected": "critical", "reset": "warning", "cut": "warning"}
ConnectionKey = tuple[int, str, str, str, float]


def key_of(told: Told) -> ConnectionKey:
    """What tells it from others, also when it has ended meanwhile or older lines are here: its client's port
    if that is known, else its place."""
    each = told.connection
    number = 0 if each.peer.rpartition(":")[2].isdigit() else told.number
    return (number, told.source, each.id, each.peer, each.started or 0.0)


class ConnectionRows:
    """Makes rows; those of the last time are known."""

    def __init__(self) -> None:
        self._made: dict[ConnectionKey, tuple[Connection, TableRow[ConnectionKey]]] = {}
        self._look: object = None

    def rows(
        self, told: Sequence[Told], palette: Palette, sought: Filter, *, faults: bool
    ) -> list[TableRow[ConnectionKey]]:
        """Those that have what is sought, and that went wrong if only `faults` are wanted; each once."""
        look = (palette, str(sought))
        if look != self._look:
            self._made, self._look = {}, look
        before, self._made = self._made, {}
        found: dict[ConnectionKey, TableRow[ConnectionKey]] = {}
        for each in told:
            connection = each.connection
            if faults and not connection.reason:
                continue
            key = key_of(each)
            known = before.get(key)
            if known is None or known[0] != connection:
                cells = Cells(partial(_cells, connection, palette, sought))
                known = connection, TableRow(key, cells)
            self._made[key] = known
            row = known[1]
            if not sought or sought.passes(" ".join(cell.plain for cell in row.cells.values())):
                found[key] = row
        return list(found.values())


def _cells(each: Connection, palette: Palette, sought: Filter) -> dict[str, Text]:
    """By column id."""
    began = each.started if each.started is not None else each.ended
    at = time.strftime("%H:%M:%S", time.localtime(began)) if began is not None else ""
    tls = each.tls_version.removeprefix("TLSv") or each.tls.value
    cells = {
        "started": Text(at, palette.muted),
        "service": Text(each.service),
        "peer": Text(each.peer),
        "outcome": Text(each.outcome.value, getattr(palette, _ENDS.get(each.outcome.value, "muted"))),
        "seconds": Text("" if each.duration is None else f"{each.duration:.0f}"),
        "tls": Text(tls, palette.critical if each.tls.value == "failed" else palette.muted),
        "received": Text(_size(each.bytes_to_socket)),
        "sent": Text(_size(each.bytes_to_tls)),
        "target": Text(each.target, palette.muted),
        "reason": Text(each.reason),
    }
    return {name: sought.highlight(text, palette) for name, text in cells.items()}


def _size(count: int | None) -> str:
    """Bytes in at most five cells."""
    if count is None:
        return ""
    for size, unit in ((1 << 30, "G"), (1 << 20, "M"), (1 << 10, "k")):
        if count >= size:
            return f"{count / size:.3g}{unit}" if count < 1000 * size else f"{count // size}{unit}"
    return str(count)
