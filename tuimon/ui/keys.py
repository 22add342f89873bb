"""Every key of the screen: what it does, where, and in which words the help says it.

Rule: one table.  Bindings, the line of hints and the help are made from it, so they cannot disagree.
Never ctrl-a, ctrl-b (tmux, screen), ctrl-s or ctrl-q (XON/XOFF).
"""

from typing import NamedTuple

from textual.binding import Binding, BindingType


class Key(NamedTuple):
    """One action: its id (for remapping), keys (comma separated), the action's name, a word for the
    line of hints (empty: not shown there), a sentence for the help, and the help's group."""

    id: str
    keys: str
    action: str
    hint: str
    help: str
    group: str

    @property
    def shown(self) -> str:
        """The keys as a person writes them."""
        return " ".join(_NAMES.get(key, key) for key in self.keys.split(","))

    def binding(self) -> BindingType:
        """As Textual wants it."""
        # These are taken before others are looked at: what was typed ahead is for what they lead to.
        first = self.action == "filter" or self.action.startswith("pane(")
        return Binding(self.keys, self.action, self.help, show=False, id=self.id, priority=first)


_NAMES = {
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
    "down": "↓",
    "up": "↑",
    "left": "←",
    "right": "→",
    "home": "Home",
    "end": "End",
    "asterisk": "*",
}

APP = (
    Key("app.services", "1", "pane('services')", "1 services", "services, worst first", "Screens"),
    Key("app.log", "2", "pane('log')", "2 log", "log of all services, merged by time", "Screens"),
    Key("app.certificates", "3", "pane('certificates')", "3 certs", "certificates, soonest first", "Screens"),
    Key("app.actions", "a", "actions", "", "action log: what was done, and how it ended", "Screens"),
    Key("app.help", "question_mark", "help", "? help", "this page", "Screens"),
    Key("app.palette", "ctrl+p,colon", "command_palette", "", "command palette", "Screens"),
    Key("app.quit", "q,ctrl+c", "quit", "q quit", "quit", "Screens"),
)
"""Everywhere."""

LIST = (
    Key("list.open", "enter", "open", "enter details", "details of the row", "Table"),
    Key(
        "list.filter",
        "slash",
        "filter",
        "/ filter",
        "filter rows; ! in front inverts; empty shows all",
        "Table",
    ),
    Key("list.faults", "z", "faults", "z faults", "faults only", "Table"),
    Key("list.sort", "greater_than_sign,full_stop", "sort(1)", "", "sort by the next column", "Table"),
    Key("list.sort_back", "less_than_sign,comma", "sort(-1)", "", "sort by the column before", "Table"),
    Key("list.invert", "I", "invert", "", "turn the order round", "Table"),
    Key("list.probe", "p", "probe", "p probe", "probe the service now", "Table"),
    Key("list.copy", "y", "copy", "", "copy the row", "Table"),
    Key("list.pem", "Y", "copy_pem", "", "copy its certificate as PEM", "Table"),
    Key("list.zoom", "plus", "zoom", "", "the table alone, without the log", "Table"),
    Key("list.pane", "tab", "next_pane", "", "go to the other pane", "Table"),
)
"""Services and certificates."""

ACTIONS = (
    Key(
        "action.reload",
        "r",
        "act('reload')",
        "r reload",
        "reload: what would come of it, then the question",
        "Actions",
    ),
    Key(
        "action.restart",
        "R",
        "act('restart')",
        "R restart",
        "restart the instance; sessions are cut off",
        "Actions",
    ),
    Key("action.start", "s", "act('start')", "", "start an instance that does not run", "Actions"),
    Key("action.stop", "x", "act('stop')", "", "stop the instance; sessions are cut off", "Actions"),
)
"""What changes something; each opens a dialog that stands on Cancel."""

RENEWALS = ACTIONS[:2]
"""What makes instances load a certificate that was renewed."""

MOVES = (
    Key("move.down", "j,down", "", "", "one line down", "Moving"),
    Key("move.up", "k,up", "", "", "one line up", "Moving"),
    Key("move.page", "pageup,pagedown", "", "", "by a page", "Moving"),
    Key("move.half_page", "ctrl+u,ctrl+d", "", "", "by half a page", "Moving"),
    Key("move.ends", "g,home,G,end", "", "", "first line, last line", "Moving"),
    Key("move.sideways", "h,left,l,right", "", "", "sideways in the log", "Moving"),
    Key("move.mark", "space,asterisk,u", "", "", "mark the row, all shown, none", "Moving"),
)
"""Bound by the widgets themselves; named here for the help."""

LOG = (
    Key(
        "log.filter",
        "slash",
        "filter",
        "/ filter",
        "filter lines; ! in front inverts; empty shows all",
        "Log",
    ),
    Key("log.next_error", "e", "next_error(1)", "e error", "next error", "Log"),
    Key("log.previous_error", "E", "next_error(-1)", "", "previous error", "Log"),
    Key("log.faults", "z", "faults", "z errors", "only warnings and errors", "Log"),
    Key("log.own", "o", "own", "o probes", "show or fold our own probes", "Log"),
    Key("log.follow", "F", "follow", "F follow", "follow the end, or stay", "Log"),
    Key("log.wrap", "w", "wrap", "w wrap", "wrap long lines", "Log"),
)
"""The log."""

DETAIL = (
    Key("detail.back", "escape,backspace", "back", "esc back", "back", "Details"),
    Key("detail.open", "enter", "open", "enter certificate", "the service's certificate", "Details"),
    Key("detail.probe", "p", "probe", "p probe", "probe the service now", "Details"),
    Key("detail.copy", "y", "copy", "y copy", "copy these details", "Details"),
    Key("detail.pem", "Y", "copy_pem", "Y copy PEM", "copy the certificate as PEM", "Details"),
)
"""Details of a service or a certificate."""


def bindings(*tables: tuple[Key, ...]) -> list[BindingType]:
    """The bindings of these tables."""
    return [key.binding() for table in tables for key in table]


def hints(*tables: tuple[Key, ...]) -> list[str]:
    """The words of the line of hints."""
    return [key.hint for table in tables for key in table if key.hint]
