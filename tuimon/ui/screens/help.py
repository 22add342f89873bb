"""Help: every key with its sentence, made from the bindings themselves."""

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from tuimon.diagnose.finding import State, label
from tuimon.ui.keys import ACTIONS, APP, DETAIL, LIST, LOG, MOVES, Key
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
_LIGHTS = {"ok": "fine", "failed": "broken", "unknown": "not known", "skipped": "not looked at by plan"}


def _keys(text: Text, tables: tuple[tuple[Key, ...], ...], palette: Palette) -> None:
    group = ""
    for key in (key for table in tables for key in table):
        if key.group != group:
            group = key.group
            text.append(f"\n {group}\n", f"bold {palette.accent}".strip())
        text.append(palette.draw(f"   {key.shown:24}"), palette.strong)
        text.append(f"{key.help}\n")


def help_text(palette: Palette) -> Text:
    """The whole page."""
    text = Text()
    _keys(text, (APP, LIST, ACTIONS, MOVES, LOG, DETAIL), palette)
    text.append("\n States\n", f"bold {palette.accent}".strip())
    for state in State:
        text.append(palette.draw(f"   {label(state):24}"), palette.states.get(state, ""))
        text.append(f"{_STATES[state.value]}\n")
    text.append("\n L T C", f"bold {palette.accent}".strip())
    text.append("  listener, TLS, connect target (of a client service: the remote's TLS and TCP)\n")
    for light, sign in LIGHTS.items():
        text.append(palette.draw(f"   {sign:24}"), palette.light(light))
        text.append(f"{_LIGHTS[light.value]}\n")
    text.append("\n CERT", f"bold {palette.accent}".strip())
    text.append(palette.draw("  days left; 9→89d: the disk holds a newer one that is not loaded yet\n"))
    return text


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
        Binding("escape,question_mark,q,enter", "dismiss", "back", show=False, id="help.back"),
        Binding("j", "scroll('down')", show=False),
        Binding("k", "scroll('up')", show=False),
    ]

    def __init__(self, palette: Palette) -> None:
        super().__init__()
        self._palette = palette

    def compose(self) -> ComposeResult:
        """One page that scrolls."""
        with VerticalScroll() as scroll:
            scroll.border_title = "keys and signs"
            yield Static(help_text(self._palette))

    def action_scroll(self, direction: str) -> None:
        """By a line."""
        scroll = self.query_one(VerticalScroll)
        scroll.scroll_relative(y=1 if direction == "down" else -1, animate=False)
