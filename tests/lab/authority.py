"""The laboratory's certificates: a root, an authority under it, a stranger, and leaves of every kind.

Rule: every file is made for one row of the laboratory, with the one thing wrong that the row is about.
"""

import datetime
import subprocess
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID
from msgspec import Struct

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
DAY = datetime.timedelta(days=1)


def elliptic() -> Key:
    """The usual key of these tests: quick to make."""
    return ec.generate_private_key(ec.SECP256R1())


def rivest(bits: int = 2048) -> Key:
    """An RSA key."""
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def edwards() -> Key:
    """An Ed25519 key."""
    return ed25519.Ed25519PrivateKey.generate()


class Issued(Struct, frozen=True):
    """A certificate with its private key."""

    certificate: x509.Certificate
    key: Key

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    @property
    def locked_key_pem(self) -> bytes:
        lock = BestAvailableEncryption(b"secret")
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock)


def issue(
    name: str,
    by: Issued | None = None,
    *,
    ca: bool = False,
    names: tuple[str, ...] = (),
    days: tuple[float, float] = (-100, 300),
    key: Key | None = None,
    pss: bool = False,
) -> Issued:
    """A certificate for `name`, signed by itself without `by`; `days` from now until it begins and ends.

    `pss` asks for RSA-PSS signatures.
    """
    own = key or elliptic()
    signer = by.key if by else own
    now = datetime.datetime.now(datetime.UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by.certificate.subject if by else subject)
        .public_key(own.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + days[0] * DAY)
        .not_valid_after(now + days[1] * DAY)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    )
    if names:
        known = x509.SubjectAlternativeName([x509.DNSName(each) for each in names])
        builder = builder.add_extension(known, critical=False)
    digest = None if isinstance(signer, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    scheme = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=32) if pss else None
    return Issued(builder.sign(signer, digest, rsa_padding=scheme), own)


class Authorities:
    """Who signs: `root` is trusted, `middle` is under it, `stranger` is unknown to everybody.

    `ca.pem` and `stranger.pem` in `folder` are their files; NAME.pem and NAME.key are written there too.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = issue("Lab Root", ca=True, days=(-1000, 3000))
        self.middle = issue("Lab Issuing", self.root, ca=True, days=(-500, 1500))
        self.stranger = issue("Stranger Root", ca=True, days=(-1000, 3000))
        (folder / "ca.pem").write_bytes(self.root.pem)
        (folder / "stranger.pem").write_bytes(self.stranger.pem)

    def put(self, file: str, issued: Issued, *above: Issued) -> Issued:
        """Write FILE.pem, with the chain `above` it, and FILE.key, readable for nobody else."""
        (self.folder / f"{file}.pem").write_bytes(b"".join(each.pem for each in (issued, *above)))
        key = self.folder / f"{file}.key"
        key.touch(0o600)
        key.write_bytes(issued.key_pem)
        return issued

    def leaf(self, file: str, *, by: Issued | None = None, **what: Any) -> Issued:
        """Issue by the root, or `by` another, and write; see `issue` for `what`."""
        return self.put(file, issue(file, by or self.root, **what))

    def revoke(self, file: str) -> None:
        """FILE.crl: a list of the root's that holds the certificate of FILE.pem."""
        certificate = x509.load_pem_x509_certificate((self.folder / f"{file}.pem").read_bytes())
        self.list_revoked(file, revoked=certificate)

    def list_revoked(
        self,
        file: str,
        by: Issued | None = None,
        *,
        days: tuple[float, float] = (-1, 30),
        revoked: x509.Certificate | None = None,
        more: bool = False,
    ) -> None:
        """FILE.crl: a list of the root's, or `by` another; `days` from now to thisUpdate and nextUpdate.

        `more` appends it to the file.
        """
        issuer, now = by or self.root, datetime.datetime.now(datetime.UTC)
        builder = x509.CertificateRevocationListBuilder().issuer_name(issuer.certificate.subject)
        builder = builder.last_update(now + days[0] * DAY).next_update(now + days[1] * DAY)
        if revoked is not None:
            entry = x509.RevokedCertificateBuilder().serial_number(revoked.serial_number)
            builder = builder.add_revoked_certificate(entry.revocation_date(now - DAY).build())
        listed = builder.sign(issuer.key, hashes.SHA256()).public_bytes(Encoding.PEM)
        path = self.folder / f"{file}.crl"
        path.write_bytes((path.read_bytes() if more else b"") + listed)

    def sign_with_sha1(self, file: str) -> None:
        """FILE.pem and FILE.key by the root, with the hash that nobody should use any more."""
        self.leaf(file)
        self.put("signer", self.root)
        request = ("req", "-new", "-key", f"{file}.key", "-subj", f"/CN={file}", "-out", f"{file}.csr")
        signer = ("-CA", "signer.pem", "-CAkey", "signer.key", "-CAcreateserial")
        sign = ("x509", "-req", "-in", f"{file}.csr", *signer, "-sha1", "-days", "300", "-out", f"{file}.pem")
        for arguments in (request, sign):  # the library of these tests no longer signs so
            subprocess.run(("openssl", *arguments), cwd=self.folder, check=True, capture_output=True)
