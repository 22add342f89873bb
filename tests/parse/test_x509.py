"""Certificates as facts: field by field against openssl, and the ugly ones that the wild has."""

import hashlib
import re
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509 as crypto
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtensionOID, NameOID
from hypothesis import given, settings
from hypothesis import strategies as st

from tuimon.model.certificate import Certificate
from tuimon.model.failure import Failure, Reason
from tuimon.parse import der, x509

KEY = ec.generate_private_key(ec.SECP256R1())
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

LEAF_EXTENSIONS = """
[req]
distinguished_name = dn
x509_extensions = leaf
[dn]
[leaf]
subjectAltName = DNS:web.example,DNS:*.web.example,IP:10.0.0.1,IP:fe80::1,email:ops@web.example,URI:https://x/,\
RID:1.2.3.4,otherName:1.3.6.1.4.1.311.20.2.3;UTF8:user,dirName:directory
keyUsage = critical,digitalSignature,nonRepudiation,keyEncipherment,keyAgreement,decipherOnly
extendedKeyUsage = serverAuth,clientAuth,1.2.3.4.5
basicConstraints = critical,CA:TRUE,pathlen:2
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid:always
authorityInfoAccess = OCSP;URI:http://ocsp.example/,caIssuers;URI:http://ca.example/ca.der
crlDistributionPoints = URI:http://crl.example/1.crl,URI:http://crl.example/2.crl
certificatePolicies = 2.23.140.1.2.1,1.2.3.4
[directory]
CN = somewhere
"""


def openssl(*arguments: str | Path) -> str:
    done = subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, timeout=30)
    return done.stdout.decode()


def self_signed(
    folder: Path, *arguments: str, config: str = "[req]\ndistinguished_name = dn\n[dn]\n"
) -> Path:
    """A certificate made by `openssl req -x509`, its key beside it in key.pem."""
    (folder / "openssl.cnf").write_text(config)
    path = folder / "cert.pem"
    openssl(
        *("req", "-x509", "-nodes", "-config", folder / "openssl.cnf"),
        *("-keyout", folder / "key.pem", "-out", path, *arguments),
    )
    return path


def read(path: Path) -> Certificate:
    (certificate,) = x509.read_file(str(path), path.read_bytes()).certificates
    return certificate


def built(*extensions: crypto.ExtensionType, subject: crypto.Name | None = None, **dates: datetime) -> bytes:
    """DER of a certificate made by cryptography."""
    name = crypto.Name([crypto.NameAttribute(NameOID.COMMON_NAME, "built")]) if subject is None else subject
    builder = (
        crypto.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(KEY.public_key())
        .serial_number(5)
        .not_valid_before(dates.get("not_before", NOW))
        .not_valid_after(dates.get("not_after", NOW + timedelta(days=90)))
    )
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(KEY, hashes.SHA256()).public_bytes(Encoding.DER)


def raw(oid: crypto.ObjectIdentifier, value: bytes) -> crypto.UnrecognizedExtension:
    return crypto.UnrecognizedExtension(oid, value)


def decoded(data: bytes) -> Certificate:
    certificate = x509.from_der(data)
    assert isinstance(certificate, Certificate)
    return certificate


ALGORITHMS = {
    "rsa": (("-newkey", "rsa:2048"), "SHA256", ("RSA", 2048, "", 65537)),
    "rsa-sha1": (("-newkey", "rsa:1024", "-sha1"), "SHA1", ("RSA", 1024, "", 65537)),
    "rsa-pss": (("-newkey", "rsa-pss", "-sha384"), "SHA384", ("RSA", 2048, "", 65537)),
    "ec": (
        ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384", "-sha512"),
        "SHA512",
        ("EC", 384, "secp384r1", None),
    ),
    "ed25519": (("-newkey", "ed25519"), "", ("Ed25519", 256, "", None)),
    "ed448": (("-newkey", "ed448"), "", ("Ed448", 456, "", None)),
}


@pytest.mark.parametrize("kind", ALGORITHMS)
def test_every_kind_of_key_reads_as_openssl_prints_it(tmp_path: Path, kind: str) -> None:
    """Algorithms, serial, dates, fingerprints and the pin agree with openssl; the key matches."""
    arguments, hash_name, key = ALGORITHMS[kind]
    path = self_signed(tmp_path, *arguments, "-subj", "/C=DE/O=Lab, Inc/CN=web.example", "-days", "9")
    certificate = read(path)
    text = openssl("x509", "-in", path, "-noout", "-text")
    said = openssl("x509", "-in", path, "-noout", "-serial", "-startdate", "-enddate", "-dateopt", "iso_8601")
    spki = tmp_path / "spki.der"
    openssl("pkey", "-in", tmp_path / "key.pem", "-pubout", "-outform", "DER", "-out", spki)
    assert re.findall(r"Version: (\d)", text) == [str(certificate.version)]
    assert set(re.findall(r"Signature Algorithm: (\S+)", text)) == {certificate.signature_algorithm}
    assert said.splitlines() == [
        f"serial={certificate.serial}",
        f"notBefore={certificate.not_before:%Y-%m-%d %H:%M:%SZ}",
        f"notAfter={certificate.not_after:%Y-%m-%d %H:%M:%SZ}",
    ]
    for name in ("sha256", "sha1"):
        said = openssl("x509", "-in", path, "-noout", "-fingerprint", f"-{name}")
        assert said.strip().partition("=")[2].replace(":", "") == getattr(certificate, name)
    assert certificate.spki_sha256 == hashlib.sha256(spki.read_bytes()).hexdigest().upper()
    key_file = x509.read_file("key.pem", (tmp_path / "key.pem").read_bytes())
    assert key_file.key == (certificate.spki_sha256, False)
    assert (certificate.signature_hash, tuple(certificate.public_key)) == (hash_name, key)
    assert certificate.subject == certificate.issuer == "CN=web.example, O=Lab\\, Inc, C=DE"
    assert certificate.common_name == certificate.title == "web.example"
    assert certificate.self_signed
    assert certificate.undecodable == ()


def test_extensions_are_named_as_in_rfc_5280(tmp_path: Path) -> None:
    """Every extension of the model, with each kind of general name."""
    path = self_signed(tmp_path, "-newkey", "ed25519", "-subj", "/CN=leaf", config=LEAF_EXTENSIONS)
    certificate = read(path)
    assert certificate.san == (
        *("DNS:web.example", "DNS:*.web.example", "IP:10.0.0.1", "IP:fe80::1", "email:ops@web.example"),
        *("URI:https://x/", "RID:1.2.3.4", "otherName:1.3.6.1.4.1.311.20.2.3", "DirName:CN=somewhere"),
    )
    usages = "digitalSignature nonRepudiation keyEncipherment keyAgreement decipherOnly"
    assert certificate.key_usage == tuple(usages.split())
    assert certificate.extended_key_usage == ("serverAuth", "clientAuth", "1.2.3.4.5")
    assert (certificate.ca, certificate.path_length) == (True, 2)
    said = openssl("x509", "-in", path, "-noout", "-ext", "subjectKeyIdentifier").splitlines()[1]
    assert certificate.ski == certificate.aki == said.strip().replace(":", "")
    assert certificate.ocsp == ("http://ocsp.example/",)
    assert certificate.ca_issuers == ("http://ca.example/ca.der",)
    assert certificate.crl_distribution_points == ("http://crl.example/1.crl", "http://crl.example/2.crl")
    assert certificate.policies == ("2.23.140.1.2.1", "1.2.3.4")
    assert certificate.undecodable == ()


def test_embedded_timestamps_are_read() -> None:
    """An SCT list (RFC 6962 section 3.3) gives the log and the time."""
    sct = b"\x00" + bytes(range(32)) + (1_700_000_000_000).to_bytes(8) + b"\0\0" + b"\4\3\0\2\x30\x00"
    entry = len(sct).to_bytes(2) + sct
    value = der.wrap(0x04, len(entry).to_bytes(2) + entry)
    (found,) = decoded(built(raw(ExtensionOID.PRECERT_SIGNED_CERTIFICATE_TIMESTAMPS, value))).scts
    assert found.log_id == bytes(range(32)).hex().upper()
    assert found.timestamp == datetime.fromtimestamp(1_700_000_000, UTC)


def test_version_1_has_no_extensions(tmp_path: Path) -> None:
    """`ca` is None where basic constraints are absent, and the version is told."""
    self_signed(tmp_path, "-newkey", "ed25519", "-subj", "/CN=v1")
    openssl("req", "-new", "-key", tmp_path / "key.pem", "-subj", "/CN=v1", "-out", tmp_path / "csr.pem")
    path = tmp_path / "v1.pem"
    openssl("x509", "-req", "-in", tmp_path / "csr.pem", "-signkey", tmp_path / "key.pem", "-out", path)
    certificate = read(path)
    assert (certificate.version, certificate.ca, certificate.undecodable) == (1, None, ())
    assert certificate.spki_sha256 == x509.read_file("", (tmp_path / "key.pem").read_bytes()).key[0]


@pytest.mark.parametrize(("serial", "shown"), [("-5", "-05"), ("0", "00"), ("4096", "1000")])
def test_serial_numbers_that_rfc_5280_forbids_are_shown(tmp_path: Path, serial: str, shown: str) -> None:
    """Negative and zero serials load without a warning and read as openssl prints them."""
    path = self_signed(tmp_path, "-newkey", "ed25519", "-subj", "/CN=x", "-set_serial", serial)
    assert read(path).serial == shown


def test_empty_subject_and_bmp_strings_are_read(tmp_path: Path) -> None:
    """A title is found without a subject; two-octet strings are decoded."""
    assert read(self_signed(tmp_path, "-newkey", "ed25519", "-subj", "/")).title.startswith("serial ")
    nameless = decoded(built(crypto.SubjectAlternativeName([crypto.DNSName("a.b")]), subject=crypto.Name([])))
    assert (nameless.subject, nameless.title) == ("", "a.b")
    config = "[req]\ndistinguished_name = dn\nstring_mask = MASK:0x800\n[dn]\n"
    path = self_signed(tmp_path, "-newkey", "ed25519", "-utf8", "-subj", "/CN=Köln", config=config)
    assert "Köln".encode("utf-16-be") in read(path).der
    assert read(path).subject == "CN=Köln"


def test_a_key_of_an_unknown_curve_costs_only_the_key(tmp_path: Path) -> None:
    """secp224k1 is unknown to cryptography; the pin, the names and the dates remain."""
    openssl("ecparam", "-name", "secp224k1", "-genkey", "-out", tmp_path / "k.pem")
    path = self_signed(tmp_path, "-key", str(tmp_path / "k.pem"), "-subj", "/CN=odd")
    certificate = read(path)
    assert certificate.public_key == ("EC", 0, "", None)
    assert certificate.undecodable == ("public_key",)
    assert len(certificate.spki_sha256) == 64
    assert certificate.common_name == "odd"


def test_a_broken_extension_costs_only_itself() -> None:
    """Garbage in two extensions leaves the third readable and is named."""
    certificate = decoded(
        built(
            raw(ExtensionOID.SUBJECT_ALTERNATIVE_NAME, b"\x30\x06\x87\x04\x7f\x00"),
            crypto.ExtendedKeyUsage([crypto.ExtendedKeyUsageOID.SERVER_AUTH]),
            raw(ExtensionOID.KEY_USAGE, b"junk"),
            raw(ExtensionOID.NAME_CONSTRAINTS, b"junk"),
        )
    )
    assert certificate.undecodable == ("subjectAltName", "keyUsage", "extension 2.5.29.30")
    assert certificate.extended_key_usage == ("serverAuth",)
    assert certificate.common_name == "built"


def test_a_repeated_extension_shows_the_first() -> None:
    """RFC 5280 forbids two of a kind; the rest of the certificate is still read."""
    data = built(crypto.SubjectAlternativeName([crypto.DNSName("a")]), crypto.BasicConstraints(True, 0))
    tbs, *rest = der.children(data)
    *parts, wrapped = der.children(tbs)
    san, constraints = der.children(der.children(wrapped)[0])
    extensions = der.wrap(der.CONTEXT_3, der.wrap(der.SEQUENCE, san, constraints, san))
    certificate = decoded(der.wrap(der.SEQUENCE, der.wrap(der.SEQUENCE, *parts, extensions), *rest))
    assert certificate.undecodable == ("subjectAltName (repeated)",)
    assert (certificate.san, certificate.path_length) == (("DNS:a",), 0)


def test_names_are_bounded() -> None:
    """Of a flood of names ten thousand are kept, and the cut is told."""
    names = crypto.SubjectAlternativeName([crypto.DNSName(f"h{n}") for n in range(10_001)])
    certificate = decoded(built(names))
    assert len(certificate.san) == 10_000
    assert certificate.undecodable == ("subjectAltName (beyond 10000 entries)",)


def test_hostile_text_comes_out_printable() -> None:
    """Escape sequences, bidirectional overrides and line breaks never reach a screen."""
    name = crypto.Name([crypto.NameAttribute(NameOID.COMMON_NAME, "a\x1b[2J\u202eb\nc")])
    certificate = decoded(
        built(crypto.SubjectAlternativeName([crypto.DNSName("x\x1b]0;y\x07")]), subject=name)
    )
    assert certificate.common_name == certificate.title == "a\ufffd[2J\ufffdb\ufffdc"
    texts = (certificate.subject, certificate.issuer, *certificate.san)
    assert not any(re.search("[\x00-\x1f\u202e]", text) for text in texts)
    assert certificate.san == ("DNS:x\ufffd]0;y\ufffd",)


class Unreadable:
    """A certificate whose field `broken` raises, as some of cryptography's do."""

    def __init__(self, data: bytes, broken: str) -> None:
        self._certificate, self._broken = crypto.load_der_x509_certificate(data), broken

    def __getattr__(self, name: str) -> Any:
        if name == self._broken:
            raise ValueError(name)
        return getattr(self._certificate, name)


@pytest.mark.parametrize("field", ["not_valid_before_utc", "not_valid_after_utc", "issuer", "subject"])
def test_a_field_that_raises_is_empty_and_named(field: str) -> None:
    """Times become the ends of the calendar, names empty; the rest is there."""
    certificate = x509.certificate(Unreadable(built(), field))  # type: ignore[arg-type]
    name = {"not_valid_before_utc": "not_before", "not_valid_after_utc": "not_after"}.get(field, field)
    assert name in certificate.undecodable
    empty = {"not_before": datetime.min, "not_after": datetime.max}
    assert getattr(certificate, name) == (empty[name].replace(tzinfo=UTC) if name in empty else "")
    assert certificate.serial == "05"
    assert certificate.lifetime > 0


def test_the_last_moment_of_the_calendar_can_be_counted() -> None:
    """RFC 5280's `99991231235959Z`, no well-defined end, is a time like any other."""
    certificate = decoded(built(not_after=datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)))
    assert certificate.undecodable == ()
    assert certificate.seconds_left(NOW.timestamp()) > 7900 * 365 * 86400


def test_seconds_left_counts_down_past_zero() -> None:
    """The model counts from a time that it is given."""
    certificate = decoded(built(not_after=NOW + timedelta(hours=1)))
    assert certificate.seconds_left(NOW.timestamp()) == certificate.lifetime == 3600
    assert certificate.seconds_left(NOW.timestamp() + 3601) == -1


def test_same_names_alone_are_not_self_signed(tmp_path: Path) -> None:
    """A certificate that another key signed under the same name is not its own issuer."""
    other = ec.generate_private_key(ec.SECP256R1())
    name = crypto.Name([crypto.NameAttribute(NameOID.COMMON_NAME, "CA")])
    builder = crypto.CertificateBuilder().subject_name(name).issuer_name(name).public_key(KEY.public_key())
    builder = builder.serial_number(1).not_valid_before(NOW).not_valid_after(NOW + timedelta(days=1))
    assert not x509.certificate(builder.sign(other, hashes.SHA256())).self_signed
    assert x509.certificate(builder.sign(KEY, hashes.SHA256())).self_signed


def test_what_is_no_certificate_is_a_failure() -> None:
    """Garbage is data, not an exception."""
    failure = x509.from_der(b"garbage")
    assert isinstance(failure, Failure)
    assert failure.reason is Reason.INVALID


GOOD = built(
    crypto.SubjectAlternativeName([crypto.DNSName("a"), crypto.RFC822Name("b@c")]),
    crypto.BasicConstraints(False, None),
    crypto.SubjectKeyIdentifier(b"12345"),
)


@settings(max_examples=150, derandomize=True, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(GOOD) - 1), st.integers(0, 255)), min_size=1, max_size=4))
def test_no_mutation_of_a_certificate_raises(changes: list[tuple[int, int]]) -> None:
    """Whatever octets change, the answer is a certificate or a failure."""
    data = bytearray(GOOD)
    for at, octet in changes:
        data[at] = octet
    assert isinstance(x509.from_der(bytes(data)), Certificate | Failure)
