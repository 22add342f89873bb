"""Certificates: every one of the fleet by what it calls for, soonest first, with a picture of the time."""

from collections import Counter
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widget import Widget

from tuimon import export
from tuimon.model.service import ServiceKey
from tuimon.store import CertificateUse, Changes
from tuimon.store.rows import Todo, todo
from tuimon.ui import certificate_rows, render
from tuimon.ui.clipboard import copy
from tuimon.ui.keys import CERTIFICATE, LIST, RENEWALS, bindings
from tuimon.ui.openssl import command
from tuimon.ui.screens.certificate import CertificateScreen
from tuimon.ui.screens.table_pane import TablePane
from tuimon.ui.sheets import Sheet
from tuimon.ui.timeline import timeline
from tuimon.ui.view import Kept
from tuimon.ui.widgets.line import Line
from tuimon.ui.widgets.table import Column, Table, TableRow


class CertificatesScreen(TablePane[str]):
    """Which certificate runs out next, and what to do about it."""

    KEYS = (LIST[0], *RENEWALS, *LIST[1:], *CERTIFICATE)
    BINDINGS: ClassVar[list[BindingType]] = bindings(LIST, RENEWALS, CERTIFICATE)
    CRUMB = "certificates"
    SORTS = certificate_rows.SORTS
    OPTIONAL = frozenset({"serial", "key"})

    @property
    def kept(self) -> Kept:
        """How the certificates are arranged."""
        return self.desk.view.certificates

    def all_columns(self) -> tuple[Column, ...]:
        """Every column that there is."""
        return certificate_rows.COLUMNS

    def body(self) -> ComposeResult:
        """What there is to do, the table, status line, picture."""
        yield Line(id="groups", classes="title")
        yield Table[str](self.shown_columns(), id="certificates", ascii_only=self.palette.ascii)
        yield Line(id="status")
        picture = Line(id="timeline")
        picture.set_class(self.kept.zoomed, "-hidden")
        yield picture

    def main_widget(self) -> Widget:
        """The table has the focus."""
        return self.table

    def refresh_body(self, changes: Changes) -> None:
        """Paint when a service changed."""
        if changes.rows or changes.status:
            self._paint()

    def _todo(self, use: CertificateUse) -> Todo:
        return todo(use, self.store.now, self.store.settings)

    def _shown(self) -> list[CertificateUse]:
        """Those that are not hidden, in order."""
        by, inverted = self.order
        uses = sorted(filter(self._passes, self.store.certificates()), key=self.SORTS[by], reverse=inverted)
        return sorted(uses, key=self._todo) if self.kept.grouped else uses

    def _paint(self) -> None:
        store, palette, sought = self.store, self.palette, self.filter
        uses, shown, rows = store.certificates(), self._shown(), []
        for use in shown:
            cells = certificate_rows.cells(use, store.now, store.settings, palette)
            if sought:
                cells = {name: sought.highlight(text, palette) for name, text in cells.items()}
            rows.append(TableRow(use.certificate.sha256, cells, None))
        table = self.table
        table.sort = self.order
        if table.columns != self.shown_columns():
            table.columns = self.shown_columns()
        table.empty = Text("no certificate matches" if uses else "no certificate seen yet", palette.muted)
        table.set_rows(rows)
        self._groups(uses, len(uses) - len(shown))
        self._status()

    def _groups(self, uses: list[CertificateUse], hidden: int) -> None:
        """How many call for what."""
        palette, count = self.palette, Counter(map(self._todo, uses))
        parts = [
            Text(f"{count[each]} {each.word or 'fine'}", certificate_rows.todo_style(each, palette))
            for each in Todo
            if count[each]
        ]
        if hidden:
            parts.append(Text(f"{hidden} hidden", palette.warning))
        self.query_one("#groups", Line).show(render.rule(parts, self.size.width, palette))

    def _passes(self, use: CertificateUse) -> bool:
        if self.kept.faults and self._todo(use) is Todo.NOTHING:
            return False
        return not self.kept.filter or self.filter.passes(certificate_rows.words(use))

    def words(self, key: str) -> str:
        """What a filter looks for in a row."""
        use = self._use_of(key)
        return certificate_rows.words(use) if use else ""

    def is_fault(self, key: str) -> bool:
        """Whether it calls for something."""
        use = self._use_of(key)
        return use is not None and self._todo(use) is not Todo.NOTHING

    def _use_of(self, key: str | None) -> CertificateUse | None:
        return next((use for use in self.store.certificates() if use.certificate.sha256 == key), None)

    def _use(self) -> CertificateUse | None:
        return self._use_of(self.table.cursor_key)

    def _status(self) -> None:
        """Where the selected one is, what to do about it, and its place in the picture."""
        use, text = self._use(), Text()
        if use is not None:
            text.append(use.certificate.title, self.palette.strong)
            text.append(f"  {', '.join(use.paths) or 'only served'}", self.palette.muted)
            text.append(self.palette.draw(f"\n{certificate_rows.todo_words(use, self._todo(use))}"))
        self.query_one("#status", Line).show(text)
        store, width = self.store, max(40, self.size.width - 2)
        chosen = use.certificate.sha256 if use else ""
        picture = timeline(
            store.certificates(), width, chosen, now=store.now, settings=store.settings, palette=self.palette
        )
        self.query_one("#timeline", Line).show(Text("\n").join(picture))

    @on(Table.CursorMoved)
    def _moved(self) -> None:
        self._status()

    @on(Table.RowSelected)
    def _selected(self, event: Table.RowSelected[str]) -> None:
        self.app.push_screen(CertificateScreen(event.key))

    def action_open(self) -> None:
        """Details of the selected certificate."""
        key = self.table.cursor_key
        if key is not None:
            self.app.push_screen(CertificateScreen(key))

    def action_group(self) -> None:
        """By what to do first, or by the order alone."""
        self.kept.grouped = not self.kept.grouped
        self.repaint()

    def chosen(self) -> list[ServiceKey]:
        """The services that use it."""
        use = self._use()
        return sorted(use.users) if use is not None else []

    def action_probe(self) -> None:
        """Probe the services that use it."""
        use = self._use()
        self.probe(frozenset(use.users if use else ()))

    def action_act(self, verb: str) -> None:
        """Ask for an action on the instances that use it."""
        use = self._use()
        if use is not None:
            self.act(sorted(use.users), verb)

    def clip(self) -> tuple[str, str] | None:
        """What `y` copies: the row, what it is, when it ends, who uses it."""
        use = self._use()
        if use is None:
            return None
        ends = f"{use.certificate.not_after:%Y-%m-%d}"
        return "row", f"{use.certificate.title}: until {ends}, used by {', '.join(use.used_by)}\n"

    def clip_pem(self) -> tuple[str, str] | None:
        """What `Y` copies: the certificate as PEM."""
        use = self._use()
        return ("certificate", use.certificate.pem) if use else None

    async def action_fingerprint(self) -> None:
        """Copy its SHA-256 fingerprint."""
        use = self._use()
        if use is not None:
            await copy(self.app, render.pairs(use.certificate.sha256).upper())
            self.say("SHA-256 fingerprint copied")

    async def action_openssl(self) -> None:
        """Copy the command that shows it without us."""
        use = self._use()
        if use is not None:
            await copy(self.app, command(use, self.store.rows()))
            self.say("openssl command copied")

    def sheet(self) -> Sheet:
        """The table as it is filtered and sorted."""
        store = self.store
        whole = [export.inventory(use, store.now, store.settings) for use in self._shown()]
        rows = [
            {"to_do": self._todo(use).word, "kind": certificate_rows.kind(use), "name": use.certificate.title}
            for use in self._shown()
        ]
        return Sheet("certificates", rows, whole)

    def action_zoom(self) -> None:
        """The table alone, or with the picture."""
        self.kept.zoomed = not self.kept.zoomed
        self.query_one("#timeline").set_class(self.kept.zoomed, "-hidden")

    def action_next_pane(self) -> None:
        """There is one pane."""
        self.table.focus()
