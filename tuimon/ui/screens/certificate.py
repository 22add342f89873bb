"""Details of one certificate."""

from typing import ClassVar

from textual.binding import BindingType

from tuimon.store import CertificateUse, Changes
from tuimon.ui import certificate_page
from tuimon.ui.clipboard import copy
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
        return certificate_page.page(self.blank(), use, self.store.rows())

    def refresh_body(self, changes: Changes) -> None:
        """Repaint when a service changed."""
        if changes.rows or changes.status:
            super().refresh_body(changes)

    def action_open(self) -> None:
        """There is nothing beneath."""

    def action_probe(self) -> None:
        """Probe every service that uses it."""
        use = self._use()
        self.probe(frozenset(use.users if use else ()))

    def action_act(self, verb: str) -> None:
        """Ask for an action on the instances that use it."""
        use = self._use()
        if use is not None:
            self.act(sorted(use.users), verb)

    async def action_copy_pem(self) -> None:
        """Copy it."""
        use = self._use()
        if use is not None:
            await copy(self.app, use.certificate.pem)
            self.notify("certificate copied as PEM", markup=False, timeout=2)
