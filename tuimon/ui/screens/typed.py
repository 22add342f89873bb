"""A dialog that somebody types into.

Rule: letters that were typed before the line had the focus are for it too, and never keys of anything else.
"""

from typing import TypeVar

from textual.events import Key as KeyEvent
from textual.screen import ModalScreen
from textual.widgets import Input

T = TypeVar("T")


class TypedScreen(ModalScreen[T]):
    """A dialog around one `Input`."""

    def on_key(self, event: KeyEvent) -> None:
        """What reaches the dialog itself was typed ahead."""
        if event.is_printable and event.character:
            event.stop()
            self.query_one(Input).insert_text_at_cursor(event.character)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Nothing can be done with what is not there yet."""
        return self.is_mounted and super().check_action(action, parameters)
