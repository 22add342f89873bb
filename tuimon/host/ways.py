"""The way to a file, folder by folder, through the symlinks on it.

Rule: nothing is opened.  What may not be seen is a `Failure`, never a guess.
"""

import os
import stat

from tuimon.host.failures import failure_of
from tuimon.model.access import Place, Way
from tuimon.text import printable


def walk(path: str) -> Way:
    """The folders above `path` as it is spelt, those above what it leads to, and that itself."""
    shown = printable(path)
    try:
        real = os.path.realpath(path, strict=True)
        crossed = dict.fromkeys((*_above(path), *_above(real), real))
        return Way(shown, tuple(map(_place, crossed)))
    except OSError as error:
        return Way(shown, failure=failure_of(error, path))


def _above(path: str) -> list[str]:
    folders = []
    while (above := os.path.dirname(path)) != path:
        folders.append(above)
        path = above
    return folders[::-1]


def _place(path: str) -> Place:
    status = os.stat(path)
    return Place(printable(path), status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode))
