"""The keys as they are for this user: the table's, or what the settings put in their place.

Rule: a key means one thing wherever it can be pressed, and none that tmux, screen or the terminal keeps
for itself is taken; a setting that would break this is refused at start.
"""

import difflib
from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct, field
from textual.keys import Keys, _character_to_key

from tuimon.ui import keys as table
from tuimon.ui.keys import NAMES, Key

CONTEXTS: dict[str, tuple[Key, ...]] = {
    "in the services": (*table.APP, *table.LIST, *table.ACTIONS, *table.MOVES, *table.MARKS),
    "in the log under the services": (*table.APP, *table.LIST, *table.ACTIONS, *table.MOVES, *table.LINES),
    "in the certificates": (
        *(*table.APP, *table.LIST, *table.CERTIFICATE, *table.RENEWALS, *table.MOVES, *table.MARKS),
    ),
    "in the log": (*table.APP, *table.LOG, *table.MOVES),
    "in details": (*table.APP, *table.DETAIL, *table.ACTIONS, *table.MOVES),
    "in the help": (*table.HELP, *table.MOVES),
    "in dialogs": (*table.DIALOG, *table.DIALOG_MOVES),
}
"""What can be pressed at the same time; a test compares it with what the screens bind."""

_TAKEN = {
    "ctrl+a": "screen and tmux",
    "ctrl+b": "tmux",
    "ctrl+s": "the terminal (XOFF)",
    "ctrl+q": "the terminal (XON)",
    "ctrl+c": "app.quit, always",
    "ctrl+i": "the terminal (it is Tab)",
    "ctrl+m": "the terminal (it is enter)",
    "ctrl+z": "the shell",
}
_ALWAYS = {"app.quit": "ctrl+c"}
_KNOWN = {each.value for each in Keys} | {f"f{number}" for number in range(1, 13)}
_WRITTEN = {shown.lower(): key for key, shown in NAMES.items() if len(shown) > 1}
_IDS = {key.id: key for each in table.TABLES for key in each}

Problem = tuple[str, str]
"""The action's id in the settings, and what is wrong with it."""


def spelt(key: str) -> str | None:
    """A key as Textual spells it, from how a person writes it (`S`, `ctrl-d`, `PgUp`); None: no key."""
    if len(key) == 1:
        return _character_to_key(key) if key.isprintable() else None
    word = key.lower().replace("-", "+")
    word = _WRITTEN.get(word, word)
    return word if word in _KNOWN else None


class Keymap(Struct, frozen=True):
    """Keys by id, comma separated, where they differ from the table's."""

    changed: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, wanted: Mapping[str, tuple[str, ...]]) -> "Keymap":
        """Of settings that were checked."""
        found = {}
        for name, written in wanted.items():
            always = [_ALWAYS[name]] if name in _ALWAYS else []
            spellings = [key for each in written if (key := spelt(each))]
            found[name] = ",".join(dict.fromkeys([*spellings, *always]))
        return cls(found)

    def keys(self, key: Key) -> list[str]:
        """As Textual spells them."""
        return self.changed.get(key.id, key.keys).split(",")

    def shown(self, *keys: Key) -> str:
        """As a person writes them."""
        return " ".join(
            NAMES.get(each, each.replace("ctrl+", "ctrl-")) for key in keys for each in self.keys(key)
        )

    def first(self, key: Key) -> str:
        """One key for it, as a person writes it."""
        return self.shown(key).partition(" ")[0]

    def hints(self, *tables: Iterable[Key]) -> list[str]:
        """The words of the line of hints: the first key of each, and its word."""
        found = (key for each in tables for key in each if key.hint)
        return [f"{self.first(key)} {key.hint}" for key in found]

    def greeting(self) -> list[str]:
        """What is enough to find everything else."""
        words = {"app.help": "every key", "app.palette": "every action by name", "app.quit": "quit"}
        return [f"{self.first(_IDS[name])} {word}" for name, word in words.items()]


def problems(wanted: Mapping[str, tuple[str, ...]]) -> Iterator[Problem]:
    """What speaks against these keys, each with the id that asks for it."""
    sound = {}
    for name, written in wanted.items():
        if name not in _IDS:
            near = difflib.get_close_matches(name, _IDS, 1, 0.7)
            hint = f"did you mean {near[0]}?" if near else "tuimon settings lists them"
            yield name, f"no action has this name; {hint}"
            continue
        refused = {each: _refused(name, each) for each in written} or {"": "at least one key is wanted"}
        yield from ((name, why) for why in refused.values() if why)
        if fit := tuple(each for each, why in refused.items() if not why):
            sound[name] = fit
    yield from _conflicts(Keymap.of(sound))


def _refused(name: str, written: str) -> str:
    """Why this key cannot be had, or nothing."""
    key = spelt(written)
    if key is None:
        return f'"{written}" is no key; wanted is a character, ctrl-x, f5, enter, esc, space, Tab, PgUp …'
    if key in _TAKEN and _ALWAYS.get(name) != key:
        return f'"{written}" is not free, it belongs to {_TAKEN[key]}'
    return ""


def _conflicts(keymap: Keymap) -> Iterator[Problem]:
    """Each action that would share a key with another one, and the first place of it."""
    told: set[str] = set()
    for where, keys in CONTEXTS.items():
        users: dict[str, Key] = {}
        for key in keys:
            for each in keymap.keys(key):
                other = users.setdefault(each, key)
                asks, holds = (key, other) if key.id in keymap.changed else (other, key)
                if asks is holds or asks.id in told or asks.id not in keymap.changed:
                    continue
                told.add(asks.id)
                yield asks.id, f'"{NAMES.get(each, each)}" is {holds.id} {where} already ({holds.help})'


def rows() -> list[tuple[str, tuple[str, ...], str]]:
    """Every action with its keys as a person writes them, and its sentence: for the settings file."""
    return [
        (key.id, tuple(_written(each) for each in key.keys.split(",")), key.help) for key in _IDS.values()
    ]


def _written(key: str) -> str:
    shown = NAMES.get(key, key)
    return shown if spelt(shown) == key else key.replace("ctrl+", "ctrl-")
