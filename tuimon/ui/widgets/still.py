"""StillScroll: a scroll view that jumps.

Rule: nothing glides.  Over a slow line an animation is a queue of screens that nobody reads, and the
place it passes through is painted as if it were meant.
"""

from typing import Any

from textual.geometry import Size
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

    def hold(self, lines: int) -> None:
        """Be so many lines high from now on; whoever says so puts one of them at the top then.

        Textual would lay out the whole screen for it, which costs more than painting the lines does: it is
        asked to only where the scrollbar comes or goes.
        """
        size = Size(0, lines)
        comes = self.styles.overflow_y == "auto" and (lines > self.container_size.height) != (
            self.virtual_size.height > self.container_size.height
        )
        if comes or not self.show_vertical_scrollbar:
            self.virtual_size = size
        elif size != self.virtual_size:
            self.set_reactive(ScrollView.virtual_size, size)
            self.vertical_scrollbar.window_virtual_size = lines

    def jump_to(self, y: int) -> None:
        """Put line `y` at the top, also before the layout has given this widget its scrollbar."""
        self.scroll_to(y=y, force=True)
