"""The settings file that `tuimon settings` prints: every setting with its default, and what it means.

Rule: made from the types in `tuimon.settings` alone, so that no second list can rot; what is printed,
read again, is exactly the defaults.
"""

import textwrap
from collections.abc import Iterable, Iterator
from enum import Enum
from typing import Any, NamedTuple

import msgspec
from msgspec import inspect

from tuimon.settings import Settings
from tuimon.settings.mistakes import TEXT, allowed

_WIDTH = 90
_ASIDE = 40  # where what a value may be begins, after it


class KeyRow(NamedTuple):
    """An action whose keys can be set, as the table of keys has it."""

    name: str
    keys: tuple[str, ...]
    help: str


def sample(in_force: str, keys: Iterable[KeyRow]) -> str:
    """The whole file; `in_force` says which settings file counts here."""
    return "\n".join(_lines(in_force, keys)) + "\n"


def _lines(in_force: str, keys: Iterable[KeyRow]) -> Iterator[str]:
    yield "# All settings of tuimon with their defaults.  Keep what you change; the rest may be left out."
    yield f"# {in_force}"
    fields = inspect.type_info(Settings).fields  # type: ignore[attr-defined]
    tables = [each for each in fields if _table(each) or each.name in {"services", "keys"}]
    for each in fields:
        if each not in tables:
            yield ""
            yield from _field(each)
    for each in tables:
        yield ""
        if each.name == "keys":
            yield from _keys(each, keys)
        else:
            yield from _section(each)


def _table(field: inspect.Field) -> inspect.StructType | None:
    """The struct behind a table, or behind an array of tables."""
    kind = field.type.item_type if isinstance(field.type, inspect.VarTupleType) else field.type
    return kind if isinstance(kind, inspect.StructType) else None


def _section(field: inspect.Field) -> Iterator[str]:
    struct = _table(field)
    if struct is None:
        return
    many = isinstance(field.type, inspect.VarTupleType)
    yield from _comment(" ".join((struct.cls.__doc__ or "").split()))
    yield f"# [[{field.name}]]" if many else f"[{field.name}]"
    for each in struct.fields:
        lines = _field(each, example=many)
        yield from (f"# {line}" if many else line for line in lines)


def _field(field: inspect.Field, *, example: bool = False) -> Iterator[str]:
    """What it means, what it may be, and its default (or an example)."""
    said = (field.type.extra_json_schema or {}) if isinstance(field.type, inspect.Metadata) else {}
    value = said.get("examples", [None])[0] if example else field.default
    words = allowed(field.type)
    assigned = f"{field.name} = {_toml(value)}"
    beside = f"{assigned:{_ASIDE}} # {words}"
    if words == TEXT:
        words, beside = "", assigned
    fits = len(beside) <= _WIDTH
    about = " ".join(filter(None, (said.get("description"), "" if fits else f"({words})")))
    yield from _comment(about)
    if fits:
        yield beside
    elif len(assigned) > _WIDTH and isinstance(field.default, tuple):
        yield f"{field.name} = ["
        items = " ".join(f"{_toml(each)}," for each in value)
        yield from textwrap.wrap(items, _WIDTH, initial_indent="    ", subsequent_indent="    ")
        yield "]"
    else:
        yield assigned


def _keys(field: inspect.Field, keys: Iterable[KeyRow]) -> Iterator[str]:
    said = (field.type.extra_json_schema or {}) if isinstance(field.type, inspect.Metadata) else {}
    yield from _comment(said.get("description", ""))
    yield f"[{field.name}]"
    for each in keys:
        value = _toml(each.keys if len(each.keys) > 1 else each.keys[0])
        yield f"# {f'{each.name} = {value}':{_ASIDE}} # {each.help}"


def _comment(text: str) -> Iterator[str]:
    yield from textwrap.wrap(text, _WIDTH, initial_indent="# ", subsequent_indent="# ")


def _toml(value: Any) -> str:
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_toml, value))}]"
    plain = value.value if isinstance(value, Enum) else value
    return msgspec.json.encode(plain).decode()
