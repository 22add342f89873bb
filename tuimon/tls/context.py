"""What a client brings to a handshake: versions, trust, its own certificate, the names it asks for.

Rule: everything comes as bytes in memory; no file is opened here.  What cannot be used raises
`UnusableError` in words, which the handshake turns into its outcome.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from ipaddress import ip_address
from typing import Protocol

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from msgspec import Struct
from OpenSSL import SSL, crypto

from tuimon.model.handshake import VerifyError
from tuimon.tls import states

VERSIONS = {
    "TLSv1": SSL.TLS1_VERSION,
    "TLSv1.1": SSL.TLS1_1_VERSION,
    "TLSv1.2": SSL.TLS1_2_VERSION,
    "TLSv1.3": SSL.TLS1_3_VERSION,
}
"""Protocol versions as sslVersion of stunnel(8) spells them."""

MAX_NAME = 255
"""Longest server name, in bytes, that OpenSSL sends."""

_PEM_CRL = re.compile(rb"-----BEGIN X509 CRL-----.*?-----END X509 CRL-----", re.DOTALL)
_PEM_CERTIFICATE = re.compile(
    rb"-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----.*?-----END (?:X509 |TRUSTED )?CERTIFICATE-----",
    re.DOTALL,
)


class UnusableError(Exception):
    """Something that the caller brought cannot be used; the argument says what and why."""


class Offer(Struct, frozen=True, gc=False):
    """What the client offers and trusts, whoever it calls.

    `ca_pem` holds any number of trusted certificates; empty means that trust is not judged, blank that
    nobody is trusted.
    `crl_pem` holds revocation lists; where it has one, the peer's certificate must be on a list's good
    side.  `key_pem` may be empty where `certificate_pem` holds the key too; keys are unencrypted.  `legacy`
    allows TLS 1.0 and 1.1, which takes security level 0.  `minimum` and `maximum` are keys of `VERSIONS`.
    """

    ca_pem: bytes = b""
    crl_pem: bytes = b""
    certificate_pem: bytes = b""
    key_pem: bytes = b""
    legacy: bool = False
    minimum: str = ""
    maximum: str = ""


class Heard(Protocol):
    """What is heard of a connection: every verification error is appended to the list."""

    verify_errors: list[VerifyError]

    def info(self, connection: SSL.Connection, where: int, value: int) -> None:
        """OpenSSL's information callback."""


def connect(offer: Offer, server_name: str, alpn: Sequence[str], heard: Heard) -> SSL.Connection:
    """A client connection over memory BIOs.

    `server_name` is the SNI name (an IP address is not sent, RFC 6066 section 3).  Verification never stops
    the handshake.  Raises UnusableError.
    """
    connection = SSL.Connection(_context(offer), None)
    connection.set_app_data(heard)
    connection.set_connect_state()
    try:
        if alpn:
            connection.set_alpn_protos([name.encode("ascii") for name in alpn])
    except (SSL.Error, ValueError) as error:
        raise UnusableError("the ALPN names cannot be sent") from error
    _name(connection, server_name)
    return connection


@lru_cache(maxsize=32)  # to make one takes as long as half a handshake, and with a bundle of roots far longer
def _context(offer: Offer) -> SSL.Context:
    """What connections with the same offer share; whatever differs they keep themselves."""
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    context.set_options(SSL.OP_NO_RENEGOTIATION)
    _set_versions(context, offer)
    _trust(context, offer)
    if offer.certificate_pem:
        bring_certificate(context, offer.certificate_pem, offer.key_pem or offer.certificate_pem)
    context.set_verify(SSL.VERIFY_PEER, _verify)
    context.set_info_callback(_inform)
    return context


def _verify(connection: SSL.Connection, _cert: crypto.X509, code: int, depth: int, ok: int) -> bool:
    if not ok:
        heard: Heard = connection.get_app_data()
        error = VerifyError(code, depth, states.verify_error(code))
        if error not in heard.verify_errors:
            heard.verify_errors.append(error)
    return True


def _inform(connection: SSL.Connection, where: int, value: int) -> None:
    heard: Heard = connection.get_app_data()
    heard.info(connection, where, value)


def _set_versions(context: SSL.Context, offer: Offer) -> None:
    lowest = "TLSv1" if offer.legacy else "TLSv1.2"
    try:
        context.set_min_proto_version(VERSIONS[offer.minimum or lowest])
        if offer.maximum:
            context.set_max_proto_version(VERSIONS[offer.maximum])
    except KeyError as error:
        raise UnusableError(f"unknown TLS version {error}") from None
    if offer.legacy:
        context.set_cipher_list(b"DEFAULT:@SECLEVEL=0")
        context.set_options(SSL.OP_LEGACY_SERVER_CONNECT)


def _trust(context: SSL.Context, offer: Offer) -> None:
    store = context.get_cert_store()
    if store is None:  # pragma: no cover - OpenSSL always gives a context a store
        raise UnusableError("OpenSSL has no certificate store")
    blocks = _PEM_CERTIFICATE.findall(offer.ca_pem)
    if offer.ca_pem.strip() and not blocks:
        raise UnusableError("the CA file holds no PEM certificate")
    for block in blocks:
        try:
            # OpenSSL's own parser takes old roots that cryptography refuses
            store.add_cert(crypto.load_certificate(crypto.FILETYPE_PEM, block))
        except crypto.Error as error:
            raise UnusableError("a certificate of the CA file cannot be decoded") from error
    for block in _PEM_CRL.findall(offer.crl_pem):
        try:
            store.add_crl(x509.load_pem_x509_crl(block))
        except (ValueError, crypto.Error) as error:
            raise UnusableError("a revocation list cannot be decoded") from error
        store.set_flags(crypto.X509StoreFlags.CRL_CHECK)


def bring_certificate(
    context: SSL.Context, certificate_pem: bytes, key_pem: bytes, *, noun: str = "client certificate"
) -> None:
    """Have a context show this certificate, with the chain that follows it; raises UnusableError."""
    key = noun.replace("certificate", "key")
    try:
        certificate, *chain = x509.load_pem_x509_certificates(certificate_pem)
        context.use_certificate(certificate)
        for issuer in chain:
            context.add_extra_chain_cert(issuer)
    except ValueError as error:
        raise UnusableError(f"the {noun} cannot be decoded") from error
    except SSL.Error as error:
        raise UnusableError(f"the {noun} cannot be used: {reasons(error)[-1]}") from error
    try:
        context.use_privatekey(load_pem_private_key(key_pem, None))  # type: ignore[arg-type]
        context.check_privatekey()
    except TypeError as error:
        raise UnusableError(f"the {key} is encrypted or of a kind that TLS does not use") from error
    except SSL.Error as error:
        raise UnusableError(f"the {key} does not belong to the {noun}") from error
    except Exception as error:  # cryptography's own reasons may quote the file
        raise UnusableError(f"the {key} cannot be decoded") from error


def _name(connection: SSL.Connection, server_name: str) -> None:
    if not server_name or _is_address(server_name):
        return
    try:
        name = server_name.encode("ascii" if server_name.isascii() else "idna")
        if len(name) > MAX_NAME:  # pyOpenSSL does not look at OpenSSL's refusal
            raise ValueError(server_name)
        connection.set_tlsext_host_name(name)
    except (SSL.Error, TypeError, ValueError) as error:
        raise UnusableError("the server name cannot be sent as SNI") from error


def _is_address(name: str) -> bool:
    if not (name[-1].isdigit() or ":" in name):  # no address ends so; to have one refused takes far longer
        return False
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def reasons(error: SSL.Error) -> list[str]:
    """The reasons of OpenSSL's error queue, oldest first; never empty."""
    queue = error.args[0] if error.args and isinstance(error.args[0], list) else []
    return [reason for _, _, reason in queue if reason] or ["no reason given"]
