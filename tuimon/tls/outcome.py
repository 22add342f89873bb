"""What can be learned from a handshake: message by message, and of the session at its end.

Rule: what the peer says is printable here; nothing is judged but what OpenSSL has judged.
"""

from msgspec import Struct
from msgspec.structs import replace
from OpenSSL import SSL, crypto

from tuimon.model.handshake import Verdict, VerifyError
from tuimon.text import printable
from tuimon.tls import states

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


class Transcript:
    """Messages, the last alert and every verification error, as OpenSSL tells of them."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        self.verify_errors: list[VerifyError] = []
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

    @property
    def received(self) -> list[str]:
        """The messages of the peer."""
        return [
            each.removeprefix(states.RECEIVED) for each in self.messages if each.startswith(states.RECEIVED)
        ]


def with_session(outcome: Outcome, connection: SSL.Connection, *, judged: bool) -> Outcome:
    """What the connection knows besides, once the peer has greeted; `judged` tells whether it has a CA to
    judge the chain by."""
    chain = connection.get_peer_cert_chain() or []
    return replace(
        outcome,
        tls_version=connection.get_protocol_version_name(),
        cipher=connection.get_cipher_name() or "",
        group=_group(connection),
        alpn=printable(connection.get_alpn_proto_negotiated()),
        client_ca_names=_client_ca_names(connection),
        chain_der=tuple(crypto.dump_certificate(crypto.FILETYPE_ASN1, cert) for cert in chain),
        trusted=not outcome.verify_errors if chain and judged else None,
    )


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
