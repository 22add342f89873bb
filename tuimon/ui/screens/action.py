"""The dialog of an action: preflight, question, progress, verdict.

Rule: nothing is done before the report was read and a word other than Cancel was chosen; closing the
dialog ends no action that was begun.
"""

import asyncio
from collections.abc import Sequence
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen

from tuimon.model.action import Action, Outcome, Preflight
from tuimon.model.failure import Failure
from tuimon.model.service import InstanceKey
from tuimon.store import Changes
from tuimon.text import counted
from tuimon.ui import action_page
from tuimon.ui.clipboard import copy
from tuimon.ui.desk import Desk, desk
from tuimon.ui.document import Document
from tuimon.ui.keys import bound
from tuimon.ui.widgets.choices import Choices
from tuimon.ui.widgets.line import Line

_WIDTH = 96
_AROUND = 4  # lines: the border, and what may be chosen with the line above it
_AT_ONCE = 4  # preflights


class ActionScreen(ModalScreen[None]):
    """One action on one or many instances, in the order given."""

    DEFAULT_CSS = """
    ActionScreen { align: center middle; }
    ActionScreen > #dialog {
        width: 96; max-width: 100%; height: auto; max-height: 100%; background: $panel; padding: 0 1;
        border: round $primary;
    }
    ActionScreen #report { height: auto; scrollbar-size-vertical: 1; }
    ActionScreen #report-text { height: auto; width: 1fr; }
    ActionScreen Choices { margin: 1 0 0 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = bound(
        {
            "dialog.leave": "leave",
            "dialog.copy": "copy",
            "move.down": "scroll(1)",
            "move.up": "scroll(-1)",
            "move.page_down": "scroll(8)",
            "move.page_up": "scroll(-8)",
            "move.half_down": "scroll(8)",
            "move.half_up": "scroll(-8)",
        }
    )

    def __init__(self, keys: tuple[InstanceKey, ...], action: Action) -> None:
        super().__init__()
        self._keys, self._action = keys, action
        self._failures: dict[InstanceKey, Failure] = {}
        self._preflights: dict[InstanceKey, Preflight] = {}
        self._outcomes: dict[InstanceKey, Outcome] = {}
        self._acting: tuple[Preflight, ...] = ()
        self._doors: tuple[str, ...] = ()

    @property
    def _desk(self) -> Desk:
        return desk(self)

    def compose(self) -> ComposeResult:
        """A report that scrolls, and what may be chosen."""
        with Vertical(id="dialog") as dialog:
            dialog.border_title = f"{self._action.value} on {self._desk.store.host or 'this host'}"
            with VerticalScroll(id="report", can_focus=False):
                yield Line(id="report-text")
            yield Choices(id="choices")

    def on_mount(self) -> None:
        """Find out everything first."""
        self._desk.changed.subscribe(self, self._changed)
        self.query_one(Choices).focus()
        self._paint()
        self._look()

    @work(exclusive=True, group="preflight")
    async def _look(self) -> None:
        turns = asyncio.Semaphore(_AT_ONCE)
        async with asyncio.TaskGroup() as group:
            for key in self._keys:
                group.create_task(self._look_at(key, turns))
        self._ask()

    async def _look_at(self, key: InstanceKey, turns: asyncio.Semaphore) -> None:
        async with turns:
            found = await self._desk.preflight(key, self._action)
        if isinstance(found, Failure):
            self._failures[key] = found
        else:
            self._preflights[key] = found
        self._paint()

    def _ask(self) -> None:
        possible = self._possible()
        words = ["Close" if not possible else "Cancel"]
        if possible:
            many = f" {counted(len(possible), 'instance')}" if len(self._keys) > 1 else ""
            words.append(f"{self._action.value.capitalize()}{many}")
        self._offer(*words)
        self._paint()

    def _offer(self, *words: str) -> None:
        """Let these be chosen.  A dialog that was left loses what is in it before its workers end."""
        choices = self.query_one_optional(Choices)
        if choices is not None:
            choices.offer(*words)

    def _possible(self) -> tuple[Preflight, ...]:
        """Those that nothing speaks against, in the order asked for."""
        known = (self._preflights.get(key) for key in self._keys)
        return tuple(each for each in known if each is not None and not each.refused)

    @on(Choices.Chosen)
    def _chosen(self, event: Choices.Chosen) -> None:
        if not self.is_current:  # escape was pressed as well
            return
        word = self.query_one(Choices).words[event.index]
        if event.index == 0:
            self.action_leave()
        elif word.startswith("With sudo"):
            self._carry_out(tuple(each for each in self._acting if self._denied(each)), elevated=True)
        else:
            self._carry_out(self._possible())

    def _carry_out(self, preflights: tuple[Preflight, ...], *, elevated: bool = False) -> None:
        self._acting = preflights
        for each in preflights:
            self._outcomes.pop(each.key, None)
        self._offer("Close, let it go on")
        self._wait(elevated=elevated)
        self._paint()

    @work(exclusive=True, group="outcome")
    async def _wait(self, *, elevated: bool) -> None:
        worker = self._desk.carry_out(self._acting, elevated=elevated)
        # whoever leaves the dialog ends this waiting; what goes on must not be ended with it
        for outcome in await asyncio.shield(worker.wait()):
            self._outcomes[outcome.key] = outcome
        denied = any(self._denied(each) for each in self._acting)
        sudo = denied and not elevated and self._desk.can_elevate()
        self._offer("Close", *(("With sudo, on this terminal",) if sudo else ()))
        self._paint()

    def shows(self, outcomes: Sequence[Outcome]) -> bool:
        """Whether these are what it waits for, so that nobody need be told of them elsewhere."""
        return {each.key for each in outcomes} <= {each.key for each in self._acting}

    def _denied(self, preflight: Preflight) -> bool:
        outcome = self._outcomes.get(preflight.key)
        return outcome is not None and outcome.fix.startswith("sudo ")

    # -- painting -------------------------------------------------------------------------------

    def _changed(self, changes: Changes) -> None:
        if self.is_current and (changes.status or changes.rows):
            self._paint()

    def on_resize(self) -> None:
        """Fold anew; what may be chosen stays in sight, however long the report is."""
        self.query_one("#report").styles.max_height = max(1, self.size.height - _AROUND)
        self._paint()

    def _document(self) -> Document:
        width = min(_WIDTH, self.size.width or _WIDTH) - 6
        store = self._desk.store
        return Document(self._desk.palette, width, now=store.now, settings=store.settings)

    def _paint(self) -> None:
        document = self._report()
        while document.lines and not document.lines[-1].plain:
            document.lines.pop()
        line = self.query_one_optional("#report-text", Line)
        if line is not None:
            line.show(document.text)

    def _report(self) -> Document:
        document, ongoing = self._document(), self._desk.store.actions.ongoing
        acting = {each.key for each in self._acting}
        for key in self._keys:
            preflight = self._preflights.get(key)
            if key in self._outcomes:
                action_page.ended(document, self._outcomes[key])
            elif key in acting and preflight is not None:
                action_page.progress(document, preflight, ongoing.get(key))
            elif key in self._failures:
                document.line(f"{key.config}: {self._failures[key]}", document.palette.critical)
                document.line()
            elif preflight is not None:
                if self._acting:
                    document.line(f"{key.config}: left out, it was refused", document.palette.muted)
                    document.line()
                else:
                    action_page.plan(document, preflight)
            else:
                document.line(f"{key.config}: looking …", document.palette.muted)
                document.line()
        return document

    # -- keys -----------------------------------------------------------------------------------

    def action_leave(self) -> None:
        """Close; what was begun goes on."""
        self.dismiss()

    def action_scroll(self, lines: int) -> None:
        """By so many lines."""
        self.query_one("#report", VerticalScroll).scroll_relative(y=lines, animate=False)

    async def action_copy(self) -> None:
        """Copy the commands."""
        await copy(self.app, action_page.commands(tuple(self._preflights.values()), self._outcomes))
        self.notify("commands copied", markup=False, timeout=2)
