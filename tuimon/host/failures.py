"""What the operating system refused, as a `Failure`: in words, and with who may.

Rule: the reason does not depend on the system's numbers; a name is printable.
"""

import contextlib
import errno
import grp
import os
import stat

from tuimon.model.failure import Failure, Reason
from tuimon.text import printable

_REASONS = {
    errno.ENOENT: Reason.MISSING,
    errno.ENOTDIR: Reason.MISSING,
    errno.EACCES: Reason.DENIED,
    errno.EPERM: Reason.DENIED,
}


def failure_of(error: OSError, path: str) -> Failure:
    """Why `path` (a file, or a program) could not be used."""
    reason = _REASONS.get(error.errno or 0, Reason.OTHER)
    words = {Reason.MISSING: "no such file", Reason.DENIED: "permission denied"}
    needs = _who_may(path) if reason is Reason.DENIED else ""
    return Failure(
        reason, f"{printable(path)}: {words.get(reason) or printable(error.strerror or '?')}", needs
    )


def _who_may(path: str) -> str:
    """The group that may read `path`, else root; a folder above that is closed counts like the file."""
    for place in (path, os.path.dirname(path)):
        try:
            status = os.stat(place)
        except OSError:
            continue
        if status.st_mode & stat.S_IRGRP and status.st_gid and not status.st_mode & stat.S_IROTH:
            with contextlib.suppress(KeyError):
                return f"group {printable(grp.getgrgid(status.st_gid).gr_name)}"
        break
    return "root"
