"""A client's TLS handshake over memory BIOs, and everything that can be learned from it.

Rule: sans-IO.  Bytes from the peer are pushed in and bytes to send come out; failures are data in the
`Outcome`.  At `certificate` depth nothing is sent after the server's flight: our Finished is withheld,
so that the peer never gets as far as its back end.
"""

from collections.abc import Sequence

from msgspec import Struct
from OpenSSL import SSL, crypto

from tuimon.model.handshake import Depth, Verdict, VerifyError
from tuimon.text import printable
from tuimon.tls import states
from tuimon.tls.context import Heard, Offer, UnusableError, connect, reasons
from tuimon.tls.plaintext import describe, looks_like_tls

MAX_RECEIVED = 1 << 18
"""Most bytes, of the handshake and again of what follows, that are looked at: OpenSSL takes no message of a
handshake that is larger than 100 KiB, and of these there are two, Certificate and CertificateRequest."""

_HEAD = 64
_CHUNK = 16384
_READ_ALERT = SSL.SSL_CB_READ | SSL.SSL_CB_ALERT


class Outcome(Struct, frozen=True, gc=False):
    """What one handshake has shown so far; meanings as in `tuimon.model.handshake.Handshake`.

    `verdict` is None while it is under way.  `messages` are in order, `> ` sent by us, `< ` received;
    what was withheld is not among them.  `chain_der` is as sent, leaf first, DER.  `trusted` says that
    OpenSSL found no error in the chain (an expired one is not trusted); None without a CA or a chain.
    `closed_early`: the peer closed right after the handshake.
    """

    verdict: Verdict | None = None
    detail: str = ""
    stage: str = ""
    tls_version: str = ""
    cipher: str = ""
    group: str = ""
    alpn: str = ""
    messages: tuple[str, ...] = ()
    alert: str = ""
    client_certificate_requested: bool = False
    client_ca_names: tuple[str, ...] = ()
    chain_der: tuple[bytes, ...] = ()
    verify_errors: tuple[VerifyError, ...] = ()
    trusted: bool | None = None
    closed_early: bool = False
    refusal: str = ""


class _Transcript:
    """Messages and the last alert, as OpenSSL's information callback tells of them."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        self.alert = ""
        self.alert_fatal = False
        self._state = b""

    def info(self, connection: SSL.Connection, where: int, value: int) -> None:
        """Called for every change of state, and again each time a state is taken up after a wait."""
        if where == _READ_ALERT:
            self.alert = states.alert(value & 0xFF)
            self.alert_fatal = value >> 8 == 2
        elif where & SSL.SSL_CB_LOOP:
            state = connection.get_state_string()
            if state != self._state:
                self._state = state
                self._add(states.message(state))

    def _add(self, message: str) -> None:
        if message == "> ClientHello" and self.messages[-1:] == ["< ServerHello"]:
            # both have one state in OpenSSL; only a HelloRetryRequest is answered by a ClientHello
            self.messages[-1] = "< HelloRetryRequest"
        if message:
            self.messages.append(message)

    def withhold(self) -> None:
        """Take back the messages at the end that were made but will not be sent."""
        while self.messages and self.messages[-1].startswith(states.SENT):
            self.messages.pop()


class Handshake:
    """One handshake, to `depth` (`certificate` or `handshake`).

    `done` once it has come as far as was asked, `failed` once it cannot go on; `failed` may still
    follow on `done`, since TLS 1.3 refuses a client certificate only after the handshake: keep
    pushing what the peer sends.  `flight_complete` once the server's flight was read to its end,
    `closed_early` once the peer has closed after `done`.
    """

    def __init__(
        self,
        *,
        depth: Depth = Depth.HANDSHAKE,
        server_name: str = "",
        ca_pem: bytes = b"",
        crl_pem: bytes = b"",
        certificate_pem: bytes = b"",
        key_pem: bytes = b"",
        alpn: Sequence[str] = (),
        legacy: bool = False,
        minimum: str = "",
        maximum: str = "",
        reference_time: float | None = None,
    ) -> None:
        """Everything but `depth` is as in `tuimon.tls.context.connect` and its `Offer`."""
        offer = Offer(
            ca_pem=ca_pem,
            crl_pem=crl_pem,
            certificate_pem=certificate_pem,
            key_pem=key_pem,
            legacy=legacy,
            minimum=minimum,
            maximum=maximum,
            reference_time=reference_time,
        )
        self.done = False
        self.flight_complete = False
        self._judges_trust = bool(ca_pem)
        self._depth = depth
        self._transcript = _Transcript()
        self._verify_errors: list[VerifyError] = []
        self._connection: SSL.Connection | None = None
        self._verdict: Verdict | None = None
        self._detail = ""
        self._stage = ""
        self._refusal = ""
        self.closed_early = False
        self._head = b""
        self._received = 0
        try:
            heard = Heard(self._verify_errors, self._transcript.info)
            self._connection = connect(offer, server_name, alpn, heard)
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
        received = [message for message in self._transcript.messages if message.startswith(states.RECEIVED)]
        after = f"after its {received[-1].removeprefix(states.RECEIVED)}" if received else "without an answer"
        self._fail(Verdict.CLOSED, f"the peer closed the connection {after}")

    def _fail(self, verdict: Verdict, detail: str = "") -> None:
        self._verdict = verdict
        self._detail = detail
        self._stage = "after" if self.done else "tls"

    def _fail_by(self, error: SSL.Error) -> None:
        """Fail for the reason that OpenSSL gives."""
        transcript = self._transcript
        reason = "" if isinstance(error, SSL.SysCallError | SSL.ZeroReturnError) else reasons(error)[0]
        greeted = any(message.startswith(states.RECEIVED) for message in transcript.messages)
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
        detail = describe(self._head) if self._verdict is Verdict.NOT_TLS else self._detail
        messages = tuple(transcript.messages)
        alert = transcript.alert if self._verdict is Verdict.TLS_ALERT else ""
        if self._connection is None or "< ServerHello" not in messages:
            return Outcome(
                self._verdict, detail, self._stage, messages=messages, alert=alert, refusal=self._refusal
            )
        connection = self._connection
        chain = connection.get_peer_cert_chain() or []
        errors = tuple(self._verify_errors)
        return Outcome(
            verdict=self._verdict,
            detail=detail,
            stage=self._stage,
            tls_version=connection.get_protocol_version_name(),
            cipher=connection.get_cipher_name() or "",
            group=_group(connection),
            alpn=printable(connection.get_alpn_proto_negotiated()),
            messages=messages,
            alert=alert,
            client_certificate_requested="< CertificateRequest" in messages,
            client_ca_names=_client_ca_names(connection),
            chain_der=tuple(crypto.dump_certificate(crypto.FILETYPE_ASN1, cert) for cert in chain),
            verify_errors=errors,
            trusted=not errors if chain and self._judges_trust else None,
            closed_early=self.closed_early,
            refusal=self._refusal,
        )


def _outgoing(connection: SSL.Connection) -> bytes:
    """Everything that OpenSSL wants to send."""
    outgoing = b""
    try:
        while len(outgoing) % _CHUNK == 0:  # what came short of it was the last
            outgoing += connection.bio_read(_CHUNK)
    except SSL.Error:  # WantReadError: there is none
        pass
    return outgoing


def _group(connection: SSL.Connection) -> str:
    """The key exchange group's name; empty where pyOpenSSL (before 26.0) or OpenSSL cannot tell."""
    get_group_name = getattr(connection, "get_group_name", None)
    return (get_group_name and get_group_name()) or ""


def _client_ca_names(connection: SSL.Connection) -> tuple[str, ...]:
    """The authorities of the CertificateRequest, as RFC 4514 strings."""
    return tuple(
        printable(
            ",".join(f"{_text(key)}={_escaped(value)}" for key, value in reversed(name.get_components()))
        )
        for name in connection.get_client_ca_list()
    )


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")


def _escaped(value: bytes) -> str:
    """An attribute value with the characters escaped that RFC 4514 section 2.4 wants escaped."""
    return "".join("\\" + c if c in '"+,;<>\\' else c for c in _text(value))
