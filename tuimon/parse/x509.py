"""Files that hold certificates and keys: bytes in, `model.certificate` out; and the door to this family.

Rule: nothing here raises for what a stranger wrote: a file of which nothing can be decoded is a
`Failure`, of any other the damaged parts are named in `undecodable`.  Nothing prompts for a password.
"""

from collections import Counter

from msgspec import Struct, field

from tuimon.model.certificate import Certificate, CertificateFile, PrivateKey, RevocationList
from tuimon.model.failure import Failure, Reason
from tuimon.model.service import Stamp
from tuimon.parse import der, x509_crl, x509_keys, x509_pkcs12
from tuimon.parse import pem as pem_text
from tuimon.parse.x509_certificate import certificate, from_der, pem, quiet, served
from tuimon.text import printable

__all__ = ["MAX_FILE", "certificate", "from_der", "pem", "read_file", "served"]

MAX_FILE = 4 * 1024 * 1024
"""Largest file in bytes that is looked at."""

_MAX_NAMED = 100
_MAX_LABEL = 64
_CERTIFICATES = frozenset(("CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE"))


class _Found(Struct):
    """What a file held, as far as it has been read."""

    kind: str
    certificates: list[Certificate] = field(default_factory=list)
    key: PrivateKey | None = None
    crls: list[RevocationList] = field(default_factory=list)
    undecodable: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.certificates or self.key or self.crls)


@quiet()
def read_file(
    path: str,
    data: bytes,
    *,
    stamp: Stamp | None = None,
    mode: int = 0,
    owner: str = "",
    password: bytes | None = None,
) -> CertificateFile:
    """What a file with the contents `data` holds: PEM, DER or PKCS#12.

    `password` opens PKCS#12 only; the empty one, with which stunnel loads it, is tried after it.
    """
    found = _read(data, password)
    path, owner = printable(path), printable(owner)
    if isinstance(found, Failure):
        return CertificateFile(path, stamp=stamp, mode=mode, owner=owner, failure=found)
    return CertificateFile(
        path,
        kind=found.kind,
        certificates=tuple(found.certificates),
        key=found.key,
        crls=tuple(found.crls),
        undecodable=tuple(found.undecodable[:_MAX_NAMED]),
        stamp=stamp,
        mode=mode,
        owner=owner,
    )


def _read(data: bytes, password: bytes | None) -> _Found | Failure:
    if not data:
        return Failure(Reason.INVALID, "the file is empty")
    if len(data) > MAX_FILE:
        return Failure(Reason.TOO_LARGE, f"the file is larger than {MAX_FILE // 1024 // 1024} MiB")
    if pem_text.holds(data):
        return _from_pem(data)
    if data[0] == der.SEQUENCE:
        return _from_pkcs12(data, password) if x509_pkcs12.holds(data) else _from_der(data)
    return Failure(Reason.INVALID, "the file is neither PEM, DER nor PKCS#12")


def _from_pem(data: bytes) -> _Found | Failure:
    found = _Found("pem")
    labels: Counter[str] = Counter()
    for block in pem_text.blocks(data):
        label = printable(block.label, _MAX_LABEL)
        labels[label] += 1
        if not _add(found, block):
            found.undecodable.append(f"{label} {labels[label]}")
    if found:
        return found
    if found.undecodable:
        return Failure(Reason.INVALID, f"the PEM block {found.undecodable[0]} cannot be decoded")
    others = f" ({', '.join(list(labels)[:5])})" if labels else ""
    return Failure(Reason.INVALID, f"the PEM holds no certificate, private key or CRL{others}")


def _add(found: _Found, block: pem_text.Block) -> bool:
    """Add what a block holds; False if it should hold something that cannot be decoded."""
    if block.label in _CERTIFICATES:
        read = _certificate_in(block)
        if read is not None:
            found.certificates.append(read)
        return read is not None
    if block.label == "X509 CRL":
        listed = None if block.data is None else x509_crl.from_der(block.data)
        if listed is not None:
            found.crls.append(listed)
        return listed is not None
    if block.label.endswith("PRIVATE KEY"):
        key = _key_in(block)
        found.key = found.key or key  # OpenSSL, too, takes the first key of a file
        return _understood(key)
    return True


def _certificate_in(block: pem_text.Block) -> Certificate | None:
    data = block.data
    if data is None:
        return None
    if block.label == "TRUSTED CERTIFICATE":  # OpenSSL's own: trust settings follow the certificate
        try:
            data = der.first(data)
        except ValueError:
            return None
    read = from_der(data)
    return read if isinstance(read, Certificate) else None


def _key_in(block: pem_text.Block) -> PrivateKey | None:
    if block.data is None:
        return None
    if block.encrypted or block.label == "ENCRYPTED PRIVATE KEY":
        return PrivateKey("", True)
    return x509_keys.private_key(block.data)


def _understood(key: PrivateKey | None) -> bool:
    return key is not None and (key.encrypted or bool(key.spki_sha256))


def _from_der(data: bytes) -> _Found | Failure:
    read = from_der(data)
    if isinstance(read, Certificate):
        return _Found("der", certificates=[read])
    listed = x509_crl.from_der(data)
    if listed is not None:
        return _Found("der", crls=[listed])
    key = x509_keys.private_key(data)
    if key is not None:
        return _Found("der", key=key, undecodable=[] if _understood(key) else ["private key"])
    return Failure(Reason.INVALID, "the DER is no certificate, private key, CRL or PKCS#12")


def _from_pkcs12(data: bytes, password: bytes | None) -> _Found | Failure:
    opened = x509_pkcs12.read(data, password)
    if isinstance(opened, Failure):
        return opened
    key, certificates = opened
    return _Found("pkcs12", certificates=[certificate(cert) for cert in certificates], key=key)
