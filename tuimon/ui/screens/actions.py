"""The action log: what was done, when, by whom, with which command, and how it ended."""

import time

from textual import work

from tuimon.model.action import Logged, Result
from tuimon.store import Changes
from tuimon.ui.document import Document
from tuimon.ui.keys import DETAIL
from tuimon.ui.screens.page import PageScreen

_SHOWN = 200
_SIGNS = {"verified": "●", "unverified": "▲", "begun": "…", "not-done": "–"}


class ActionsScreen(PageScreen):
    """Every action that the file holds, the newest first, and those that go on."""

    KEYS = tuple(key for key in DETAIL if key.action in {"back", "copy"})

    def __init__(self) -> None:
        super().__init__()
        self._lines: tuple[Logged, ...] = ()

    def on_mount(self) -> None:
        """Read the file."""
        self._read()

    @work(exclusive=True, group="actions")
    async def _read(self) -> None:
        self._lines = await self.desk.action_log()
        super().refresh_body(Changes(status=True))

    def refresh_body(self, changes: Changes) -> None:
        """Read it again when an action began, went on or ended."""
        if changes.status:
            self._read()
        super().refresh_body(changes)

    def document(self) -> Document:
        """Going on, then done."""
        document = self.blank()
        palette = document.palette
        document.heading("Actions")
        for key, ongoing in self.store.actions.ongoing.items():
            document.line(palette.draw(f"… {key.config}: {ongoing.text}"), palette.accent)
        if not self._lines and not self.store.actions.ongoing:
            document.line("none yet: r reloads, R restarts, s starts, x stops an instance", palette.muted)
        for line in self._lines[::-1][:_SHOWN]:
            self._one(document, line)
        return document

    def _one(self, document: Document, line: Logged) -> None:
        palette = document.palette
        when = time.strftime("%d %b %H:%M:%S", time.localtime(line.at)).lstrip("0")
        sign = _SIGNS.get(line.result, "✖")
        good = {Result.VERIFIED.value: palette.ok, Result.UNVERIFIED.value: palette.warning}
        style = good.get(line.result, palette.muted if sign in "…–" else palette.critical)
        document.line(palette.draw(f"{sign} {when}  {line.action} {line.instance}"), style)
        verdict = "begun, and its end was never told" if line.result == "begun" else line.verdict
        document.line(palette.draw(verdict), indent=4)
        who = f"{line.who}: {line.command}" if line.command else line.who
        document.line(palette.draw(who), palette.muted, indent=4)
