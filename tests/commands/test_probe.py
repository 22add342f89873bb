"""`tuimon probe`: the document of the contract, addresses, versions, exit statuses, and what people see."""

import socket
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.commands.conftest import Ask, Back, One, Serve, Start, section
from tests.fixtures import Pki, free_port
from tuimon import cli

KEYS = {
    "target": str,
    "address": str | None,
    "verdict": str,
    "detail": str | None,
    "depth": str,
    "connect_ms": float | None,
    "first_byte_ms": float | None,
    "flight_ms": float | None,
    "handshake_ms": float | None,
    "messages": list,
    "tls_version": str | None,
    "cipher": str | None,
    "group": str | None,
    "alpn": str | None,
    "client_certificate_requested": bool,
    "client_ca_names": list,
    "chain": list,
    "trusted": bool | None,
    "problems": list,
}
"""`probe --json` of the contract."""


# what a good peer looks like


def test_a_good_service_is_ok_with_every_key_of_the_contract(
    one: One, start_stunnel: Start, backend: Back, pki: Pki
) -> None:
    """Trusted, rightly named, exit status 0."""
    port = free_port()
    start_stunnel(section(port, backend().port))
    found = one(port, "--ca", pki.path("ca.pem"), "--sni", "server")
    assert (found["status"], found["verdict"], found["trusted"], found["codes"]) == (0, "ok", True, [])
    assert found["target"] == found["address"] == f"127.0.0.1:{port}"
    assert (found["depth"], found["tls_version"]) == ("handshake", "TLSv1.3")
    for key, kind in KEYS.items():
        assert isinstance(found[key], kind), key
    assert found.keys() - KEYS.keys() == {"status", "codes"}
    times = [found[key] for key in ("connect_ms", "first_byte_ms", "flight_ms", "handshake_ms")]
    assert times == sorted(times)
    assert found["messages"][0] == "> ClientHello"
    assert [each["position"] for each in found["chain"]] == list(range(len(found["chain"])))


def test_without_a_ca_trust_is_not_judged(one: One, s_server: Serve) -> None:
    """`trusted` is null and nobody is called untrusted."""
    found = one(s_server(), "--sni", "server")
    assert (found["status"], found["trusted"], found["codes"]) == (0, None, [])


def test_targets_are_shown_in_the_order_asked(ask: Ask, s_server: Serve, peer: Serve) -> None:
    """A slow one does not let the others pass, and the worst decides the exit status."""
    stalled, good = peer(lambda connection: connection.recv(9999) and connection.recv(1)), s_server()
    asked = [f"127.0.0.1:{port}" for port in (stalled, good, free_port(), good)]
    status, found = ask(*asked, "--sni", "server", "--timeout", "0.7")
    assert status == 2
    assert [each["target"] for each in found] == asked
    assert [each["verdict"] for each in found] == ["timeout", "ok", "refused", "ok"]


def test_many_targets_are_probed_at_once(ask: Ask, cleanup: ExitStack) -> None:
    """Twelve that are silent take the time of one."""
    listeners = [cleanup.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(12)]
    began = time.monotonic()
    _, found = ask(*(f"127.0.0.1:{each.getsockname()[1]}" for each in listeners), "--timeout", "0.5")
    assert {each["verdict"] for each in found} == {"timeout"}
    assert time.monotonic() - began < 4


@pytest.mark.parametrize("form", ["[::1]:{}", "::1:{}", "{}", "*:{}", "localhost:{}"])
def test_every_spelling_of_an_address(ask: Ask, s_server: Serve, pki: Pki, form: str) -> None:
    """Brackets, stunnel's own IPv6 form, a bare port, a wildcard, a name."""
    server = s_server("-accept", "[::1]:0" if "::1" in form else "127.0.0.1:0")
    target = form.format(server)
    status, (found,) = ask(target, "--sni", "server")
    assert (status, found["verdict"], found["target"]) == (0, "ok", target)


def test_a_unix_socket_has_no_name_to_match(ask: Ask, start_stunnel: Start, tmp_path: Path) -> None:
    """`accept = /path` is probed by its path."""
    path = tmp_path / "door"
    start_stunnel(f"[s]\naccept = {path}\nexec = /bin/cat\nexecArgs = cat\n")
    status, (found,) = ask(path)
    assert (status, found["verdict"], found["problems"]) == (0, "ok", [])


# versions and keys


@pytest.mark.parametrize(("option", "version"), [("-tls1", "TLSv1"), ("-tls1_1", "TLSv1.1")])
def test_old_versions_are_reached_and_flagged(one: One, s_server: Serve, option: str, version: str) -> None:
    """A second attempt, at security level 0, brings the chain; the problem says so."""
    found = one(s_server(option, "-cipher", "DEFAULT:@SECLEVEL=0"), "--sni", "server")
    assert (found["status"], found["verdict"], found["tls_version"]) == (1, "ok", version)
    assert found["codes"] == ["weak-protocol"]
    assert found["chain"]


KINDS = {
    "rsa:2048": "RSA",
    "rsa-pss": "RSA",
    "ec -pkeyopt ec_paramgen_curve:P-384": "EC",
    "ed25519": "Ed25519",
    "ed448": "Ed448",
}


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_key_shakes_hands(
    one: One,
    s_server: Serve,
    tmp_path: Path,
    version: str,
    kind: str,
) -> None:
    """RSA, RSA-PSS, ECDSA and EdDSA, under both versions; trusted as its own CA."""
    cert, key = tmp_path / "c.pem", tmp_path / "k.pem"
    argv = ["openssl", "req", "-x509", "-nodes", "-newkey", *kind.split(), "-subj", "/CN=server"]
    subprocess.run([*argv, "-days", "400", "-keyout", key, "-out", cert], check=True, capture_output=True)
    option = {"TLSv1.2": "-tls1_2", "TLSv1.3": "-tls1_3"}[version]
    port = s_server(option, "-cert", cert, "-key", key, cert="")
    found = one(port, "--sni", "server", "--ca", cert)
    assert (found["status"], found["verdict"], found["tls_version"]) == (0, "ok", version), found
    assert found["chain"][0]["public_key"]["type"] == KINDS[kind]
    assert found["trusted"] is True
    assert one(port, "--sni", "server")["codes"] == ["self-signed"]


# what is asked wrongly, and what people see


@pytest.mark.parametrize(
    "arguments",
    [
        ["example.com"],
        ["example.com:"],
        ["::1"],
        ["[::1]"],
        ["a:0"],
        ["a:65536"],
        ["https://a:443/x"],
        ["a:no such service"],
        [],
        ["a:1", "--protocol", "gopher"],
        ["a:1", "--timeout", "0"],
        ["a:1", "--timeout", "nan"],
        ["a:1", "--ca", "/does/not/exist"],
        ["a:1", "--ca", "/"],
        ["a:1", "--key", "{client.key}"],
        ["a:1", "--cert", "{client.pem}"],
        ["a:1", "--cert", "{client.pem}", "--key", "{server.key}"],
        ["a:1", "--ca", "{client.key}"],
        ["a:1", "--sni", "x" * 300],
    ],
)
def test_usage_errors_are_one_line_and_exit_3(
    capsys: pytest.CaptureFixture[str], pki: Pki, arguments: list[str]
) -> None:
    """Before any peer is troubled, and without the text of a key."""
    words = [pki.path(each[1:-1]) if each.startswith("{") else each for each in arguments]
    try:
        status = cli.main(["probe", *words])
    except SystemExit as end:
        status = end.code
    said = capsys.readouterr()
    assert (status, said.out) == (3, "")
    assert said.err.count("\n") == 1
    assert "PRIVATE" not in said.err


def test_people_see_a_few_aligned_lines(
    capsys: pytest.CaptureFixture[str], s_server: Serve, pki: Pki
) -> None:
    """Verdict, times, what was negotiated, the chain with what is left, problems in words."""
    good, bad = s_server("-cert_chain", pki.path("ca.pem")), free_port()
    status = cli.main(
        ["--ascii", "probe", f"127.0.0.1:{good}", f"127.0.0.1:{bad}", "--ca", pki.path("ca.pem")]
    )
    lines = capsys.readouterr().out.splitlines()
    assert status == 2
    assert lines[0] == f"! 127.0.0.1:{good}  ok"
    assert lines[1].startswith("  times     connect ")
    assert lines[2].startswith("  tls       TLSv1.3, TLS_AES_256_GCM_SHA384, ")
    assert lines[2].endswith("trusted")
    assert lines[3] == "  chain 0   29 days left  server, issued by CN=ca, O=Tuimon\\, Test"
    assert lines[4] == "  chain 1   29 days left  ca, issued by CN=ca, O=Tuimon\\, Test"
    assert lines[5] == "  problem   the certificate is for server, not for 127.0.0.1"
    assert lines[6] == f"x 127.0.0.1:{bad}  refused: connection refused"
    assert len(lines) == 7
