"""Log: all services merged by time, followed live."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widget import Widget

from tuimon.store import Changes
from tuimon.ui.keys import LOG, bindings
from tuimon.ui.log_feed import LogFeed
from tuimon.ui.screens.pane import Pane


class LogScreen(Pane):
    """The log alone."""

    KEYS = LOG
    BINDINGS: ClassVar[list[BindingType]] = bindings(LOG)

    def body(self) -> ComposeResult:
        """The log."""
        yield LogFeed(id="log")

    @property
    def feed(self) -> LogFeed:
        """The log with its title."""
        return self.query_one(LogFeed)

    def main_widget(self) -> Widget:
        """The lines have the focus."""
        return self.feed.view

    def on_mount(self) -> None:
        """Start with the lines."""
        super().on_mount()
        self.set_focus(self.feed.view)

    def refresh_body(self, changes: Changes) -> None:
        """Take new lines."""
        self.feed.needle = self.needle
        if changes.log:
            self.feed.pull()

    def action_next_error(self, step: int) -> None:
        """Go to the next error, or to the one before."""
        self.feed.next_error(step)

    def action_faults(self) -> None:
        """Warnings and errors only, or everything."""
        self.feed.faults = not self.feed.faults
        self.feed.pull()

    def action_own(self) -> None:
        """Show or fold the lines of our own probes."""
        self.feed.own = not self.feed.own
        self.feed.pull()

    def action_follow(self) -> None:
        """Follow the end, or stay."""
        self.feed.view.follow = not self.feed.view.follow
        self.feed.pull()

    def action_wrap(self) -> None:
        """Wrap long lines, or let them run out of sight."""
        self.feed.view.wrap = not self.feed.view.wrap
