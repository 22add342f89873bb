"""Certificates: every one of the fleet, soonest first, with what runs out when as a picture."""

from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widget import Widget

from tuimon.store import CertificateUse, Changes
from tuimon.ui import render
from tuimon.ui.clipboard import copy
from tuimon.ui.keys import LIST, RENEWALS, bindings
from tuimon.ui.screens.certificate import CertificateScreen
from tuimon.ui.screens.pane import Pane
from tuimon.ui.timeline import timeline
from tuimon.ui.widgets.line import Line
from tuimon.ui.widgets.table import Column, Table, TableRow

_SORTS = {
    "left": lambda use: use.certificate.not_after,
    "name": lambda use: use.certificate.title.lower(),
    "kind": render.kind,
    "used": lambda use: ",".join(use.used_by),
    "issuer": lambda use: use.certificate.issuer,
}
_COLUMNS = (
    Column("left", "LEFT", 6, align="right", keep=100),
    Column("life", "LIFETIME", 10, keep=9),
    Column("name", "CERTIFICATE", 22, keep=100),
    Column("kind", "KIND", 6, keep=8),
    Column("do", "TO DO", 6, keep=100),
    Column("used", "USED BY", 20, grow=1, min_width=16, keep=100),
    Column("ends", "NOT AFTER", 10, keep=7),
    Column("issuer", "ISSUER", 26, keep=3),
)


class CertificatesScreen(Pane):
    """Which certificate runs out next."""

    KEYS = (LIST[0], *RENEWALS, *LIST[1:])
    BINDINGS: ClassVar[list[BindingType]] = bindings(LIST, RENEWALS)

    def __init__(self) -> None:
        super().__init__()
        self._faults = False
        self._sort = ("left", False)

    def body(self) -> ComposeResult:
        """Table, status line, picture."""
        yield Table[str](_COLUMNS, id="certificates", ascii_only=self.palette.ascii)
        yield Line(id="status")
        yield Line(id="timeline")

    def main_widget(self) -> Widget:
        """The table has the focus."""
        return self.table

    @property
    def table(self) -> Table[str]:
        """The table of certificates."""
        return self.query_one("#certificates", Table)

    def on_mount(self) -> None:
        """Start with the table."""
        super().on_mount()
        self.set_focus(self.table)

    def refresh_body(self, changes: Changes) -> None:
        """Paint when a service changed."""
        if changes.rows or changes.status:
            self._paint()

    def _paint(self) -> None:
        store, palette = self.store, self.palette
        uses = store.certificates()
        ordered = sorted(uses, key=_SORTS[self._sort[0]], reverse=self._sort[1])
        rows = []
        for use in ordered:
            if not self._passes(use):
                continue
            cells = render.certificate_row(use, store.now, store.settings, palette)
            if self.needle:
                cells = {name: render.highlight(text, self.needle, palette) for name, text in cells.items()}
            rows.append(TableRow(use.certificate.sha256, cells, None))
        table = self.table
        table.sort = self._sort
        table.empty = Text("no certificate matches" if uses else "no certificate seen yet", palette.muted)
        table.set_rows(rows)
        self._status()
        width = max(40, self.size.width - 2)
        picture = timeline(uses, width, now=store.now, settings=store.settings, palette=palette)
        self.query_one("#timeline", Line).show(Text("\n").join(picture))

    def _passes(self, use: CertificateUse) -> bool:
        if self._faults and not render.advice(use, self.store.now, self.store.settings):
            return False
        certificate = use.certificate
        words = (certificate.subject, certificate.issuer, *certificate.san, *use.used_by, *use.paths)
        return render.matches(" ".join((*words, render.kind(use))), self.needle)

    def _use(self) -> CertificateUse | None:
        key = self.table.cursor_key
        uses = self.store.certificates()
        return next((use for use in uses if use.certificate.sha256 == key), None)

    def _status(self) -> None:
        use = self._use()
        text = Text(no_wrap=True, overflow="ellipsis")
        if use is not None:
            text.append(use.certificate.title, self.palette.strong)
            text.append(f"  {', '.join(use.paths) or 'only served'}", self.palette.muted)
        self.query_one("#status", Line).show(text)

    @on(Table.CursorMoved)
    def _moved(self) -> None:
        self._status()

    @on(Table.RowSelected)
    def _selected(self, event: Table.RowSelected[str]) -> None:
        self.app.push_screen(CertificateScreen(event.key))

    @on(Table.HeaderClicked)
    def _header(self, event: Table.HeaderClicked[str]) -> None:
        if event.column_id in _SORTS:
            inverted = self._sort[0] == event.column_id and not self._sort[1]
            self._sort = (event.column_id, inverted)
            self._paint()

    def action_open(self) -> None:
        """Details of the selected certificate."""
        key = self.table.cursor_key
        if key is not None:
            self.app.push_screen(CertificateScreen(key))

    def action_faults(self) -> None:
        """Only those that call for something, or all."""
        self._faults = not self._faults
        self._paint()

    def action_sort(self, step: int) -> None:
        """Sort by the next column."""
        names = list(_SORTS)
        self._sort = (names[(names.index(self._sort[0]) + step) % len(names)], False)
        self._paint()

    def action_invert(self) -> None:
        """Turn the order round."""
        self._sort = (self._sort[0], not self._sort[1])
        self._paint()

    def action_probe(self) -> None:
        """Probe the services that use it."""
        use = self._use()
        self.probe(frozenset(use.users if use else ()))

    def action_act(self, verb: str) -> None:
        """Ask for an action on the instances that use it."""
        use = self._use()
        if use is not None:
            self.act(sorted(use.users), verb)

    async def action_copy(self) -> None:
        """Copy the row: what it is, when it ends, who uses it."""
        use = self._use()
        if use is not None:
            ends = f"{use.certificate.not_after:%Y-%m-%d}"
            await copy(self.app, f"{use.certificate.title}: until {ends}, used by {', '.join(use.used_by)}")
            self.notify("row copied", markup=False, timeout=2)

    async def action_copy_pem(self) -> None:
        """Copy the certificate as PEM."""
        use = self._use()
        if use is not None:
            await copy(self.app, use.certificate.pem)
            self.notify("certificate copied as PEM", markup=False, timeout=2)

    def action_zoom(self) -> None:
        """The table alone, or with the picture."""
        timeline_widget = self.query_one("#timeline")
        timeline_widget.display = not timeline_widget.display

    def action_next_pane(self) -> None:
        """There is one pane."""
        self.table.focus()
