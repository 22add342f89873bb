"""`tuimon certs` and the ugly certificates of the wild: what cannot be decoded is named, the rest shown."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509 as crypto
from cryptography.x509.oid import ExtensionOID, NameOID
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.commands.conftest import Show, Told, codes
from tests.parse.test_x509 import built, openssl, raw, self_signed
from tuimon.model.certificate import Certificate
from tuimon.parse import der, pem, x509, x509_damaged


def written(folder: Path, data: bytes, name: str = "x.pem") -> Path:
    path = folder / name
    path.write_bytes(pem.text("CERTIFICATE", data).encode())
    return path


# ugly ones


def test_ten_thousand_names(show: Show, told: Told, tmp_path: Path) -> None:
    """All in JSON, a few for people."""
    names = crypto.SubjectAlternativeName([crypto.DNSName(f"h{number}.example") for number in range(10_000)])
    path = written(tmp_path, built(names))
    _, (found,) = show(path)
    assert len(found["san"]) == 10_000
    assert "DNS:h19.example, and 9980 more" in told(path)


@pytest.mark.parametrize(("serial", "shown"), [("-5", "-05"), ("-70000", "-011170"), ("0", "00")])
def test_negative_serial_numbers(show: Show, told: Told, tmp_path: Path, serial: str, shown: str) -> None:
    """As openssl prints them."""
    path = self_signed(tmp_path, "-newkey", "ed25519", "-subj", "/CN=x", "-set_serial", serial)
    assert show(path)[1][0]["serial"] == shown
    assert openssl("x509", "-in", path, "-noout", "-serial").strip() == f"serial={shown}"
    assert f"serial          {'-' * (shown[0] == '-')}" in told(path)


def test_an_empty_subject_a_bmp_string_and_version_1(show: Show, tmp_path: Path) -> None:
    """Each is a certificate like any other."""
    _, (empty,) = show(self_signed(tmp_path, "-newkey", "ed25519", "-subj", "/"))
    assert (empty["subject"], codes(empty)) == ("", ["self-signed"])
    config = "[req]\ndistinguished_name = dn\nstring_mask = MASK:0x800\n[dn]\n"
    path = self_signed(tmp_path, "-newkey", "ed25519", "-utf8", "-subj", "/CN=Łódź", config=config)
    assert show(path)[1][0]["subject"] == "CN=Łódź"
    openssl("req", "-new", "-key", tmp_path / "key.pem", "-subj", "/CN=v1", "-out", tmp_path / "csr.pem")
    key = ("-signkey", tmp_path / "key.pem")
    openssl("x509", "-req", "-in", tmp_path / "csr.pem", *key, "-days", "90", "-out", tmp_path / "v1.pem")
    _, (first,) = show(tmp_path / "v1.pem")
    assert (first["version"], first["basic_constraints"], codes(first)) == (1, None, ["self-signed"])


def test_broken_extensions_and_unknown_keys_cost_only_themselves(show: Show, tmp_path: Path) -> None:
    """What cannot be decoded is named, the rest is there, exit status 1."""
    now = datetime.now(UTC)
    data = built(
        raw(ExtensionOID.SUBJECT_ALTERNATIVE_NAME, b"\x30\x06\x87\x04\x7f\x00"),
        crypto.KeyUsage(*(True,) + (False,) * 8),
        not_before=now - timedelta(1),
        not_after=now + timedelta(90),
    )
    status, (found,) = show(written(tmp_path, data))
    assert (status, codes(found)) == (1, ["self-signed", "undecodable"])
    assert found["problems"][1]["text"] == "cannot be decoded: subjectAltName"
    assert (found["subject"], found["key_usage"]) == ("CN=built", ["digitalSignature"])
    openssl("ecparam", "-name", "secp224k1", "-genkey", "-noout", "-out", tmp_path / "k.pem")
    path = self_signed(tmp_path, "-key", str(tmp_path / "k.pem"), "-subj", "/CN=odd")
    status, (found,) = show(path)
    assert (found["public_key"]["type"], found["subject"]) == ("EC", "CN=odd")
    assert "public_key" in found["problems"][-1]["text"]


def tampered(**parts: bytes) -> bytes:
    """A certificate with other encodings in the place of these parts."""
    return x509_damaged._joined(x509_damaged._parts(built()) | parts)


BEYOND_9999 = der.wrap(0x18, b"120190101000000Z")
DAMAGES = {
    "not_after": BEYOND_9999,
    "not_before": der.wrap(0x17, b"990231000000Z"),
    "version": bytes.fromhex("a003020106"),
    "serial": bytes.fromhex("02020001"),
    "issuer": bytes.fromhex("300431023000"),
    "subject": bytes.fromhex("3003310131"),
    "public_key": bytes.fromhex("3003020101"),
    "extensions": bytes.fromhex("a3020500"),
    "signature_algorithm": bytes.fromhex("3003020101"),
    "outer_algorithm": bytes.fromhex("3003020101"),
    "signature": bytes.fromhex("030109"),
}


@pytest.mark.parametrize("part", DAMAGES)
def test_what_cryptography_will_not_load_is_shown_without_the_broken_part(
    show: Show, told: Told, tmp_path: Path, part: str
) -> None:
    """A year beyond 9999, the 31st of February, version 7: the field is named, all the others stand."""
    data, whole = tampered(**{part: DAMAGES[part]}), x509.from_der(built())
    assert isinstance(whole, Certificate)
    path = written(tmp_path, data)
    status, (found,) = show(path)
    assert status == 1
    (problem,) = [each for each in found["problems"] if each["code"] == "undecodable"]
    assert part in problem["text"]
    read = x509.from_der(data)
    assert isinstance(read, Certificate)
    for field in ("serial", "issuer", "subject", "not_before", "not_after", "public_key", "spki_sha256"):
        if field != part and (field, part) != ("spki_sha256", "public_key"):
            assert getattr(read, field) == getattr(whole, field), field
    assert read.version == (7 if part == "version" else 3)
    assert (read.der, len(found["sha256"])) == (data, 64)
    assert problem["text"] in told(path)


def test_openssl_reads_the_same_of_a_year_beyond_9999(show: Show, told: Told, tmp_path: Path) -> None:
    """`Bad time value`: neither shows a date, both show the rest."""
    path = written(tmp_path, tampered(not_after=BEYOND_9999))
    text = openssl("x509", "-in", path, "-noout", "-text")
    assert "Not After : Bad time value" in text
    said = told(path)
    assert "not after " not in said
    assert "cannot be decoded: not_after" in said
    assert "subject         CN=built" in said


def test_hostile_text_is_fit_for_a_screen(told: Told, tmp_path: Path) -> None:
    """Names with escape sequences, and a file name with one."""
    name = crypto.Name([crypto.NameAttribute(NameOID.COMMON_NAME, "a\x1b[2J\u202eb\nc")])
    path = written(tmp_path, built(subject=name), "x\x1b]0;y\x07.pem")
    said = told(path, tmp_path / "missing\x1b[2J")
    assert not re.search("[\x00-\x09\x0b-\x1f\u202e]", said)


GOOD = built(crypto.SubjectAlternativeName([crypto.DNSName("a")]), crypto.BasicConstraints(True, 1))


@settings(
    max_examples=60,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(st.tuples(st.integers(0, len(GOOD) - 1), st.integers(0, 255)), min_size=1, max_size=6))
def test_no_damage_ends_in_anything_but_an_answer(
    show: Show, told: Told, tmp_path: Path, changes: list[tuple[int, int]]
) -> None:
    """Whatever octets change: an exit status of the contract, a document, printable text."""
    data = bytearray(GOOD)
    for at, octet in changes:
        data[at] = octet
    path = tmp_path / "fuzzed.der"
    path.write_bytes(bytes(data))
    status, found = show(path)
    assert status in {0, 1, 2}
    assert found
    assert not re.search("[\x00-\x09\x0b-\x1f]", told(path))
    assert x509.served(bytes(data)).sha256
