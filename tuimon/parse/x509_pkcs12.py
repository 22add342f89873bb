"""PKCS#12 (RFC 7292): the certificates of a store, and what may be said of its key.

Rule: the passwords tried are the one given and the empty one, which is stunnel's.
"""

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)

from tuimon.model.certificate import PrivateKey
from tuimon.model.failure import Failure, Reason
from tuimon.parse import der, x509_keys
from tuimon.parse.x509_extensions import BROKEN

_VERSION_3 = b"\x02\x01\x03"


def holds(data: bytes) -> bool:
    """Whether `data` is a PFX by its first value, the version 3 (no private key has that)."""
    try:
        return der.children(data)[:1] == [_VERSION_3]
    except ValueError:
        return False


def read(data: bytes, password: bytes | None) -> tuple[PrivateKey | None, list[x509.Certificate]] | Failure:
    """The key, if there is one, and the certificates: the key's own first, then the rest in order."""
    store = _open(data, password)
    if isinstance(store, Failure):
        return store
    try:
        own = store.cert.certificate if store.cert else None
        key = PrivateKey(x509_keys.loaded_pin(store.key, own), False) if store.key else None
        others = [other.certificate for other in store.additional_certs]
    except BROKEN:
        return Failure(Reason.INVALID, "the PKCS#12 holds a key or certificate that cannot be decoded")
    return key, [own, *others] if own else others


def as_pem(data: bytes) -> bytes:
    """The certificates and the key of a PKCS#12 that needs no password; anything else as it is."""
    store = _open(data, None) if holds(data) else None
    if store is None or isinstance(store, Failure):
        return data
    kept = [*((store.cert,) if store.cert else ()), *store.additional_certs]
    found = b"".join(each.certificate.public_bytes(Encoding.PEM) for each in kept)
    if store.key is not None:
        found += store.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return found


def _open(data: bytes, password: bytes | None) -> pkcs12.PKCS12KeyAndCertificates | Failure:
    # Without a password and with an empty one are two different keys; both kinds of file exist.
    for attempt in dict.fromkeys((password, b"", None)):
        try:
            return pkcs12.load_pkcs12(data, attempt)
        except UnsupportedAlgorithm:
            return Failure(Reason.UNSUPPORTED, "the PKCS#12 is encrypted with an unsupported algorithm")
        except BROKEN:
            continue
    told = "the given password does not open it" if password else "it needs a password"
    return Failure(Reason.LOCKED, f"the PKCS#12 cannot be opened: {told}, or it is damaged")
