"""Log: all services merged by time, followed live, as lines or put together to connections."""

from typing import ClassVar, NamedTuple

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.events import Key as KeyEvent
from textual.widget import Widget
from textual.widgets import Input

from tuimon.model.tunnel import JOURNAL
from tuimon.store import Changes
from tuimon.text import counted
from tuimon.ui import programs, render
from tuimon.ui.connection_list import ConnectionList
from tuimon.ui.connection_rows import ConnectionKey
from tuimon.ui.filtering import Filter
from tuimon.ui.keys import LOG, bindings
from tuimon.ui.log_feed import LEVELS, LogFeed
from tuimon.ui.moments import HELP, moment
from tuimon.ui.screens.entry import EntryScreen
from tuimon.ui.screens.pane import Pane
from tuimon.ui.view import Kept
from tuimon.ui.widgets.table import Table


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
        self._way: _Way | None = None
        self._back = ""

    @property
    def kept(self) -> Kept:
        """How the log is arranged."""
        return self.desk.view.log

    def body(self) -> ComposeResult:
        """The lines, or the connections."""
        yield LogFeed(self.desk.view.reading, id="log")
        yield ConnectionList(self.desk.view.reading, ascii_only=self.palette.ascii)

    @property
    def feed(self) -> LogFeed:
        """The log with its title."""
        return self.query_one(LogFeed)

    @property
    def connections(self) -> ConnectionList:
        """The connections with their title."""
        return self.query_one(ConnectionList)

    def main_widget(self) -> Widget:
        """The lines have the focus, or the connections."""
        return self.connections.table if self.desk.view.reading.connections else self.feed.view

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
            listed = self.connections
            listed.service, listed.sought, listed.faults = feed.service, self.filter, self.kept.faults
            listed.paint_soon()

    def _choose(self) -> None:
        """Show lines or connections, as it is wanted."""
        connections = self.desk.view.reading.connections
        self.feed.set_class(connections, "-hidden")
        self.connections.set_class(not connections, "-hidden")
        self.set_focus(self.main_widget())

    # -- connections ----------------------------------------------------------------------------

    def repaint(self) -> None:
        """Somebody has asked: the connections do not wait."""
        self.connections.hurry()
        super().repaint()

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
            self.connections.table.move_to(way.row)

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
        self._open(programs.pager(), "+G")

    def action_editor(self) -> None:
        """Open the file of the line in $EDITOR."""
        self._open(programs.editor(), "+")

    def _open(self, program: str, at_end: str) -> None:
        line = self.feed.here
        if line is None or line.source.startswith(JOURNAL):
            self.say("no file here: that is a journal, see journalctl" if line else "no line here")
        elif said := programs.open_file(self.app, program, line.source, at_end):
            self.say(said)
