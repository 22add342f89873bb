"""What every screen has: the summary above, the hints below, and a door to the store.

Rule: a screen is told that something changed and reads the store; a screen that is not shown paints
nothing and catches up when it is.
"""

from collections.abc import Iterable
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.events import Key as KeyEvent
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input

from tuimon.model.action import Action
from tuimon.model.service import ServiceKey
from tuimon.store import Changes, Store
from tuimon.text import counted
from tuimon.ui import render
from tuimon.ui.desk import Desk, desk
from tuimon.ui.keys import ACTIONS, APP, Key
from tuimon.ui.palette import Palette
from tuimon.ui.screens.action import ActionScreen
from tuimon.ui.widgets.line import Line

_HINTS_FIRST, _HINTS_KEPT = 3, 5  # hints that stay in front, and in all


class Pane(Screen[None]):
    """A screen with summary, optional banner, body, filter and hints."""

    KEYS: ClassVar[tuple[Key, ...]] = ()
    BINDINGS: ClassVar[list[BindingType]] = []

    def __init__(self) -> None:
        super().__init__()
        self.needle = ""

    @property
    def desk(self) -> Desk:
        """What the app offers its screens."""
        return desk(self)

    @property
    def store(self) -> Store:
        """What there is to show."""
        return self.desk.store

    @property
    def palette(self) -> Palette:
        """Styles by meaning."""
        return self.desk.palette

    def compose(self) -> ComposeResult:
        """Summary, banner, the body, filter, hints."""
        yield Line(id="summary")
        yield Line(id="banner")
        yield from self.body()
        yield Input(id="filter", placeholder="filter; ! in front inverts; enter keeps it, esc clears it")
        yield Line(id="hints")

    def body(self) -> ComposeResult:
        """The widgets between summary and hints."""
        yield from ()

    def refresh_body(self, changes: Changes) -> None:
        """Paint what changed."""

    def refresh_all(self) -> Changes:
        """Everything, as when the screen comes to the front."""
        keys = frozenset(row.key for row in self.store.rows())
        return Changes(keys, log=True, clock=True, status=True)

    def on_mount(self) -> None:
        """Listen for changes."""
        self.desk.changed.subscribe(self, self._changed)
        self.hint()

    def on_screen_resume(self) -> None:
        """Catch up with what happened while another screen was shown."""
        self._changed(self.refresh_all())

    def on_resize(self) -> None:
        """Words and columns follow the width."""
        self.hint()
        self._changed(self.refresh_all())

    def _changed(self, changes: Changes) -> None:
        if not self.is_current or not self.is_mounted:
            return
        with self.app.batch_update():
            if changes.rows or changes.clock or changes.status:
                self._summary()
            if changes.rows or changes.status:
                self._banner()
            self.refresh_body(changes)

    def _summary(self) -> None:
        store = self.store
        width = self.size.width or 80
        text = render.summary(
            store.summary(), store.host, store.now, width, self.palette, read_only=store.settings.read_only
        )
        self.query_one("#summary", Line).show(text)

    def _banner(self) -> None:
        store = self.store
        said = list(store.blind_spots())
        said += [f"{name} stopped: {failure}" for name, failure in store.collectors.items() if failure]
        banner = self.query_one("#banner", Line)
        banner.set_class(bool(said), "-shown")
        banner.show(Text("; ".join(said), no_wrap=True, overflow="ellipsis"))

    def hint(self) -> None:
        """The keys that matter here; to somebody who has never been here, the way to all of them."""
        keymap = self.desk.keymap
        if self.desk.greets:
            words = ["welcome:", *keymap.greeting()]
        else:
            acts = not self.store.settings.read_only
            words = keymap.hints((key for key in self.KEYS if acts or key not in ACTIONS), APP)
        # Too narrow: the first three and the way out stay, the others go from the left.
        while len("  ".join(words)) > self.size.width - 2 and len(words) > _HINTS_KEPT:
            del words[_HINTS_FIRST]
        self.query_one("#hints", Line).show(Text("  ".join(words), no_wrap=True))

    def probe(self, keys: frozenset[ServiceKey]) -> None:
        """Probe these services now, and say how many of them there is anything to probe of."""
        found = self.store.probeable(keys)
        self.desk.probe_now(found)
        words = f"probing {counted(len(found), 'service')}" if found else "nothing to probe here"
        self.notify(words, markup=False, timeout=2)

    def act(self, keys: Iterable[ServiceKey], verb: str) -> None:
        """Ask for an action on the instances of these services; each instance once."""
        instances = tuple(dict.fromkeys(key.instance for key in keys))
        if instances:
            self.app.push_screen(ActionScreen(instances, Action(verb)))

    # -- filter ---------------------------------------------------------------------------------

    def action_filter(self) -> None:
        """Type a filter; what was there comes back."""
        entry = self.query_one("#filter", Input)
        entry.add_class("-shown")
        self.set_focus(entry)  # at once: what was typed ahead belongs to the filter

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """In the filter, its own key is a character like any other."""
        return action != "filter" or self.focused is not self.query_one("#filter", Input)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Filter as it is typed."""
        self.needle = event.value
        self._changed(self.refresh_all())

    def on_input_submitted(self) -> None:
        """Keep the filter and go back to the rows."""
        self._leave_filter()

    def on_key(self, event: KeyEvent) -> None:
        """Escape clears the filter."""
        entry = self.query_one("#filter", Input)
        if event.key == "escape" and (self.focused is entry or self.needle):
            event.stop()
            event.prevent_default()
            entry.value = ""
            self._leave_filter()

    def _leave_filter(self) -> None:
        entry = self.query_one("#filter", Input)
        entry.set_class(bool(entry.value), "-shown")
        self.set_focus(self.main_widget())

    def main_widget(self) -> Widget:
        """What has the focus by default."""
        return self
