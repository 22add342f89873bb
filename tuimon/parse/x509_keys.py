"""Public and private keys as facts: type, size, and the pin by which the two halves find each other.

Rule: of a private key nothing leaves this file but the SHA-256 of its public half (RFC 7469 calls it
the SPKI pin), and nothing ever asks for a password.
"""

import hashlib

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_private_key

from tuimon.model.certificate import PrivateKey, PublicKey
from tuimon.parse import der

_MAX_KEY = 64 * 1024
"""Largest private key in bytes that is decoded; RSA of 16384 bits takes about 10 KiB."""

_RSA = "1.2.840.113549.1.1.1"
_TYPES = {
    _RSA: "RSA",
    "1.2.840.113549.1.1.10": "RSA",
    "1.2.840.10045.2.1": "EC",
    "1.2.840.10040.4.1": "DSA",
    "1.3.101.112": "Ed25519",
    "1.3.101.113": "Ed448",
}


def public_key(certificate: x509.Certificate) -> PublicKey:
    """Type and size of the certified key; raises what cryptography raises for keys unknown to it."""
    match certificate.public_key():
        case rsa.RSAPublicKey() as key:
            exponent = key.public_numbers().e
            # OpenSSL refuses larger ones; no number of a stranger's choosing goes on to be printed.
            return PublicKey("RSA", key.key_size, exponent=exponent if exponent.bit_length() <= 64 else None)
        case ec.EllipticCurvePublicKey() as key:
            return PublicKey("EC", key.key_size, curve=key.curve.name)
        case dsa.DSAPublicKey() as key:
            return PublicKey("DSA", key.key_size)
        case ed25519.Ed25519PublicKey():
            return PublicKey("Ed25519", 256)
        case ed448.Ed448PublicKey():
            return PublicKey("Ed448", 456)
    return PublicKey("other", 0)


def unknown_public_key(certificate: x509.Certificate) -> PublicKey:
    """What the object identifier alone says of a key that cannot be decoded; its size is 0."""
    return PublicKey(_TYPES.get(certificate.public_key_algorithm_oid.dotted_string, "other"), 0)


def certified_pin(certificate: x509.Certificate) -> str:
    """SHA-256 of the SubjectPublicKeyInfo as it stands in the certificate.

    It is cut out rather than encoded again: cryptography forgets the restrictions of an RSA-PSS key.
    """
    tbs = der.children(certificate.tbs_certificate_bytes)
    position = 6 if tbs[0][0] == der.CONTEXT_0 else 5  # the version is absent from version 1
    return _sha256(tbs[position])


def private_key(data: bytes) -> PrivateKey | None:
    """What may be said of a private key in DER (PKCS#8, PKCS#1, SEC 1), None if it is none.

    The pin is empty for an encrypted key and for a kind of key that cryptography does not know.
    """
    if len(data) > _MAX_KEY:
        return None
    try:
        # Only the public half is used, and proving that large primes are prime takes seconds.
        key = load_der_private_key(data, None, unsafe_skip_rsa_key_validation=True)
        return PrivateKey(_private_pin(key, data), False)
    except UnsupportedAlgorithm:
        return PrivateKey("", False)
    except TypeError:  # the documented answer to a missing password
        return PrivateKey("", True)
    except ValueError:
        return None


def loaded_pin(key: PrivateKeyTypes, certificate: x509.Certificate | None) -> str:
    """The pin of a key that came with its certificate (PKCS#12), as the certificate spells the key."""
    encoded = _encoded(key)
    if certificate is not None:
        theirs = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        if theirs == encoded:
            return certified_pin(certificate)
    return _sha256(encoded)


def _private_pin(key: PrivateKeyTypes, data: bytes) -> str:
    """The pin with the AlgorithmIdentifier as the key's own encoding has it (RSA-PSS, explicit curves)."""
    encoded = _encoded(key)
    usual, public = der.children(encoded)
    parts = der.children(data)
    algorithm = usual
    if parts[1][0] == der.SEQUENCE:  # PKCS#8
        algorithm = parts[1]
    elif len(parts) > 2 and parts[2][0] == der.CONTEXT_0:  # SEC 1 with the curve's parameters
        algorithm = der.wrap(der.SEQUENCE, der.children(usual)[0], *der.children(parts[2]))
    if der.dotted(der.children(algorithm)[0]) == _RSA:  # some leave out the NULL that certificates have
        algorithm = usual
    return _sha256(der.wrap(der.SEQUENCE, algorithm, public))


def _encoded(key: PrivateKeyTypes) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest().upper()
