"""Certificates that are large in one way or the other, for peers to show.

Rule: what OpenSSL still takes, but only just: beyond, the handshake itself fails.
"""

import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_DAY = datetime.timedelta(days=1)


def _issue(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: str,
    issuer_key: ec.EllipticCurvePrivateKey,
    names: tuple[str, ...] = (),
) -> bytes:
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _DAY)
        .not_valid_after(now + 90 * _DAY)
        .add_extension(x509.BasicConstraints(ca=not names, path_length=None), critical=True)
    )
    if names:
        builder = builder.add_extension(
            x509.SubjectAlternativeName([x509.DNSName(each) for each in names]), critical=False
        )
    return builder.sign(issuer_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def write(folder: Path) -> None:
    """NAME.pem and NAME.key: `sound` with one name, `chain` of a hundred certificates, and `names` with
    ten thousand names; `ca.pem` issued the sound one and the one with the names."""
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(101)]
    root = keys.pop()
    links = [
        _issue(
            f"link {depth}",
            key,
            f"link {depth + 1}",
            keys[min(depth + 1, 99)],
            ("lab.example",) * (not depth),
        )
        for depth, key in enumerate(keys)
    ]
    many = tuple(f"n{number}.x" for number in range(10_000))
    files = {
        "sound": _issue("sound", keys[0], "ca", root, ("localhost",)),
        "chain": b"".join(links),
        "names": _issue("names", keys[0], "ca", root, many),
    }
    private = keys[0].private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    for name, text in files.items():
        (folder / f"{name}.pem").write_bytes(text)
        (folder / f"{name}.key").write_bytes(private)
    (folder / "ca.pem").write_bytes(_issue("ca", root, "ca", root))
