"""Services: the table, worst first, the reason of the selected row in full, and the log beneath."""

import time
from functools import partial
from typing import ClassVar, NamedTuple

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widget import Widget

from tuimon import export
from tuimon.diagnose.finding import Finding, State, label
from tuimon.model.service import ServiceKey
from tuimon.settings import Settings
from tuimon.store import Changes, Row
from tuimon.store.rows import worst_first
from tuimon.text import counted
from tuimon.ui import past_words, render, screens
from tuimon.ui.filtering import Filter
from tuimon.ui.keys import ACTIONS, LIST, bindings
from tuimon.ui.log_feed import LogFeed
from tuimon.ui.palette import Palette
from tuimon.ui.screens.table_pane import TablePane
from tuimon.ui.sheets import Sheet
from tuimon.ui.view import Kept, Log, Mark
from tuimon.ui.widgets.line import Line
from tuimon.ui.widgets.table import Column, Table, TableRow
from tuimon.ui.widgets.table_model import Cells, same_text

_QUIET = (State.OK, State.OFF, State.NOT_PROBED, State.PENDING)


_AGE = 10  # seconds between two repaints for nothing but the passing of time
_WHY, _WHY_WIDE, _WIDE = 45, 40, 100  # least cells of the reason: narrow, wide, from this width on
_ROOM = 14  # lines of a screen below which the log is left out
_NAMES = ((100, 20), (76, 18), (0, 16))  # most cells of a name from a width on: names give way to reasons
_ROOMY = 150  # cells from which on there is room for the columns of the past
_TALL = 20  # lines from which on there is room for what happened last


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
    "since": lambda row: -(row.since or 0.0),
    "version": render.version,
    "instance": lambda row: row.key.config,
    "unit": lambda row: row.tunnel.instance.unit.name if row.tunnel.instance.unit else "",
    "pid": lambda row: row.tunnel.instance.process.id.pid if row.tunnel.instance.process else 0,
}
_PICTURES = {"trend", "hs"}
_PAST = {"since", *_PICTURES}


def _words(row: Row) -> str:
    """What a filter looks for in a row: what it says, not what it leads to."""
    service = row.tunnel.service
    said = (row.cause.code, row.cause.text) if row.cause else ()
    return " ".join(
        (
            service.name,
            label(row.state),
            row.state.value,
            *said,
            render.accept(row),
            *(each.text for each in service.connect),
            service.shown("exec"),
            service.sni or "",
            service.file,
            render.role(service),
        )
    )


class _Painted(NamedTuple):
    """How a row looked when it was made: in which age of the screen, and whether it looks otherwise in the
    next one although nothing happens.  What the CERT column says changes once a day."""

    row: Row
    shown: TableRow[ServiceKey]
    cells: Cells
    age: int
    ages: bool


class ServicesScreen(TablePane[ServiceKey]):
    """The first screen."""

    KEYS = (LIST[0], ACTIONS[0], *LIST[1:3], *ACTIONS[1:], *LIST[3:])
    BINDINGS: ClassVar[list[BindingType]] = bindings(LIST, ACTIONS)
    CRUMB = "services"
    SORTS = _SORTS
    OPTIONAL = frozenset({"version", "instance", "unit", "pid"})

    def __init__(self) -> None:
        super().__init__()
        self._cells: dict[ServiceKey, _Painted] = {}
        self._look: object = None
        self._hidden: list[Row] = []
        self._widths = (10, 15)
        self._age = -1
        self._awaited: list[Mark] | None = None

    @property
    def kept(self) -> Kept:
        """How the services are arranged."""
        return self.desk.view.services

    def body(self) -> ComposeResult:
        """Table, the selected row's reason, the log."""
        yield Table[ServiceKey](self.shown_columns(), id="services", ascii_only=self.palette.ascii)
        yield Line(id="status")
        yield Line(id="happened")
        log = LogFeed(Log(level=5), id="log-pane")
        log.set_class(self.kept.zoomed, "-hidden")
        yield log

    def on_resize(self) -> None:
        """On a screen with few lines the log gives way to the table."""
        self.query_one(LogFeed).set_class(self.size.height < _ROOM, "-short")

    def main_widget(self) -> Widget:
        """The table has the focus."""
        return self.table

    def refresh_body(self, changes: Changes) -> None:
        """Paint rows and log lines that changed."""
        aged = int(self.store.now // _AGE) != self._age
        if changes.rows or changes.status or aged:
            self._age = int(self.store.now // _AGE)
            self._paint_rows()
        self.query_one(LogFeed).take(changes)

    def all_columns(self) -> tuple[Column, ...]:
        """Every column that there is."""
        why = _WHY if self.app.size.width < _WIDE else _WHY_WIDE
        return columns(*self._widths, why)

    def asked_columns(self) -> tuple[str, ...]:
        """Those that were chosen here, else those of the settings; unless they were chosen, those of the
        past where there is room."""
        wanted = self.kept.columns or self.store.settings.columns
        if wanted == Settings().columns and self.app.size.width < _ROOMY:
            return tuple(each for each in wanted if each not in _PAST)
        return wanted

    def _paint_rows(self) -> None:
        rows, sought, palette = self.store.rows(), self.filter, self.palette
        by, inverted = self.order
        if by != "state":
            rows.sort(key=_SORTS[by])
        if inverted:
            rows.reverse()
        self._hidden = [row for row in rows if self._hides(row, sought)] if sought or self.kept.faults else []
        hidden = {row.key for row in self._hidden}
        shown = [row for row in rows if row.key not in hidden] if hidden else rows
        if sought:  # who types a name means the service of that name first
            shown.sort(key=lambda row: not sought.passes(row.tunnel.service.name))
        table = self.table
        table.sort = self.order
        names = max((len(row.tunnel.service.name) + 2 * bool(row.tunnel.primary) for row in rows), default=8)
        addresses = max((len(render.accept(row)) for row in rows), default=9)
        most = next(cells for width, cells in _NAMES if self.size.width >= width)
        self._widths = max(7, min(names, most)), max(7, min(addresses, 24))
        fitting = self.shown_columns()
        if table.columns != fitting:
            table.columns = fitting
        look = (palette, self.kept.filter, fitting)
        if look != self._look:
            self._cells, self._look = {}, look
        if not shown:
            table.empty = self._empty()
        columns = frozenset(each.id for each in table.columns)
        table.set_rows([self._painted(row, palette, sought, columns) for row in shown])
        self._mark_again()
        self._status()
        self._happened()

    def _happened(self) -> None:
        """What changed last in the fleet, while it is news."""
        store, line = self.store, self.query_one("#happened", Line)
        text = past_words.happened(
            store.changes(store.now - past_words.HOUR), self.size.width - 2, store.now, self.palette
        )
        line.set_class(bool(text) and self.size.height >= _TALL, "-shown")
        line.show(text)

    def _mark_again(self) -> None:
        """Give rows the marks that they had when the screen was left, if they still are what they were."""
        if self._awaited is None:
            self._awaited = list(self.desk.view.marks)
        found = {mark: row for mark in self._awaited if (row := self.store.row(mark.key)) is not None}
        if found:
            self._awaited = [mark for mark in self._awaited if mark not in found]
            self.table.mark(row.key for mark, row in found.items() if row.tunnel.service.name == mark.name)

    @on(Table.MarksChanged)
    def _marked(self) -> None:
        self._status()
        rows = [row for row in map(self.store.row, sorted(self.table.marked)) if row is not None]
        self.desk.view.marks = tuple(
            Mark(row.key.host, row.key.config, row.tunnel.service.name, row.key.ordinal) for row in rows
        )

    def _painted(
        self, row: Row, palette: Palette, sought: Filter, columns: frozenset[str]
    ) -> TableRow[ServiceKey]:
        """The row as it looks now; made anew where it is another one, or shows how long ago something was."""
        known, age = self._cells.get(row.key), self._age
        if known is not None and known.row is row:
            if known.age == age or not known.cells.made:
                return known.shown
            cert = render.certificate_cell(row, self.store.now, self.store.settings, palette)
            if not known.ages and same_text(cert, known.cells["cert"]):
                self._cells[row.key] = known._replace(age=age)
                return known.shown
        quiet = row.state is State.OK and not sought and columns.isdisjoint(_PAST)
        ages = not quiet or bool(past_words.back(self.store.past(row.key), self.store.now))
        cells = Cells(partial(self._made, row, palette, sought, pictures=not columns.isdisjoint(_PICTURES)))
        self._cells[row.key] = _Painted(row, TableRow(row.key, cells), cells, age, ages)
        return self._cells[row.key].shown

    def _made(self, row: Row, palette: Palette, sought: Filter, *, pictures: bool) -> dict[str, Text]:
        """The cells of a row that somebody looks at."""
        store, past = self.store, self.store.past(row.key)
        cells = render.service_cells(row, store.now, store.settings, palette, past, pictures=pictures)
        return {name: sought.highlight(text, palette) for name, text in cells.items()} if sought else cells

    def _hides(self, row: Row, sought: Filter) -> bool:
        if self.kept.faults and row.state in _QUIET:
            return True
        return bool(sought) and not sought.passes(_words(row))

    def words(self, key: ServiceKey) -> str:
        """What a filter looks for in a row."""
        row = self.store.row(key)
        return _words(row) if row is not None else ""

    def is_fault(self, key: ServiceKey) -> bool:
        """Whether something is wrong with a service."""
        row = self.store.row(key)
        return row is not None and row.state not in _QUIET

    def _empty(self) -> Text:
        store = self.store
        if self._hidden:
            return Text(f"{self._says_hidden()}: esc and z show them again", self.palette.muted)
        pending = store.pending()
        if "configurations" in pending or "processes" in pending or not store.now:
            return Text(f"looking at {', '.join(pending[:4])} …", self.palette.muted)
        where = f"running processes, systemd units and {store.settings.config_folder}/*.conf"
        return Text(f"no stunnel service found in {where}\ntry `tuimon demo`", self.palette.muted)

    def _says_hidden(self) -> str:
        """How many rows are hidden, and what of them nobody should overlook."""
        down = sum(row.state in (State.DOWN, State.CRITICAL) for row in self._hidden)
        return f"{len(self._hidden)} hidden" + (f", {down} of them down or critical" if down else "")

    def _status(self) -> None:
        """The whole reason of the selected row and what to do; what is hidden, where nothing is wrong."""
        key = self.table.cursor_key
        row = self.store.row(key) if key is not None else None
        palette, text = self.palette, Text()
        marked = len(self.table.marks)
        text.append(f"{marked} marked  " if marked else "", palette.accent)
        text.append(f"{self._says_hidden()}  " if self._hidden else "", palette.warning)
        if row is not None:
            text.append(row.tunnel.service.name, palette.strong)
            if row.cause is not None and row.why:
                self._fault(text, row, row.cause)
            else:
                self._proof(text, row)
        self.query_one("#status", Line).show(text)

    def _fault(self, text: Text, row: Row, cause: Finding) -> None:
        text.append(f"  {cause.text}", self.palette.severity(cause.severity))
        often = past_words.often(self.store.past(row.key), self.store.now)
        text.append(past_words.since(row, self.store.now), self.palette.muted)
        text.append(f", {often}" if often else "", self.palette.muted)
        if cause.fix:  # on a line of its own, where the reason leaves one
            apart = "\n" if text.cell_len <= self.size.width - 2 else "  "
            text.append(self.palette.draw(f"{apart}→ {cause.fix}"))

    def _proof(self, text: Text, row: Row) -> None:
        """Nothing is wrong: whether it was, where it is defined, and what proves it."""
        palette, tunnel = self.palette, row.tunnel
        back = past_words.back(self.store.past(row.key), self.store.now) if row.state is State.OK else ""
        text.append(f"  {back}\n" if back else "  ", palette.muted)
        text.append(f"{tunnel.service.file}:{tunnel.service.line}", palette.muted)
        if tunnel.probed_at is not None and tunnel.handshake is not None:
            at = time.strftime("%H:%M:%S", time.localtime(tunnel.probed_at))
            text.append(f"  proved by a handshake at {at}", palette.muted)
        if row.cause is not None and not back:  # worth knowing, and nothing to do about
            text.append(f"\n{row.cause.text}", palette.muted)

    @on(Table.CursorMoved)
    def _moved(self) -> None:
        self._status()

    @on(Table.RowSelected)
    def _selected(self, event: Table.RowSelected[ServiceKey]) -> None:
        self.app.push_screen(screens.ServiceScreen(event.key))

    def action_open(self) -> None:
        """Details of the selected service."""
        key = self.table.cursor_key
        if key is not None:
            self.app.push_screen(screens.ServiceScreen(key))

    def action_probe(self) -> None:
        """Probe the selected or the marked services now."""
        self.probe(frozenset(self.chosen()))

    def action_act(self, verb: str) -> None:
        """Ask for an action on the instances of the selected or the marked services."""
        self.act(self.chosen(), verb)

    def chosen(self) -> tuple[ServiceKey, ...]:
        """The marked rows that are shown, else the one under the cursor."""
        key = self.table.cursor_key
        return self.table.marks or (() if key is None else (key,))

    def clip(self) -> tuple[str, str] | None:
        """What `y` copies: the selected or the marked rows."""
        rows = [row for row in map(self.store.row, self.chosen()) if row is not None]
        said = [f"{row.tunnel.service.name}: {row.state.value}: {row.why or 'ok'}\n" for row in rows]
        return (counted(len(rows), "row"), "".join(said)) if rows else None

    def clip_pem(self) -> tuple[str, str] | None:
        """What `Y` copies: the certificate of the selected row."""
        key = self.table.cursor_key
        row = self.store.row(key) if key is not None else None
        return ("certificate", row.certificate.pem) if row is not None and row.certificate else None

    def sheet(self) -> Sheet:
        """The table as it is filtered and sorted."""
        store = self.store
        rows = [row for row in map(store.row, self.table.keys) if row is not None]
        whole = [export.service(row, store.now, store.settings) for row in rows]
        return Sheet("services", [{"why": row.why} for row in rows], whole)

    def action_zoom(self) -> None:
        """The table alone, or with the log."""
        self.kept.zoomed = not self.kept.zoomed
        self.query_one(LogFeed).set_class(self.kept.zoomed, "-hidden")

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
        Column("since", "SINCE", 6, keep=2),
        Column("cert", "CERT", 7, align="right", keep=100),
        Column("sess", "SESS", 4, align="right", keep=8),
        Column("trend", "SESSIONS 1 H", 12, keep=1),
        Column("ltc", "L T C", 5, keep=9),
        Column("hs", "HANDSHAKE", 15, keep=2),
        Column("role", "ROLE", 6, keep=3),
        Column("accept", "ACCEPT", address, keep=5),
        Column("connect", "CONNECT", address, keep=4),
        Column("version", "TLS", 7, keep=2),
        Column("instance", "CONFIG", 16, keep=2),
        Column("unit", "UNIT", 20, keep=2),
        Column("pid", "PID", 7, align="right", keep=2),
    )
