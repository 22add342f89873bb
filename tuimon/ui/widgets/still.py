"""StillScroll: a scroll view that jumps.

Rule: nothing glides.  Over a slow line an animation is a queue of screens that nobody reads, and the
place it passes through is painted as if it were meant.
"""

from typing import Any

from textual.scroll_view import ScrollView


class StillScroll(ScrollView, inherit_bindings=False):
    """A line-API scroll view without animation, sideways scrolling and inherited keys."""

    DEFAULT_CSS = """
    StillScroll {
        overflow-x: hidden;
        scrollbar-size-vertical: 1;
    }
    """

    def scroll_to(self, x: float | None = None, y: float | None = None, **options: Any) -> None:
        """Scroll to a coordinate at once, whatever `animate` says."""
        super().scroll_to(x, y, **{**options, "animate": False})

    def jump_to(self, y: int) -> None:
        """Put line `y` at the top, also before the layout has given this widget its scrollbar."""
        self.scroll_to(y=y, force=True)
