"""A question with a few words to choose from.

Rule: the first word does no harm; escape is the first word.
"""

from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from tuimon.ui.widgets.choices import Choices
from tuimon.ui.widgets.line import Line


class AskScreen(ModalScreen[str]):
    """One question; the answer is one of `answers`, the first of which is shown as `nothing`."""

    DEFAULT_CSS = """
    AskScreen { align: center middle; }
    AskScreen > Vertical {
        width: 60; max-width: 100%; height: auto; max-height: 100%;
        background: $panel; padding: 0 1; border: round $primary;
    }
    AskScreen Line { height: auto; margin-bottom: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss('')", show=False)]

    def __init__(self, question: str, answers: tuple[str, ...], nothing: str) -> None:
        super().__init__()
        self._question, self._answers, self._nothing = question, answers, nothing

    def compose(self) -> ComposeResult:
        """Question and words."""
        with Vertical():
            yield Line()
            yield Choices(id="ask")

    def on_mount(self) -> None:
        """Ask."""
        self.query_one(Line).show(Text(self._question))
        choices = self.query_one(Choices)
        choices.offer(self._nothing, *self._answers[1:])
        choices.focus()

    @on(Choices.Chosen)
    def _chosen(self, event: Choices.Chosen) -> None:
        if self.is_current:  # enter may have been pressed twice
            self.dismiss(self._answers[event.index])
