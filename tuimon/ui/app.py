"""The app: one runtime, one signal, three panes; everything else is a screen's own business.

Rule: the app holds no domain state.  The runtime's bell becomes the `changed` signal; screens read the
store and paint.
"""

import asyncio
import os
import signal
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, ClassVar

from textual.app import SystemCommand
from textual.binding import BindingType
from textual.events import Event
from textual.events import Key as KeyEvent
from textual.filter import LineFilter
from textual.screen import ModalScreen, Screen
from textual.signal import Signal
from textual.widgets import Input

from tuimon.model.service import ServiceKey
from tuimon.runtime import Elevated, Runtime
from tuimon.settings import Settings
from tuimon.store import Changes
from tuimon.ui.acting import Acting
from tuimon.ui.keymap import Keymap
from tuimon.ui.keys import APP, bindings
from tuimon.ui.palette import THEMES, Palette, chosen
from tuimon.ui.plain import PlainSigns
from tuimon.ui.screens.certificates import CertificatesScreen
from tuimon.ui.screens.help import HelpScreen
from tuimon.ui.screens.log import LogScreen
from tuimon.ui.screens.pane import Pane
from tuimon.ui.screens.services import ServicesScreen


class TuimonApp(Acting):
    """The screen over one runtime."""

    TITLE = "tuimon"
    CSS_PATH = "app.tcss"
    ENABLE_COMMAND_PALETTE = True
    MODES: ClassVar[dict[str, str | Callable[[], Screen[Any]]]] = {
        "services": ServicesScreen,
        "log": LogScreen,
        "certificates": CertificatesScreen,
    }
    DEFAULT_MODE = "services"
    BINDINGS: ClassVar[list[BindingType]] = bindings(APP)

    def __init__(
        self,
        runtime: Runtime,
        settings: Settings,
        elevated: Elevated | None = None,
        *,
        greets: bool = False,
    ) -> None:
        """`greets`: until the first key the line of hints speaks to somebody who has never been here."""
        super().__init__(runtime, elevated)
        self.settings = settings
        self.greets = greets
        self.keymap = Keymap.of(settings.keys)
        self.set_keymap(self.keymap.changed)
        self.changed: Signal[Changes] = Signal(self, "changed")
        self._plain = PlainSigns()
        self.animation_level = "none"
        for theme in THEMES.values():
            self.register_theme(theme)
        self.theme = chosen(settings.theme, os.environ.get("COLORFGBG", "")).name

    @property
    def palette(self) -> Palette:
        """Styles by meaning, as the theme and the terminal have them."""
        colour = not os.environ.get("NO_COLOR")
        return Palette.of(self.theme_variables, ascii=self.settings.ascii, colour=colour)

    async def on_event(self, event: Event) -> None:
        """The first key ends the greeting."""
        if self.greets and isinstance(event, KeyEvent):
            self.greets = False
            for screen in self.screen_stack:
                if isinstance(screen, Pane):
                    screen.hint()
        await super().on_event(event)

    def get_line_filters(self) -> Sequence[LineFilter]:
        """What every painted line passes: with `--ascii`, the net for Textual's own signs."""
        return [*super().get_line_filters(), *([self._plain] if self.settings.ascii else [])]

    def probe_now(self, keys: frozenset[ServiceKey]) -> None:
        """Probe these services now."""
        self.runtime.probe_now(keys)

    def on_mount(self) -> None:
        """Start the runtime once; end cleanly when the terminal closes or somebody ends us."""
        self.runtime.subscribe(self.changed.publish)
        self.run_worker(self.runtime.run(), name="runtime", group="runtime")
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self.exit, 128 + number)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A pane's key is a character where somebody types, and nothing in a dialog."""
        if action != "pane":
            return super().check_action(action, parameters)
        asks = isinstance(self.screen, ModalScreen) and not isinstance(self.screen, HelpScreen)
        return not asks and not isinstance(self.focused, Input)

    async def action_pane(self, mode: str) -> None:
        """Go to a pane; details and help above it are left."""
        while isinstance(self.screen, HelpScreen) or len(self.screen_stack) > 1:
            self.pop_screen()
        await self.switch_mode(mode)  # what was typed ahead is for the new one, so it has to be there

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """What the palette offers: the screens, help and the way out."""
        for key in APP:
            if key.action != "command_palette":
                yield SystemCommand(
                    key.help, f"key {self.keymap.shown(key)}", partial(self.run_action, key.action)
                )

    def action_help(self) -> None:
        """All keys."""
        if not isinstance(self.screen, HelpScreen):
            self.push_screen(HelpScreen(self.palette, self.keymap))


def show(
    runtime: Runtime, settings: Settings, elevated: Elevated | None = None, *, greets: bool = False
) -> int:
    """Run the screen over `runtime` until it is left; returns the exit status.

    What was still being done then is told on stderr: it goes on without us.
    """
    app = TuimonApp(runtime, settings, elevated, greets=greets)
    status = app.run(mouse=settings.mouse)
    app.say_what_goes_on()
    return (app.return_code or 0) if status is None else status  # no status: left by a key, or an error
