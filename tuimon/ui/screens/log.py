"""Log: all services merged by time, followed live, as lines or put together to connections."""

import os
import shlex
import shutil
import subprocess
import time
from typing import ClassVar, NamedTuple

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.events import Key as KeyEvent
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Input

from tuimon.model.tunnel import JOURNAL
from tuimon.store import Changes
from tuimon.store.connections import Connections
from tuimon.text import counted, printable
from tuimon.ui import render
from tuimon.ui.connection_rows import COLUMNS, ConnectionKey, ConnectionRows
from tuimon.ui.filtering import Filter
from tuimon.ui.keys import LOG, bindings
from tuimon.ui.log_feed import LEVELS, LogFeed
from tuimon.ui.moments import HELP, moment
from tuimon.ui.screens.entry import EntryScreen
from tuimon.ui.screens.pane import Pane
from tuimon.ui.view import Kept
from tuimon.ui.widgets.line import Line
from tuimon.ui.widgets.table import Table

_PAUSE = 0.5  # seconds between two paints of the connections, unless somebody asks
_ORDER = "open, then newest"


class _Way(NamedTuple):
    """From the list of connections to the lines of one: the words that hide the others, those that were
    filtered for before, the service and the log that were shown then, and the row."""

    words: str
    before: str
    scope: tuple[str, str]
    row: ConnectionKey


class LogScreen(Pane):
    """The log alone."""

    KEYS = LOG
    BINDINGS: ClassVar[list[BindingType]] = bindings(LOG)
    CRUMB = "log"

    def __init__(self) -> None:
        super().__init__()
        self._connections = Connections()
        self._rows = ConnectionRows()
        self._painted_at = float("-inf")  # when the connections were painted, monotonic seconds
        self._later: Timer | None = None
        self._way: _Way | None = None
        self._back = ""

    @property
    def kept(self) -> Kept:
        """How the log is arranged."""
        return self.desk.view.log

    def body(self) -> ComposeResult:
        """The lines, or the connections."""
        yield LogFeed(self.desk.view.reading, id="log")
        yield Line(id="connections-title", classes="title")
        yield Table[ConnectionKey](COLUMNS, id="connections", ascii_only=self.palette.ascii)

    @property
    def feed(self) -> LogFeed:
        """The log with its title."""
        return self.query_one(LogFeed)

    @property
    def table(self) -> Table[ConnectionKey]:
        """The connections."""
        return self.query_one("#connections", Table)

    def main_widget(self) -> Widget:
        """The lines have the focus, or the connections."""
        return self.table if self.desk.view.reading.connections else self.feed.view

    def on_mount(self) -> None:
        """Start with the lines."""
        self._choose()

    def only(self, service: str = "", source: str = "", back: str = "") -> None:
        """The lines of one service of the log `source`; of all without one.  `back` is where escape leads."""
        self._way, self._back = None, back
        if (self.feed.service, self.feed.source) != (service, source):
            self.feed.service, self.feed.source = service, source
            self.repaint()

    def on_key(self, event: KeyEvent) -> None:
        """Escape goes back to the list of connections, or, once nothing is filtered, to where one service's
        log was asked for."""
        if event.key != "escape" or isinstance(self.focused, Input):
            return
        if self._way is not None:
            go = self._go_back
        elif self.feed.service and not self.kept.filter:
            go = self._leave_one
        else:
            return
        event.stop()
        event.prevent_default()
        go()

    def _leave_one(self) -> None:
        back = self._back
        self.only()
        if back:
            self.call_later(self.app.run_action, f"app.pane('{back}')")

    def refresh_body(self, changes: Changes) -> None:
        """Take new lines."""
        feed, reading = self.feed, self.desk.view.reading
        if self._way is not None and self.kept.filter != self._way.words:  # another filter: another errand
            feed.service, feed.source = self._way.scope
            self._way = None
        feed.sought, feed.faults = self.filter, self.kept.faults
        feed.marked = Filter("") if self.filter else self.sought
        if not reading.connections:
            feed.take(changes)
        elif changes.log:
            self._paint_soon()

    def _choose(self) -> None:
        """Show lines or connections, as it is wanted."""
        connections = self.desk.view.reading.connections
        self.feed.set_class(connections, "-hidden")
        for each in (self.table, self.query_one("#connections-title")):
            each.set_class(not connections, "-hidden")
        self.set_focus(self.main_widget())

    # -- connections ----------------------------------------------------------------------------

    def _paint_connections(self) -> None:
        self._painted_at = time.monotonic()
        reading, service = self.desk.view.reading, self.feed.service
        told = self._connections.look(self.store.logbook)
        told = [each for each in told if service in ("", each.connection.service)]
        own = 0 if reading.own else sum(each.connection.own_probe for each in told)
        if own:
            told = [each for each in told if not each.connection.own_probe]
        rows = self._rows.rows(told, self.palette, self.filter, faults=self.kept.faults)
        table = self.table
        table.empty = Text("no connection in the lines that are held", self.palette.muted)
        table.set_rows(rows)
        parts = ["connections", service or "all", _ORDER, counted(len(rows), "connection")]
        parts += [f"{own} of our own probes folded"] if own else []
        self.query_one("#connections-title", Line).show(render.rule(parts, self.size.width, self.palette))

    def repaint(self) -> None:
        """Somebody has asked: the connections do not wait."""
        self._painted_at = float("-inf")
        super().repaint()

    def _paint_soon(self) -> None:
        """Paint the connections, but not at every ring: thousands are put in order each time."""
        wait = self._painted_at + _PAUSE - time.monotonic()
        if wait <= 0:
            self._paint_connections()
        elif self._later is None:
            self._later = self.set_timer(wait, self._paint_late)

    def _paint_late(self) -> None:
        self._later = None
        if self.is_current and self.desk.view.reading.connections:
            self._paint_connections()

    def action_connections(self) -> None:
        """Lines, or whole connections."""
        if self._way is not None:
            self._go_back()
            return
        reading = self.desk.view.reading
        reading.connections = not reading.connections
        self._choose()
        self.repaint()

    @on(Table.RowSelected)
    def _selected(self, event: Table.RowSelected[ConnectionKey]) -> None:
        """The lines of one connection: those of its log that name its id or its client."""
        _, source, log_id, peer, _ = event.key
        words = f"#{log_id}" if log_id else peer
        feed = self.feed
        self._way = _Way(words, self.kept.filter, (feed.service, feed.source), event.key)
        feed.source = source
        self._show(words, connections=False)

    def _go_back(self) -> None:
        """From the lines of one connection to the list, on its row."""
        if self._way is not None:
            way, self._way = self._way, None
            self.feed.service, self.feed.source = way.scope
            self._show(way.before, connections=True)
            self.table.move_to(way.row)

    def _show(self, words: str, *, connections: bool) -> None:
        """Lines or connections that have these words."""
        self.desk.view.reading.connections = connections
        self.kept.filter = words
        entry = self.query_one("#filter", Input)
        entry.value = words
        entry.set_class(bool(words), "-shown")
        self._choose()
        self.repaint()

    # -- looking for something ------------------------------------------------------------------

    def action_next_error(self, step: int) -> None:
        """Go to the next error, or to the one before."""
        if not self.feed.next_error(step):
            self.say("no more errors")

    def action_match(self, step: int) -> None:
        """Go to the next or previous line that has the words looked for."""
        if not self.sought:
            self.say("nothing is looked for: / takes words")
        elif not self.feed.next_match(step, self.sought):
            self.say("nothing more")

    def action_go_to_time(self) -> None:
        """Ask for a time, and show the first line at or after it; older lines are fetched for it."""

        def wrong(text: str) -> str:
            return "" if moment(text, self.store.now) is not None else f"not a time; {HELP}"

        def take(text: str | None) -> None:
            at = moment(text, self.store.now) if text else None
            if at is not None:
                self.run_worker(self._go(at), group="older", exclusive=True)

        self.app.push_screen(EntryScreen("go to a time", HELP, wrong), take)

    async def _go(self, at: float) -> None:
        said = await self.desk.older(at)
        self.repaint()
        if not self.feed.go_to(at):
            self.say("no line is as late as that")
        elif said:
            self.say(said)

    def action_older(self) -> None:
        """Fetch older lines."""
        self.run_worker(self._older(), group="older", exclusive=True)

    async def _older(self) -> None:
        said = await self.desk.older(None)
        self.say(said or "older lines are here")

    # -- what is shown --------------------------------------------------------------------------

    def action_faults(self) -> None:
        """Warnings and errors only, or everything."""
        self.kept.faults = not self.kept.faults
        self.repaint()

    def action_level(self) -> None:
        """Down to which level of stunnel's."""
        reading = self.desk.view.reading
        at = LEVELS.index(reading.level) if reading.level in LEVELS else 0
        reading.level = LEVELS[(at + 1) % len(LEVELS)]
        self.repaint()

    def action_own(self) -> None:
        """Show or fold the lines of our own probes."""
        self.desk.view.reading.own = not self.desk.view.reading.own
        self.repaint()

    def action_follow(self) -> None:
        """Follow the end, or stay."""
        self.feed.view.follow = not self.feed.view.follow
        self.repaint()

    def action_wrap(self) -> None:
        """Wrap long lines, or let them run out of sight."""
        self.feed.view.wrap = not self.feed.view.wrap

    def clip(self) -> tuple[str, str] | None:
        """What `y` copies: the lines that are held and shown."""
        if self.desk.view.reading.connections:
            return None
        lines = [f"{render.log_plain(each.line)}\n" for each in self.feed.view.items if each.line]
        return (counted(len(lines), "line"), "".join(lines)) if lines else None

    # -- other programs -------------------------------------------------------------------------

    def action_pager(self) -> None:
        """Open the file of the line in $PAGER, at its end."""
        self._open(os.environ.get("PAGER") or "less", "+G")

    def action_editor(self) -> None:
        """Open the file of the line in $EDITOR."""
        self._open(os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi", "+")

    def _open(self, program: str, at_end: str) -> None:
        line = self.feed.here
        if line is None or line.source.startswith(JOURNAL):
            self.say("no file here: that is a journal, see journalctl" if line else "no line here")
            return
        try:
            argv = shlex.split(program)
        except ValueError:
            argv = []
        if not argv or shutil.which(argv[0]) is None:
            self.say(f"cannot run {printable(program, 60) or 'nothing'}: set $PAGER or $EDITOR")
            return
        ends = [at_end] if os.path.basename(argv[0]) in {"less", "vi", "vim", "nvim"} else []
        with self.app.suspend():
            done = subprocess.run([*argv, *ends, line.source], check=False)
        self.app.refresh(layout=True)
        if done.returncode:
            self.say(f"{printable(argv[0], 60)} ended with {done.returncode}")
