"""OpenSSL's words for a handshake, put into the words of the standards.

Rule: messages are named as in RFC 8446 section 4 and RFC 5246 section 7.4, alerts as in RFC 8446
section 6 and its predecessors.  Nothing here depends on OpenSSL's generation: states are compared
without their protocol prefix, alerts by number.
"""

from functools import lru_cache

from cryptography.hazmat.bindings.openssl.binding import Binding

SENT = "> "
"""Prefix of a message that we sent."""

RECEIVED = "< "
"""Prefix of a message that the peer sent."""

_MESSAGES = {
    "write client hello": "> ClientHello",
    "read server hello": "< ServerHello",
    "read encrypted extensions": "< EncryptedExtensions",
    "read server certificate request": "< CertificateRequest",
    "read server certificate": "< Certificate",
    "read server compressed certificate": "< CompressedCertificate",
    "read certificate status": "< CertificateStatus",
    "read server certificate verify": "< CertificateVerify",
    "read server key exchange": "< ServerKeyExchange",
    "read server done": "< ServerHelloDone",
    "read finished": "< Finished",
    "read server session ticket": "< NewSessionTicket",
    "read server key update": "< KeyUpdate",
    "read hello request": "< HelloRequest",
    "write client certificate": "> Certificate",
    "write client compressed certificate": "> CompressedCertificate",
    "write client key exchange": "> ClientKeyExchange",
    "write certificate verify": "> CertificateVerify",
    "write client key update": "> KeyUpdate",
    "write finished": "> Finished",
}

_ALERTS = {
    0: "close_notify",
    10: "unexpected_message",
    20: "bad_record_mac",
    21: "decryption_failed",
    22: "record_overflow",
    30: "decompression_failure",
    40: "handshake_failure",
    41: "no_certificate",
    42: "bad_certificate",
    43: "unsupported_certificate",
    44: "certificate_revoked",
    45: "certificate_expired",
    46: "certificate_unknown",
    47: "illegal_parameter",
    48: "unknown_ca",
    49: "access_denied",
    50: "decode_error",
    51: "decrypt_error",
    60: "export_restriction",
    70: "protocol_version",
    71: "insufficient_security",
    80: "internal_error",
    86: "inappropriate_fallback",
    90: "user_canceled",
    100: "no_renegotiation",
    109: "missing_extension",
    110: "unsupported_extension",
    111: "certificate_unobtainable",
    112: "unrecognized_name",
    113: "bad_certificate_status_response",
    114: "bad_certificate_hash_value",
    115: "unknown_psk_identity",
    116: "certificate_required",
    120: "no_application_protocol",
    121: "ech_required",
}

# What OpenSSL refuses of its own accord, in words an operator can act on.
_REFUSALS = {
    "unsupported protocol": "the peer chose a TLS version that was not offered",
    "wrong version number": "the peer's records carry a TLS version that was not offered",
    "dh key too small": "the peer's Diffie-Hellman group is too small",
    "wrong signature type": "the peer signed with an algorithm that was not offered",
    "unsafe legacy renegotiation disabled": "the peer does not support secure renegotiation (RFC 5746)",
    "excessive message size": "a message of the peer, most likely its chain, is larger than OpenSSL accepts",
    "unexpected message": "the peer sent a message out of order",
}

# A record layer that cannot even be read, before any message was, is no TLS.
_NOT_TLS = frozenset(
    {
        "wrong version number",
        "http request",
        "https proxy request",
        "packet length too long",
        "unknown protocol",
    }
)


@lru_cache  # asked a dozen times a handshake, of the few that OpenSSL has
def message(state: bytes) -> str:
    """The handshake message that the state string of `SSL_state_string_long` stands for, with its
    direction (`> ClientHello`, `< ServerHello`), or an empty string for a state without a message."""
    _, _, words = state.decode("ascii", "replace").partition(" ")
    return _MESSAGES.get(words, "")


def alert(number: int) -> str:
    """The name of an alert description (0–255), `alert 255` for one that has none."""
    return _ALERTS.get(number, f"alert {number}")


def verify_error(code: int) -> str:
    """OpenSSL's own text for an X509_V_ERR code."""
    text: bytes = Binding.ffi.string(Binding.lib.X509_verify_cert_error_string(code))
    return text.decode("ascii", "replace")


def refusal(reason: str) -> str:
    """An OpenSSL reason as a sentence; one that is not known here is quoted."""
    return _REFUSALS.get(reason, f"OpenSSL refuses: {reason}" if reason else "OpenSSL refuses")


def means_no_tls(reason: str) -> bool:
    """Whether an OpenSSL reason, met before any message, says that the peer does not speak TLS."""
    return reason in _NOT_TLS
