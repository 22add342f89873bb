"""The demo's fleet while it runs: every service is real, and is sound or broken as designed."""

import os
import re
import signal
import smtplib
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest
from cryptography import x509

from tuimon.demo import configs
from tuimon.demo.fleet import Fleet, start_fleet

PATIENCE = 20.0
EXPIRED = 10  # X509_V_ERR_CERT_HAS_EXPIRED
UNTRUSTED = 20  # X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    """One fleet for all tests that only look."""
    with start_fleet() as running:
        yield running


def eventually(fact: Callable[[], object], seconds: float = PATIENCE) -> None:
    deadline = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < deadline, "did not come true in time"
        time.sleep(0.02)


def accept_port(fleet: Fleet, service: str) -> int:
    """The service's port as the configuration says it."""
    text = "\n".join(path.read_text() for path in Path(fleet.folder).glob("*.conf"))
    found = re.search(rf"^\[{service}\].*\naccept = 127\.0\.0\.1:(\d+)$", text, re.MULTILINE)
    assert found
    return int(found[1])


def trusting(fleet: Fleet, ca: str = "ca.pem") -> ssl.SSLContext:
    return ssl.create_default_context(cafile=f"{fleet.folder}/pki/{ca}")


def connect(fleet: Fleet, service: str, name: str, context: ssl.SSLContext | None = None) -> ssl.SSLSocket:
    plain = socket.create_connection(("127.0.0.1", accept_port(fleet, service)), timeout=PATIENCE)
    try:
        return (context or trusting(fleet)).wrap_socket(plain, server_hostname=name)
    except BaseException:
        plain.close()
        raise


def served(fleet: Fleet, service: str, name: str) -> x509.Certificate:
    with connect(fleet, service, name) as link:
        der = link.getpeercert(binary_form=True)
    assert der
    return x509.load_der_x509_certificate(der)


def on_disk(fleet: Fleet, file: str) -> list[x509.Certificate]:
    return x509.load_pem_x509_certificates(Path(fleet.folder, "pki", f"{file}.pem").read_bytes())


def days_left(certificate: x509.Certificate) -> int:
    left = certificate.not_valid_after_utc - datetime.now(UTC)
    return left.days if left > timedelta() else -(-left).days


def answer(link: socket.socket, message: bytes) -> bytes:
    link.sendall(message)
    return link.recv(4096)


def hangs_up(link: socket.socket) -> bool:
    """Whether a message is answered with the end of the connection, in whatever form."""
    try:
        return answer(link, b"hello\n\n") == b""
    except (ConnectionError, ssl.SSLError):
        return True


def test_each_process_listens_on_exactly_the_ports_of_its_configuration(fleet: Fleet) -> None:
    """Four processes, seventeen accept ports and an SNI service besides."""
    total = 0
    for path, pid in fleet.processes:
        names = configs.bound_by(Path(path).stem)
        connections = psutil.Process(pid).net_connections("tcp4")
        listening = {c.laddr.port for c in connections if c.status == psutil.CONN_LISTEN}
        assert listening == {accept_port(fleet, name) for name in names}
        total += len(names)
    assert len(fleet.processes) == len(configs.RUNNING)
    assert total >= 12


@pytest.mark.parametrize(
    ("service", "name"),
    [
        ("ldap", "ldap.corp.example"),
        ("as2", "as2.corp.example"),
        ("cache", "cache.corp.example"),
        ("edi-in", "edi.corp.example"),
    ],
)
def test_sound_server_services_reach_their_back_end(fleet: Fleet, service: str, name: str) -> None:
    """A verified handshake, and an echo from behind it."""
    with connect(fleet, service, name) as link:
        assert answer(link, b"hello\n") == b"hello\n"


def test_web_answers_http_over_tls(fleet: Fleet) -> None:
    """The web service's back end speaks HTTP."""
    with connect(fleet, "web", "www.corp.example") as link:
        assert answer(link, b"GET / HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 200")


def test_sni_chooses_the_secondary_service(fleet: Fleet) -> None:
    """`shop-eu` answers on the port of `shop` for names under eu.example."""
    assert served(fleet, "shop", "shop.example") == on_disk(fleet, "shop")[0]
    assert served(fleet, "shop", "lisbon.eu.example") == on_disk(fleet, "shop-eu")[0]


def test_api_refuses_clients_without_a_certificate(fleet: Fleet) -> None:
    """Mutual TLS; under TLS 1.3 the refusal shows at the first read."""
    with connect(fleet, "api", "api.corp.example") as link:
        assert hangs_up(link)


def test_mail_speaks_starttls_to_a_real_back_end(fleet: Fleet) -> None:
    """SMTP before and after TLS."""
    context = trusting(fleet)
    context.check_hostname = False  # smtplib checks for 127.0.0.1
    with smtplib.SMTP("127.0.0.1", accept_port(fleet, "mail"), timeout=PATIENCE) as client:
        client.starttls(context=context)
        assert client.noop()[0] == 250


def test_exec_service_prints_the_notice(fleet: Fleet) -> None:
    """The program's output comes through TLS."""
    with connect(fleet, "notice", "notice.corp.example") as link:
        assert answer(link, b"").decode() == configs.NOTICE


def test_billing_is_refused_as_expired(fleet: Fleet) -> None:
    """Clients that verify see an expired certificate and nothing else wrong."""
    with pytest.raises(ssl.SSLCertVerificationError) as caught:
        connect(fleet, "billing", "billing.corp.example")
    assert caught.value.verify_code == EXPIRED


def test_back_end_of_pgsql_eu_is_down(fleet: Fleet) -> None:
    """The handshake succeeds, then stunnel hangs up."""
    with connect(fleet, "pgsql-eu", "pgsql-eu.corp.example") as link:
        assert hangs_up(link)


@pytest.mark.parametrize("service", ["redis", "psk-out"])
def test_sound_client_services_reach_the_far_back_end(fleet: Fleet, service: str) -> None:
    """Plain text in, through TLS with a certificate or a pre-shared key, and back."""
    with socket.create_connection(("127.0.0.1", accept_port(fleet, service)), timeout=PATIENCE) as link:
        assert answer(link, b"PING\n") == b"PING\n"


def test_api_out_brings_its_client_certificate(fleet: Fleet) -> None:
    """The client service gets through where a client without a certificate does not."""
    with socket.create_connection(("127.0.0.1", accept_port(fleet, "api-out")), timeout=PATIENCE) as link:
        assert answer(link, b"GET / HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 200")


def test_smtp_out_hands_on_the_greeting(fleet: Fleet) -> None:
    """The client side of STARTTLS."""
    with closing(smtplib.SMTP("127.0.0.1", accept_port(fleet, "smtp-out"), timeout=PATIENCE)) as client:
        assert client.ehlo()[0] in {220, 250}


def test_erp_does_not_trust_its_remote(fleet: Fleet) -> None:
    """The remote is sound for those who trust the demo's root, and `erp` trusts another."""
    with pytest.raises(ssl.SSLCertVerificationError) as caught:
        connect(fleet, "as2", "as2.corp.example", trusting(fleet, "old-ca.pem"))
    assert caught.value.verify_code == UNTRUSTED
    try:
        with socket.create_connection(("127.0.0.1", accept_port(fleet, "erp")), timeout=PATIENCE) as link:
            assert hangs_up(link)
    except ConnectionResetError:
        pass  # it hung up before this process had looked at the connection that was made


def test_legacy_is_refused_with_status_1(fleet: Fleet) -> None:
    """The header with a comment behind it is no header to stunnel."""
    assert [(Path(path).name, status) for path, status in fleet.exits] == [("legacy.conf", 1)]
    said = Path(fleet.folder, "log/legacy.stderr").read_text()
    assert "No '=' found" in said
    assert "Configuration failed" in said


def test_night_is_valid_but_nobody_runs_it(fleet: Fleet) -> None:
    """Its port refuses connections."""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", accept_port(fleet, "backup")), timeout=PATIENCE)


def test_certificates_run_out_as_designed(fleet: Fleet) -> None:
    """Days left, counted as people do; `edi-in` is the renewed one."""
    left = {name: days_left(on_disk(fleet, name)[0]) for name in ("web", "billing", "ldap", "edi-in")}
    assert left == {"web": 212, "billing": -2, "ldap": 5, "edi-in": 89}
    web = on_disk(fleet, "web")[0]
    assert web.not_valid_after_utc - web.not_valid_before_utc == timedelta(days=398)


def test_chains_have_two_levels_and_verify(fleet: Fleet) -> None:
    """Leaf and issuing authority are sent, the root is trusted."""
    leaf, issuing = on_disk(fleet, "web")
    (root,) = on_disk(fleet, "ca")
    leaf.verify_directly_issued_by(issuing)
    issuing.verify_directly_issued_by(root)


def test_secrets_are_readable_for_their_owner_only(fleet: Fleet) -> None:
    """Keys and pre-shared keys have mode 0600, and their folder is closed to others."""
    pki = Path(fleet.folder, "pki")
    secrets = [*pki.glob("*.key"), pki / "psk.txt"]
    assert {path.stat().st_mode & 0o777 for path in secrets} == {0o600}
    assert Path(fleet.folder).stat().st_mode & 0o777 == 0o700


def test_real_clients_come_and_some_stay(fleet: Fleet) -> None:
    """The trickle shows in a log, and sessions stay open on `redis`."""
    log = Path(fleet.folder, "log/gateway.log")
    eventually(lambda: "[web] accepted connection from 127.0.0.21:" in log.read_text())
    branch = next(pid for path, pid in fleet.processes if Path(path).stem == "branch")
    port = accept_port(fleet, "redis")

    def sessions() -> int:
        connections = psutil.Process(branch).net_connections("tcp4")
        return sum(c.status == psutil.CONN_ESTABLISHED and c.laddr.port == port for c in connections)

    eventually(lambda: sessions() >= 2)


def test_renewed_certificate_is_served_only_after_a_reload() -> None:
    """`edi-in` serves the certificate with 9 days left while the file has one with 89."""
    with start_fleet() as fleet:
        old = served(fleet, "edi-in", "edi.corp.example")
        assert days_left(old) == 9
        assert old != on_disk(fleet, "edi-in")[0]
        pid = next(pid for path, pid in fleet.processes if Path(path).stem == "edi")
        os.kill(pid, signal.SIGHUP)
        log = Path(fleet.folder, "log/edi.log")
        eventually(lambda: log.read_text().count("bound to") == 2 * len(configs.bound_by("edi")))
        assert served(fleet, "edi-in", "edi.corp.example") == on_disk(fleet, "edi-in")[0]


def test_a_process_can_be_ended_and_started_again_by_hand() -> None:
    """The ended one does not stay as a zombie, the new one gets the same port, and goes with the fleet."""
    with Fleet() as fleet:
        path, pid = next(entry for entry in fleet.processes if entry[0].endswith("cache.conf"))
        program = psutil.Process(pid).exe()
        os.kill(pid, signal.SIGTERM)
        eventually(lambda: not psutil.pid_exists(pid))
        with subprocess.Popen([program, "cache.conf"], cwd=fleet.folder) as again:
            eventually(lambda: psutil.Process(again.pid).net_connections("tcp4"))
            assert served(fleet, "cache", "cache.corp.example") == on_disk(fleet, "cache")[0]
            fleet.stop()
            assert again.wait(PATIENCE) == 0
        assert not os.path.exists(path)
