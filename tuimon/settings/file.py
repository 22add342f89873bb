"""The settings file: found, read, and turned into `Settings` or into sentences that say what is wrong.

Rule: a wrong file is named with the line, the setting and what is allowed, and never gives a traceback.
"""

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from tuimon.patience import whole
from tuimon.settings import Settings
from tuimon.text import printable

if TYPE_CHECKING:
    from tuimon.settings.mistakes import Mistake
    from tuimon.settings.places import Path as Place

_LARGEST = 1 << 20  # bytes

Check = Callable[[Settings], Iterable[tuple[str, str]]]
"""What else may be wrong with the keys: the action and why."""


class SettingsError(Exception):
    """The settings file cannot be used; the message is one sentence for the user.

    `sentences` has one for each mistake.
    """

    def __init__(self, first: str, *others: str, more: str = "") -> None:
        super().__init__(first + more)
        self.sentences = (first, *others)


def default_path() -> Path:
    """`$XDG_CONFIG_HOME/tuimon/settings.toml`; the file need not exist."""
    base = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    return Path(base) / "tuimon" / "settings.toml"


def load(path: str | None = None, check_keys: Check | None = None) -> Settings:
    """Read settings from `path`, or from the default place if it exists.

    Raises `SettingsError`, which names the file and what is wrong in it.
    """
    file = Path(path) if path else default_path()
    shown = printable(str(file))
    try:
        text = whole(file, _LARGEST).decode("utf-8-sig")
    except FileNotFoundError:
        if path is None:
            return Settings()
        raise SettingsError(f"no such settings file: {shown}") from None
    except OSError as error:
        raise SettingsError(f"cannot read the settings file {shown}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise SettingsError(f"{shown} is not UTF-8 (byte {error.start})") from None
    return parse(text, shown, check_keys)


def parse(text: str, file: str, check_keys: Check | None = None) -> Settings:
    """The settings of a TOML text; `file` is what the sentences call it."""
    import tomllib  # noqa: PLC0415 - most have no file

    from tuimon.settings.mistakes import Mistake, mistakes  # noqa: PLC0415
    from tuimon.settings.places import lines  # noqa: PLC0415

    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{file} is not valid TOML: {printable(str(error))}") from None
    places = _flat_keys(document)
    found = mistakes(document)
    wrong = {each.path for each in found}
    settings = msgspec.convert(_sound_keys(document, wrong) if found else document, Settings)
    if check_keys and settings.keys:
        found += [Mistake(("keys", name), f"keys.{name}: {why}") for name, why in check_keys(settings)]
    if found:
        raise _error(found, file, lines(text), places)
    return settings


def _sound_keys(document: dict[str, Any], wrong: "set[Place]") -> dict[str, Any]:
    """Only the keys that are written as they should be: what else is wrong hides no conflict of theirs."""
    keys = document.get("keys")
    if not isinstance(keys, dict):
        return {}
    return {"keys": {name: value for name, value in keys.items() if ("keys", name) not in wrong}}


def _flat_keys(document: dict[str, Any]) -> "dict[str, Place]":
    """Make `list.sort = "S"` under [keys] what `"list.sort" = ["S"]` says; returns where each stood."""
    keys = document.get("keys")
    if not isinstance(keys, dict):
        return {}
    places: dict[str, Place] = {}
    flat: dict[str, object] = {}

    def walk(table: dict[str, Any], above: tuple[str, ...]) -> None:
        for name, value in table.items():
            path = (*above, name)
            if isinstance(value, dict):
                walk(value, path)
            else:
                flat[".".join(path)] = [value] if isinstance(value, str) else value
                places[".".join(path)] = ("keys", *path)

    walk(keys, ())
    document["keys"] = flat
    return places


def _error(
    found: "list[Mistake]", file: str, known: "dict[Place, int]", places: "dict[str, Place]"
) -> SettingsError:
    """One sentence a mistake, each with the file and its line; in the order of the file."""
    told = []
    for path, text in found:
        here = places.get(str(path[1]), path) if path[:1] == ("keys",) and len(path) > 1 else path
        told.append((known.get(here, 1), printable(text)))
    told.sort(key=lambda each: each[0])
    others = ", ".join(str(line) for line in dict.fromkeys(line for line, _ in told[1:]))
    more = f" (more is wrong: line {others})" if len(told) > 1 else ""
    return SettingsError(*(f"{file}:{line}: {text}" for line, text in told), more=more)
