"""One handshake as it went: verdict, messages in order, times on the wire, and what was served."""

from enum import StrEnum
from typing import NamedTuple

from msgspec import Struct

from tuimon.model.certificate import Certificate

DENIED = "this user may not connect to the socket"
"""The detail of a probe that our own lack of rights ended: nobody's fault."""


class Depth(StrEnum):
    """How far a probe goes; what each costs the service stands in the README."""

    OFF = "off"
    LISTEN = "listen"
    CERTIFICATE = "certificate"
    HANDSHAKE = "handshake"


class Verdict(StrEnum):
    """How a probe ended.  A handshake that completes is `ok` whatever is wrong with the certificate."""

    OK = "ok"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    UNRESOLVED = "unresolved"
    CLOSED = "closed"
    NOT_TLS = "not-tls"
    TLS_ALERT = "tls-alert"
    NEGOTIATION_FAILED = "negotiation-failed"
    FAILED = "failed"


class VerifyError(NamedTuple):
    """One error of OpenSSL's chain verification: X509_V_ERR code, depth in the chain, its text."""

    code: int
    depth: int
    text: str


class CodedText(NamedTuple):
    """A problem by its code of the public contract, with a sentence."""

    code: str
    text: str


class Handshake(Struct, frozen=True, gc=False):
    """The result of one probe.

    Times are milliseconds from the first SYN: `connect_ms` the TCP connection, `first_byte_ms` the first
    byte of the peer's TLS answer, `flight_ms` the end of the server's flight, `handshake_ms` our Finished
    sent (and theirs read).  None where that point was not reached.  `late_ms` is how much of the flight's
    time may be our own: we were too busy, or had too little of the machine, to look.  `closed_early` says
    that the peer closed or reset right after the handshake, as stunnel does when its target cannot be
    reached.  `stage` is where a timeout, close or failure happened: `connect`, `negotiation`, `tls` or
    `after`.  `trusted` is None where no CA was asked for.  `refusal` is OpenSSL's own reason where it was
    our side that refused (`excessive message size`).  `legacy` says that the peer shared no TLS version
    with us, and that this is the second attempt, at security level 0.
    """

    target: str
    verdict: Verdict
    depth: Depth = Depth.HANDSHAKE
    detail: str = ""
    stage: str = ""
    address: str = ""
    local: str = ""
    connect_ms: float | None = None
    first_byte_ms: float | None = None
    flight_ms: float | None = None
    handshake_ms: float | None = None
    late_ms: float = 0.0
    messages: tuple[str, ...] = ()
    tls_version: str = ""
    cipher: str = ""
    group: str = ""
    alpn: str = ""
    alert: str = ""
    client_certificate_requested: bool = False
    client_ca_names: tuple[str, ...] = ()
    chain: tuple[Certificate, ...] = ()
    verify_errors: tuple[VerifyError, ...] = ()
    trusted: bool | None = None
    closed_early: bool = False
    refusal: str = ""
    legacy: bool = False

    @property
    def ok(self) -> bool:
        """Whether the handshake (to the depth asked for) completed."""
        return self.verdict is Verdict.OK

    @property
    def served(self) -> Certificate | None:
        """The leaf that was served, even when the handshake then failed."""
        return self.chain[0] if self.chain else None


class Reach(NamedTuple):
    """Whether a TCP address could be reached: `verdict` as of a handshake, milliseconds if it was."""

    target: str
    verdict: Verdict
    detail: str = ""
    connect_ms: float | None = None
