"""A line to type into.

Rule: what is pasted, or was kept in a file, is a stranger's as well: it passes the door before it is painted.
"""

from textual.widgets import Input

from tuimon.text import printable


class TypedLine(Input):
    """An `Input` whose value never holds what would do something to a terminal."""

    def validate_value(self, value: str) -> str:
        """As it can be shown."""
        return printable(value)
