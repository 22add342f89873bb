"""A few words to choose from, one of them chosen: what a dialog ends with.

Rule: the first word does no harm and has the focus; keys that were typed before anybody could have read
the question do not count.
"""

from typing import ClassVar

from rich.text import Text
from textual.binding import BindingType
from textual.events import Click
from textual.message import Message
from textual.widget import Widget

from tuimon.ui.desk import desk
from tuimon.ui.keys import bound

READ = 0.3
"""Seconds for which nothing can be chosen after the words have appeared."""

_GAP = 3  # cells between two words


class Choices(Widget, can_focus=True):
    """One line of words; `Chosen` tells which one was taken."""

    DEFAULT_CSS = "Choices { height: 1; width: 1fr; }"
    BINDINGS: ClassVar[list[BindingType]] = bound(
        {"dialog.previous": "move(-1)", "dialog.next": "move(1)", "dialog.choose": "choose"}
    )

    class Chosen(Message):
        """A word was taken: its place among them."""

        def __init__(self, index: int) -> None:
            super().__init__()
            self.index = index

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self.words: tuple[str, ...] = ()
        self._at = 0
        self._armed = False

    def offer(self, *words: str) -> None:
        """Ask anew; the first word is chosen, and of several none can be taken for a moment."""
        if words == self.words:
            return
        self.words, self._at = words, 0
        self._armed = len(words) == 1  # there is nothing to choose wrongly
        if not self._armed:
            self.set_timer(READ, self._arm)
        self.refresh()

    def _arm(self) -> None:
        self._armed = True

    def render(self) -> Text:
        """Brackets, not a colour alone, show which one is chosen."""
        palette, text = desk(self).palette, Text()
        for index, word in enumerate(self.words):
            chosen = index == self._at
            text.append(
                f"[ {word} ]" if chosen else f"  {word}  ", f"bold {palette.accent}".strip() if chosen else ""
            )
            text.append(" " * _GAP)
        return text

    def action_move(self, step: int) -> None:
        """To the next word."""
        if self.words:
            self._at = max(0, min(len(self.words) - 1, self._at + step)) if self._armed else self._at
            self.refresh()

    def action_choose(self) -> None:
        """Take the chosen word."""
        if self._armed and self.words:
            self._armed = False  # once, however often enter was pressed
            self.post_message(self.Chosen(self._at))

    def on_click(self, event: Click) -> None:
        """Take the word under the mouse."""
        begin = 0
        for index, word in enumerate(self.words):
            end = begin + len(word) + 4
            if begin <= event.x < end and self._armed:
                self._at = index
                self.refresh()
                self.action_choose()
            begin = end + _GAP
