"""Who a process is to the kernel, and who may go where: the facts from which permission follows."""

from typing import NamedTuple

from msgspec import Struct

from tuimon.model.failure import Failure


class Credentials(NamedTuple):
    """Effective user, group, further groups and effective capabilities (a bit each) of a process."""

    uid: int
    gid: int
    groups: frozenset[int] = frozenset()
    capabilities: int = 0


class Place(NamedTuple):
    """A folder or file on a way: who owns it, and its permission bits."""

    path: str
    uid: int
    gid: int
    mode: int


class Way(Struct, frozen=True, gc=False):
    """Every folder that has to be crossed to `path`, symlinks included, and what it leads to, last.

    `failure` says why it could not be walked to its end.
    """

    path: str
    places: tuple[Place, ...] = ()
    failure: Failure | None = None
