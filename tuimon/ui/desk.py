"""What a screen may ask of the app it belongs to: the store, the bell, the colours, a probe, an action.

Rule: screens and panes know this and not the app, so that nothing below the app imports it.
"""

from typing import Protocol, cast, runtime_checkable

from textual.signal import Signal
from textual.widget import Widget
from textual.worker import Worker

from tuimon.model.action import Action, Logged, Outcome, Preflight
from tuimon.model.failure import Failure
from tuimon.model.service import InstanceKey, ServiceKey
from tuimon.store import Changes, Store
from tuimon.ui.keymap import Keymap
from tuimon.ui.palette import Palette
from tuimon.ui.view import View


@runtime_checkable
class Desk(Protocol):
    """The app, as its screens see it."""

    changed: Signal[Changes]
    keymap: Keymap
    greets: bool
    view: View

    @property
    def store(self) -> Store:
        """What there is to show."""

    @property
    def palette(self) -> Palette:
        """Styles by meaning, as the theme and the terminal have them."""

    def shown(self, seconds: float) -> None:
        """A screen has shown what it was told, which took so long."""

    def probe_now(self, keys: frozenset[ServiceKey]) -> None:
        """Probe these services now."""

    async def preflight(self, key: InstanceKey, action: Action) -> Preflight | Failure:
        """Everything to know before an action."""

    def carry_out(self, preflights: tuple[Preflight, ...], *, elevated: bool) -> Worker[list[Outcome]]:
        """Act on these in order; it goes on whatever becomes of the screen that asked."""

    def can_elevate(self) -> bool:
        """Whether sudo could be asked on this terminal."""

    async def older(self, moment: float | None) -> str:
        """Fetch older log lines: one step, or back to `moment`; what is to be said of it, or nothing."""

    async def show_log(self, service: str, source: str) -> None:
        """Go to the log of one service, as the file `source` tells it."""

    async def action_log(self) -> tuple[Logged, ...]:
        """What was done, oldest first."""


def desk(widget: Widget) -> Desk:
    """The desk that a mounted widget works at."""
    return cast("Desk", widget.app)
