"""One certificate: cryptography's object or DER in, `model.certificate.Certificate` out.

Rule: nothing here raises for what a stranger wrote.  A field that cannot be decoded is empty and named
in `undecodable`, by its name in the model or, for an extension, in RFC 5280.
"""

import hashlib
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding
from msgspec.structs import replace

from tuimon.model.certificate import Certificate, PublicKey
from tuimon.model.failure import Failure, Reason
from tuimon.parse import pem as pem_text
from tuimon.parse import x509_damaged, x509_extensions, x509_keys, x509_names
from tuimon.parse.x509_extensions import BROKEN
from tuimon.text import printable

_NEVER = datetime.max.replace(tzinfo=UTC)
_ALWAYS = datetime.min.replace(tzinfo=UTC)

# What a part that could not be loaded leaves behind in the model.
_UNKNOWN: dict[str, dict[str, Any]] = {
    "serial": {"serial": ""},
    "signature_algorithm": {"signature_algorithm": "", "signature_hash": ""},
    "issuer": {"issuer": ""},
    "not_before": {"not_before": _ALWAYS},
    "not_after": {"not_after": _NEVER},
    "subject": {"subject": "", "common_name": "", "common_names": (), "email_addresses": ()},
    "public_key": {"public_key": PublicKey("other", 0), "spki_sha256": ""},
}

_NOBODY: tuple[str, tuple[str, ...], tuple[str, ...]] = ("", (), ())

_T = TypeVar("_T")
_warning_filters = threading.RLock()


@contextmanager
def quiet() -> Iterator[None]:
    """cryptography warns of ugly certificates (a serial number that is not positive, a country of three
    letters, BER); here they are facts to show.  The filters belong to the whole process: hence the lock."""
    with _warning_filters, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        yield


@quiet()
def certificate(cert: x509.Certificate) -> Certificate:
    """Every field of one certificate, whatever is wrong with some of them."""
    undecodable: list[str] = []

    def read(name: str, get: Callable[[], _T], default: _T) -> _T:
        try:
            return get()
        except (*BROKEN, IndexError):
            undecodable.append(name)
            return default

    subject, commons, addresses = read("subject", lambda: _subject(cert.subject), _NOBODY)
    return Certificate(
        version=read("version", lambda: cert.version.value + 1, 3),
        serial=read("serial", lambda: _hex(cert.serial_number), ""),
        signature_algorithm=x509_names.signature(cert.signature_algorithm_oid),
        signature_hash=read("signature_hash", lambda: _hash_name(cert), ""),
        issuer=read("issuer", lambda: x509_names.distinguished_name(cert.issuer), ""),
        subject=subject,
        common_name=commons[-1] if commons else "",
        common_names=commons,
        email_addresses=addresses,
        not_before=read("not_before", lambda: cert.not_valid_before_utc, _ALWAYS),
        not_after=read("not_after", lambda: cert.not_valid_after_utc, _NEVER),
        public_key=read("public_key", lambda: x509_keys.public_key(cert), x509_keys.unknown_public_key(cert)),
        spki_sha256=read("spki_sha256", lambda: x509_keys.certified_pin(cert), ""),
        self_signed=read("self_signed", lambda: _self_signed(cert), False),
        **x509_extensions.read(cert, undecodable),
        undecodable=tuple(undecodable),
        **_encoded(cert.public_bytes(Encoding.DER)),
    )


@lru_cache(maxsize=1024)  # a fleet meets the same ones over and over, at a third of a millisecond each
@quiet()
def from_der(data: bytes) -> Certificate | Failure:
    """One certificate from its DER encoding; a `Failure` says that it is none."""
    try:
        return certificate(x509.load_der_x509_certificate(data))
    except BROKEN as error:
        mended = x509_damaged.mend(data)
        if mended is None:
            return Failure(Reason.INVALID, printable(f"the certificate cannot be decoded: {error}"))
        return _damaged(mended, data)


def served(data: bytes) -> Certificate:
    """One certificate as a peer sent it; if nothing can be decoded, its fingerprints are known at least."""
    read = from_der(data)
    if isinstance(read, Certificate):
        return read
    blank = Certificate(
        *(3, "", "", "", "", "", _ALWAYS, _NEVER, PublicKey("other", 0), "", "", "", False),
        undecodable=("certificate",),
    )
    return replace(blank, **_encoded(data))


def _damaged(mended: x509_damaged.Mended, data: bytes) -> Certificate:
    """The fields of a certificate that had to be mended, with nothing in the place of what is broken."""
    read = certificate(mended.certificate)
    unknown: dict[str, Any] = {}
    for name in mended.broken:
        unknown |= _UNKNOWN.get(name, {})
    return replace(
        read,
        **_encoded(data),
        **unknown,
        version=mended.version,
        self_signed=bool(read.subject) and read.subject == read.issuer,
        undecodable=tuple(dict.fromkeys((*mended.broken, *read.undecodable))),
    )


def _encoded(data: bytes) -> dict[str, Any]:
    """What the encoding as a whole gives."""
    return {
        "sha256": hashlib.sha256(data).hexdigest().upper(),
        "sha1": hashlib.sha1(data, usedforsecurity=False).hexdigest().upper(),
        "der": data,
    }


def pem(certificate: Certificate) -> str:
    """The certificate as PEM, ending in a newline."""
    return pem_text.text("CERTIFICATE", certificate.der)


def _subject(name: x509.Name) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """The whole of it, its common names and its mail addresses."""
    return (
        x509_names.distinguished_name(name),
        x509_names.common_names(name),
        x509_names.email_addresses(name),
    )


def _hex(number: int) -> str:
    """Whole octets, as `openssl x509 -serial` prints them: `05`, `-05`."""
    digits = f"{abs(number):X}"
    return "-" * (number < 0) + "0" * (len(digits) % 2) + digits


def _hash_name(cert: x509.Certificate) -> str:
    algorithm = cert.signature_hash_algorithm
    return algorithm.name.upper() if algorithm else ""


def _self_signed(cert: x509.Certificate) -> bool:
    """Whether the certificate verifies with its own key.  Where that cannot be tried (MD5, a key of
    an unknown kind), the same name on both sides has to do: a CA that changes its key is misjudged."""
    if cert.issuer != cert.subject:
        return False
    try:
        cert.verify_directly_issued_by(cert)
    except InvalidSignature:
        return False
    except BROKEN:
        return True
    return True
