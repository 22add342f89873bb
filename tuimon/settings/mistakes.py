"""What is wrong in a settings file: every mistake, with its place and what would be right.

Rule: sans-IO; what is allowed is read from the types of the settings themselves.
"""

import difflib
import math
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, get_type_hints

import msgspec
from msgspec import Struct, inspect

from tuimon.settings import Settings
from tuimon.settings.places import Path
from tuimon.text import printable

TEXT = "text in quotes"
_LONG = 60  # characters of a wrong value


class Mistake(NamedTuple):
    """Where, and one sentence."""

    path: Path
    text: str


def mistakes(document: dict[str, Any]) -> list[Mistake]:
    """Everything that is wrong in a parsed TOML document, in its order."""
    return list(_of_table(document, Settings, ()))


def allowed(kind: inspect.Type) -> str:
    """What a value of this type may be, in words."""
    match kind:
        case inspect.Metadata(type=inner, extra=extra):
            unit = (extra or {}).get("unit")
            return f"{unit} {allowed(inner)}" if unit else allowed(inner)
        case inspect.UnionType(types=types):
            return allowed(next(each for each in types if not isinstance(each, inspect.NoneType)))
        case inspect.IntType() | inspect.FloatType():
            return _range(kind)
        case inspect.BoolType():
            return "true or false"
        case inspect.EnumType(cls=cls):
            return _one_of(each.value for each in cls)
        case inspect.LiteralType(values=values):
            return _one_of(map(str, values))
        case inspect.VarTupleType(item_type=item):
            return f"a list of {allowed(item)}"
        case inspect.StructType() | inspect.DictType():
            return "a table"
    return TEXT


def _one_of(words: Iterable[str]) -> str:
    quoted = [f'"{each}"' for each in words]
    return f"{', '.join(quoted[:-1])} or {quoted[-1]}"


def _range(kind: inspect.IntType | inspect.FloatType) -> str:
    number = "a whole number" if isinstance(kind, inspect.IntType) else ""
    low = f"above {kind.gt:g}" if kind.gt is not None else f"from {kind.ge:g}" if kind.ge is not None else ""
    high = f"up to {kind.le}" if kind.le is not None else ""
    return " ".join(filter(None, (number, low, high)))


def _plain(kind: inspect.Type) -> inspect.Type:
    """The type without what is said about it."""
    while isinstance(kind, inspect.Metadata):
        kind = kind.type
    return kind


def _of_table(table: dict[str, Any], struct: type[Struct], path: Path) -> Iterator[Mistake]:
    hints = get_type_hints(struct, include_extras=True)
    known = {each.name: each for each in inspect.type_info(struct).fields}  # type: ignore[attr-defined]
    for name, value in table.items():
        if name in known:
            yield from _of_value(value, known[name].type, hints[name], (*path, name))
            continue
        near = difflib.get_close_matches(name, known, 1, 0.7)
        hint = f"did you mean {near[0]}?" if near else f"known here: {', '.join(known)}"
        yield Mistake((*path, name), f"there is no setting {dotted((*path, name))}; {hint}")
    for name, each in known.items():
        if each.required and name not in table:
            yield Mistake(path, f"{dotted(path)} lacks {name}, {allowed(each.type)}")


def _of_value(value: object, kind: inspect.Type, hint: Any, path: Path) -> Iterator[Mistake]:
    """`hint` is what msgspec converts to, `kind` what it says of it."""
    plain = _plain(kind)
    item = plain.item_type if isinstance(plain, inspect.VarTupleType) else None
    if isinstance(plain, inspect.StructType) and isinstance(value, dict):
        yield from _of_table(value, plain.cls, path)
    elif isinstance(item, inspect.StructType) and isinstance(value, list) and _tables(value):
        for number, each in enumerate(value):
            yield from _of_table(each, item.cls, (*path, number))
    elif isinstance(plain, inspect.DictType) and isinstance(value, dict):
        for name, each in value.items():
            if not _fits({name: each}, hint):
                words = f"{dotted((*path, name))} is {_written(each)}; wanted: {allowed(plain.value_type)}"
                yield Mistake((*path, name), words)
    elif not _fits(value, hint):
        near = _near(value, _plain(item) if item else plain)
        yield Mistake(path, f"{dotted(path)} is {_written(value)}; wanted: {allowed(kind)}{near}")


def _tables(values: list[Any]) -> bool:
    return all(isinstance(each, dict) for each in values)


def _fits(value: object, hint: Any) -> bool:
    if isinstance(value, float) and not math.isfinite(value):  # TOML has inf and nan
        return False
    try:
        msgspec.convert(value, hint)
    except msgspec.ValidationError:
        return False
    return True


def _near(value: object, kind: inspect.Type) -> str:
    """What was meant, where one of a few words is wanted."""
    words = [str(each) for each in kind.values] if isinstance(kind, inspect.LiteralType) else []
    wrong = [each for each in (value if isinstance(value, list) else [value]) if each not in words]
    near = [each for word in wrong for each in difflib.get_close_matches(str(word), words, 1)]
    return f"; did you mean {near[0]}?" if near else ""


def dotted(path: Path) -> str:
    """`probes.timeout`; of an array's element as a person counts: `services 1: depth`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f" {part + 1}: "
        else:
            text += part if not text or text.endswith(" ") else f".{part}"
    return printable(text.removesuffix(": "))


def _written(value: object) -> str:
    """A value as TOML has it, cut short."""
    if isinstance(value, dict):
        return "a table"
    text = printable(msgspec.json.encode(value, enc_hook=str).decode())
    return text if len(text) <= _LONG else f"{text[:_LONG]}…"
