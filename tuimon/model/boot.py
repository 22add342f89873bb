"""What a start of this machine would bring an instance: who starts it, when, and what is there by then."""

from msgspec import Struct


class Boot(Struct, frozen=True, gc=False):
    """Facts of a boot that has not happened.

    `after` are the units that the instance's own waits for, `makes` the folders that the unit makes for
    itself (RuntimeDirectory= and its kin) and that systemd-tmpfiles makes for anybody.  `volatile` are
    those of its files and folders that do not outlive a boot, as they stand on a file system in memory.
    `capabilities` are AmbientCapabilities=, `lowest_port` is the first port that needs no privilege,
    `nonlocal_bind` says that addresses may be bound that are not there yet; None where nobody knows.
    """

    after: tuple[str, ...] = ()
    makes: frozenset[str] = frozenset()
    volatile: frozenset[str] = frozenset()
    capabilities: tuple[str, ...] = ()
    lowest_port: int = 1024
    nonlocal_bind: bool = False
