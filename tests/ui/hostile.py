"""What a stranger may have written, as bytes: terminal sequences, bidirectional overrides, markup."""

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

MARKUP = "[/foo][red]"
"""Ends a tag that was never opened: fatal wherever it is taken for markup."""

SEQUENCES = (
    "\x1b]52;c;cHduZWQ=\x07",  # OSC 52: the clipboard
    "\x1b]0;pwned\x1b\\",  # OSC 0: the title
    "\x1bP1$r0m\x1b\\",  # DCS
    "\x1b[2J\x1b[31m",  # CSI: clear, red
    "\x9b31m\x9d0;pwned\x9c",  # the same in C1
    "\u202e\u2066\u200e\ufeff\u2028",  # bidirectional override and isolate, marks, line separator
    "\x00\x08\x7f\r\x0b",
)
EVIL = MARKUP + "".join(SEQUENCES)
"""Everything at once, without a line feed."""

RAW = EVIL.encode() + b"\x9b2J\xff\xfe"
"""The same with C1 as a single byte, and with what is no UTF-8."""

SHOWN = MARKUP + "\ufffd]52;c;cHduZWQ=\ufffd"
"""How `EVIL` begins on a screen."""


def certificate() -> tuple[bytes, bytes]:
    """A self-signed certificate with hostile names in every field that a page shows, and its key, in PEM."""
    ascii_evil = EVIL.encode("ascii", "ignore").decode()
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, f"{MARKUP}\x1b]0;org\x07\nline"),
            x509.NameAttribute(NameOID.COMMON_NAME, f"{MARKUP}\x1b]52;c;cHduZWQ=\x07\u202e\x9b2J\n"),
        ]
    )
    uri = x509.UniformResourceIdentifier(f"http://{ascii_evil}\n")
    access = x509.AccessDescription(AuthorityInformationAccessOID.OCSP, uri)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=3))
        .not_valid_after(now + timedelta(days=200))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(ascii_evil), uri]), critical=False)
        .add_extension(x509.AuthorityInformationAccess([access]), critical=False)
        .add_extension(
            x509.CRLDistributionPoints([x509.DistributionPoint([uri], None, None, None)]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return made.public_bytes(Encoding.PEM), private


def config(*, log: str, cert: str, port: int) -> bytes:
    """A configuration whose three services have hostile names and values."""
    evil = RAW.replace(b"\r", b"").replace(b"\0", b"")  # stunnel drops the one and stops at the other
    lines = [
        b"foreground = quiet\npid =\noutput = " + log.encode(),
        b"cert = " + cert.encode(),
        b"[web" + evil + b"]\naccept = 127.0.0.1:%d\nconnect = 127.0.0.1:1\nciphers = " % port + evil,
        b"[api" + evil + b"]\naccept = 127.0.0.1:%d\nconnect = " % (port + 1) + evil + b":1",
        b"[out" + evil + b"]\nclient = yes\naccept = 127.0.0.1:%d\nconnect = " % (port + 2) + evil + b":2",
        b"sni = " + evil + b"\nCAfile = /nowhere/" + evil + b"\nverifyChain = yes\n",
    ]
    return b"\n".join(lines)


REFUSED = b"[old" + RAW + b"] // " + RAW + b"\naccept = 127.0.0.1:1\nconnect = 127.0.0.1:2\n"
"""A configuration that stunnel refuses for a line full of everything."""


def log(stamp: bytes, service: bytes = b"web" + RAW) -> list[bytes]:
    """Lines of a log; `stamp` is the date and time at the start of each."""
    start = stamp + b" LOG"
    return [
        start + b"5[ui]: Configuration successful",
        start + b"5[0]: Service [" + service + b"] accepted connection from 127.0.0.9:41000",
        start + b"3[0]: SSL_accept: " + RAW,
        start + b"5[0]: " + RAW,
        RAW,
        start + b"3[ui]: " + RAW * 40,
    ]
