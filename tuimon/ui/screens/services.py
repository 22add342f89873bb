"""Services: the table, worst first, the reason of the selected row in full, and the log beneath."""

import time
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widget import Widget

from tuimon.diagnose.finding import State
from tuimon.model.service import ServiceKey
from tuimon.store import Changes, Row
from tuimon.store.rows import worst_first
from tuimon.text import counted
from tuimon.ui import render
from tuimon.ui.clipboard import copy
from tuimon.ui.keys import ACTIONS, LIST, bindings
from tuimon.ui.log_feed import LogFeed
from tuimon.ui.screens.pane import Pane
from tuimon.ui.screens.service import ServiceScreen
from tuimon.ui.widgets.line import Line
from tuimon.ui.widgets.table import Column, Table, TableRow

_QUIET = (State.OK, State.OFF, State.NOT_PROBED, State.PENDING)


_AGE = 10  # seconds between two repaints for nothing but the passing of time
_WHY, _WHY_WIDE, _WIDE = 45, 40, 100  # least cells of the reason: narrow, wide, from this width on


def _soonest(row: Row) -> float:
    certificate = row.certificate
    return certificate.not_after.timestamp() if certificate else float("inf")


_SORTS = {
    "state": worst_first,
    "service": lambda row: row.tunnel.service.name.lower(),
    "cert": _soonest,
    "sess": lambda row: -(row.tunnel.sessions or 0),
    "role": lambda row: render.role(row.tunnel.service),
    "accept": render.accept,
    "connect": lambda row: render.connect(row.tunnel.service),
}


class ServicesScreen(Pane):
    """The first screen."""

    KEYS = (LIST[0], *ACTIONS, *LIST[1:])
    BINDINGS: ClassVar[list[BindingType]] = bindings(LIST, ACTIONS)

    def __init__(self) -> None:
        super().__init__()
        self._faults = False
        self._sort = ("state", False)
        self._cells: dict[ServiceKey, tuple[Row, dict[str, Text]]] = {}
        self._look: object = None
        self._hidden = 0
        self._age = -1

    def body(self) -> ComposeResult:
        """Table, the selected row's reason, the log."""
        yield Table[ServiceKey](self._columns(10, 15), id="services", ascii_only=self.palette.ascii)
        yield Line(id="status")
        yield LogFeed(id="log-pane", level=5)

    def main_widget(self) -> Widget:
        """The table has the focus."""
        return self.table

    @property
    def table(self) -> Table[ServiceKey]:
        """The table of services."""
        return self.query_one("#services", Table)

    def on_mount(self) -> None:
        """Start with the table."""
        super().on_mount()
        self.set_focus(self.table)

    def refresh_body(self, changes: Changes) -> None:
        """Paint rows and log lines that changed."""
        aged = int(self.store.now // _AGE) != self._age
        if changes.rows or changes.status or aged:
            self._age = int(self.store.now // _AGE)
            self._paint_rows()
        if changes.log:
            self.query_one(LogFeed).pull()

    def _paint_rows(self) -> None:
        store, palette = self.store, self.palette
        rows = store.rows()
        if self._sort[0] != "state":
            rows.sort(key=_SORTS[self._sort[0]])
        if self._sort[1]:
            rows.reverse()
        shown = [row for row in rows if self._passes(row)]
        self._hidden = len(rows) - len(shown)
        look = (palette, self.needle, self._age)
        if look != self._look:
            self._cells, self._look = {}, look
        table = self.table
        table.sort = self._sort
        names = max((len(row.tunnel.service.name) + 2 * bool(row.tunnel.primary) for row in rows), default=8)
        addresses = max((len(each) for row in rows for each in (render.accept(row),)), default=9)
        why = _WHY if self.size.width < _WIDE else _WHY_WIDE
        fitting = self._columns(max(7, min(names, 22)), max(7, min(addresses, 24)), why)
        if table.columns != fitting:
            table.columns = fitting
        table.empty = self._empty()
        table.set_rows([TableRow(row.key, self._row_cells(row), None) for row in shown])
        self._status()

    def _columns(self, name: int, address: int, why: int = _WHY) -> tuple[Column, ...]:
        """Those of the settings, in their order."""
        known = {each.id: each for each in columns(name, address, why)}
        return tuple(known[each] for each in dict.fromkeys(self.store.settings.columns))

    def _row_cells(self, row: Row) -> dict[str, Text]:
        known = self._cells.get(row.key)
        if known is not None and known[0] is row:
            return known[1]
        cells = render.service_cells(row, self.store.now, self.store.settings, self.palette)
        if self.needle:
            cells = {name: render.highlight(text, self.needle, self.palette) for name, text in cells.items()}
        self._cells[row.key] = (row, cells)
        return cells

    def _passes(self, row: Row) -> bool:
        if self._faults and row.state in _QUIET:
            return False
        if not self.needle:
            return True
        cause = row.cause.text if row.cause else ""
        service = row.tunnel.service
        words = (
            service.name,
            row.state.value,
            cause,
            render.accept(row),
            render.connect(service),
            service.file,
        )
        return render.matches(" ".join(words), self.needle)

    def _empty(self) -> Text:
        store = self.store
        if self._hidden:
            return Text(f"{counted(self._hidden, 'row')} hidden by the filter", self.palette.muted)
        if "configurations" in store.pending() or not store.now:
            return Text("looking …", self.palette.muted)
        where = f"running processes, systemd units and {store.settings.config_folder}/*.conf"
        return Text(f"no stunnel service found in {where}\ntry `tuimon demo`", self.palette.muted)

    def _status(self) -> None:
        """The whole reason of the selected row and what to do; what is hidden, where nothing is wrong."""
        key = self.table.cursor_key
        row = self.store.row(key) if key is not None else None
        palette = self.palette
        text = Text()
        text.append(f"{self._hidden} hidden  " if self._hidden else "", palette.warning)
        if row is not None:
            text.append(row.tunnel.service.name, palette.strong)
            cause = row.cause
            if cause is not None and row.why:
                text.append(f"  {cause.text}", palette.severity(cause.severity))
                if cause.fix:  # on a line of its own, where the reason leaves one
                    apart = "\n" if text.cell_len <= self.size.width - 2 else "  "
                    text.append(palette.draw(f"{apart}→ {cause.fix}"))
            else:
                text.append(f"  {row.tunnel.service.file}:{row.tunnel.service.line}", palette.muted)
                if row.tunnel.probed_at is not None and row.tunnel.handshake is not None:
                    at = time.strftime("%H:%M:%S", time.localtime(row.tunnel.probed_at))
                    text.append(f"  proved by a handshake at {at}", palette.muted)
                if cause is not None:  # worth knowing, and nothing to do about
                    text.append(f"\n{cause.text}", palette.muted)
        self.query_one("#status", Line).show(text)

    @on(Table.CursorMoved)
    def _moved(self) -> None:
        self._status()

    @on(Table.RowSelected)
    def _selected(self, event: Table.RowSelected[ServiceKey]) -> None:
        self.app.push_screen(ServiceScreen(event.key))

    @on(Table.HeaderClicked)
    def _header(self, event: Table.HeaderClicked[ServiceKey]) -> None:
        if event.column_id in _SORTS:
            inverted = self._sort[0] == event.column_id and not self._sort[1]
            self._sort = (event.column_id, inverted)
            self._paint_rows()

    def action_open(self) -> None:
        """Details of the selected service."""
        key = self.table.cursor_key
        if key is not None:
            self.app.push_screen(ServiceScreen(key))

    def action_faults(self) -> None:
        """Faults only, or everything."""
        self._faults = not self._faults
        self._paint_rows()

    def action_sort(self, step: int) -> None:
        """Sort by the next column."""
        names = list(_SORTS)
        self._sort = (names[(names.index(self._sort[0]) + step) % len(names)], False)
        self._paint_rows()

    def action_invert(self) -> None:
        """Turn the order round."""
        self._sort = (self._sort[0], not self._sort[1])
        self._paint_rows()

    def action_probe(self) -> None:
        """Probe the selected or the marked services now."""
        self.probe(frozenset(self._chosen()))

    def action_act(self, verb: str) -> None:
        """Ask for an action on the instances of the selected or the marked services."""
        self.act(self._chosen(), verb)

    def _chosen(self) -> tuple[ServiceKey, ...]:
        """The marked rows that are shown, else the one under the cursor."""
        key = self.table.cursor_key
        return self.table.marks or (() if key is None else (key,))

    async def action_copy(self) -> None:
        """Copy the selected or the marked rows."""
        rows = [row for row in map(self.store.row, self._chosen()) if row is not None]
        if rows:
            said = (f"{row.tunnel.service.name}: {row.state.value}: {row.why or 'ok'}" for row in rows)
            await copy(self.app, "\n".join(said))
            self.notify(f"{counted(len(rows), 'row')} copied", markup=False, timeout=2)

    async def action_copy_pem(self) -> None:
        """Copy the certificate of the selected row."""
        key = self.table.cursor_key
        row = self.store.row(key) if key is not None else None
        if row is not None and row.certificate is not None:
            await copy(self.app, row.certificate.pem)
            self.notify("certificate copied as PEM", markup=False, timeout=2)

    def action_zoom(self) -> None:
        """The table alone, or with the log."""
        self.query_one(LogFeed).toggle_class("-hidden")

    def action_next_pane(self) -> None:
        """Between table and log."""
        feed = self.query_one(LogFeed)
        (self.table if feed.has_focus_within else feed.view).focus()


def columns(name: int, address: int, why: int = 45) -> tuple[Column, ...]:
    """The columns; those with the least `keep` drop first as the terminal narrows."""
    return (
        Column("state", "STATE", 6, keep=100),
        Column("service", "SERVICE", name, keep=100),
        Column("why", "WHY", why, grow=1, min_width=why, keep=100),
        Column("cert", "CERT", 7, align="right", keep=100),
        Column("sess", "SESS", 4, align="right", keep=8),
        Column("ltc", "L T C", 5, keep=9),
        Column("role", "ROLE", 6, keep=3),
        Column("accept", "ACCEPT", address, keep=5),
        Column("connect", "CONNECT", address, keep=4),
    )
