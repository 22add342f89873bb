"""Whether a process may read or write somewhere: the kernel's answer, from the facts it decides by.

Rule: what is not known is None.  Access control lists are not seen; their mask is, in the group's bits.
"""

from tuimon.model.access import Credentials, Place, Way
from tuimon.model.failure import Reason

NET_BIND_SERVICE = 1 << 10
_DAC_OVERRIDE, _DAC_READ_SEARCH = 1 << 1, 1 << 2
_READ, _WRITE, _CROSS = 4, 2, 1


def _may(who: Credentials, place: Place, bits: int) -> bool:
    if who.uid == place.uid:
        return place.mode >> 6 & bits == bits
    if place.gid == who.gid or place.gid in who.groups:
        return place.mode >> 3 & bits == bits
    return place.mode & bits == bits


def closed_at(way: Way | None, who: Credentials) -> Place | None:
    """The first place on the way to a file that keeps `who` from reading it; None if none does, or if
    it cannot be told."""
    if way is None or way.failure is not None or who.capabilities & (_DAC_OVERRIDE | _DAC_READ_SEARCH):
        return None
    for place in way.places[:-1]:
        if not _may(who, place, _CROSS):
            return place
    last = way.places[-1]
    return None if _may(who, last, _READ) else last


def may_write(way: Way | None, who: Credentials) -> bool | None:
    """Whether `who` may make and remove names in the folder that the way leads to."""
    if way is None or way.failure is not None:
        return None
    if who.capabilities & _DAC_OVERRIDE:
        return True
    crossed = all(_may(who, place, _CROSS) for place in way.places)
    return crossed and _may(who, way.places[-1], _WRITE)


def missing(way: Way | None) -> bool:
    """Whether it is known that nothing is there."""
    return way is not None and way.failure is not None and way.failure.reason is Reason.MISSING
