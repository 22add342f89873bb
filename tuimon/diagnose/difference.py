"""How two texts of one configuration differ: the options of each section, and a unified diff.

Rule: what counts is what stunnel reads; comments and blanks make a diff, and no difference.
"""

from collections.abc import Iterable, Iterator
from difflib import SequenceMatcher
from itertools import islice
from typing import NamedTuple

from tuimon.model.loaded import Change, Edit, SectionEdit
from tuimon.model.service import HEADER, Config, ConfigLine

MAX_DIFF = 200
"""Lines of a diff that are kept."""

_CONTEXT = 2
_MATCHED = 2000  # lines between which the like are looked for; what is longer is shown as replaced
_WIDTH = 300  # characters of a line

_Options = dict[str, tuple[tuple[str, str], ...]]


def compare(loaded: Config, disk: Config, at: float) -> Change | None:
    """How `disk`, changed at `at`, differs from `loaded`; None where it is the same text."""
    old, new = loaded.lines or (), disk.lines or ()
    if list(map(_key, old)) == list(map(_key, new)):
        return None
    before, after = _options(old), _options(new)
    pairs = _pairs(loaded, disk)
    lines = list(_diff(_labelled(loaded), _labelled(disk)))
    return Change(
        at=at,
        globals=_differing(before.get(-1, {}), after.get(-1, {})),
        sections=tuple(_edits(loaded, disk, pairs, before, after)),
        pairs=tuple(pairs.items()),
        diff=tuple(lines[:MAX_DIFF]),
        more=max(0, len(lines) - MAX_DIFF),
    )


def _key(line: ConfigLine) -> tuple[str, str, str]:
    return (line.file, line.text, line.mark)


class _Line(NamedTuple):
    """A line for the diff, with the name of its section: lines of two sections are never the same line."""

    key: tuple[str, str, str, str, int]
    line: ConfigLine
    name: str


# -- what it means ------------------------------------------------------------------------------


def _options(lines: Iterable[ConfigLine]) -> dict[int, _Options]:
    """Of every section the values of its options, in order."""
    found: dict[int, _Options] = {}
    for line in lines:
        if line.option and line.option != HEADER:
            options = found.setdefault(line.section, {})
            value = (line.text.partition("=")[2].strip(), line.mark)
            options[line.option] = (*options.get(line.option, ()), value)
    return found


def _differing(before: _Options, after: _Options) -> tuple[str, ...]:
    return tuple(name for name in {**before, **after} if before.get(name) != after.get(name))


def _names(config: Config) -> dict[int, tuple[str, int]]:
    """Names by ordinal; the second of a name is another one than the first."""
    found: dict[int, tuple[str, int]] = {}
    count: dict[str, int] = {}
    for service in config.services:
        nth = count[service.name] = count.get(service.name, 0) + 1
        found[service.key.ordinal] = (service.name, nth)
    return found


def _pairs(loaded: Config, disk: Config) -> dict[int, int]:
    """Ordinal of a loaded section to that of the same section on disk."""
    there = {name: ordinal for ordinal, name in _names(disk).items()}
    return {ordinal: there[name] for ordinal, name in _names(loaded).items() if name in there}


def _edits(
    loaded: Config,
    disk: Config,
    pairs: dict[int, int],
    before: dict[int, _Options],
    after: dict[int, _Options],
) -> Iterator[SectionEdit]:
    back = {there: here for here, there in pairs.items()}
    for service in disk.services:
        ordinal = service.key.ordinal
        if ordinal not in back:
            yield SectionEdit(Edit.ADDED, service.name, disk=ordinal)
            continue
        names = _differing(before.get(back[ordinal], {}), after.get(ordinal, {}))
        if names:
            yield SectionEdit(Edit.CHANGED, service.name, names, back[ordinal], ordinal)
    for service in loaded.services:
        if service.key.ordinal not in pairs:
            yield SectionEdit(Edit.REMOVED, service.name, loaded=service.key.ordinal)


# -- how it looks -------------------------------------------------------------------------------


def _labelled(config: Config) -> list[_Line]:
    names = _names(config)
    return [
        _Line((*_key(line), *names.get(line.section, ("", 0))), line, names.get(line.section, ("", 0))[0])
        for line in config.lines or ()
    ]


def _diff(old: list[_Line], new: list[_Line]) -> Iterator[str]:
    """One unified diff a file that differs."""
    before, after = _files(old), _files(new)
    for path in {**after, **before}:
        here, there = before.get(path, []), after.get(path, [])
        if [_key(each.line) for each in here] == [_key(each.line) for each in there]:
            continue
        yield f"--- {path}  loaded" if here else "--- /dev/null"
        yield f"+++ {path}  on disk" if there else "+++ /dev/null"
        yield from _hunks(*_trimmed(here, there))


def _files(lines: list[_Line]) -> dict[str, list[_Line]]:
    """The lines of each file once, however often it is included."""
    found: dict[str, dict[int, _Line]] = {}
    for each in lines:
        found.setdefault(each.line.file, {}).setdefault(each.line.line, each)
    return {path: list(each.values()) for path, each in found.items()}


def _trimmed(old: list[_Line], new: list[_Line]) -> tuple[list[_Line], list[_Line]]:
    """Without what is the same at both ends, but for the context."""
    shortest = min(len(old), len(new))
    head = next((i for i in range(shortest) if old[i].key != new[i].key), shortest)
    rest = shortest - head
    tail = next((i for i in range(rest) if old[-1 - i].key != new[-1 - i].key), rest)
    start, end = max(0, head - _CONTEXT), max(0, tail - _CONTEXT)
    return old[start : len(old) - end], new[start : len(new) - end]


def _hunks(old: list[_Line], new: list[_Line]) -> Iterator[str]:
    if max(len(old), len(new)) > _MATCHED:
        groups = [[("replace", 0, len(old), 0, len(new))]]
    else:
        matcher = SequenceMatcher(None, [each.key for each in old], [each.key for each in new])
        groups = [list(group) for group in matcher.get_grouped_opcodes(_CONTEXT)]
    for group in groups:
        (_, i1, _, j1, _), (_, _, i2, _, j2) = group[0], group[-1]
        name = _section(group, old, new)
        yield f"@@ {_range(old, i1, i2, '-')} {_range(new, j1, j2, '+')} @@{f' [{name}]' if name else ''}"
        for word, a1, a2, b1, b2 in group:
            if word == "equal":
                yield from _signed(" ", old[a1:a2])
            else:
                yield from _signed("-", old[a1:a2])
                yield from _signed("+", new[b1:b2])


def _section(group: list[tuple[str, int, int, int, int]], old: list[_Line], new: list[_Line]) -> str:
    """The section of the first line that differs."""
    _, a1, a2, b1, _ = next(each for each in group if each[0] != "equal")
    return old[a1].name if a1 < a2 else new[b1].name


def _range(lines: list[_Line], start: int, end: int, sign: str) -> str:
    first = lines[start].line.line if start < end else (lines[start - 1].line.line if start else 0)
    return f"{sign}{first},{end - start}"


def _signed(sign: str, lines: list[_Line]) -> Iterator[str]:
    for each in islice(lines, MAX_DIFF * 2):
        text = each.line.text
        yield sign + (text if len(text) <= _WIDTH else text[: _WIDTH - 1] + "…")
