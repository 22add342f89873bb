"""What a screen may ask of the app it belongs to: the store, the bell, the colours, a probe.

Rule: screens and panes know this and not the app, so that nothing below the app imports it.
"""

from typing import Protocol, cast, runtime_checkable

from textual.signal import Signal
from textual.widget import Widget

from tuimon.model.service import ServiceKey
from tuimon.store import Changes, Store
from tuimon.ui.palette import Palette


@runtime_checkable
class Desk(Protocol):
    """The app, as its screens see it."""

    changed: Signal[Changes]

    @property
    def store(self) -> Store:
        """What there is to show."""

    @property
    def palette(self) -> Palette:
        """Styles by meaning, as the theme and the terminal have them."""

    def probe_now(self, keys: frozenset[ServiceKey]) -> None:
        """Probe these services now."""


def desk(widget: Widget) -> Desk:
    """The desk that a mounted widget works at."""
    return cast("Desk", widget.app)
