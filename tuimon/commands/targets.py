"""TARGETs of a command line against a fleet that was looked at.

Rule: never a guess; what fits nothing or several is one sentence with the candidates.
"""

import os
from collections.abc import Sequence

from tuimon.commands import UsageError
from tuimon.control.target import Match, resolve
from tuimon.model.instance import Instance
from tuimon.patience import is_file, leads_to
from tuimon.settings import Settings
from tuimon.store import InstanceRow, Store
from tuimon.text import printable

_SHOWN = 10


def neighbours(target: str, settings: Settings) -> tuple[str, ...]:
    """PATHs to look at for a target: nothing (everything there is), or for a file that stands elsewhere
    than the fleet its own folder."""
    path = os.path.abspath(target)
    folder = os.path.dirname(path)
    elsewhere = is_file(path) and folder != os.path.abspath(settings.config_folder)
    return (folder,) if elsewhere else ()


def matched(target: str, known: Sequence[Instance]) -> Match:
    """What a target means, as it is written or by the file that it leads to."""
    path = os.path.abspath(target)
    real = leads_to(path)
    as_written = resolve(target, path, known)
    return next((each for each in (as_written, resolve(real, real, known)) if each.key), as_written)


def ambiguous(target: str, match: Match) -> str:
    """The sentence for a target that fits several."""
    return f"{printable(target)} is ambiguous: {', '.join(match.candidates[:_SHOWN])}"


def unknown(target: str, match: Match) -> str:
    """The sentence for a target that fits nothing."""
    like = f"; there is {', '.join(match.similar[:_SHOWN])}" if match.similar else ""
    return f"no such instance: {printable(target)}{like}"


def chosen(store: Store, target: str) -> tuple[InstanceRow, str]:
    """The instance that is meant and its service's name, or an empty one for all of them; a service's name
    alone will do where only one is called so, for whoever touches nothing.

    Raises `UsageError`.
    """
    rows = store.instances()
    match = matched(target, [row.instance for row in rows])
    if match.key is None and not match.candidates:
        match = _named(target, store) or match
    if match.key is not None:
        return next(row for row in rows if row.instance.key == match.key), match.service
    raise UsageError(ambiguous(target, match) if match.candidates else unknown(target, match))


def _named(target: str, store: Store) -> Match | None:
    """What it means as the name of a service."""
    found = [row.key for row in store.rows() if row.tunnel.service.name == target]
    if len(found) == 1:
        return Match(found[0].instance, target)
    return Match(candidates=tuple(f"{each.config}/{target}" for each in found)) if found else None
