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
            self._shown = text
            self.update(text, layout=False)  # its height does not depend on what it says
