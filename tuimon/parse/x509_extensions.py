"""The extensions of a certificate (RFC 5280 section 4.2, RFC 6962) as fields of the model.

Rule: an extension that cannot be decoded costs nothing but itself: its fields stay empty and its name
goes to `undecodable`.  Each extension is one function and one line of the table at the end.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC
from itertools import islice
from typing import Any

from cryptography import x509
from cryptography.exceptions import InternalError, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import AuthorityInformationAccessOID as Access

from tuimon.model.certificate import Sct
from tuimon.parse import der, x509_names

MAX_ENTRIES = 10_000
"""How many entries of one extension (names, policies, …) are kept."""

MAX_EXTENSIONS = 100
"""How many extensions are looked at one by one in a certificate with a broken one."""

BROKEN = (
    ValueError,
    TypeError,
    OverflowError,
    UnsupportedAlgorithm,
    InternalError,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)
"""What cryptography raises for contents that it does not understand."""

Fields = dict[str, Any]
"""Fields of `model.certificate.Certificate` by name."""

_KEY_USAGES = (
    ("digital_signature", "digitalSignature"),
    ("content_commitment", "nonRepudiation"),
    ("key_encipherment", "keyEncipherment"),
    ("data_encipherment", "dataEncipherment"),
    ("key_agreement", "keyAgreement"),
    ("key_cert_sign", "keyCertSign"),
    ("crl_sign", "cRLSign"),
)
# These two have a meaning, and cryptography a value, beside keyAgreement only.
_AGREEMENT_USAGES = (("encipher_only", "encipherOnly"), ("decipher_only", "decipherOnly"))


def read(certificate: x509.Certificate, undecodable: list[str]) -> Fields:
    """The fields that the extensions give; names of those that could not be decoded are appended."""
    fields: Fields = {}
    seen = set()
    for extension in _each(certificate, undecodable):
        oid = extension.oid.dotted_string
        if oid not in _DECODERS:
            continue
        name, decode = _DECODERS[oid]
        if oid in seen:  # RFC 5280 forbids a second one; OpenSSL takes neither, the first is shown here
            undecodable.append(f"{name} (repeated)")
            continue
        seen.add(oid)
        try:
            found = decode(extension.value)
        except BROKEN:
            undecodable.append(name)
            continue
        fields |= _bounded(name, found, undecodable)
    return fields


def _bounded(name: str, found: Fields, undecodable: list[str]) -> Fields:
    for field, value in found.items():
        if isinstance(value, tuple) and len(value) > MAX_ENTRIES:
            found[field] = value[:MAX_ENTRIES]
            undecodable.append(f"{name} (beyond {MAX_ENTRIES} entries)")
    return found


def _each(certificate: x509.Certificate, undecodable: list[str]) -> Iterator[x509.Extension[Any]]:
    """All extensions, or those of a broken set that can be decoded."""
    try:
        extensions = certificate.extensions
    except BROKEN:
        yield from _one_by_one(certificate, undecodable)
    else:
        yield from extensions


def _one_by_one(certificate: x509.Certificate, undecodable: list[str]) -> Iterator[x509.Extension[Any]]:
    """cryptography decodes all extensions or none, so each is put into a copy of the certificate where
    it is alone.  The copy's signature is wrong then, which nobody checks."""
    try:
        tbs = der.children(certificate.tbs_certificate_bytes)
        after = der.children(der.first(certificate.public_bytes(Encoding.DER)))[1:]
        encoded = der.children(der.children(tbs[-1])[0])
    except (ValueError, IndexError):
        undecodable.append("extensions")
        return
    if len(encoded) > MAX_EXTENSIONS:
        undecodable.append(f"extensions (beyond {MAX_EXTENSIONS})")
    for extension in encoded[:MAX_EXTENSIONS]:
        alone = der.wrap(der.CONTEXT_3, der.wrap(der.SEQUENCE, extension))
        copy = der.wrap(der.SEQUENCE, der.wrap(der.SEQUENCE, *tbs[:-1], alone), *after)
        try:
            yield from x509.load_der_x509_certificate(copy).extensions
        except BROKEN:
            undecodable.append(_name(extension))


def _name(extension: bytes) -> str:
    try:
        oid = der.dotted(der.children(extension)[0])
    except (ValueError, IndexError):
        return "extension"
    return _DECODERS[oid][0] if oid in _DECODERS else f"extension {oid}"


def _few(entries: Iterable[str]) -> tuple[str, ...]:
    # One more than is kept, so that the cut is noticed.
    return tuple(islice(entries, MAX_ENTRIES + 1))


def _subject_alt_name(value: x509.SubjectAlternativeName) -> Fields:
    return {"san": _few(x509_names.general_name(name) for name in value)}


def _key_usage(value: x509.KeyUsage) -> Fields:
    usages = _KEY_USAGES + (_AGREEMENT_USAGES if value.key_agreement else ())
    return {"key_usage": tuple(name for attribute, name in usages if getattr(value, attribute))}


def _extended_key_usage(value: x509.ExtendedKeyUsage) -> Fields:
    return {"extended_key_usage": _few(x509_names.purpose(oid) for oid in value)}


def _basic_constraints(value: x509.BasicConstraints) -> Fields:
    return {"ca": value.ca, "path_length": value.path_length}


def _subject_key_identifier(value: x509.SubjectKeyIdentifier) -> Fields:
    return {"ski": value.digest.hex().upper()}


def _authority_key_identifier(value: x509.AuthorityKeyIdentifier) -> Fields:
    return {"aki": (value.key_identifier or b"").hex().upper()}


def _authority_info_access(value: x509.AuthorityInformationAccess) -> Fields:
    return {"ocsp": _places(value, Access.OCSP), "ca_issuers": _places(value, Access.CA_ISSUERS)}


def _places(value: x509.AuthorityInformationAccess, method: x509.ObjectIdentifier) -> tuple[str, ...]:
    return _few(x509_names.location(item.access_location) for item in value if item.access_method == method)


def _crl_distribution_points(value: x509.CRLDistributionPoints) -> Fields:
    # A point may also be named relative to the CRL's issuer; that leads nowhere without a directory.
    names = (name for point in value for name in point.full_name or ())
    return {"crl_distribution_points": _few(x509_names.location(name) for name in names)}


def _certificate_policies(value: x509.CertificatePolicies) -> Fields:
    return {"policies": _few(policy.policy_identifier.dotted_string for policy in value)}


def _signed_certificate_timestamps(value: x509.PrecertificateSignedCertificateTimestamps) -> Fields:
    scts = (Sct(sct.log_id.hex().upper(), sct.timestamp.replace(tzinfo=UTC)) for sct in value)
    return {"scts": tuple(islice(scts, MAX_ENTRIES + 1))}


_DECODERS: dict[str, tuple[str, Callable[[Any], Fields]]] = {
    "2.5.29.14": ("subjectKeyIdentifier", _subject_key_identifier),
    "2.5.29.15": ("keyUsage", _key_usage),
    "2.5.29.17": ("subjectAltName", _subject_alt_name),
    "2.5.29.19": ("basicConstraints", _basic_constraints),
    "2.5.29.31": ("cRLDistributionPoints", _crl_distribution_points),
    "2.5.29.32": ("certificatePolicies", _certificate_policies),
    "2.5.29.35": ("authorityKeyIdentifier", _authority_key_identifier),
    "2.5.29.37": ("extKeyUsage", _extended_key_usage),
    "1.3.6.1.5.5.7.1.1": ("authorityInfoAccess", _authority_info_access),
    "1.3.6.1.4.1.11129.2.4.2": ("signedCertificateTimestampList", _signed_certificate_timestamps),
}
