"""Services: the table, worst first, the reason of the selected row in full, and the log beneath."""

from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widget import Widget

from tuimon import export
from tuimon.diagnose.finding import State
from tuimon.model.service import ServiceKey
from tuimon.settings import Settings
from tuimon.store import Changes, Row
from tuimon.text import counted, printable
from tuimon.ui import past_words, render, screens, service_rows
from tuimon.ui.filtering import Filter
from tuimon.ui.keys import ACTIONS, LIST, bindings
from tuimon.ui.log_feed import LogFeed
from tuimon.ui.screens.table_pane import TablePane
from tuimon.ui.sheets import Sheet
from tuimon.ui.view import Kept, Log, Mark
from tuimon.ui.widgets.line import Line
from tuimon.ui.widgets.table import Column, Table

_QUIET = (State.OK, State.OFF, State.NOT_PROBED, State.PENDING)

_WHY, _WHY_WIDE, _WIDE = 45, 40, 100  # least cells of the reason: narrow, wide, from this width on
_ROOM = 14  # lines of a screen below which the log is left out
_NAMES = ((100, 20), (76, 18), (0, 16))  # most cells of a name from a width on: names give way to reasons
_ROOMY = 150  # cells from which on there is room for the columns of the past
_TALL = 20  # lines from which on there is room for what happened last


class ServicesScreen(TablePane[ServiceKey]):
    """The first screen."""

    KEYS = (LIST[0], ACTIONS[0], *LIST[1:3], *ACTIONS[1:], *LIST[3:])
    BINDINGS: ClassVar[list[BindingType]] = bindings(LIST, ACTIONS)
    CRUMB = "services"
    SORTS = service_rows.SORTS
    OPTIONAL = frozenset({"version", "instance", "unit", "pid"})

    def __init__(self) -> None:
        super().__init__()
        self._rows = service_rows.ServiceRows()
        self._hidden: list[Row] = []
        self._widths = (10, 15)
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
        if self._rows.age(self.store.now) or changes.rows or changes.status:
            self._paint_rows()
        self.query_one(LogFeed).take(changes)

    def all_columns(self) -> tuple[Column, ...]:
        """Every column that there is."""
        why = _WHY if self.app.size.width < _WIDE else _WHY_WIDE
        return service_rows.columns(*self._widths, why)

    def asked_columns(self) -> tuple[str, ...]:
        """Those that were chosen here, else those of the settings; unless they were chosen, those of the
        past where there is room."""
        wanted = self.kept.columns or self.store.settings.columns
        if wanted == Settings().columns and self.app.size.width < _ROOMY:
            return tuple(each for each in wanted if each not in service_rows.PAST)
        return wanted

    def _paint_rows(self) -> None:
        rows, sought = self.store.rows(), self.filter
        by, inverted = self.order
        if by != "state":
            rows.sort(key=self.SORTS[by])
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
        addresses = max((len(service_rows.accept(row)) for row in rows), default=9)
        most = next(cells for width, cells in _NAMES if self.size.width >= width)
        self._widths = max(7, min(names, most)), max(7, min(addresses, 24))
        fitting = self.shown_columns()
        if table.columns != fitting:
            table.columns = fitting
        if not shown:
            table.empty = self._empty()
        table.set_rows(self._rows.rows(shown, self.store, self.palette, sought, fitting))
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

    def _hides(self, row: Row, sought: Filter) -> bool:
        if self.kept.faults and row.state in _QUIET:
            return True
        return bool(sought) and not sought.passes(service_rows.words(row))

    def words(self, key: ServiceKey) -> str:
        """What a filter looks for in a row."""
        row = self.store.row(key)
        return service_rows.words(row) if row is not None else ""

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
        if store.only:
            where = ", ".join(map(printable, store.only))
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
            past, now, width = self.store.past(row.key), self.store.now, self.size.width - 2 - text.cell_len
            text.append_text(render.in_full(row, past, palette, now=now, width=width))
        self.query_one("#status", Line).show(text)

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
        return (counted(len(rows), "row"), "".join(map(self._line, rows))) if rows else None

    def _line(self, row: Row) -> str:
        """A row as it is copied: name, state, and the reason or what it says of the last hour."""
        back = past_words.back_of(row, self.store.past(row.key), self.store.now)
        return ": ".join(filter(None, (row.tunnel.service.name, row.state.value, row.why or back))) + "\n"

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
