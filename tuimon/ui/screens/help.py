"""Help: every key with its sentence, made from the bindings themselves."""

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import ClassVar

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from tuimon.diagnose.finding import State, label
from tuimon.ui.keymap import Keymap
from tuimon.ui.keys import HELP, TABLES, Key, bindings, bound
from tuimon.ui.palette import LIGHTS, Palette

_STATES = {
    "down": "new clients cannot get through",
    "critical": "it serves; act now",
    "warning": "act soon",
    "unknown": "could not look",
    "pending": "not looked yet",
    "ok": "as it should be",
    "not-probed": "not probed",
    "off": "stopped on purpose",
}
_FIRST = 18  # cells of the first column: the widest pair of keys, and room after it
_LIGHTS = {"ok": "fine", "failed": "broken", "unknown": "not known", "skipped": "not looked at by plan"}


_Row = tuple[str, str, str]
"""First column, its style, the sentence."""


def _section(title: str, rows: Iterable[_Row], palette: Palette) -> Iterator[RenderableType]:
    """A heading and its rows; a long sentence goes on under its own column."""
    heading = Text("\n ")
    heading.append(title, f"bold {palette.accent}".strip())
    yield heading
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column(width=_FIRST)
    grid.add_column()
    for first, style, sentence in rows:
        grid.add_row(Text(palette.draw(f"   {first}"), style, no_wrap=True), Text(palette.draw(sentence)))
    yield grid


def _keys(keys: Iterable[Key], palette: Palette, keymap: Keymap) -> Iterator[_Row]:
    """One row for each sentence, with all the keys that it is about."""
    for sentence, same in groupby(keys, lambda key: key.help):
        yield keymap.shown(*same), palette.strong, sentence


def help_text(palette: Palette, keymap: Keymap) -> Group:
    """The whole page."""
    parts: list[RenderableType] = []
    for group, keys in groupby((key for table in TABLES for key in table), lambda key: key.group):
        parts += _section(group, _keys(keys, palette, keymap), palette)
    states = ((label(state), palette.states.get(state, ""), _STATES[state.value]) for state in State)
    parts += _section("States", states, palette)
    lights = ((sign, palette.light(light), _LIGHTS[light.value]) for light, sign in LIGHTS.items())
    of = "listener, TLS, connect target; of a client: the remote's TLS and TCP"
    parts += _section("L T C", [("", "", of), *lights], palette)
    left = "9→89d", "", "days left; the disk holds a newer one that is not loaded yet"
    parts += _section("CERT", [left], palette)
    return Group(*parts)


class HelpScreen(ModalScreen[None]):
    """All keys, over whatever was shown."""

    DEFAULT_CSS = """
    HelpScreen { align: center middle; }
    HelpScreen > VerticalScroll {
        width: 92; max-width: 100%; height: auto; max-height: 100%;
        background: $panel; padding: 0 1; border: round $primary; scrollbar-size-vertical: 1;
    }
    HelpScreen Static { height: auto; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings(HELP),
        *bound(
            {
                "app.help": "dismiss",
                "move.down": "scroll(1)",
                "move.up": "scroll(-1)",
                "move.half_down": "scroll(12)",
                "move.half_up": "scroll(-12)",
                "move.first": "ends(-1)",
                "move.last": "ends(1)",
            }
        ),
    ]

    def __init__(self, palette: Palette, keymap: Keymap) -> None:
        super().__init__()
        self._palette, self._keymap = palette, keymap

    def compose(self) -> ComposeResult:
        """One page that scrolls."""
        with VerticalScroll() as scroll:
            scroll.border_title = "keys and signs"
            yield Static(help_text(self._palette, self._keymap))

    def action_scroll(self, lines: int) -> None:
        """By so many lines."""
        self.query_one(VerticalScroll).scroll_relative(y=lines, animate=False)

    def action_ends(self, end: int) -> None:
        """To the top (-1) or the bottom (1)."""
        page = self.query_one(VerticalScroll)
        (page.scroll_end if end > 0 else page.scroll_home)(animate=False)
