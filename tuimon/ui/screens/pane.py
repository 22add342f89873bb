"""What every screen has: the summary above, the hints below, and a door to the store.

Rule: a screen is told that something changed and reads the store; a screen that is not shown paints
nothing and catches up when it is.  Textual calls the `on_` methods of every class by itself, the most special
first: one that called its super() would have everything done twice.
"""

from collections.abc import Iterable
from time import monotonic
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.events import Key as KeyEvent
from textual.widget import Widget
from textual.widgets import Input

from tuimon.model.action import Action
from tuimon.model.service import ServiceKey
from tuimon.store import Changes
from tuimon.text import counted
from tuimon.ui import render, screens
from tuimon.ui.filtering import Filter
from tuimon.ui.keys import ACTIONS, APP
from tuimon.ui.palette import Palette
from tuimon.ui.screens.outlet import Outlet
from tuimon.ui.view import Kept
from tuimon.ui.widgets.filter_entry import FilterEntry
from tuimon.ui.widgets.line import Line

_HINTS_FIRST, _HINTS_KEPT = 4, 5  # hints that stay in front, and in all
_CLOCK = 10  # cells of the clock and the blanks beside it
_LEAST = (40, 10)  # columns and lines below which only the worst is told


class Pane(Outlet):
    """A screen with summary, optional banner, body, filter and hints."""

    BINDINGS: ClassVar[list[BindingType]] = []
    CRUMB = ""
    """What a screen above this one calls it."""

    def __init__(self) -> None:
        super().__init__()
        self._own = Kept()

    @property
    def palette(self) -> Palette:
        """Styles by meaning."""
        return self.desk.palette

    @property
    def kept(self) -> Kept:
        """How this pane is arranged."""
        return self._own

    @property
    def crumb(self) -> str:
        """The name of this place, for the screens above it."""
        return self.CRUMB

    def compose(self) -> ComposeResult:
        """Summary, banner, the body, filter, hints."""
        with Horizontal(id="top"):
            yield Line(id="summary")
            yield Line(id="clock")  # by itself: it alone is painted every second
        yield Line(id="banner")
        yield Line(id="tiny")
        yield from self.body()
        yield FilterEntry(self.kept.filter, self.leave_filter)
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

    def repaint(self) -> None:
        """Paint everything, as after somebody has asked for another view of it."""
        self._changed(self.refresh_all())

    def on_mount(self) -> None:
        """Listen for changes."""
        self.desk.changed.subscribe(self, self._changed)
        self.hint()

    def on_screen_resume(self) -> None:
        """Catch up with what happened while another screen was shown."""
        self.repaint()

    def on_resize(self) -> None:
        """Words and columns follow the width."""
        self.hint()
        self.repaint()

    def _changed(self, changes: Changes) -> None:
        if not self.is_current or not self.is_mounted:
            return
        began = monotonic()
        with self.app.batch_update():
            tiny = self.size.width < _LEAST[0] or self.size.height < _LEAST[1]
            self.set_class(tiny, "-tiny")
            if changes.rows or changes.clock or changes.status:
                self._summary()
            if changes.rows or changes.status:
                self._banner()
            if tiny:
                self._worst()
            else:
                self.refresh_body(changes)
        self.desk.shown(monotonic() - began)

    def _summary(self) -> None:
        store = self.store
        width = (self.size.width or 80) - _CLOCK
        read_only = store.settings.read_only
        text = render.summary(store.summary(), store.host, width, self.palette, read_only=read_only)
        self.query_one("#summary", Line).show(text)
        self.query_one("#clock", Line).show(render.clock(store.now, self.palette))

    def _worst(self) -> None:
        """On a terminal that is too small for a table: the worst that there is, and the way out."""
        text = Text()
        row = next(iter(self.store.rows()), None)
        if row is not None:
            text.append_text(render.state(row.state, self.palette))
            text.append(f" {row.tunnel.service.name}", self.palette.strong)
            text.append(f" {row.why}\n")
        columns, lines = _LEAST
        text.append(f"the table needs {columns}x{lines}", self.palette.muted)
        self.query_one("#tiny", Line).show(text)

    def _banner(self) -> None:
        store = self.store
        said = list(store.blind_spots())
        said += [
            f"{name} stopped: {failure}{_again(store.retries.get(name))}"
            for name, failure in store.collectors.items()
            if failure
        ]
        said += [store.jumped] if store.jumped else []
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
        # Too narrow: the first four, at last three, and the way out stay; the others go from the left.
        while len("  ".join(words)) > self.size.width - 2 and len(words) > _HINTS_KEPT:
            del words[min(_HINTS_FIRST, len(words) - 3)]
        self.query_one("#hints", Line).show(Text("  ".join(words), no_wrap=True))

    def probe(self, keys: frozenset[ServiceKey]) -> None:
        """Probe these services now, and say how many of them there is anything to probe of."""
        found = self.store.probeable(keys)
        self.desk.probe_now(found)
        self.say(f"probing {counted(len(found), 'service')}" if found else "nothing to probe here")

    def act(self, keys: Iterable[ServiceKey], verb: str) -> None:
        """Ask for an action on the instances of these services; each instance once."""
        instances = tuple(dict.fromkeys(key.instance for key in keys))
        if instances:
            self.app.push_screen(screens.ActionScreen(instances, Action(verb)))

    async def action_only_log(self) -> None:
        """The log of the service that is chosen."""
        row = next((row for row in map(self.store.row, self.chosen()) if row is not None), None)
        if row is None:
            self.say("no service here")
        else:
            await self.desk.show_log(row.tunnel.service.name, row.tunnel.instance.log)

    # -- filter ---------------------------------------------------------------------------------

    @property
    def filter(self) -> Filter:
        """What hides rows."""
        return Filter(self.kept.filter)

    @property
    def sought(self) -> Filter:
        """What `n` looks for: what is filtered for, or was last."""
        return Filter(self.kept.filter or self.kept.recall)

    def action_filter(self) -> None:
        """Type a filter; what was filtered for last comes back, and is replaced by what is typed."""
        entry = self.query_one("#filter", Input)
        if not entry.value:
            entry.value = self.kept.recall
        entry.select_all()
        entry.add_class("-shown")
        self.set_focus(entry)  # at once: what was typed ahead belongs to the filter

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """In the filter, a key that leads to a line to type into is a character like any other."""
        return action not in ("filter", "go_to_time") or self.focused is not self.query_one("#filter", Input)

    def on_input_changed(self) -> None:
        """Filter as it is typed: for what stands there now, messages of it come late."""
        typed = self.query_one("#filter", Input).value
        if typed != self.kept.filter:
            self.kept.filter = typed
            self.repaint()

    def on_key(self, event: KeyEvent) -> None:
        """Escape shows everything again; what was filtered for can be had back."""
        entry = self.query_one("#filter", Input)
        if event.key == "escape" and (self.focused is entry or self.kept.filter):
            event.stop()
            event.prevent_default()
            self.kept.recall = self.kept.filter or self.kept.recall
            entry.value = ""
            self.leave_filter()

    def leave_filter(self) -> None:
        """Keep what was typed and go back to the rows."""
        self.on_input_changed()
        entry = self.query_one("#filter", Input)
        self.kept.recall = entry.value or self.kept.recall
        entry.set_class(bool(entry.value), "-shown")
        self.set_focus(self.main_widget())

    def main_widget(self) -> Widget:
        """What has the focus by default."""
        return self


def _again(seconds: float | None) -> str:
    return f"; tried again after {seconds:g} s" if seconds else ""
