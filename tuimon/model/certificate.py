"""A certificate in the terms of RFC 5280, and what a file on disk held.

Rule: every string here has passed `printable`; a field that could not be decoded is empty and named
in `undecodable`.
"""

import base64
from datetime import datetime
from typing import NamedTuple

from msgspec import Struct

from tuimon.model.failure import Failure
from tuimon.model.service import Stamp


class PublicKey(NamedTuple):
    """SubjectPublicKeyInfo: `type` is RSA, EC, Ed25519, Ed448, DSA or other; `bits` the key's size,
    `curve` the named curve of an EC key, `exponent` the RSA public exponent."""

    type: str
    bits: int
    curve: str = ""
    exponent: int | None = None


class Sct(NamedTuple):
    """An embedded signed certificate timestamp (RFC 6962): log id in hex, time in UTC."""

    log_id: str
    timestamp: datetime


class Certificate(Struct, frozen=True, gc=False):
    """One certificate.  Hex is upper case without separators; times are aware, in UTC.

    `version` is 1 or 3; `path_length` None means no limit; `ca` None means that the extension basic
    constraints is absent.  `san` entries look like `DNS:a.example`, `IP:10.0.0.1`, `email:…`, `URI:…`.
    `key_usage` and `extended_key_usage` use the names of RFC 5280.  `der` is the whole encoding.
    """

    version: int
    serial: str
    signature_algorithm: str
    signature_hash: str
    issuer: str
    subject: str
    not_before: datetime
    not_after: datetime
    public_key: PublicKey
    sha256: str
    sha1: str
    spki_sha256: str
    self_signed: bool
    common_name: str = ""
    common_names: tuple[str, ...] = ()
    email_addresses: tuple[str, ...] = ()
    san: tuple[str, ...] = ()
    key_usage: tuple[str, ...] = ()
    extended_key_usage: tuple[str, ...] = ()
    ca: bool | None = None
    path_length: int | None = None
    ski: str = ""
    aki: str = ""
    ocsp: tuple[str, ...] = ()
    ca_issuers: tuple[str, ...] = ()
    crl_distribution_points: tuple[str, ...] = ()
    policies: tuple[str, ...] = ()
    scts: tuple[Sct, ...] = ()
    undecodable: tuple[str, ...] = ()
    der: bytes = b""

    @property
    def title(self) -> str:
        """The shortest name that tells it from its neighbours: common name, else SAN, else subject."""
        if self.common_name:
            return self.common_name
        if self.san:
            return self.san[0].partition(":")[2]
        return self.subject or f"serial {self.serial}"

    @property
    def pem(self) -> str:
        """The certificate in PEM (RFC 7468), lines of 64 characters."""
        text = base64.b64encode(self.der).decode("ascii")
        lines = [text[index : index + 64] for index in range(0, len(text), 64)]
        return "\n".join(("-----BEGIN CERTIFICATE-----", *lines, "-----END CERTIFICATE-----", ""))

    @property
    def lifetime(self) -> float:
        """Seconds from notBefore to notAfter."""
        return (self.not_after - self.not_before).total_seconds()

    def seconds_left(self, now: float) -> float:
        """Seconds from `now` (since the epoch) to notAfter; negative once it has expired."""
        return self.not_after.timestamp() - now


class PrivateKey(NamedTuple):
    """What may be said of a private key: its public half's SPKI pin, and whether it is encrypted
    (then the pin is empty)."""

    spki_sha256: str
    encrypted: bool


class RevocationList(NamedTuple):
    """A CRL: its issuer's distinguished name, thisUpdate, nextUpdate (None: none is promised), and how
    many certificates it revokes."""

    issuer: str
    this_update: datetime
    next_update: datetime | None
    revoked: int = 0


class CertificateFile(Struct, frozen=True, gc=False):
    """What one file held, in the order of the file; or all hashed names of a folder (`CApath`).

    `kind` is `pem`, `der`, `pkcs12` or `folder`; `key` is the private key found in it, if any.  A file that
    could not be read has a `failure` and nothing else.  `mode` is the permission bits, `owner` a name.
    `undecodable` names the parts that could not be decoded while others could (`CERTIFICATE 2`);
    stunnel refuses to start with such a `cert`, but only logs an error of such a `CAfile`.
    """

    path: str
    kind: str = ""
    certificates: tuple[Certificate, ...] = ()
    key: PrivateKey | None = None
    crls: tuple[RevocationList, ...] = ()
    stamp: Stamp | None = None
    mode: int = 0
    owner: str = ""
    failure: Failure | None = None
    undecodable: tuple[str, ...] = ()
