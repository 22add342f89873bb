"""Details of one service."""

from itertools import islice
from typing import ClassVar

from textual.binding import BindingType

from tuimon.model.service import ServiceKey
from tuimon.store import Changes
from tuimon.ui import service_page
from tuimon.ui.document import Document
from tuimon.ui.keys import ACTIONS, DETAIL, bindings
from tuimon.ui.screens.certificate import CertificateScreen
from tuimon.ui.screens.page import PageScreen

_LOG_LINES = 12


class ServiceScreen(PageScreen):
    """Everything about one service."""

    KEYS = (*DETAIL, *ACTIONS)
    BINDINGS: ClassVar[list[BindingType]] = bindings(ACTIONS)

    def __init__(self, key: ServiceKey) -> None:
        super().__init__()
        self._key = key
        self._painted_at = 0.0

    def document(self) -> Document | None:
        """The service's page."""
        row = self.store.row(self._key)
        if row is None:
            return None
        name, source = row.tunnel.service.name, row.tunnel.instance.log
        lines = (
            line
            for line in reversed(self.store.logbook.lines)
            if line.source == source and line.record.service == name and not line.own
        )
        last = list(islice(lines, _LOG_LINES))[::-1]
        store = self.store
        return service_page.page(self.blank(), row, last, store.past(self._key), store.logbook.chronicle)

    def refresh_body(self, changes: Changes) -> None:
        """Repaint when the service changed; ages only every ten seconds."""
        aged = abs(self.store.now - self._painted_at) >= 10  # also after the clock was set back
        if self._key in changes.rows or changes.log or changes.status or aged:
            self._painted_at = self.store.now
            super().refresh_body(changes)

    def action_open(self) -> None:
        """The certificate that it uses."""
        row = self.store.row(self._key)
        if row is not None and row.certificate is not None:
            self.app.push_screen(CertificateScreen(row.certificate.sha256))

    def action_act(self, verb: str) -> None:
        """Ask for an action on its instance."""
        self.act((self._key,), verb)

    def chosen(self) -> tuple[ServiceKey, ...]:
        """This one."""
        return (self._key,)

    def action_probe(self) -> None:
        """Probe it now."""
        self.probe(frozenset((self._key,)))

    def clip_pem(self) -> tuple[str, str] | None:
        """What `Y` copies: its certificate."""
        row = self.store.row(self._key)
        return ("certificate", row.certificate.pem) if row is not None and row.certificate else None

    @property
    def crumb(self) -> str:
        """The service's name."""
        row = self.store.row(self._key)
        return row.tunnel.service.name if row is not None else "gone"
