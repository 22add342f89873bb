"""Certificates that cryptography does not load at all, though they have the shape of one.

Rule: each part of the TBSCertificate (RFC 5280 section 4.1) is tried in an otherwise flawless
certificate; the parts that load are kept, and only those that do not are given up, by name.
"""

from typing import NamedTuple

from cryptography import x509

from tuimon.parse import der
from tuimon.parse.x509_extensions import BROKEN

_INTEGER, _BIT_STRING = 0x02, 0x03
_SHAPE = (_INTEGER, *(der.SEQUENCE,) * 5)  # serial, signature, issuer, validity, subject, key
_VERSION_3 = bytes.fromhex("a003020102")
_ED25519 = bytes.fromhex("300506032b6570")
_NO_TIME = b"\x17\x0d700101000000Z"

# Flawless, and as good as empty.
_BLANK = {
    "version": _VERSION_3,
    "serial": bytes.fromhex("020101"),
    "signature_algorithm": _ED25519,
    "issuer": bytes.fromhex("3000"),
    "not_before": _NO_TIME,
    "not_after": _NO_TIME,
    "subject": bytes.fromhex("3000"),
    "public_key": bytes.fromhex("302a300506032b6570032100") + bytes(32),
    "extensions": b"",
    "outer_algorithm": _ED25519,
    "signature": bytes.fromhex("030100"),
}


class Mended(NamedTuple):
    """What could be loaded: a certificate with blanks for its `broken` parts, named as in the model
    (`extensions` for all of them; `outer_algorithm`, `signature`), and the version as written."""

    certificate: x509.Certificate
    broken: tuple[str, ...]
    version: int


def mend(data: bytes) -> Mended | None:
    """Load what can be loaded of a certificate in DER; None where it has not even the shape of one."""
    try:
        parts = _parts(data)
        loaded = x509.load_der_x509_certificate(_joined(_BLANK))
    except (*BROKEN, IndexError):
        return None
    kept = dict(_BLANK)
    broken = []
    for name, part in parts.items():
        attempt = {**kept, name: part}
        try:
            loaded = x509.load_der_x509_certificate(_joined(attempt))
        except BROKEN:
            broken.append(name)
        else:
            kept = attempt
    return Mended(loaded, tuple(broken), parts["version"][-1] + 1 if parts["version"] else 1)


def _parts(data: bytes) -> dict[str, bytes]:
    """The parts of a certificate by name, in order.  Raises ValueError or IndexError."""
    tbs, outer_algorithm, signature = der.children(data)
    if signature[0] != _BIT_STRING:
        raise ValueError("no signature")
    parts = der.children(tbs)
    version = parts.pop(0) if parts[0][0] == der.CONTEXT_0 else b""
    if tuple(part[0] for part in parts[:6]) != _SHAPE:
        raise ValueError("not the parts of a certificate")
    serial, algorithm, issuer, validity, subject, key, *rest = parts
    not_before, not_after = der.children(validity)
    return {
        "version": version,
        "serial": serial,
        "signature_algorithm": algorithm,
        "issuer": issuer,
        "not_before": not_before,
        "not_after": not_after,
        "subject": subject,
        "public_key": key,
        "extensions": b"".join(rest),
        "outer_algorithm": outer_algorithm,
        "signature": signature,
    }


def _joined(parts: dict[str, bytes]) -> bytes:
    """The certificate that these parts make."""
    validity = der.wrap(der.SEQUENCE, parts["not_before"], parts["not_after"])
    tbs = der.wrap(
        der.SEQUENCE,
        *(parts[name] for name in ("version", "serial", "signature_algorithm", "issuer")),
        validity,
        *(parts[name] for name in ("subject", "public_key", "extensions")),
    )
    return der.wrap(der.SEQUENCE, tbs, parts["outer_algorithm"], parts["signature"])
