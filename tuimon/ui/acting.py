"""What the app does for whoever acts: preflight, action, sudo on the terminal, the log of actions.

Rule: an action belongs to the app, not to the screen that asked for it; what goes on when we leave is
told afterwards.
"""

import sys
from typing import Any

from textual.app import App
from textual.notifications import SeverityLevel
from textual.worker import Worker

from tuimon.model.action import Action, Logged, Outcome, Preflight, Result
from tuimon.model.failure import Failure
from tuimon.model.service import InstanceKey
from tuimon.runtime import Elevated, Runtime
from tuimon.store import Ongoing, Store
from tuimon.ui import action_page, screens
from tuimon.ui.driver import LastingDriver


class Acting(App[int]):
    """An app over one runtime."""

    def __init__(self, runtime: Runtime, elevated: Elevated | None) -> None:
        super().__init__(driver_class=LastingDriver)
        self.runtime = runtime
        self._elevated = elevated
        self._left_behind: dict[InstanceKey, Ongoing] = {}

    @property
    def store(self) -> Store:
        """What there is to show."""
        return self.runtime.store

    async def preflight(self, key: InstanceKey, action: Action) -> Preflight | Failure:
        """Everything to know before an action."""
        return await self.runtime.preflight(key, action)

    def carry_out(self, preflights: tuple[Preflight, ...], *, elevated: bool) -> Worker[list[Outcome]]:
        """Act on these in order; it goes on whatever becomes of the screen that asked."""
        return self.run_worker(self._carry_out(preflights, elevated=elevated), group="actions")

    async def _carry_out(self, preflights: tuple[Preflight, ...], *, elevated: bool) -> list[Outcome]:
        hands = self._elevated(self.suspend) if elevated and self._elevated else None
        outcomes = await self.runtime.carry_out(preflights, hands)
        if outcomes and not (isinstance(self.screen, screens.ActionScreen) and self.screen.shows(outcomes)):
            good = all(each.result is Result.VERIFIED for each in outcomes)
            severity: SeverityLevel = "information" if good else "error"
            title, text = action_page.told(outcomes)
            self.notify(text, title=title, severity=severity, markup=False, timeout=10)
        return outcomes

    def can_elevate(self) -> bool:
        """Whether sudo could be asked on this terminal."""
        return self._elevated is not None

    async def action_log(self) -> tuple[Logged, ...]:
        """What was done, oldest first."""
        return await self.runtime.action_log()

    def action_actions(self) -> None:
        """The action log."""
        if not isinstance(self.screen, screens.ActionsScreen | screens.ActionScreen):
            self.push_screen(screens.ActionsScreen())

    def exit(self, *arguments: Any, **more: Any) -> None:
        """Leave; what somebody is doing to an instance goes on, and is told of afterwards."""
        self._left_behind = dict(self.store.actions.ongoing)
        super().exit(*arguments, **more)

    def say_what_goes_on(self) -> None:
        """On stderr, once the screen is gone: what was still being done when we left."""
        for key, ongoing in self._left_behind.items():
            where = f"tuimon status {key.config}" if key.config.startswith("/") else "tuimon status"
            print(f"tuimon: left while {ongoing.text}: {key.config}; look again: {where}", file=sys.stderr)
