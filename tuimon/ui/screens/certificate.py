"""Details of one certificate."""

from typing import ClassVar

from textual.binding import BindingType

from tuimon.model.service import ServiceKey
from tuimon.store import CertificateUse, Changes
from tuimon.ui import certificate_page
from tuimon.ui.document import Document
from tuimon.ui.keys import DETAIL, RENEWALS, Key, bindings
from tuimon.ui.screens.page import PageScreen


class CertificateScreen(PageScreen):
    """Everything about one certificate, known by its SHA-256."""

    KEYS: ClassVar[tuple[Key, ...]] = (*(key for key in DETAIL if key.id != "detail.open"), *RENEWALS)
    BINDINGS: ClassVar[list[BindingType]] = bindings(RENEWALS)

    def __init__(self, sha256: str) -> None:
        super().__init__()
        self._sha256 = sha256

    def _use(self) -> CertificateUse | None:
        uses = self.store.certificates()
        return next((use for use in uses if use.certificate.sha256 == self._sha256), None)

    def document(self) -> Document | None:
        """The certificate's page."""
        use = self._use()
        if use is None:
            return None
        return certificate_page.page(self.blank(), use, self.store.rows(), self.store.certificates())

    def refresh_body(self, changes: Changes) -> None:
        """Repaint when a service changed."""
        if changes.rows or changes.status:
            super().refresh_body(changes)

    def action_open(self) -> None:
        """There is nothing beneath."""

    def chosen(self) -> list[ServiceKey]:
        """Those that use it."""
        use = self._use()
        return sorted(use.users) if use is not None else []

    def action_probe(self) -> None:
        """Probe every service that uses it."""
        use = self._use()
        self.probe(frozenset(use.users if use else ()))

    def action_act(self, verb: str) -> None:
        """Ask for an action on the instances that use it."""
        use = self._use()
        if use is not None:
            self.act(sorted(use.users), verb)

    def clip_pem(self) -> tuple[str, str] | None:
        """What `Y` copies: itself."""
        use = self._use()
        return ("certificate", use.certificate.pem) if use is not None else None

    @property
    def crumb(self) -> str:
        """The certificate's title."""
        use = self._use()
        return f"certificate {use.certificate.title}" if use is not None else "gone"
