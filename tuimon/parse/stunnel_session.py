"""One connection while its lines come in.

Rule: the lines are those of this connection alone; what they do not say stays unknown.
"""

import re

from msgspec import Struct

from tuimon.model.connection import Connection, Outcome, Tls
from tuimon.model.log import Event, LogRecord
from tuimon.parse.stunnel_reasons import reason_in_words

_CLOSED = re.compile(r"Connection (\S+): (\d{1,18}) byte(?:s|\(s\)) sent to \w+, (\d{1,18}) byte")
_SUITE = re.compile(r"(?:Negotiated )?((?:TLS|SSL)v[\d.]+)(/\S+)? ciphersuite:? (\S+) \(")
_CIPHERS = re.compile(r"Negotiated ciphers: (\S+)")
_TARGET = re.compile(
    r"(?:s_connect|connect_blocking): (?:connecting|connected|connect|s_poll_wait) (\S+?)(?:: .*)?$"
    r"|remote connect \((\S+)\): "
)
_SWITCHED = re.compile(r"SNI: switched to service \[(.*)\]$")

_GOOD = frozenset(
    {Event.TLS_OK, Event.PEER_VERIFIED, Event.CONNECTING, Event.CONNECTED, Event.PSK, Event.CLOSED}
)


class Session(Struct):
    """What is known of a connection so far."""

    service: str = ""
    peer: str = ""
    started: float | None = None
    tls: Tls = Tls.UNKNOWN
    tls_version: str = ""
    cipher: str = ""
    target: str = ""
    rejected: bool = False
    reason: str = ""
    unreachable: str = ""  # why an address could not be connected; another may be tried
    unnamed: str = ""  # a server name that no service has: no failure in itself

    def tell(self, record: LogRecord) -> None:
        """Take a line that has an event."""
        match record.event:
            case Event.TLS_OK:
                self.tls = Tls.OK
            case Event.TLS_FAILED:
                self.tls = Tls.FAILED
            case Event.CONNECTED:
                self.unreachable = ""
            case Event.REJECTED:
                self.rejected = True
            case Event.SNI if switched := _SWITCHED.match(record.message):
                self.service = switched[1]
        self.service = self.service or record.service
        if target := _TARGET.match(record.message):
            self.target = target[1] or target[2]
        if record.event not in _GOOD:
            self._explain(record)

    def remark(self, record: LogRecord) -> None:
        """Take a line that has none: it may still say why, or with which cipher."""
        message = record.message
        if record.level == 6 and "cipher" in message:
            if match := _SUITE.match(message):
                # 4.x says `TLSv1/SSLv3`: the cipher's version, not the connection's.
                self.tls_version, self.cipher = "" if match[2] else match[1], match[3]
            elif match := _CIPHERS.match(message):
                self.cipher = match[1]
        elif (record.level or 0) <= 4 or "TIMEOUT" in message or " reset by peer" in message:
            self._explain(record)

    def _explain(self, record: LogRecord) -> None:
        """Remember why, if the line says so; the first cause counts."""
        words = reason_in_words(record.message)
        if not words:
            return
        if record.event is Event.SNI:
            self.unnamed = words
        elif record.event in (Event.CONNECT_FAILED, Event.RESOLVE_FAILED):
            self.unreachable = self.unreachable or words
        elif record.message.startswith("Redirecting"):
            self.reason = words  # what the certificate lacked has not ended it
        else:
            self.reason = self.reason or words

    def close(self, log_id: str, record: LogRecord) -> Connection:
        """The connection that the close line `record` ends."""
        match = _CLOSED.match(record.message)
        to_tls, to_socket = (int(match[2]), int(match[3])) if match else (None, None)
        if self.tls is Tls.UNKNOWN and (to_tls or to_socket):
            self.tls = Tls.OK  # nothing passes before the handshake is over
        outcome = Outcome.REJECTED if self.rejected else outcome_of(record)
        return self.end(log_id, outcome, record.time, to_tls=to_tls, to_socket=to_socket)

    def end(
        self,
        log_id: str,
        outcome: Outcome,
        at: float | None,
        why: str = "",
        *,
        to_tls: int | None = None,
        to_socket: int | None = None,
    ) -> Connection:
        """The connection as it is known now; `why` goes before what its lines gave as the reason."""
        reason = why or self.reason or self.unreachable
        return Connection(
            service=self.service,
            id=log_id,
            peer=self.peer,
            started=self.started,
            ended=at,
            outcome=outcome,
            tls=self.tls,
            tls_version=self.tls_version,
            cipher=self.cipher,
            target=self.target,
            bytes_to_tls=to_tls,
            bytes_to_socket=to_socket,
            reason=reason or ("" if outcome is Outcome.CLOSED else self.unnamed),
        )


def outcome_of(record: LogRecord) -> Outcome:
    """What a close line says."""
    return Outcome.CLOSED if record.message.startswith("Connection closed:") else Outcome.RESET
