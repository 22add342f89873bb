"""The demo's certificates: a root, an issuing authority, a strange root, and a leaf a service.

Rule: everything is made anew for each fleet and dies with its folder; the names are reserved ones
(RFC 2606) and the URLs in the extensions are there to be shown, never to be fetched.
"""

import os
import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID
from msgspec import Struct

_ORGANIZATION_VALIDATED = "2.23.140.1.2.2"  # CA/Browser Forum policy identifier
_PKI_URL = "http://pki.corp.example"
_SPARE = timedelta(hours=6)
"""So that "5 days left" stays 5 whole days, and "2 days ago" 2, while the demo is looked at."""


class Leaf(Struct, frozen=True):
    """An end-entity certificate: file name, subject alternative names, lifetime and days left.

    Days below zero are days since it expired.
    """

    file: str
    names: tuple[str, ...]
    lifetime: int
    left: int
    client: bool = False


LEAVES = (
    Leaf("web", ("www.corp.example", "corp.example"), 398, 212),
    Leaf("api", ("api.corp.example",), 90, 61),
    Leaf("shop", ("shop.example", "www.shop.example"), 90, 75),
    Leaf("shop-eu", ("*.eu.example",), 90, 44),
    Leaf("mail", ("mail.corp.example", "smtp.corp.example"), 398, 310),
    Leaf("billing", ("billing.corp.example",), 90, -2),
    Leaf("ldap", ("ldap.corp.example",), 90, 5),
    Leaf("pgsql-eu", ("pgsql-eu.corp.example",), 90, 87),
    Leaf("notice", ("notice.corp.example",), 90, 52),
    Leaf("edi-in", ("edi.corp.example",), 90, 9),
    Leaf("as2", ("as2.corp.example",), 398, 140),
    Leaf("cache", ("cache.corp.example",), 90, 66),
    Leaf("backup", ("backup.corp.example",), 90, 70),
    Leaf("branch-07", ("branch-07.corp.example",), 90, 58, client=True),
)

RENEWED = Leaf("edi-in", ("edi.corp.example",), 90, 89)
"""What takes the place of `edi-in` on disk after its process has read the old one."""


class _Authority(Struct, frozen=True):
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


class Pki:
    """The authorities of one fleet, and what they issue into `folder`.

    `ca.pem` is the root that clients and servers trust, `old-ca.pem` a root that issued nothing here;
    `NAME.pem` holds a leaf followed by the issuing authority, `NAME.key` (mode 0600) its key, and
    `psk.txt` the pre-shared key of the identity `branch-07`.
    """

    def __init__(self, folder: Path, now: datetime | None = None) -> None:
        self.folder = folder
        self._now = (now or datetime.now(UTC)).replace(microsecond=0)
        self._root = self._authority("Demo Root CA", years=10, begun=4)
        self._issuing = self._authority("Demo Issuing CA 2", years=5, begun=3, above=self._root)

    def write(self) -> None:
        """Write everything that the configurations name.  Raises OSError."""
        self.folder.mkdir(mode=0o700, exist_ok=True)
        stranger = self._authority("Old Corp Root CA", years=15, begun=9)
        _replace(self.folder / "ca.pem", _pem(self._root.certificate))
        _replace(self.folder / "old-ca.pem", _pem(stranger.certificate))
        _replace(self.folder / "psk.txt", f"branch-07:{secrets.token_hex(32)}\n".encode(), 0o600)
        for leaf in LEAVES:
            self.issue(leaf)

    def issue(self, leaf: Leaf) -> None:
        """Make a key and a certificate for `leaf`; each file is swapped in whole.  Raises OSError."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._sign_leaf(leaf, key.public_key())
        chain = _pem(certificate) + _pem(self._issuing.certificate)
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        _replace(self.folder / f"{leaf.file}.key", private, 0o600)
        _replace(self.folder / f"{leaf.file}.pem", chain)

    def _sign_leaf(self, leaf: Leaf, key: ec.EllipticCurvePublicKey) -> x509.Certificate:
        expires = self._now + timedelta(days=leaf.left) + (_SPARE if leaf.left >= 0 else -_SPARE)
        usage = ExtendedKeyUsageOID.CLIENT_AUTH if leaf.client else ExtendedKeyUsageOID.SERVER_AUTH
        names = x509.SubjectAlternativeName([x509.DNSName(name) for name in leaf.names])
        policy = x509.PolicyInformation(
            x509.ObjectIdentifier(_ORGANIZATION_VALIDATED), [f"{_PKI_URL}/practices.html"]
        )
        builder = _builder(leaf.names[0], self._issuing.certificate.subject, key)
        builder = builder.not_valid_before(expires - timedelta(days=leaf.lifetime)).not_valid_after(expires)
        for extension, critical in (
            (names, False),
            (x509.BasicConstraints(ca=False, path_length=None), True),
            (_key_usage(ca=False), True),
            (x509.ExtendedKeyUsage([usage]), False),
            (x509.SubjectKeyIdentifier.from_public_key(key), False),
            (x509.AuthorityKeyIdentifier.from_issuer_public_key(self._issuing.key.public_key()), False),
            (_authority_information(), False),
            (_crl_distribution("issuing"), False),
            (x509.CertificatePolicies([policy]), False),
        ):
            builder = builder.add_extension(extension, critical)
        return builder.sign(self._issuing.key, hashes.SHA256())

    def _authority(self, name: str, *, years: int, begun: int, above: _Authority | None = None) -> _Authority:
        """An authority valid for `years` years since `begun` years ago, self-signed without `above`."""
        key = ec.generate_private_key(ec.SECP256R1())
        public = key.public_key()
        starts = self._now - timedelta(days=365 * begun)
        subject = _name(name)
        builder = _builder(name, above.certificate.subject if above else subject, public)
        builder = builder.not_valid_before(starts).not_valid_after(starts + timedelta(days=365 * years))
        builder = builder.add_extension(
            x509.BasicConstraints(ca=True, path_length=0 if above else None), True
        )
        builder = builder.add_extension(_key_usage(ca=True), True)
        builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(public), False)
        if above:
            identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(above.key.public_key())
            builder = builder.add_extension(identifier, False)
            builder = builder.add_extension(_crl_distribution("root"), False)
        return _Authority(builder.sign((above.key if above else key), hashes.SHA256()), key)


def _builder(common_name: str, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(_name(common_name))
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
    )


def _name(common_name: str) -> x509.Name:
    organization = x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Demo Corp")
    return x509.Name([organization, x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _key_usage(*, ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )


def _authority_information() -> x509.AuthorityInformationAccess:
    places = (
        (AuthorityInformationAccessOID.OCSP, "http://ocsp.corp.example"),
        (AuthorityInformationAccessOID.CA_ISSUERS, f"{_PKI_URL}/issuing.crt"),
    )
    return x509.AuthorityInformationAccess(
        [x509.AccessDescription(method, x509.UniformResourceIdentifier(url)) for method, url in places]
    )


def _crl_distribution(authority: str) -> x509.CRLDistributionPoints:
    url = x509.UniformResourceIdentifier(f"{_PKI_URL}/{authority}.crl")
    return x509.CRLDistributionPoints([x509.DistributionPoint([url], None, None, None)])


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.PEM)


def _replace(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Put `content` in place of `path` in one step, as a careful renewal does."""
    new = path.with_name(path.name + ".new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    new.replace(path)
