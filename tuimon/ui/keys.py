"""Every key of the screen: what it does, where, and in which words the help says it.

Rule: one table.  Bindings, the line of hints and the help are made from it, so they cannot disagree.
Never ctrl-a, ctrl-b (tmux, screen), ctrl-s or ctrl-q (XON/XOFF).  Whoever binds a key binds it by an id
of this table, so that the settings can give it another one (see `keymap`).
"""

from collections.abc import Mapping
from typing import NamedTuple

from textual.binding import Binding, BindingType


class Key(NamedTuple):
    """One action: its id (for remapping), keys (comma separated), the action's name, a word for the
    line of hints (empty: not shown there; the key is put before it), a sentence for the help, and the
    help's group.  Keys with the same sentence stand on one line of the help."""

    id: str
    keys: str
    action: str
    hint: str
    help: str
    group: str

    def binding(self, action: str = "") -> BindingType:
        """As Textual wants it; `action` is what a widget calls it where the table names none."""
        # These are taken before others are looked at: what was typed ahead is for what they lead to.
        first = self.action in _ASKING or self.action.startswith("pane(")
        return Binding(self.keys, action or self.action, self.help, show=False, id=self.id, priority=first)


_ASKING = ("filter", "command_palette", "go_to_time")
"""What leads to a line that is typed into."""

NAMES = {
    "question_mark": "?",
    "slash": "/",
    "exclamation_mark": "!",
    "escape": "esc",
    "less_than_sign": "<",
    "greater_than_sign": ">",
    "comma": ",",
    "full_stop": ".",
    "colon": ":",
    "plus": "+",
    "ctrl+c": "ctrl-c",
    "ctrl+p": "ctrl-p",
    "ctrl+d": "ctrl-d",
    "ctrl+u": "ctrl-u",
    "pageup": "PgUp",
    "pagedown": "PgDn",
    "tab": "Tab",
    "shift+tab": "shift-Tab",
    "down": "↓",
    "up": "↑",
    "left": "←",
    "right": "→",
    "home": "Home",
    "end": "End",
    "asterisk": "*",
}
"""Keys that a person writes otherwise than Textual does."""

APP = (
    Key("app.services", "1", "pane('services')", "services", "services, worst first", "Screens"),
    Key("app.log", "2", "pane('log')", "log", "log of all services, merged by time", "Screens"),
    Key("app.certificates", "3", "pane('certificates')", "certs", "certificates, soonest first", "Screens"),
    Key("app.actions", "a", "actions", "", "action log: what was done, and how it ended", "Screens"),
    Key("app.help", "question_mark", "help", "help", "every key, and what the signs mean", "Screens"),
    Key("app.palette", "colon,ctrl+p", "command_palette", "", "command palette", "Screens"),
    Key("app.mouse", "M", "mouse", "", "mouse on or off: off, the terminal selects by itself", "Screens"),
    Key("app.quit", "q,ctrl+c", "quit", "quit", "quit", "Screens"),
)
"""Everywhere."""

LIST = (
    Key("list.open", "enter", "open", "details", "details of the row", "Table"),
    Key(
        "list.filter",
        "slash",
        "filter",
        "filter",
        "filter: words in any order, ! excludes; again recalls it",
        "Table",
    ),
    Key("list.faults", "z", "faults", "faults", "faults only", "Table"),
    Key("list.sort", "greater_than_sign,full_stop", "sort(1)", "", "sort by the next column", "Table"),
    Key("list.sort_back", "less_than_sign,comma", "sort(-1)", "", "sort by the column before", "Table"),
    Key("list.invert", "I", "invert", "", "turn the order round", "Table"),
    Key("list.next", "n", "match(1)", "", "next row that matches, or that is at fault", "Table"),
    Key("list.previous", "N", "match(-1)", "", "the one before", "Table"),
    Key("list.columns", "c", "columns", "", "choose the columns", "Table"),
    Key("list.probe", "p", "probe", "probe", "probe the service now", "Table"),
    Key("list.log", "L", "only_log", "", "its log: the lines of this service alone", "Table"),
    Key("list.copy", "y", "copy", "", "copy the row", "Table"),
    Key("list.pem", "Y", "copy_pem", "", "copy its certificate as PEM", "Table"),
    Key("list.save", "S", "save", "", "save to a file what y copies", "Table"),
    Key("list.export", "X", "export", "", "export the table as CSV or JSON", "Table"),
    Key("list.bundle", "b", "bundle", "", "incident bundle: all about its instance for a ticket", "Table"),
    Key("list.zoom", "plus", "zoom", "", "zoom: the table alone, without the log", "Table"),
    Key("list.pane", "tab", "next_pane", "", "go to the other pane", "Table"),
)
"""Services and certificates."""

ACTIONS = (
    Key(
        "action.reload",
        "r",
        "act('reload')",
        "reload",
        "reload: what would come of it, then the question",
        "Actions",
    ),
    Key(
        "action.restart",
        "R",
        "act('restart')",
        "restart",
        "restart the instance; sessions are cut off",
        "Actions",
    ),
    Key("action.start", "s", "act('start')", "", "start an instance that does not run", "Actions"),
    Key("action.stop", "x", "act('stop')", "", "stop the instance; sessions are cut off", "Actions"),
)
"""What changes something; each opens a dialog that stands on Cancel."""

CERTIFICATE = (
    Key("certificate.group", "i", "group", "", "by what to do first, or by the order alone", "Certificates"),
    Key("certificate.fingerprint", "f", "fingerprint", "", "copy the SHA-256 fingerprint", "Certificates"),
    Key("certificate.openssl", "O", "openssl", "", "copy the openssl command that shows it", "Certificates"),
)
"""Of certificates alone."""

RENEWALS = ACTIONS[:2]
"""What makes instances load a certificate that was renewed."""

MOVES = (
    Key("move.down", "j,down", "", "", "one line down", "Moving"),
    Key("move.up", "k,up", "", "", "one line up", "Moving"),
    Key("move.page_up", "pageup", "", "", "by a page", "Moving"),
    Key("move.page_down", "pagedown", "", "", "by a page", "Moving"),
    Key("move.half_up", "ctrl+u", "", "", "by half a page", "Moving"),
    Key("move.half_down", "ctrl+d", "", "", "by half a page", "Moving"),
    Key("move.first", "g,home", "", "", "first line, last line", "Moving"),
    Key("move.last", "G,end", "", "", "first line, last line", "Moving"),
    Key("move.left", "h,left", "", "", "sideways in the log", "Moving"),
    Key("move.right", "l,right", "", "", "sideways in the log", "Moving"),
)
"""Bound by widgets and pages, each with an action of its own: see `bound`."""

MARKS = (
    Key("mark.row", "space", "", "", "mark the row, all shown, none", "Moving"),
    Key("mark.all", "asterisk", "", "", "mark the row, all shown, none", "Moving"),
    Key("mark.none", "u", "", "", "mark the row, all shown, none", "Moving"),
)
"""Bound by the table."""

LOG = (
    Key(
        "log.filter",
        "slash",
        "filter",
        "filter",
        "filter: words in any order, ! excludes; again recalls it",
        "Log",
    ),
    Key("log.next", "n", "match(1)", "", "next line that has the words of the filter, on or off", "Log"),
    Key("log.previous", "N", "match(-1)", "", "the one before", "Log"),
    Key("log.connections", "v", "connections", "connections", "lines, or whole connections", "Log"),
    Key("log.time", "t", "go_to_time", "time", "go to a time; older files are read for it", "Log"),
    Key("log.older", "O", "older", "", "read further back, also in .1 and .gz", "Log"),
    Key("log.level", "L", "level", "", "all levels, up to 5, 4 or 3", "Log"),
    Key("log.next_error", "e", "next_error(1)", "", "next error", "Log"),
    Key("log.previous_error", "E", "next_error(-1)", "", "previous error", "Log"),
    Key("log.faults", "z", "faults", "errors", "only warnings and errors", "Log"),
    Key("log.own", "o", "own", "probes", "show or fold our own probes", "Log"),
    Key("log.follow", "F", "follow", "follow", "follow the end, or stay", "Log"),
    Key("log.pager", "P", "pager", "", "the file of the line in $PAGER", "Log"),
    Key("log.editor", "V", "editor", "", "the file of the line in $EDITOR", "Log"),
    Key("log.copy", "y", "copy", "", "copy the lines that are shown", "Log"),
    Key("log.save", "S", "save", "", "save them to a file", "Log"),
    Key("log.wrap", "w", "wrap", "wrap", "wrap long lines", "Log"),
)
"""The log."""

LINES = tuple(key for key in LOG if key.id in {"log.follow", "log.wrap"})
"""What the lines of a log know wherever they are shown."""

DETAIL = (
    Key("detail.back", "escape,backspace", "back", "back", "back", "Details"),
    Key("detail.open", "enter", "open", "certificate", "the service's certificate", "Details"),
    Key("detail.log", "L", "only_log", "", "its log: the lines of this service alone", "Details"),
    Key("detail.probe", "p", "probe", "probe", "probe the service now", "Details"),
    Key("detail.copy", "y", "copy", "copy", "copy these details", "Details"),
    Key(
        "detail.bundle", "b", "bundle", "", "incident bundle: all about its instance for a ticket", "Details"
    ),
    Key("detail.save", "S", "save", "", "save these details to a file", "Details"),
    Key("detail.pem", "Y", "copy_pem", "copy PEM", "copy the certificate as PEM", "Details"),
)
"""Details of a service or a certificate."""


HELP = (Key("help.back", "escape,q,enter", "dismiss", "", "leave this page", "Screens"),)
"""The help itself, besides the key that opened it."""

DIALOG = (
    Key("dialog.choose", "enter", "", "", "take the word in brackets; it starts on Cancel", "Dialogs"),
    Key("dialog.next", "tab,right,l", "", "", "the next word", "Dialogs"),
    Key("dialog.previous", "shift+tab,left,h", "", "", "the word before", "Dialogs"),
    Key("dialog.leave", "escape,q", "", "", "leave; what was begun goes on", "Dialogs"),
    Key("dialog.copy", "y", "", "", "copy the commands", "Dialogs"),
)
"""The dialog of an action."""

DIALOG_MOVES = tuple(
    key for key in MOVES if key.id.partition("_")[0] in {"move.down", "move.up", "move.page", "move.half"}
)
"""How its report is scrolled; sideways it goes from word to word."""

TABLES = (APP, HELP, LIST, CERTIFICATE, ACTIONS, MOVES, MARKS, LOG, DETAIL, DIALOG)
"""Every table, in the order of the help."""

_BY_ID = {key.id: key for table in TABLES for key in table}


def bindings(*tables: tuple[Key, ...]) -> list[BindingType]:
    """The bindings of these tables."""
    return [key.binding() for table in tables for key in table]


def bound(actions: Mapping[str, str]) -> list[BindingType]:
    """The bindings of a widget or a dialog: its own action for each id of the tables."""
    return [_BY_ID[each].binding(action) for each, action in actions.items()]
