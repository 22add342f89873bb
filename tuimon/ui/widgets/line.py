"""A line of text that is painted only when it says something else."""

from rich.text import Text
from textual.widgets import Static


class Line(Static):
    """One line (or a few): over SSH an update that changes nothing costs nothing."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes, markup=False)
        self._shown: Text | None = None

    def show(self, text: Text) -> None:
        """Show `text`, if it differs from what is shown."""
        if text != self._shown:
            before = self._shown.plain.count("\n") if self._shown is not None else -1
            self._shown = text
            # One line keeps its height whatever it says; a page has as many as its text.
            self.update(text, layout=self.styles.is_auto_height and text.plain.count("\n") != before)
