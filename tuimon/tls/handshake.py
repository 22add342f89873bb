"""A client's TLS handshake over memory BIOs, and everything that can be learned from it.

Rule: sans-IO.  Bytes from the peer are pushed in and bytes to send come out; failures are data in the
`Outcome`.  At `certificate` depth nothing is sent after the server's flight: our Finished is withheld,
so that the peer never gets as far as its back end.
"""

from collections.abc import Sequence

from OpenSSL import SSL

from tuimon.model.handshake import Depth, Verdict
from tuimon.text import printable
from tuimon.tls import states
from tuimon.tls.context import Offer, UnusableError, connect, reasons
from tuimon.tls.outcome import Outcome, Transcript, with_session
from tuimon.tls.plaintext import describe, looks_like_tls

MAX_RECEIVED = 1 << 18
"""Most bytes, of the handshake and again of what follows, that are looked at: OpenSSL takes no message of a
handshake that is larger than 100 KiB, and of these there are two, Certificate and CertificateRequest."""

_NOTHING = Offer()
_HEAD = 64
_CHUNK = 16384


class Handshake:
    """One handshake, to `depth` (`certificate` or `handshake`).

    `done` once it has come as far as was asked, `failed` once it cannot go on; `failed` may still
    follow on `done`, since TLS 1.3 refuses a client certificate only after the handshake: keep
    pushing what the peer sends.  `flight_complete` once the server's flight was read to its end,
    `closed_early` once the peer has closed after `done`.
    """

    def __init__(
        self,
        offer: Offer = _NOTHING,
        *,
        depth: Depth = Depth.HANDSHAKE,
        server_name: str = "",
        alpn: Sequence[str] = (),
    ) -> None:
        """Everything but `depth` is as in `tuimon.tls.context.connect`."""
        self.done = self.flight_complete = self.closed_early = False
        self._judges_trust = bool(offer.ca_pem)
        self._depth = depth
        self._transcript = Transcript()
        self._connection: SSL.Connection | None = None
        self._verdict: Verdict | None = None
        self._detail = self._stage = self._refusal = ""
        self._head = b""
        self._received = 0
        try:
            self._connection = connect(offer, server_name, alpn, self._transcript)
        except UnusableError as error:
            self._fail(Verdict.FAILED, str(error))

    @property
    def failed(self) -> bool:
        """Whether it cannot go on; `outcome` says why."""
        return self._verdict is not None and self._verdict is not Verdict.OK

    @property
    def flooded(self) -> bool:
        """Whether so much came after the handshake that nothing of it is looked at any more."""
        return self.done and self._received > MAX_RECEIVED

    def start(self) -> bytes:
        """The bytes to send first: our ClientHello."""
        return b"" if self._connection is None else self._advance(self._connection)

    def receive(self, data: bytes) -> bytes:
        """Take bytes from the peer, `b""` for its end of file; returns the bytes to send."""
        if len(self._head) < _HEAD:
            self._head += data[: _HEAD - len(self._head)]
        if self._connection is None or self.failed:
            return b""
        if not data:
            self._end_of_file()
            return b""
        if self.done and self._depth is Depth.CERTIFICATE:
            return b""
        self._received += len(data)
        if self._received > MAX_RECEIVED:
            if not self.done:
                self._fail(Verdict.FAILED, f"more than {MAX_RECEIVED} bytes before the handshake ended")
            return b""
        if not looks_like_tls(self._head):
            self._fail(Verdict.NOT_TLS)
            return b""
        self._connection.bio_write(data)
        return self._read(self._connection) if self.done else self._advance(self._connection)

    def close(self) -> bytes:
        """The close_notify to send where the handshake was finished, else nothing."""
        if self._connection is None or self.failed or not self.done or self._depth is Depth.CERTIFICATE:
            return b""
        try:
            self._connection.shutdown()
        except SSL.Error:
            return b""
        return _outgoing(self._connection)

    def _advance(self, connection: SSL.Connection) -> bytes:
        """Go on with the handshake as far as what was received allows."""
        finished = True
        try:
            connection.do_handshake()
        except SSL.WantReadError:
            finished = False
        except SSL.Error as error:
            self._fail_by(error)
            return _outgoing(connection)  # our alert
        outgoing = _outgoing(connection)
        # once the peer's certificate is there, the next thing we have to say ends its flight
        if finished or (outgoing and connection.get_peer_cert_chain()):
            self.flight_complete = True
        if self.flight_complete and self._depth is Depth.CERTIFICATE:
            self._transcript.withhold()
            self._complete()
            return b""
        if finished:
            self._complete()
            return outgoing + self._read(connection)
        return outgoing

    def _complete(self) -> None:
        self.done = True
        self._verdict = Verdict.OK
        self._received = 0

    def _read(self, connection: SSL.Connection) -> bytes:
        """Read past the handshake: tickets and data are passed over, alerts and the end are noticed."""
        try:
            while not self.closed_early:
                connection.recv(_CHUNK)
        except SSL.WantReadError:
            pass
        except SSL.ZeroReturnError:
            self.closed_early = True
        except SSL.Error as error:
            self._fail_by(error)
        return _outgoing(connection)

    def _end_of_file(self) -> None:
        if self.done:
            self.closed_early = self._depth is Depth.HANDSHAKE
            return
        received = self._transcript.received
        after = f"after its {received[-1]}" if received else "without an answer"
        self._fail(Verdict.CLOSED, f"the peer closed the connection {after}")

    def _fail(self, verdict: Verdict, detail: str = "") -> None:
        self._verdict = verdict
        self._detail = detail
        self._stage = "after" if self.done else "tls"

    def _fail_by(self, error: SSL.Error) -> None:
        """Fail for the reason that OpenSSL gives."""
        transcript = self._transcript
        reason = "" if isinstance(error, SSL.SysCallError | SSL.ZeroReturnError) else reasons(error)[0]
        greeted = bool(transcript.received)
        if transcript.alert and (transcript.alert_fatal or " alert " in reason):
            # without a word of its own before it, there is no cipher suite or key in common
            hint = " (possibly PSK-only)" if transcript.alert == "handshake_failure" and not greeted else ""
            self._fail(Verdict.TLS_ALERT, f"the peer refused with the alert {transcript.alert}{hint}")
        elif not reason:
            self._end_of_file()
        elif states.means_no_tls(reason) and not greeted:
            self._fail(Verdict.NOT_TLS)
        else:
            self._refusal = printable(reason)
            self._fail(Verdict.FAILED, states.refusal(self._refusal))

    @property
    def outcome(self) -> Outcome:
        """Everything learned so far."""
        transcript = self._transcript
        outcome = Outcome(
            verdict=self._verdict,
            detail=describe(self._head) if self._verdict is Verdict.NOT_TLS else self._detail,
            stage=self._stage,
            messages=tuple(transcript.messages),
            alert=transcript.alert if self._verdict is Verdict.TLS_ALERT else "",
            client_certificate_requested="< CertificateRequest" in transcript.messages,
            verify_errors=tuple(transcript.verify_errors),
            closed_early=self.closed_early,
            refusal=self._refusal,
        )
        if self._connection is None or "< ServerHello" not in outcome.messages:
            return outcome
        return with_session(outcome, self._connection, judged=self._judges_trust)


def _outgoing(connection: SSL.Connection) -> bytes:
    """Everything that OpenSSL wants to send."""
    outgoing = b""
    try:
        while len(outgoing) % _CHUNK == 0:  # what came short of it was the last
            outgoing += connection.bio_read(_CHUNK)
    except SSL.Error:  # WantReadError: there is none
        pass
    return outgoing
