"""The connections of the log as a pane: a title that says what is shown, and a row for each.

Rule: painted soon, but not at every ring: thousands are put in order each time.
"""

import time

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.timer import Timer

from tuimon.store.connections import Connections
from tuimon.text import counted
from tuimon.ui import render
from tuimon.ui.connection_rows import COLUMNS, ConnectionKey, ConnectionRows
from tuimon.ui.desk import desk
from tuimon.ui.filtering import Filter
from tuimon.ui.view import Log
from tuimon.ui.widgets.line import Line
from tuimon.ui.widgets.table import Table

_PAUSE = 0.5  # seconds between two paints, unless somebody asks
_ORDER = "open, then last ended"


class ConnectionList(Vertical):
    """Connections of the logbook; `reading` says how they are read, `service` whose (empty: of all), `sought`
    what they must have, `faults` that they went wrong."""

    def __init__(self, reading: Log, *, ascii_only: bool) -> None:
        super().__init__()
        self.reading = reading
        self.service, self.sought, self.faults = "", Filter(""), False
        self._ascii = ascii_only
        self._connections, self._rows = Connections(), ConnectionRows()
        self._painted_at = float("-inf")  # monotonic seconds
        self._later: Timer | None = None

    def compose(self) -> ComposeResult:
        """Title and rows."""
        yield Line(classes="title")
        yield Table[ConnectionKey](COLUMNS, ascii_only=self._ascii)

    @property
    def table(self) -> Table[ConnectionKey]:
        """The rows."""
        return self.query_one(Table)

    def hurry(self) -> None:
        """Somebody has asked: the next paint does not wait."""
        self._painted_at = float("-inf")

    def paint_soon(self) -> None:
        """Paint, unless that was done a moment ago: then a little later."""
        wait = self._painted_at + _PAUSE - time.monotonic()
        if wait <= 0:
            self._paint()
        elif self._later is None:
            self._later = self.set_timer(wait, self._paint_late)

    def _paint_late(self) -> None:
        self._later = None
        if self.screen.is_current and self.reading.connections:
            self._paint()

    def _paint(self) -> None:
        self._painted_at = time.monotonic()
        palette = desk(self).palette
        told = self._connections.look(desk(self).store.logbook)
        told = [each for each in told if self.service in ("", each.connection.service)]
        own = 0 if self.reading.own else sum(each.connection.own_probe for each in told)
        if own:
            told = [each for each in told if not each.connection.own_probe]
        rows = self._rows.rows(told, palette, self.sought, faults=self.faults)
        self.table.empty = Text("no connection in the lines that are held", palette.muted)
        self.table.set_rows(rows)
        parts = ["connections", self.service or "all", _ORDER, counted(len(rows), "connection")]
        parts += [f"{own} of our own probes folded"] if own else []
        self.query_one(".title", Line).show(render.rule(parts, self.screen.size.width, palette))
