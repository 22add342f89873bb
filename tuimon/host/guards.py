"""Who could replace a file: the owners of everything on the way to it.

Rule: the way is walked link by link, as the kernel would, and nothing on it is opened.
"""

import contextlib
import os
import stat

from tuimon.model.failure import Failure, Reason
from tuimon.model.origin import Guard
from tuimon.text import printable

_LINKS = 40  # as the kernel


def guards(path: str) -> tuple[Guard, ...] | Failure:
    """Everything on the way to `path`, symbolic links followed, whose owner could replace it."""
    found: dict[str, Guard] = {}
    parts, here, links = [each for each in path.split("/") if each][::-1], "", 0
    try:
        found["/"] = _guard("/")
        while parts:
            name = parts.pop()
            if name == "..":
                here = here.rpartition("/")[0]
                continue
            place = f"{here}/{name}"
            found[place] = _guard(place)
            if not stat.S_ISLNK(os.lstat(place).st_mode):
                here = place
                continue
            links += 1
            if links > _LINKS:
                return Failure(Reason.OTHER, f"{printable(path)}: too many symbolic links")
            target = os.readlink(place)
            here = "" if target.startswith("/") else here
            parts += [each for each in target.split("/") if each not in {"", "."}][::-1]
    except OSError as error:
        reason = Reason.DENIED if isinstance(error, PermissionError) else Reason.MISSING
        return Failure(reason, f"{printable(path)}: {printable(error.strerror or '?')}")
    return tuple(found.values())


def _guard(path: str) -> Guard:
    status = os.lstat(path)
    mode = stat.S_IMODE(status.st_mode)
    if stat.S_ISLNK(status.st_mode):
        mode = 0o755  # a link's own mode means nothing; its owner does in a sticky folder
    elif stat.S_ISDIR(status.st_mode) and mode & stat.S_ISVTX:
        mode &= ~0o022  # nobody may replace there what is somebody else's
    gid = status.st_gid
    with contextlib.suppress(OSError):
        if "system.posix_acl_access" in os.listxattr(path, follow_symlinks=False):
            gid = -1  # the group's bits are the mask of a list of anybody
    return Guard(printable(path), status.st_uid, gid, mode)
