"""Who uses a service: its peers, how they fare, and how regularly they come."""

from typing import NamedTuple

from msgspec import Struct

from tuimon.model.log import LogRecord

_HANG_UPS = ("peer closed during", "connection reset by peer during", "peer fell silent during")


def hung_up(failure: LogRecord | None) -> bool:
    """Whether the peer left during the handshake without a word: so do scanners, health checks and probes."""
    return failure is not None and failure.reason.startswith(_HANG_UPS)


class Peer(Struct, frozen=True, gc=False):
    """One peer, by address; times are seconds since the epoch, of accept lines.

    `connections` counts all that are remembered, `failed` those in which TLS or its checks failed, `served`
    those in which it said something or stayed.  A success is one that got through, whether it said
    anything or not.  `failing` are the lines that told of failures since then, the newest last, at most a
    few; `streak` says how many there were, `failing_since` when the first was.  `last_reason` is that of
    its last failure, in words.  `calls` are the times of the last connections in which it was served, the
    oldest first; `pause` is the longest time that ever lay between two.
    """

    address: str
    connections: int = 0
    failed: int = 0
    served: int = 0
    open: int = 0
    last_seen: float | None = None
    last_success: float | None = None
    failing: tuple[LogRecord, ...] = ()
    streak: int = 0
    failing_since: float | None = None
    last_reason: str = ""
    calls: tuple[float, ...] = ()
    pause: float = 0.0


class Contact(NamedTuple):
    """How one connection ended: `failure` is the line that says why it failed, None if it got through."""

    at: float
    address: str
    failure: LogRecord | None = None


class Stall(NamedTuple):
    """A connection that waited for an OCSP responder for so many seconds; `over` says that it waits no more.

    `record` is the line that named the responder.
    """

    at: float
    seconds: float
    responder: str
    record: LogRecord
    over: bool = True


class Clients(Struct, frozen=True, gc=False):
    """What the log tells of the peers of one service, own probes left out.

    `peers` begin with the one that was seen last; `recent` are the last connections that ended and of which
    it can be said how, the newest last.  `heard_at` is the minute of the last line of the log, whoever it
    speaks of; `resumed` is when the clock jumped last, because the machine slept or it was set.
    """

    peers: tuple[Peer, ...] = ()
    recent: tuple[Contact, ...] = ()
    stalls: tuple[Stall, ...] = ()
    heard_at: float | None = None
    resumed: float = 0.0


NOBODY = Clients()
"""Nothing is known of any client."""
