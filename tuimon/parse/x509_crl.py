"""Certificate revocation lists (RFC 5280, section 5): DER in, `model.certificate.RevocationList` out.

Rule: only what decides whether a list still counts is read: its issuer, its times, how many it holds.
"""

from cryptography import x509

from tuimon.model.certificate import RevocationList
from tuimon.parse import x509_names
from tuimon.parse.x509_extensions import BROKEN


def from_der(data: bytes) -> RevocationList | None:
    """One list, or None where it cannot be decoded."""
    try:
        read = x509.load_der_x509_crl(data)
        return RevocationList(
            issuer=x509_names.distinguished_name(read.issuer),
            this_update=read.last_update_utc,
            next_update=read.next_update_utc,
            revoked=len(read),
        )
    except BROKEN:
        return None
