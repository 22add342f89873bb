"""`tuimon certs`: every field as openssl prints it, every kind of file, and no secret."""

import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.commands.conftest import Show, Told, codes
from tests.fixtures import Pki
from tests.parse.test_x509 import LEAF_EXTENSIONS, openssl, self_signed
from tuimon import cli
from tuimon.parse import x509

KEYS = {
    *("path", "position", "version", "serial", "signature_algorithm", "signature_hash", "issuer", "subject"),
    *("not_before", "not_after", "days_left", "public_key", "san", "key_usage", "extended_key_usage"),
    *("basic_constraints", "ski", "aki", "aia", "crl_distribution_points", "policies", "scts", "sha256"),
    *("sha1", "spki_sha256", "self_signed", "problems"),
}
"""Certificate of the contract."""


# fields


def section(text: str, heading: str) -> list[str]:
    """What stands under a heading of `openssl x509 -text`."""
    lines = text.splitlines()
    (at,) = [index for index, line in enumerate(lines) if line.strip().startswith(heading)]
    depth = len(lines[at]) - len(lines[at].lstrip())
    found = []
    for line in lines[at + 1 :]:
        if len(line) - len(line.lstrip()) <= depth:
            break
        found.append(line.strip())
    return found


def test_every_field_is_what_openssl_prints(show: Show, tmp_path: Path) -> None:
    """The whole of `openssl x509 -text`, field by field."""
    path = self_signed(tmp_path, "-newkey", "rsa:2048", "-subj", "/O=Lab/CN=leaf", config=LEAF_EXTENSIONS)
    status, (found,) = show(path)
    text = openssl("x509", "-in", path, "-noout", "-text", "-certopt", "ext_parse")
    assert found.keys() - {"file"} == KEYS
    assert (status, codes(found), found["path"], found["position"]) == (0, [], str(path), 0)
    assert re.findall(r"Version: (\d)", text) == [str(found["version"])]
    assert "".join(section(text, "Serial Number")).replace(":", "").upper() == found["serial"]
    assert set(re.findall(r"Signature Algorithm: (\S+)", text)) == {found["signature_algorithm"]}
    assert found["signature_hash"] == "SHA256"
    assert re.findall(r"Issuer: (.*)", text) == ["O = Lab, CN = leaf"]
    assert found["issuer"] == found["subject"] == "CN=leaf, O=Lab"
    for field, label in (("not_before", "Not Before: ?"), ("not_after", "Not After :")):
        (said,) = re.findall(rf"{label} (.*) GMT", text)
        when = datetime.strptime(said, "%b %d %H:%M:%S %Y").replace(tzinfo=UTC)
        assert datetime.fromisoformat(found[field]) == when
    assert re.findall(r"Public-Key: \((\d+) bit\)", text) == [str(found["public_key"]["bits"])]
    assert re.findall(r"Exponent: (\d+)", text) == [str(found["public_key"]["exponent"])]
    assert (found["public_key"]["type"], found["public_key"]["curve"]) == ("RSA", None)
    assert found["basic_constraints"] == {"ca": True, "path_length": 2}
    assert section(text, "X509v3 Basic Constraints") == ["CA:TRUE, pathlen:2"]
    assert [section(text, f"X509v3 {key} Key Identifier")[0] for key in ("Subject", "Authority")] == [
        ":".join(found[key][at : at + 2] for at in range(0, 40, 2)) for key in ("ski", "aki")
    ]
    said = section(text, "Authority Information Access")
    assert said == [f"OCSP - URI:{url}" for url in found["aia"]["ocsp"]] + [
        f"CA Issuers - URI:{url}" for url in found["aia"]["ca_issuers"]
    ]
    said = [line for line in section(text, "X509v3 CRL Distribution Points") if "URI:" in line]
    assert said == [f"URI:{url}" for url in found["crl_distribution_points"]]
    assert section(text, "X509v3 Certificate Policies") == [f"Policy: {each}" for each in found["policies"]]
    (said_san,) = section(text, "X509v3 Subject Alternative Name")
    for entry in ("DNS:web.example", "DNS:*.web.example", "email:ops@web.example", "URI:https://x/"):
        assert entry in said_san
        assert entry in found["san"]
    (said_usage,) = section(text, "X509v3 Key Usage")
    assert len(found["key_usage"]) == len(said_usage.split(", ")) == 5
    (said_purposes,) = section(text, "X509v3 Extended Key Usage")
    assert len(found["extended_key_usage"]) == len(said_purposes.split(", ")) == 3
    for name in ("sha256", "sha1"):
        said = openssl("x509", "-in", path, "-noout", "-fingerprint", f"-{name}")
        assert said.strip().partition("=")[2].replace(":", "") == found[name]
    assert found["self_signed"] is True
    assert found["scts"] == []


def test_people_see_every_field(told: Told, tmp_path: Path) -> None:
    """In the words and the order of the screen's page, each with its label."""
    path = self_signed(tmp_path, "-newkey", "ed25519", "-subj", "/CN=leaf", config=LEAF_EXTENSIONS)
    lines = told(path).splitlines()
    assert lines[:3] == [f"{path}: PEM, 1 certificate", "", "  0  leaf"]
    labels = [line[5:20].strip() for line in lines[3:]]
    assert labels == [
        *("subject", "issuer", "SAN", "not before", "not after", "lifetime", "version", "serial"),
        *("signature", "public key", "key usage", "extended usage", "constraints", "SKI", "AKI", "OCSP"),
        *("CA issuers", "CRL", "policies", "SHA-256", "SHA-1", "SPKI pin"),
    ]
    assert "     public key      Ed25519 256 bits" in lines
    assert "     constraints     CA: yes, path length 2" in lines


def test_problems_come_first_and_decide_the_exit_status(show: Show, told: Told, pki: Pki) -> None:
    """An expired certificate; the worst of several files counts."""
    status, (good, bad) = show(pki.path("ca.pem"), pki.path("expired.pem"))
    assert (status, codes(good), codes(bad)) == (1, [], ["expired"])
    assert told(pki.path("expired.pem")).splitlines()[3] == "     problem         expired 10 days ago"


CA = "[req]\ndistinguished_name = dn\nx509_extensions = ca\n[dn]\n[ca]\nbasicConstraints = CA:TRUE\n"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("-newkey", "rsa:1024"), "weak-key"),
        (("-newkey", "rsa:2048", "-days", "2000000"), ""),
        (("-newkey", "ed25519", "-days", "1"), ""),
        (("-newkey", "rsa:2048", "-sha1"), ""),  # nobody relies on a root's signature
    ],
)
def test_problems_of_a_root(show: Show, tmp_path: Path, arguments: tuple[str, ...], code: str) -> None:
    """By the codes of the contract; to sign itself is what a root does."""
    status, (found,) = show(self_signed(tmp_path, *arguments, "-subj", "/CN=x", config=CA))
    assert (codes(found), status) == ([code] if code else [], bool(code))


def test_a_weak_signature_of_a_leaf(show: Show, pki: Pki, tmp_path: Path) -> None:
    """SHA-1 under a CA."""
    issuer = ("-CA", pki.path("ca.pem"), "-CAkey", pki.path("ca.key"), "-days", "90")
    status, (found,) = show(self_signed(tmp_path, "-newkey", "rsa:2048", "-sha1", "-subj", "/CN=x", *issuer))
    assert (codes(found), status) == (["weak-signature"], 1)
    assert found["problems"][0]["text"] == "signed with SHA1"


# files


def test_a_bundle_is_told_in_its_order(show: Show, told: Told, pki: Pki, tmp_path: Path) -> None:
    """Text between the blocks, a key, and leaf first: no problem."""
    path = tmp_path / "bundle.pem"
    parts = [pki.pem(name).decode() for name in ("server.key", "server.pem", "ca.pem")]
    path.write_text("Bag Attributes\n" + "\nsubject=whatever\n\n".join(parts) + "\nthe end\n")
    status, found = show(path)
    assert (status, [each["subject"].partition(",")[0] for each in found]) == (0, ["CN=server", "CN=ca"])
    assert [each["position"] for each in found] == [0, 1]
    pin = found[0]["spki_sha256"]
    assert found[0]["file"] == {"kind": "pem", "key": {"encrypted": False, "spki_sha256": pin}, "crls": 0}
    assert told(path).startswith(f"{path}: PEM, 2 certificates, the private key of certificate 0\n")


@pytest.mark.parametrize("names", [("ca", "server"), ("server", "stranger"), ("server", "stranger", "ca")])
def test_a_wrong_order_is_a_problem_of_the_first_that_does_not_fit(
    show: Show, pki: Pki, tmp_path: Path, names: tuple[str, ...]
) -> None:
    """Issuer first, or a stranger in between."""
    path = tmp_path / "bundle.pem"
    path.write_bytes(b"".join(pki.pem(f"{name}.pem") for name in names))
    status, found = show(path)
    assert (status, [codes(each) for each in found][:2]) == (1, [[], ["chain-order"]])
    assert "is not the issuer of" in found[1]["problems"][0]["text"]


def test_a_collection_of_authorities_has_no_order(show: Show, pki: Pki, tmp_path: Path) -> None:
    """A CAfile: roots side by side, or the peers of a verifyPeer."""
    path = tmp_path / "ca.pem"
    for names in (("ca", "stranger"), ("server", "client", "ca")):
        path.write_bytes(b"".join(pki.pem(f"{name}.pem") for name in names))
        assert show(path)[0] == 0


@pytest.fixture
def lab(pki: Pki, tmp_path: Path) -> Path:
    """The server's key and certificate in every wrapping."""
    key, cert = pki.path("server.key"), pki.path("server.pem")
    locked = ("-aes256", "-passout", "pass:tiger")
    openssl("pkey", "-in", key, *locked, "-out", tmp_path / "encrypted.key")
    openssl("ec", "-in", key, *locked, "-out", tmp_path / "traditional.key")
    openssl("x509", "-in", cert, "-outform", "DER", "-out", tmp_path / "cert.der")
    store = ("pkcs12", "-export", "-in", cert, "-inkey", key, "-certfile", pki.path("ca.pem"))
    openssl(*store, "-passout", "pass:tiger", "-out", tmp_path / "locked.p12")
    openssl(*store, "-passout", "pass:", "-out", tmp_path / "open.p12")
    (tmp_path / "index.txt").touch()
    config = tmp_path / "ca.cnf"
    config.write_text(
        f"[ca]\ndefault_ca=d\n[d]\ndatabase={tmp_path}/index.txt\ndefault_md=sha256\ndefault_crl_days=9\n"
    )
    authority = ("-cert", pki.path("ca.pem"), "-keyfile", pki.path("ca.key"))
    openssl("ca", "-config", config, "-gencrl", *authority, "-out", tmp_path / "crl.pem")
    (tmp_path / "right").write_text("tiger\nsecond line\n")
    (tmp_path / "wrong").write_text("lion\n")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("encrypted.key", "PEM, an encrypted private key"),
        ("traditional.key", "PEM, an encrypted private key"),
        ("cert.der", "DER, 1 certificate"),
        ("open.p12", "PKCS#12, 2 certificates, the private key of certificate 0"),
        ("crl.pem", "PEM, 1 CRL"),
    ],
)
def test_every_kind_of_file_is_named(lab: Path, told: Told, name: str, words: str) -> None:
    """What it is and what it holds, without a question."""
    assert told(lab / name).splitlines()[0] == f"{lab / name}: {words}"


def test_a_key_alone_is_an_object_without_a_certificate(lab: Path, show: Show, pki: Pki) -> None:
    """It is readable: exit status 0."""
    status, (locked, plain) = show(lab / "encrypted.key", pki.path("server.key"))
    assert status == 0
    assert locked["file"]["key"] == {"encrypted": True, "spki_sha256": None}
    pin = x509.read_file("", pki.pem("server.pem")).certificates[0].spki_sha256
    assert plain == {
        "path": pki.path("server.key"),
        "file": {"kind": "pem", "key": {"encrypted": False, "spki_sha256": pin}, "crls": 0},
    }


def test_a_key_of_another_certificate_is_told(lab: Path, told: Told, pki: Pki, tmp_path: Path) -> None:
    """Two files pasted together wrongly."""
    (tmp_path / "both.pem").write_bytes(pki.pem("server.pem") + pki.pem("client.key"))
    assert "1 certificate, a private key of none of them" in told(tmp_path / "both.pem")


def test_pkcs12_opens_with_the_first_line_of_the_password_file(lab: Path, show: Show) -> None:
    """Without it and with a wrong one the file is unreadable; nobody is asked."""
    status, found = show(lab / "locked.p12", "--password-file", lab / "right")
    assert (status, [each["subject"].partition(",")[0] for each in found]) == (0, ["CN=server", "CN=ca"])
    for arguments, words in (((), "needs a password"), (("--password-file", lab / "wrong"), "does not open")):
        status, (found,) = show(lab / "locked.p12", *arguments)
        assert (status, found.keys()) == (2, {"path", "error"})
        assert words in found["error"]


def test_the_password_may_come_through_a_pipe(lab: Path, show: Show) -> None:
    """As from `<(pass show …)`."""
    with subprocess.Popen(["cat", lab / "right"], stdout=subprocess.PIPE) as source:
        assert source.stdout
        path = f"/dev/fd/{source.stdout.fileno()}"
        assert show(lab / "locked.p12", "--password-file", path)[0] == 0


def test_no_secret_is_ever_printed(lab: Path, capsys: pytest.CaptureFixture[str], pki: Pki) -> None:
    """Neither a password nor a line of a key, in either form, whatever goes wrong."""
    keys = ("encrypted.key", "traditional.key")
    files = [str(lab / name) for name in (*keys, "locked.p12", "open.p12", "right")]
    secrets = {"tiger", "lion"}
    for path in [*map(lab.joinpath, keys), Path(pki.path("server.key"))]:
        secrets |= {line for line in path.read_text().splitlines() if len(line) > 20 and "-" not in line}
    assert len(secrets) > 8
    for password in ("right", "wrong"):
        for form in ([], ["--json"]):
            cli.main(["certs", *form, "--password-file", str(lab / password), *files, pki.path("server.key")])
            said = capsys.readouterr()
            assert not [secret for secret in secrets if secret in said.out + said.err]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "the file is empty"),
        (b"hello\n", "neither PEM, DER nor PKCS#12"),
        (
            b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            "CERTIFICATE 1 cannot be decoded",
        ),
        (b"-----BEGIN DH PARAMETERS-----\nAAAA\n-----END DH PARAMETERS-----\n", "DH PARAMETERS"),
        (None, "no such file"),
    ],
)
def test_what_cannot_be_read_is_an_error_and_exit_2(
    show: Show, told: Told, tmp_path: Path, content: bytes | None, words: str
) -> None:
    """The path and one sentence; the other files are shown all the same."""
    path = tmp_path / "x"
    if content is not None:
        path.write_bytes(content)
    status, (found,) = show(path)
    assert (status, found.keys(), found["path"]) == (2, {"path", "error"}, str(path))
    assert words in found["error"]
    assert told(path).count(str(path)) == 1


def test_folders_and_pipes_are_no_files(show: Show, tmp_path: Path) -> None:
    """Nothing hangs on a FIFO that nobody writes."""
    subprocess.run(["mkfifo", tmp_path / "fifo"], check=True)
    status, found = show(tmp_path / "fifo", tmp_path)
    assert (status, [*map(set, found)]) == (2, [{"path", "error"}] * 2)
    assert [each["error"] for each in found] == ["it is no regular file", "it is a folder"]


def test_a_damaged_block_leaves_the_others(show: Show, pki: Pki, tmp_path: Path) -> None:
    """The readable certificate is shown, the damaged one is an error of its own."""
    path = tmp_path / "x.pem"
    path.write_bytes(pki.pem("server.pem") + pki.pem("ca.pem")[:-60])
    status, (good, bad) = show(path)
    assert (status, good["position"]) == (2, 0)
    assert bad == {"path": str(path), "error": "CERTIFICATE 2 cannot be decoded"}


@pytest.mark.parametrize("arguments", [[], ["x", "--password-file", "/does/not/exist"]])
def test_usage_errors_are_one_line_and_exit_3(
    capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    """No file, or no password where one was promised."""
    try:
        status = cli.main(["certs", *arguments])
    except SystemExit as end:
        status = end.code
    assert status == 3
    assert capsys.readouterr().err.count("\n") == 1
