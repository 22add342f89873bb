"""One record of a stunnel log."""

from enum import StrEnum

from msgspec import Struct

LOG_SECOND = 1.02
"""Seconds by which the time of a record may lie behind the moment it tells of.

stunnel writes whole seconds of the kernel's coarse clock, which is up to a tick (10 ms at HZ=100) behind the
fine one that Linux 6.13 and later stamp files by.
"""


class Event(StrEnum):
    """What a record tells; the names are public (`tuimon logs --json`)."""

    NONE = ""
    STARTED = "started"
    CONFIG_READ = "config-read"
    CONFIG_OK = "config-ok"
    CONFIG_FAILED = "config-failed"
    RELOAD_FAILED = "reload-failed"
    BOUND = "bound"
    BIND_FAILED = "bind-failed"
    ACCEPTED = "accepted"
    TLS_OK = "tls-ok"
    TLS_FAILED = "tls-failed"
    PEER_VERIFIED = "peer-verified"
    PEER_REJECTED = "peer-rejected"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    CONNECT_FAILED = "connect-failed"
    RESOLVE_FAILED = "resolve-failed"
    SNI = "sni"
    PSK = "psk"
    CLOSED = "closed"
    REJECTED = "rejected"
    LIMIT = "limit"
    LOG_REOPENED = "log-reopened"
    STOPPED = "stopped"


class LogRecord(Struct, frozen=True, gc=False):
    """One line.

    `time` is seconds since the epoch (the log's local time, one second's resolution) or None; `level`
    0 (emerg) to 7 (debug), or None where the line does not say; `id` the text in brackets (`ui`,
    `main`, a connection's number …).  `service` and `peer` (`IP:port`) are the connection's, filled in
    on every line of it.  `message` has passed `printable`.  `parsed` is False for a line that is no
    stunnel record: it is kept and shown.  `reason` is what the line means, in words, where it says that
    the TLS of its connection, or a check of it, failed.

    Without `gc`: nothing in it leads back to it, and hundreds of thousands are held.
    """

    time: float | None
    level: int | None
    id: str
    service: str
    event: Event
    peer: str
    message: str
    parsed: bool = True
    reason: str = ""
