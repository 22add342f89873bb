"""The log as a pane: a title that says what is shown, and the lines beneath.

Rule: it keeps its own place.  It asks the logbook only for what is new; our own probes are folded
and counted unless asked for.
"""

from itertools import takewhile

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical

from tuimon.store import LogLine
from tuimon.ui import render
from tuimon.ui.desk import desk
from tuimon.ui.widgets.line import Line
from tuimon.ui.widgets.log_view import LogView

_ROOM = 14  # lines of a screen below which the log is left out
_NOISE = frozenset({"No trusted certificates found"})  # said at error level of every service without a CA
_FAULT = 4  # stunnel's level of warnings


class LogFeed(Vertical):
    """Lines of the logbook that pass the filter, newest last."""

    def __init__(self, *, id: str | None = None, service: str = "", level: int = 7) -> None:  # noqa: A002
        super().__init__(id=id)
        self.level = level
        self.needle = ""
        self.faults = False
        self.own = False
        self.service = service
        self._seen = -1
        self._generation = -1
        self._folded = 0
        self._look: object = None
        self._width = 8

    def compose(self) -> ComposeResult:
        """Title and lines."""
        yield Line(classes="title")
        yield LogView[LogLine](self._paint)

    def on_mount(self) -> None:
        """The title says whether the view follows, whoever changed that."""
        self.watch(self.view, "follow", self._followed, init=False)

    def _followed(self, follow: bool) -> None:
        if follow:  # the next error is looked for from the end again
            self.view.match = None
        self._title()

    def on_resize(self) -> None:
        """On a screen with few lines the log gives way to the table."""
        if self.id == "log-pane":
            self.display = self.app.size.height >= _ROOM

    @property
    def view(self) -> LogView[LogLine]:
        """The lines."""
        return self.query_one(LogView)

    def _paint(self, line: LogLine) -> Text:
        return render.log_line(line, desk(self).palette, self.needle, self._width)

    def _passes(self, line: LogLine) -> bool:
        if line.own and not self.own:
            self._folded += 1
            return False
        record = line.record
        most = _FAULT if self.faults else self.level
        if record.level is not None and record.level > most:
            return False
        if self.faults and record.message in _NOISE:
            return False
        if self.service and record.service != self.service:
            return False
        return not self.needle or render.matches(
            f"{record.service} #{record.id} {record.peer} {record.message}", self.needle
        )

    def pull(self) -> None:
        """Take what is new; everything, when the filter or the order before it changed."""
        book = desk(self).store.logbook
        look = (self.needle, self.faults, self.level, self.own, self.service, desk(self).palette)
        names = max((len(row.tunnel.service.name) for row in desk(self).store.rows()), default=8)
        self._width = max(6, min(names, 16))
        fresh = look != self._look or book.generation != self._generation
        if fresh:
            self._look, self._generation, self._seen, self._folded = look, book.generation, -1, 0
        newest = list(takewhile(lambda line: line.sequence > self._seen, reversed(book.lines)))
        newest.reverse()
        if newest:
            self._seen = newest[-1].sequence
        shown = [line for line in newest if self._passes(line)]
        if fresh:
            self.view.replace(shown)
        elif shown:
            self.view.extend(shown)
        self._title()

    def _title(self) -> None:
        palette = desk(self).palette
        parts = ["log", self.service or "all", "following" if self.view.follow else "standing still"]
        if self.faults:
            parts.append("warnings and errors only")
        elif self.level < 7:
            parts.append(f"levels 0 to {self.level}")
        if self.needle:
            parts.append(f"filter {self.needle}")
        if self._folded and not self.own:
            parts.append(f"{self._folded} lines of our own probes folded")
        width = max(10, self.size.width)
        line = Text()
        line.append(palette.draw("─ "), palette.muted)
        for part in parts:
            line.append(part)
            line.append(palette.draw(" ─ " if part is not parts[-1] else " "), palette.muted)
        line.append(palette.draw("─" * max(0, width - line.cell_len)), palette.muted)
        line.truncate(width)
        self.query_one(".title", Line).show(line)

    def next_error(self, step: int) -> None:
        """Show the next (1) or previous (-1) error from the one that is marked, or from the end."""
        view = self.view
        errors = [line.sequence for line in view.items if (line.record.level or 9) <= 3]
        here = view.match
        if step > 0:
            found = next((each for each in errors if here is None or each > here), None)
        else:
            found = next((each for each in reversed(errors) if here is None or each < here), None)
        if found is not None:
            view.show_item(found)
            self._title()
