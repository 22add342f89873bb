"""How somebody has arranged the screen, kept from run to run: filters, orders, columns, marks, the log.

Rule: nothing here is needed: a file that is missing, broken or of another version is as good as none, and
one that cannot be written is let be.  It is this machine's own business, in the XDG state folder.
"""

import contextlib
import os
from pathlib import Path

import msgspec

from tuimon.model.service import ServiceKey
from tuimon.patience import patiently, whole

_LARGEST = 1 << 20  # bytes of a file that is looked at
_PATIENCE = 1.0  # seconds: the screen is waiting


class Mark(msgspec.Struct, frozen=True):
    """A marked service, by what a person knows it as; the ordinal tells sections of one name apart."""

    host: str
    config: str
    name: str
    ordinal: int

    @property
    def key(self) -> ServiceKey:
        """The service's identity, if it still has this name."""
        return ServiceKey(self.host, self.config, self.ordinal)


class Kept(msgspec.Struct):
    """One pane: `filter` hides rows, `recall` is what was filtered for last; no `columns` is the default."""

    filter: str = ""
    recall: str = ""
    faults: bool = False
    sort: str = ""
    inverted: bool = False
    columns: tuple[str, ...] = ()
    zoomed: bool = False
    grouped: bool = True


class Log(msgspec.Struct):
    """How the log is read."""

    wrap: bool = False
    own: bool = False
    level: int = 5
    connections: bool = False


class View(msgspec.Struct):
    """The whole screen."""

    services: Kept = msgspec.field(default_factory=Kept)
    certificates: Kept = msgspec.field(default_factory=Kept)
    log: Kept = msgspec.field(default_factory=Kept)
    reading: Log = msgspec.field(default_factory=Log)
    marks: tuple[Mark, ...] = ()
    pane: str = "services"
    mouse: bool = True


def load(path: str) -> View:
    """The arrangement in a file, or the default one."""
    try:
        return msgspec.json.decode(whole(path, _LARGEST, _PATIENCE), type=View)
    except (OSError, ValueError, RecursionError, msgspec.MsgspecError):
        return View()


def save(path: str, view: View) -> None:
    """Keep an arrangement: whole or not at all, whatever another tuimon does meanwhile."""
    with contextlib.suppress(OSError):
        patiently(lambda: _save(path, view), _PATIENCE)


def _save(path: str, view: View) -> None:
    there, beside = Path(path), Path(f"{path}.{os.getpid()}")
    try:
        there.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with open(descriptor, "wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(view), indent=2))
        beside.replace(there)
    except OSError:
        beside.unlink(missing_ok=True)
