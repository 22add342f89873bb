"""One connection through stunnel, as its log tells it."""

from enum import StrEnum

from msgspec import Struct


class Outcome(StrEnum):
    """How a connection ended; the names are public (`tuimon logs --connections --json`)."""

    CLOSED = "closed"
    RESET = "reset"  # one side or both: stunnel's `reset`, `reset/closed` and `closed/reset`
    REJECTED = "rejected"  # stunnel would not serve it: too many clients, libwrap, no TLS asked for
    OPEN = "open"  # the log has no end of it
    CUT = "cut"  # stunnel itself ended meanwhile


class Tls(StrEnum):
    """Whether the handshake succeeded, as far as the log's level tells."""

    OK = "ok"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Connection(Struct, frozen=True, gc=False):
    """Times are seconds since the epoch, None where the log does not tell them.

    `service` is the one that served it (after an SNI switch the secondary), `id` the text in the log's
    brackets, `peer` the client's `IP:port`, `target` the address that was connected, or else the last
    that was tried.  `tls_version` and `cipher` are logged from debug 6 on.  The bytes are those of the
    close line, None without one: plaintext written to the encrypted and to the clear side.  `reason` is
    why it failed or ended, in words.  `own_probe`: tuimon made it, which only a running tuimon knows.
    """

    service: str
    id: str
    peer: str
    started: float | None
    ended: float | None
    outcome: Outcome
    tls: Tls = Tls.UNKNOWN
    tls_version: str = ""
    cipher: str = ""
    target: str = ""
    bytes_to_tls: int | None = None
    bytes_to_socket: int | None = None
    reason: str = ""
    own_probe: bool = False

    @property
    def duration(self) -> float | None:
        """Seconds from the accept line to the close line."""
        return None if self.started is None or self.ended is None else self.ended - self.started
