"""The log as a pane: a title that says what is shown, and the lines beneath.

Rule: it keeps its own place.  It asks the logbook only for what is new; our own probes are folded
and counted unless asked for, repeats stand in one line, and a new day is told by a rule.
"""

import time
from collections.abc import Iterator
from itertools import takewhile

from msgspec import Struct
from msgspec.structs import replace
from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical

from tuimon.model.log import LogRecord
from tuimon.store import Changes, LogLine
from tuimon.text import counted
from tuimon.ui import render
from tuimon.ui.desk import desk
from tuimon.ui.filtering import Filter
from tuimon.ui.view import Log
from tuimon.ui.widgets.line import Line
from tuimon.ui.widgets.log_view import LogView

_NOISE = frozenset({"No trusted certificates found"})  # said at error level of every service without a CA
_ERROR, _FAULT = 3, 4  # stunnel's levels of errors and of warnings
_LIMIT = 200_000  # lines of the view: what the logbook holds, and what older files were asked for
_QUARTER = 900  # seconds
LEVELS = (7, 5, 4, 3)
"""What `L` goes round through: everything, without debug and info, warnings, errors."""


class Shown(Struct, frozen=True):
    """What stands on a line of the view: a record, said so many `times` in a row, or the rule of a `day`."""

    sequence: int
    line: LogLine | None = None
    times: int = 1
    day: str = ""


class LogFeed(Vertical):
    """Lines of the logbook that pass, newest last; `reading` says how, `sought` what they must have."""

    def __init__(self, reading: Log, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.reading = reading
        self.sought = Filter("")
        self.marked = Filter("")  # what is made to stand out though it hides nothing
        self.faults = False
        self.service = ""
        self.source = ""
        self._seen = -1
        self._generation = -1
        self._folded = self._hidden = 0
        self._look: object = None
        self._width = 8  # of the service column
        self._shared: frozenset[str] = frozenset()  # logs that several processes write

    def compose(self) -> ComposeResult:
        """Title and lines."""
        yield Line(classes="title")
        view = LogView[Shown](self._paint, limit=_LIMIT)
        view.wrap = self.reading.wrap
        yield view

    def on_mount(self) -> None:
        """The title says whether the view follows, whoever changed that."""
        self.watch(self.view, "follow", self._followed, init=False)
        self.watch(self.view, "wrap", self._wrapped, init=False)

    def _followed(self, follow: bool) -> None:
        if follow:  # the next error is looked for from the end again
            self.view.match = None
        self._title()

    def _wrapped(self, wrap: bool) -> None:
        self.reading.wrap = wrap

    def on_resize(self) -> None:
        """The title is as wide as the screen."""
        self._title()

    @property
    def view(self) -> LogView[Shown]:
        """The lines."""
        return self.query_one(LogView)

    def _paint(self, shown: Shown) -> Text:
        palette = desk(self).palette
        if shown.line is None:
            return Text(palette.draw(f"── {shown.day} ──"), palette.muted)
        text = render.log_line(shown.line, palette, self.sought or self.marked, self._width)
        if shown.times > 1:
            text.append(palette.draw(f"  ×{shown.times}"), palette.strong)
        return text

    def _passes(self, line: LogLine) -> bool:
        record, reading = line.record, self.reading
        if (self.service and record.service != self.service) or (self.source and line.source != self.source):
            return False
        if line.own and not reading.own:
            self._folded += 1
            return False
        if record.level is not None and record.level > reading.level:
            return False  # which levels are shown is told by the title
        fault = record.level is None or _is_fault(record, _FAULT)
        if (self.faults and not fault) or (self.sought and not self.sought.passes(words(record))):
            self._hidden += 1
            return False
        return True

    def take(self, changes: Changes) -> None:
        """Show what changed: what lines and title say of the services, and lines that are new."""
        if changes.rows:
            store = desk(self).store
            names = max((len(row.tunnel.service.name) for row in store.rows()), default=8)
            self._width = max(6, min(names, 16))
            found = (row.instance for row in store.instances())
            self._shared = frozenset(each.log for each in found if each.log_sharers)
        if changes.log:
            self._pull()

    def _pull(self) -> None:
        """Take what is new; everything, when the filter or the order before it changed."""
        book, reading = desk(self).store.logbook, self.reading
        asked = (str(self.sought), str(self.marked), self.faults, reading.level, reading.own)
        look = (asked, self.service, self.source, desk(self).palette)
        fresh = look != self._look or book.generation != self._generation
        if fresh:
            self._look, self._generation, self._seen = look, book.generation, -1
            self._folded = self._hidden = 0
        newest = list(takewhile(lambda line: line.sequence > self._seen, reversed(book.lines)))
        newest.reverse()
        if newest:
            self._seen = newest[-1].sequence
        last = None if fresh or not self.view.items else self.view.items[-1]
        shown = list(_arranged(filter(self._passes, newest), last))
        if fresh:
            self.view.replace(shown)
        elif shown:
            if last is not None and shown[0].sequence == last.sequence:
                self.view.amend(shown.pop(0))
            if shown:  # lines that the logbook has let go stay for those who stand still among them
                self.view.extend(shown, oldest=2 * book.lines[0].sequence - 1)
        self._title()

    def _title(self) -> None:
        palette, reading = desk(self).palette, self.reading
        parts = ["log", self.service or self.source or "all"]
        parts.append("following" if self.view.follow else "standing still")
        if self.faults:
            parts.append("warnings and errors only")
        elif reading.level < LEVELS[0]:
            parts.append(f"levels 0 to {reading.level}")
        if self._shared and (not self.source or self.source in self._shared):
            parts.append("ids ambiguous: a log is shared")
        if self._hidden:
            parts.append(f"{counted(self._hidden, 'line')} hidden")
        if self._folded and not reading.own:
            parts.append(f"{counted(self._folded, 'line')} of our own probes folded")
        self.query_one(".title", Line).show(render.rule(parts, max(10, self.size.width), palette))

    # -- looking for something ------------------------------------------------------------------

    def next_error(self, step: int) -> bool:
        """Show the next (1) or previous (-1) error from the one that is marked, if that is on the screen, or
        from what is."""
        lines = (each for each in self.view.items if each.line and _is_fault(each.line.record, _ERROR))
        return self._go([each.sequence for each in lines], step)

    def next_match(self, step: int, sought: Filter) -> bool:
        """Show the next or previous line that has what is sought."""
        lines = (each for each in self.view.items if each.line and sought.passes(words(each.line.record)))
        return self._go([each.sequence for each in lines], step)

    def _go(self, places: list[int], step: int) -> bool:
        view = self.view
        first, last = view.seen
        here = view.match if view.match is not None and first <= view.match <= last else None
        if step > 0:
            found = next((each for each in places if (each >= first if here is None else each > here)), None)
        else:
            places.reverse()
            found = next((each for each in places if (each <= last if here is None else each < here)), None)
        if found is None:
            return False
        view.show_item(found)
        self._title()
        return True

    def go_to(self, moment: float) -> bool:
        """Show the first line at or after a time; False if there is none."""
        found = next((each for each in self.view.items if _at(each) >= moment), None)
        if found is not None:
            self.view.show_item(found.sequence)
            self._title()
        return found is not None

    @property
    def here(self) -> LogLine | None:
        """The line that is marked, else the one at the bottom of what is seen."""
        view = self.view
        marked = next((each for each in view.items if each.sequence == view.match), None)
        item = marked or view.last_seen
        return item.line if item is not None else None


def words(record: LogRecord) -> str:
    """What a filter looks for in a line."""
    return f"{record.service} #{record.id} {record.peer} {record.message}"


def _is_fault(record: LogRecord, level: int) -> bool:
    """Whether a line is as serious as a level, and not what every sound service says."""
    return record.level is not None and record.level <= level and record.message not in _NOISE


def _at(shown: Shown) -> float:
    time_ = shown.line.record.time if shown.line is not None else None
    return time_ if time_ is not None else float("-inf")


def _same(one: LogRecord, other: LogRecord) -> bool:
    """Whether one line says what the other has said, of another connection perhaps."""
    return one.message == other.message and one.service == other.service and one.level == other.level


class _Calendar:
    """The day of each moment; one of the same quarter of an hour as the one before it need not be asked for,
    and no day begins within one, wherever one is."""

    def __init__(self) -> None:
        self._quarter, self._day = -1, ""

    def day(self, record: LogRecord) -> str:
        """The local day of a record, empty where it has no time."""
        if record.time is None:
            return ""
        quarter = int(record.time // _QUARTER)
        if quarter != self._quarter:
            self._quarter = quarter
            self._day = time.strftime("%a %d %b %Y", time.localtime(record.time))
        return self._day


def _arranged(lines: Iterator[LogLine], last: Shown | None) -> Iterator[Shown]:
    """The lines with the rules of days, repeats in one; `last` is what stands before them, and comes first
    with another count if it is repeated."""
    calendar = _Calendar()
    held, before = last, last.line if last is not None else None
    day = calendar.day(before.record) if before is not None else ""
    more = 0  # times that `held` was said besides those it has counted
    for line in lines:
        if before is not None and before.source == line.source and _same(before.record, line.record):
            more += 1
            continue
        if held is not None and (held is not last or more):
            yield replace(held, times=held.times + more) if more else held
        today = calendar.day(line.record)
        if today and today != day:
            if day:
                yield Shown(2 * line.sequence - 1, day=today)
            day = today
        held, before, more = Shown(2 * line.sequence, line), line, 0
    if held is not None and (held is not last or more):
        yield replace(held, times=held.times + more) if more else held
