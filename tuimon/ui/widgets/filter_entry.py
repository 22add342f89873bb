"""The line that a filter is typed into.

Rule: whatever was typed after the enter that leaves it is a key of the rows, however fast it came.
"""

from collections.abc import Callable

from textual.events import Key

from tuimon.ui.widgets.typed_line import TypedLine

_HELP = "words to look for; ! excludes; esc shows all again"


class FilterEntry(TypedLine):
    """Calls `leave` at once on enter, not when a message has come around."""

    def __init__(self, words: str, leave: Callable[[], None]) -> None:
        super().__init__(words, id="filter", placeholder=_HELP)
        self.set_class(bool(words), "-shown")
        self._leave = leave

    def on_key(self, event: Key) -> None:
        """Keys that were on their way here when it was left go on to the rows."""
        if self.screen.focused is not self:
            event.prevent_default()
        elif event.key == "enter":
            event.stop()
            event.prevent_default()
            self._leave()
