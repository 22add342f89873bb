"""`tuimon probe`: what is wrong with a chain, a name or a client certificate, by the codes of contract.md."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from msgspec.structs import replace

from tests.commands.conftest import Back, One, Serve, Start, section
from tests.fixtures import Pki, free_port
from tests.parse.test_x509 import KEY, built
from tests.tls.conftest import DAY
from tuimon.diagnose.handshake import judge
from tuimon.model.certificate import Sct
from tuimon.model.handshake import Handshake, Verdict, VerifyError
from tuimon.parse import der, pem, x509_damaged
from tuimon.parse.x509 import served
from tuimon.settings import Settings

# chains


@pytest.fixture(scope="module")
def links(pki: Pki) -> Pki:
    """link0.pem under the CA, each next one under the one before."""
    issuer = x509.load_pem_x509_certificate(pki.pem("ca.pem"))
    key: Any = load_pem_private_key(pki.pem("ca.key"), None)
    for number in range(110):
        issuer, key = pki.issue(f"link{number}", issuer=issuer, issuer_key=key, ca=True, end=400)
    return pki


@pytest.mark.parametrize("length", [99, 110])
def test_long_chains(
    one: One,
    s_server: Serve,
    links: Pki,
    tmp_path: Path,
    length: int,
) -> None:
    """A hundred certificates verify; beyond OpenSSL's depth the verdict is clear, the chain still shown."""
    pki, codes = links, ["chain-too-long"] if length > 100 else []
    chain = tmp_path / "chain.pem"
    chain.write_bytes(b"".join(pki.pem(f"link{number}.pem") for number in reversed(range(length - 1))))
    port = s_server("-cert_chain", chain, cert=f"link{length - 1}")
    found = one(port, "--sni", f"link{length - 1}", "--ca", pki.path("ca.pem"))
    assert (found["verdict"], len(found["chain"])) == ("ok", length)
    assert (found["codes"], found["trusted"]) == (codes, not codes)


def test_a_chain_that_openssl_will_not_take_in(one: One, s_server: Serve, pki: Pki, tmp_path: Path) -> None:
    """More than 100 KiB: failed, and the code says why."""
    chain = tmp_path / "chain.pem"
    chain.write_bytes(pki.pem("ca.pem") * 400)
    found = one(s_server("-cert_chain", chain))
    assert (found["status"], found["verdict"], found["codes"]) == (2, "failed", ["chain-too-long"])


TROUBLES = (
    # what is served, what is sent with it, what is trusted
    ("server", (), "ca", []),
    ("server", ("ca",), "stranger", ["untrusted"]),
    ("server", (), "stranger", ["untrusted", "chain-incomplete"]),
    ("server", ("stranger", "ca"), "ca", ["chain-order"]),
    ("expired", (), "ca", ["expired"]),
    ("under-old", ("old",), "ca", ["chain-expired"]),
    ("ca", (), "stranger", ["self-signed", "untrusted"]),
    ("ca", (), "ca", []),
    ("ca", (), "", ["self-signed"]),
    ("early", (), "ca", ["not-yet-valid"]),
    ("soon", (), "ca", ["expiring"]),
)


@pytest.fixture(scope="module")
def faulty(pki: Pki) -> Pki:
    """The PKI with an old intermediate CA, and leaves that are too early, too late and almost so."""
    authority: Any = x509.load_pem_x509_certificate(pki.pem("ca.pem"))
    key: Any = load_pem_private_key(pki.pem("ca.key"), None)
    old, old_key = pki.issue("old", issuer=authority, issuer_key=key, ca=True, start=-20, end=-10)
    pki.issue("under-old", issuer=old, issuer_key=old_key, start=-5, end=300)
    pki.issue("early", issuer=authority, issuer_key=key, start=10, end=300)
    pki.issue("soon", issuer=authority, issuer_key=key, start=-300, end=3)
    return pki


@pytest.mark.parametrize("trouble", TROUBLES, ids=str)
def test_what_is_wrong_with_a_chain_by_code(
    one: One,
    s_server: Serve,
    faulty: Pki,
    tmp_path: Path,
    trouble: tuple[str, tuple[str, ...], str, list[str]],
) -> None:
    """Each trouble gives its codes and exit status 1, a good chain none and 0."""
    cert, chain, ca, codes = trouble
    path = tmp_path / "chain.pem"
    path.write_bytes(b"".join(faulty.pem(f"{name}.pem") for name in chain))
    port = s_server(*(("-cert_chain", path) if chain else ()), cert=cert)
    found = one(port, "--sni", cert, *(("--ca", faulty.path(f"{ca}.pem")) if ca else ()))
    assert found["verdict"] == "ok"
    assert found["codes"] == codes, found["problems"]
    assert found["status"] == bool(codes)
    assert all(each["text"] for each in found["problems"])


def test_a_revoked_certificate_is_found_in_the_crl_of_the_ca_file(
    one: One, s_server: Serve, pki: Pki, tmp_path: Path
) -> None:
    """A CRL in --ca is looked up; one that does not list it is no problem."""
    authority = x509.load_pem_x509_certificate(pki.pem("ca.pem"))
    key: Any = load_pem_private_key(pki.pem("ca.key"), None)
    serial = x509.load_pem_x509_certificate(pki.pem("server.pem")).serial_number
    port = s_server()
    for number, codes in ((serial, ["revoked"]), (1, [])):
        entry = x509.RevokedCertificateBuilder(number, pki.now - DAY).build()
        builder = x509.CertificateRevocationListBuilder(authority.subject, pki.now - DAY, pki.now + DAY)
        crl = builder.add_revoked_certificate(entry).sign(key, hashes.SHA256())
        path = tmp_path / "ca.pem"
        path.write_bytes(pki.pem("ca.pem") + crl.public_bytes(Encoding.PEM))
        assert one(port, "--sni", "server", "--ca", path)["codes"] == codes


def test_the_name_is_the_one_asked_for_else_the_host(one: One, s_server: Serve) -> None:
    """An address is looked up among the addresses of the certificate."""
    port = s_server()
    assert one(port)["codes"] == ["name-mismatch"]
    found = one(port, "--sni", "other.example")
    assert found["problems"] == [
        {"code": "name-mismatch", "text": "the certificate is for server, not for other.example"}
    ]


def test_a_certificate_that_cannot_be_decoded_is_still_shown(
    one: One, s_server: Serve, tmp_path: Path
) -> None:
    """A year beyond 9999 on the wire: the field is named, the chain keeps its places."""
    parts = x509_damaged._parts(built()) | {"not_after": der.wrap(0x18, b"120190101000000Z")}
    cert, key = tmp_path / "c.pem", tmp_path / "k.pem"
    cert.write_text(pem.text("CERTIFICATE", x509_damaged._joined(parts)))
    key.write_bytes(KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    found = one(s_server("-cert", cert, "-key", key, "-cert_chain", cert, cert=""), "--sni", "built")
    assert (found["verdict"], len(found["chain"])) == ("ok", 2)
    assert "undecodable" in found["codes"]
    assert found["chain"][0]["subject"] == "CN=built"


def test_a_publicly_logged_leaf_alone_is_incomplete() -> None:
    """No root issues those directly, so an issuer is missing even without a CA file to tell."""
    sct = Sct("00", datetime.fromtimestamp(0, UTC))
    leaf = served(built())
    missing = (VerifyError(20, 0, "unable to get local issuer certificate"),)
    for scts, codes in (((), []), ((sct,), ["chain-incomplete"])):
        alone = replace(leaf, self_signed=False, issuer="CN=public", scts=scts)
        handshake = Handshake("x:443", Verdict.OK, chain=(alone,), verify_errors=missing)
        found = judge(handshake, leaf.not_before.timestamp() + 1, Settings())
        assert [each.code for each in found] == codes


def test_what_is_weak_in_the_chain_names_its_certificate() -> None:
    """The sentence says that it is not the leaf."""
    leaf = replace(served(built()), self_signed=False, issuer="CN=middle")
    middle = replace(
        leaf, subject="CN=middle", common_name="middle", issuer="CN=root", ca=True, signature_hash="SHA1"
    )
    handshake = Handshake("x:443", Verdict.OK, chain=(leaf, middle))
    (problem,) = judge(handshake, leaf.not_before.timestamp() + 1, Settings())[-1:]
    assert problem == ("weak-signature", "chain: middle: signed with SHA1")


# client certificates and pre-shared keys


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
def test_a_client_certificate_is_wanted(
    one: One,
    start_stunnel: Start,
    backend: Back,
    pki: Pki,
    version: str,
) -> None:
    """Without one and with a stranger's it is a problem of its own; with the right one all is well."""
    port = free_port()
    options = ("verifyChain = yes", f"CAfile = {pki.path('ca.pem')}", f"sslVersion = {version}")
    start_stunnel(section(port, backend().port, *options))
    found = one(port, "--sni", "server")
    assert (found["status"], found["verdict"], found["codes"]) == (2, "tls-alert", ["client-cert-required"])
    assert found["client_certificate_requested"]
    assert found["client_ca_names"] == ["CN=ca,O=Tuimon\\, Test"]
    assert found["chain"]
    assert "CN=ca" in found["problems"][0]["text"]
    mine = ("--cert", pki.path("intruder.pem"), "--key", pki.path("intruder.key"))
    found = one(port, "--sni", "server", *mine)
    assert found["codes"] == ["client-cert-required"]
    assert "refuses the client certificate" in found["problems"][0]["text"]
    mine = ("--cert", pki.path("client.pem"), "--key", pki.path("client.key"))
    found = one(port, "--sni", "server", *mine)
    assert (found["status"], found["codes"]) == (0, [])


@pytest.mark.parametrize("option", ["-tls1_2", "-tls1_3"])
def test_a_psk_only_remote_is_possibly_that(one: One, s_server: Serve, option: str) -> None:
    """It answers handshake_failure, which is all that a stranger learns."""
    found = one(s_server("-nocert", "-psk", "00112233", option, cert=""))
    assert (found["verdict"], found["codes"]) == ("tls-alert", [])
    assert "possibly PSK-only" in found["detail"]
