"""Certificate files as they lie on disks: bundles, keys of every kind, DER, PKCS#12, and damage."""

import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuimon.model.certificate import CertificateFile, PrivateKey
from tuimon.model.failure import Failure, Reason
from tuimon.model.service import Stamp
from tuimon.parse import pem, x509


def openssl(*arguments: str | Path) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, timeout=30)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a CA, a leaf, their keys, a CRL, and the leaf's key in every wrapping."""
    folder = tmp_path_factory.mktemp("lab")
    (folder / "index.txt").touch()
    (folder / "ca.cnf").write_text(
        f"[req]\ndistinguished_name = dn\n[dn]\n[ca]\ndefault_ca = lab\n[lab]\n"
        f"database = {folder}/index.txt\ndefault_md = sha256\ndefault_crl_days = 9\n"
    )
    make = ("req", "-x509", "-nodes", "-config", folder / "ca.cnf", "-newkey")
    openssl(*make, "ed25519", "-keyout", folder / "ca.key", "-out", folder / "ca.pem", "-subj", "/CN=Lab CA")
    issuer = ("-CA", folder / "ca.pem", "-CAkey", folder / "ca.key")
    openssl(
        *(
            *make,
            "rsa:2048",
            "-keyout",
            folder / "leaf.key",
            "-out",
            folder / "leaf.pem",
            "-subj",
            "/CN=leaf",
        ),
        *issuer,
    )
    openssl(
        *("ca", "-config", folder / "ca.cnf", "-gencrl", "-out", folder / "crl.pem"),
        *("-cert", folder / "ca.pem", "-keyfile", folder / "ca.key"),
    )
    key = ("-in", folder / "leaf.key")
    locked = ("-aes128", "-passout", "pass:x")
    openssl("pkey", *key, "-traditional", "-out", folder / "traditional.key")
    openssl("pkey", *key, "-outform", "DER", "-out", folder / "pkcs8.der")
    openssl("pkcs8", "-topk8", "-nocrypt", *key, "-outform", "DER", "-out", folder / "topk8.der")
    openssl("pkcs8", "-topk8", *key, "-passout", "pass:x", "-out", folder / "encrypted-pkcs8.key")
    openssl(
        "pkcs8", "-topk8", *key, "-passout", "pass:x", "-outform", "DER", "-out", folder / "encrypted.der"
    )
    openssl("rsa", *key, "-traditional", *locked, "-out", folder / "encrypted-traditional.key")
    openssl("x509", "-in", folder / "leaf.pem", "-outform", "DER", "-out", folder / "leaf.der")
    openssl(
        "x509",
        "-in",
        folder / "leaf.pem",
        "-trustout",
        "-addtrust",
        "serverAuth",
        "-out",
        folder / "trust.pem",
    )
    openssl("crl", "-in", folder / "crl.pem", "-outform", "DER", "-out", folder / "crl.der")
    return folder


def read(path: Path, password: bytes | None = None) -> CertificateFile:
    return x509.read_file(str(path), path.read_bytes(), password=password)


def names(file: CertificateFile) -> list[str]:
    return [certificate.common_name for certificate in file.certificates]


def test_a_bundle_is_read_in_order_past_the_text_between(lab: Path) -> None:
    """Comments, other blocks, CRLs and CRLF line ends do not disturb the order of the certificates."""
    parts = [lab / name for name in ("leaf.key", "leaf.pem", "crl.pem", "ca.pem", "trust.pem")]
    text = "# subject: first\n" + "\nissuer=/CN=Lab CA\n".join(part.read_text() for part in parts)
    file = x509.read_file("/etc/x.pem", text.replace("\n", "\r\n").encode())
    assert (file.kind, names(file), len(file.crls)) == ("pem", ["leaf", "Lab CA", "leaf"], 1)
    assert file.key == PrivateKey(file.certificates[0].spki_sha256, encrypted=False)
    assert (file.failure, file.undecodable) == (None, ())


def test_what_the_caller_knows_of_the_file_is_kept(lab: Path) -> None:
    """Stamp, permission bits and owner go through, also beside a failure."""
    stamp = Stamp(1, 2, 3)
    for data in ((lab / "leaf.pem").read_bytes(), b""):
        file = x509.read_file("/a\x1b", data, stamp=stamp, mode=0o640, owner="stunnel4")
        assert (file.path, file.stamp, file.mode, file.owner) == ("/a\ufffd", stamp, 0o640, "stunnel4")


@pytest.mark.parametrize("name", ["leaf.key", "traditional.key", "pkcs8.der", "topk8.der"])
def test_a_key_in_any_wrapping_matches_its_certificate(lab: Path, name: str) -> None:
    """PKCS#8 and the traditional form, PEM and DER, give the pin of the certificate."""
    (leaf,) = read(lab / "leaf.pem").certificates
    file = read(lab / name)
    assert file.key == PrivateKey(leaf.spki_sha256, encrypted=False)
    assert file.kind == ("der" if name.endswith(".der") else "pem")


@pytest.mark.parametrize("name", ["encrypted-pkcs8.key", "encrypted-traditional.key", "encrypted.der"])
def test_an_encrypted_key_is_told_and_never_opened(lab: Path, name: str) -> None:
    """No prompt, no pin, no failure."""
    file = read(lab / name)
    assert (file.key, file.failure) == (PrivateKey("", encrypted=True), None)


@pytest.mark.parametrize("encoding", ["named_curve", "explicit"])
def test_an_ec_key_behind_its_parameters_matches(tmp_path: Path, encoding: str) -> None:
    """`openssl ecparam -genkey` puts EC PARAMETERS in front, and may spell the curve out."""
    plain, key, cert = tmp_path / "plain.key", tmp_path / "ec.key", tmp_path / "ec.pem"
    openssl("ecparam", "-name", "prime256v1", "-param_enc", encoding, "-genkey", "-out", plain)
    assert b"EC PARAMETERS" in plain.read_bytes()
    openssl("pkey", "-in", plain, "-out", key)
    openssl("req", "-x509", "-key", key, "-subj", "/CN=ec", "-out", cert)
    (certificate,) = read(cert).certificates
    assert read(plain).key == read(key).key == PrivateKey(certificate.spki_sha256, encrypted=False)
    assert certificate.public_key.curve == "secp256r1"


def test_a_key_of_an_unknown_kind_is_told_without_a_pin(tmp_path: Path) -> None:
    """stunnel may use a curve that cryptography does not know: the key is there, its pin is not."""
    openssl("ecparam", "-name", "secp224k1", "-genkey", "-noout", "-out", tmp_path / "k.pem")
    file = read(tmp_path / "k.pem")
    assert (file.key, file.undecodable) == (PrivateKey("", encrypted=False), ("EC PRIVATE KEY 1",))


def test_der_holds_one_certificate_or_one_crl(lab: Path) -> None:
    """The kind is told apart by what decodes."""
    assert (read(lab / "leaf.der").kind, names(read(lab / "leaf.der"))) == ("der", ["leaf"])
    (listed,) = read(lab / "crl.der").crls
    assert (read(lab / "crl.der").kind, listed.issuer, listed.revoked) == ("der", "CN=Lab CA", 0)
    assert listed.next_update is not None
    assert listed.this_update < listed.next_update


@pytest.mark.parametrize(("made_with", "given_password"), [("", None), ("", b"wrong"), ("x", b"x")])
def test_pkcs12_opens_with_the_given_or_the_empty_password(
    lab: Path, tmp_path: Path, made_with: str, given_password: bytes | None
) -> None:
    """The key's own certificate comes first, then its issuers; the key matches."""
    path = tmp_path / "store.p12"
    openssl(
        *("pkcs12", "-export", "-in", lab / "leaf.pem", "-inkey", lab / "leaf.key"),
        *("-certfile", lab / "ca.pem", "-passout", f"pass:{made_with}", "-out", path),
    )
    file = read(path, given_password)
    assert (file.kind, names(file), file.failure) == ("pkcs12", ["leaf", "Lab CA"], None)
    assert file.key == PrivateKey(file.certificates[0].spki_sha256, encrypted=False)
    refused = read(path, b"other").failure
    assert (refused is None) == (made_with == "")
    if refused is not None:
        assert "password" in refused.detail


def test_an_rsa_pss_key_matches_in_pkcs12_too(tmp_path: Path) -> None:
    """The restrictions of an RSA-PSS key are part of the pin, wherever the key comes from."""
    key, cert, path = tmp_path / "k.pem", tmp_path / "c.pem", tmp_path / "s.p12"
    openssl("req", "-x509", "-nodes", "-newkey", "rsa-pss", "-keyout", key, "-out", cert, "-subj", "/CN=pss")
    openssl("pkcs12", "-export", "-in", cert, "-inkey", key, "-passout", "pass:", "-out", path)
    pin = read(cert).certificates[0].spki_sha256
    assert read(key).key == read(path).key == PrivateKey(pin, encrypted=False)


def test_a_damaged_part_is_named_and_the_rest_is_shown(lab: Path) -> None:
    """A bundle cut off in its last certificate still shows the others."""
    whole = (lab / "leaf.pem").read_text() + (lab / "ca.pem").read_text()
    file = x509.read_file("x", whole[:-60].encode())
    assert (names(file), file.undecodable, file.failure) == (["leaf"], ("CERTIFICATE 2",), None)
    swapped = whole.replace("END CERTIFICATE", "END THING", 1)
    assert x509.read_file("x", swapped.encode()).undecodable == ("CERTIFICATE 1",)


@pytest.mark.parametrize(
    ("data", "reason", "words"),
    [
        (b"", Reason.INVALID, "empty"),
        (b"hello\n", Reason.INVALID, "neither PEM"),
        (b"\x30\x03\x02\x01\x07", Reason.INVALID, "DER is no"),
        (b"\x30\x06\x02\x01\x03\x30\x01\x00", Reason.LOCKED, "PKCS#12"),
        (b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n", Reason.INVALID, "CERTIFICATE 1"),
        (b"-----BEGIN DH\x1b-----\n-----END DH\x1b-----\n", Reason.INVALID, "(DH\ufffd)"),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", Reason.INVALID, "PRIVATE KEY 1"),
        (b"0" * (x509.MAX_FILE + 1), Reason.TOO_LARGE, "4 MiB"),
    ],
)
def test_an_unreadable_file_is_a_failure_in_one_sentence(data: bytes, reason: Reason, words: str) -> None:
    """Nothing but the failure is filled, and it says what is wrong."""
    file = x509.read_file("x", data)
    assert isinstance(file.failure, Failure)
    assert (file.failure.reason, file.kind, file.certificates, file.key) == (reason, "", (), None)
    assert words in file.failure.detail


def test_a_flood_of_openings_is_read_in_one_pass() -> None:
    """Text without ends costs no more than its length (the test's time limit is the judge)."""
    file = x509.read_file("x", b"-----BEGIN CERTIFICATE-----\n" * 140_000)
    assert file.failure is not None


def test_pem_of_a_certificate_is_what_openssl_writes(lab: Path) -> None:
    """The copy to paste is the file, octet for octet."""
    (certificate,) = read(lab / "leaf.der").certificates
    assert x509.pem(certificate) == (lab / "leaf.pem").read_text()


@settings(max_examples=100, derandomize=True, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), max_size=4), st.sampled_from(range(5)))
def test_no_mutation_of_a_file_raises(lab: Path, changes: list[tuple[int, int]], which: int) -> None:
    """Whatever octets of a file change, the answer is a file with facts or a failure."""
    name = ("leaf.pem", "leaf.key", "crl.der", "trust.pem", "encrypted-traditional.key")[which]
    data = bytearray((lab / name).read_bytes())
    for at, octet in changes:
        data[at % len(data)] = octet
    file = x509.read_file("x", bytes(data))
    assert file.failure or file.kind


@given(st.binary(max_size=300))
@settings(max_examples=100, derandomize=True, deadline=None)
def test_a_block_written_is_the_block_read(data: bytes) -> None:
    """PEM goes both ways."""
    assert list(pem.blocks(pem.text("THING", data).encode())) == [pem.Block("THING", data)]
