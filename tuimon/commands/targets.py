"""TARGETs of a command line against a fleet that was looked at.

Rule: never a guess; what fits nothing or several is one sentence with the candidates.
"""

import os

from tuimon.commands import UsageError
from tuimon.control.target import Match, resolve
from tuimon.settings import Settings
from tuimon.store import InstanceRow, Store
from tuimon.text import printable

_SHOWN = 10


def neighbours(target: str, settings: Settings) -> tuple[str, ...]:
    """PATHs to look at for a target: nothing (everything there is), or for a file that stands elsewhere
    than the fleet its own folder."""
    path = os.path.abspath(target)
    folder = os.path.dirname(path)
    elsewhere = os.path.isfile(path) and folder != os.path.abspath(settings.config_folder)
    return (folder,) if elsewhere else ()


def chosen(store: Store, target: str) -> tuple[InstanceRow, str]:
    """The instance that is meant and its service's name, or an empty one for all of them.

    Raises `UsageError`.
    """
    rows = store.instances()
    known = [row.instance for row in rows]
    path, real = os.path.abspath(target), os.path.realpath(target)
    matches = [resolve(target, path, known), resolve(real, real, known)]
    match = next((each for each in matches if each.key is not None), _candidates(matches))
    if match.key is not None:
        return next(row for row in rows if row.instance.key == match.key), match.service
    if match.candidates:
        raise UsageError(f"{printable(target)} is ambiguous: {', '.join(match.candidates[:_SHOWN])}")
    like = f"; there is {', '.join(match.similar[:_SHOWN])}" if match.similar else ""
    raise UsageError(f"no such instance: {printable(target)}{like}")


def _candidates(matches: list[Match]) -> Match:
    return next((each for each in matches if each.candidates), matches[0])
