"""The app: one runtime, one signal, three panes; everything else is a screen's own business.

Rule: the app holds no domain state.  The runtime's bell becomes the `changed` signal; screens read the
store and paint.
"""

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from textual.await_complete import AwaitComplete
from textual.binding import BindingType
from textual.events import Event
from textual.events import Key as KeyEvent
from textual.filter import LineFilter, Monochrome, NoColor
from textual.screen import ModalScreen, Screen
from textual.signal import Signal
from textual.widgets import Input

from tuimon.model.failure import Failure, bug
from tuimon.model.service import ServiceKey
from tuimon.runtime import Elevated, Runtime
from tuimon.settings import Settings
from tuimon.store import Changes
from tuimon.ui import screens, strips
from tuimon.ui.acting import Acting
from tuimon.ui.driver import LastingDriver
from tuimon.ui.in_order import InOrder
from tuimon.ui.keymap import Keymap
from tuimon.ui.keys import APP, bindings
from tuimon.ui.palette import THEMES, Palette, chosen
from tuimon.ui.pauses import Pauses
from tuimon.ui.plain import PlainSigns
from tuimon.ui.screens.pane import Pane
from tuimon.ui.screens.services import ServicesScreen
from tuimon.ui.view import View
from tuimon.ui.view import load as load_view
from tuimon.ui.view import save as save_view

strips.free()

VIEW_FILE = "view.json"
"""Where in the state folder the arrangement of the screen is kept."""


class TuimonApp(Acting):
    """The screen over one runtime."""

    TITLE = "tuimon"
    CSS_PATH = "app.tcss"
    ENABLE_COMMAND_PALETTE = False  # ours knows services and certificates, and fits 60 columns
    MODES: ClassVar[dict[str, str | Callable[[], Screen[Any]]]] = {
        "services": ServicesScreen,
        "log": lambda: screens.LogScreen(),  # noqa: PLW0108 - loaded when it is called
        "certificates": lambda: screens.CertificatesScreen(),  # noqa: PLW0108
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
        view: View | None = None,
    ) -> None:
        """`view` is how the screen is arranged; `greets`:
        until the first key the line of hints speaks to somebody who has never been here."""
        super().__init__(runtime, elevated)
        self.settings = settings
        self.greets = greets
        self.keymap = Keymap.of(settings.keys)
        self.set_keymap(self.keymap.changed)
        self.view = view or View()
        self.fallen: Failure | None = None
        self._mouse, self._begun = settings.mouse, False
        self.changed: Signal[Changes] = Signal(self, "changed")
        self._plain = PlainSigns()
        self._pauses = Pauses(lasting=lambda: len(self.screen_stack) == 1)
        self._keys = InOrder(self, super().on_event)
        self.animation_level = "none"
        for theme in THEMES.values():
            self.register_theme(theme)
        self.no_color = bool(os.environ.get("NO_COLOR"))
        wanted = "ansi" if self.no_color else settings.theme
        few = self.console.color_system in (None, "standard")
        self.theme = chosen(wanted, os.environ.get("COLORFGBG", ""), few=few).name

    @property
    def palette(self) -> Palette:
        """Styles by meaning, as the theme and the terminal have them."""
        return Palette.of(self.theme_variables, ascii=self.settings.ascii, colour=not self.no_color)

    async def on_event(self, event: Event) -> None:
        """Keys act in the order in which they were typed, and on a screen that has what they act on: one that
        was opened a moment ago is waited for.  The first one ends the greeting."""
        if isinstance(event, KeyEvent):
            for screen in self.screen_stack[-1:]:
                await screen._mounted_event.wait()
        if not isinstance(event, KeyEvent) or event.is_forwarded:
            await super().on_event(event)
            return
        if self.greets:
            self.greets = False
            for screen in self.screen_stack:
                if isinstance(screen, Pane):
                    screen.hint()
        await self._keys.take(event)

    def get_line_filters(self) -> Sequence[LineFilter]:
        """What every painted line passes: with `--ascii`, the net for Textual's own signs; with $NO_COLOR
        one that leaves the terminal its own two colours, where Textual's would paint it grey."""
        usual = [each for each in super().get_line_filters() if not isinstance(each, Monochrome)]
        plain = [self._plain] if self.settings.ascii else []
        return [*usual, *plain, *([NoColor()] if self.no_color else [])]

    async def older(self, moment: float | None) -> str:
        """Fetch older log lines: one step, or back to `moment`; what is to be said of it, or nothing."""
        return await self.runtime.older(moment)

    def shown(self, seconds: float) -> None:
        """A screen has shown what it was told, which took so long."""
        self.runtime.shown(seconds)

    def probe_now(self, keys: frozenset[ServiceKey]) -> None:
        """Probe these services now."""
        self.runtime.probe_now(keys)

    def on_mount(self) -> None:
        """Start the runtime once; end cleanly when the terminal closes or somebody ends us."""
        self._begun = True
        self.runtime.subscribe(self.changed.publish)
        self.run_worker(self.runtime.run(), name="runtime", group="runtime")
        if not self.is_headless:  # what a test runs in is not ours to arrange
            self.run_worker(self._pauses.keep_short(), name="pauses", group="pauses")
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self.exit, 128 + number)

    def refresh_css(self, animate: bool = True) -> None:
        """Before there is anything on the screen, a theme brings no more than variables: what is read next is
        read with them.  Textual would read everything that was read before once more."""
        if self._begun:
            super().refresh_css(animate)
        else:
            self.stylesheet.set_variables(self.get_css_variables())

    def _fatal_error(self) -> None:
        """A bug ends the screen with one sentence.  Textual's own way would show values of every frame:
        what strangers wrote, and what must not be seen."""
        if self._exception is not None:
            self.fallen = bug(getattr(self._exception, "error", self._exception))  # a worker's own error
        self._close_messages_no_wait()

    def pop_screen(self) -> AwaitComplete:
        """Leave a screen, and what it was made of."""
        self._pauses.left()
        return super().pop_screen()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The key of a pane or the palette is a character where one types, and nothing in a dialog."""
        if action not in ("pane", "command_palette"):
            return super().check_action(action, parameters)
        asks = isinstance(self.screen, ModalScreen) and not isinstance(self.screen, screens.HelpScreen)
        return not asks and not isinstance(self.focused, Input)

    async def action_pane(self, mode: str) -> None:
        """Go to a pane; details and help above it are left."""
        while isinstance(self.screen, screens.HelpScreen) or len(self.screen_stack) > 1:
            self.pop_screen()
        await self.switch_mode(mode)  # what was typed ahead is for the new one, so it has to be there
        if isinstance(self.screen, screens.LogScreen):
            self.screen.only()

    async def show_log(self, service: str, source: str) -> None:
        """Go to the log of one service; escape leads back."""
        back = self.current_mode
        await self.action_pane("log")
        if isinstance(self.screen, screens.LogScreen):
            self.screen.only(service, source, back)

    def action_command_palette(self) -> None:
        """Everything that can be done or gone to, by its words."""
        if not isinstance(self.screen, ModalScreen):
            from tuimon.ui import commands  # noqa: PLC0415 - it knows the screens that one can go to

            self.push_screen(screens.CommandsScreen(commands.offered(self)))

    def action_mouse(self) -> None:
        """Take the mouse, or leave it to the terminal, which then selects and copies by itself."""
        self._mouse = not self._mouse
        driver = self._driver
        if isinstance(driver, LastingDriver):
            driver.take_mouse(self._mouse)
        words = "mouse on" if self._mouse else "mouse off: the terminal selects by itself; M takes it back"
        self.notify(words, markup=False, timeout=3)

    def action_help(self) -> None:
        """All keys."""
        if not isinstance(self.screen, screens.HelpScreen):
            self.push_screen(screens.HelpScreen(self.palette, self.keymap))


def show(
    runtime: Runtime, settings: Settings, elevated: Elevated | None = None, *, greets: bool = False
) -> int:
    """Run the screen over `runtime` until it is left; returns the exit status.

    What was still being done then is told on stderr: it goes on without us.
    """
    gc.freeze()  # what was imported is no garbage: looked through now, it would delay the first rows
    kept = settings.state_file(VIEW_FILE)
    app = TuimonApp(runtime, settings, elevated, greets=greets, view=load_view(kept))
    status = app.run(mouse=settings.mouse)
    save_view(kept, app.view)
    app.say_what_goes_on()
    if app.fallen is not None:
        print(f"tuimon: {app.fallen}", file=sys.stderr)
    return (app.return_code or 0) if status is None else status  # no status: left by a key, or an error
