"""Faults of real clients: they used to be served and fail now, or most of them fail, and why.

Rule: real clients, each from an address of its own on loopback, real handshakes; nothing is written into a
log by hand.
"""

import socket
import ssl
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from tests.fixtures import PATIENCE
from tests.lab.bench import Bench
from tests.lab.row import Shelf

shelf = Shelf()
fault = shelf.fault
PARTNER = "127.0.0.9"
_ENDS = "byte(s) sent to socket"


def caller(*, trusts: str = "", cert: str = "", at_most: ssl.TLSVersion | None = None) -> ssl.SSLContext:
    """What a client brings along: whom it trusts (anybody, without), its certificate, its newest version."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_REQUIRED if trusts else ssl.CERT_NONE
    if trusts:
        context.load_verify_locations(trusts)
    if cert:
        context.load_cert_chain(f"{cert}.pem", f"{cert}.key")
    if at_most:
        context.maximum_version = at_most
    return context


def call(
    bench: Bench, context: ssl.SSLContext | None, times: int = 1, *, peer: str = PARTNER, first: bytes = b""
) -> None:
    """Connect from `peer`, shake hands (not without a `context`), say something and leave; wait until the log
    has told of it."""
    for _ in range(times):
        told, deadline = bench.log.read_text().count(_ENDS), time.monotonic() + PATIENCE
        while not _came(bench, context, peer, first):
            assert time.monotonic() < deadline, "nobody listens"
        wait_for_end(bench, told)


def _came(bench: Bench, context: ssl.SSLContext | None, peer: str, first: bytes) -> bool:
    """Whether stunnel has noticed: it says that a reload is done before it binds its sockets anew."""
    port = 0
    with (
        suppress(OSError),
        socket.create_connection(("127.0.0.1", bench.accept), PATIENCE, (peer, 0)) as plain,
    ):
        port = plain.getsockname()[1]
        plain.sendall(first)
        if context is not None:
            with context.wrap_socket(plain, server_hostname="lab.example") as secure:
                secure.sendall(b"hello")
                secure.unwrap()
    until = time.monotonic() + 0.5
    while port and time.monotonic() < until:
        if f"{peer}:{port}\n" in bench.log.read_text():
            return True
        time.sleep(0.005)
    return False


def wait_for_end(bench: Bench, told: int) -> None:
    """Wait until the log tells of one more end of a connection than it had."""
    deadline = time.monotonic() + PATIENCE
    while bench.log.read_text().count(_ENDS) <= told:
        assert time.monotonic() < deadline, bench.log.read_text()
        time.sleep(0.005)


@fault("clients-failing", PARTNER, "fails since", "issuer is not in CAfile")
def authority_of_clients_replaced(bench: Bench) -> None:
    ours = caller(cert=bench.file("client"))
    running = bench.start(bench.server(bench.ca, "verifyChain = yes"))
    call(bench, ours, 3)
    bench.write(bench.server(f"CAfile = {bench.file('stranger.pem')}", "verifyChain = yes"))
    running.reload()
    call(bench, ours, 3)


@fault("clients-failing", PARTNER, "fails since", "does not know our CA")
def certificate_of_another_authority(bench: Bench) -> None:
    ours = caller(trusts=bench.file("ca.pem"))
    running = bench.start(bench.server())
    call(bench, ours, 3)
    bench.pki.leaf(bench.name, by=bench.pki.stranger, names=("lab.example",))
    bench.write(bench.server(cert=bench.name))
    running.reload()
    call(bench, ours, 4)


@fault("clients-failing", PARTNER, "fails since", "no shared TLS version")
def old_client_left_behind(bench: Bench) -> None:
    ours = caller(at_most=ssl.TLSVersion.TLSv1_2)
    running = bench.start(bench.server())
    call(bench, ours, 2)
    bench.write(bench.server("sslVersionMin = TLSv1.3"))
    running.reload()
    call(bench, ours, 3)


@fault("clients-failing", PARTNER, "did not send a certificate")
def client_without_its_certificate(bench: Bench) -> None:
    bench.start(bench.server(bench.ca, "verifyChain = yes"))
    call(bench, caller(cert=bench.file("client")), 2)
    call(bench, caller(), 3)


@fault("clients-failing", PARTNER, "certificate has expired")
def client_certificate_expired(bench: Bench) -> None:
    bench.pki.leaf(bench.name, days=(-90, -1))
    bench.start(bench.server(bench.ca, "verifyChain = yes"))
    call(bench, caller(cert=bench.file("client")), 2)
    call(bench, caller(cert=bench.file(bench.name)), 3)


@fault("clients-failing", PARTNER, "another name")
def client_under_another_name(bench: Bench) -> None:
    bench.pki.leaf(bench.name, names=("renamed.example",))
    bench.pki.leaf(f"{bench.name}-before", names=("partner.example",))
    bench.start(bench.server(bench.ca, "verifyChain = yes", "checkHost = partner.example"))
    call(bench, caller(cert=bench.file(f"{bench.name}-before")), 2)
    call(bench, caller(cert=bench.file(bench.name)), 3)


@fault("clients-failing", PARTNER, "plain HTTP")
def client_forgot_its_tls(bench: Bench) -> None:
    bench.start(bench.server())
    call(bench, caller(), 2)
    call(bench, None, 3, first=b"GET / HTTP/1.0\r\n\r\n")


@fault("clients-failing", "6 of the last 10", "no shared TLS version")
def half_of_a_crowd_behind_one_address(bench: Bench) -> None:
    old, new = caller(at_most=ssl.TLSVersion.TLSv1_2), caller()
    bench.start(bench.server("sslVersionMin = TLSv1.3"))
    call(bench, new, 2)
    for _ in range(3):
        call(bench, old, 2)
        call(bench, new)
    call(bench, new)
    call(bench, old)


@fault("clients-failing", "10 of the last 10", "does not know our CA")
def nobody_knows_the_new_authority(bench: Bench) -> None:
    bench.pki.leaf(bench.name, by=bench.pki.stranger, names=("lab.example",))
    bench.start(bench.server(cert=bench.name))
    for _ in range(4):
        for number in (11, 12, 13):
            call(bench, caller(trusts=bench.file("ca.pem")), peer=f"127.0.0.{number}")


@fault("clients-failing", PARTNER, "fails since", "certificate is revoked")
def client_certificate_revoked(bench: Bench) -> None:
    bench.pki.leaf(bench.name)
    ours = caller(cert=bench.file(bench.name))
    running = bench.start(bench.server(bench.ca, "verifyChain = yes"))
    call(bench, ours, 2)
    bench.pki.revoke(bench.name)
    listed = f"CRLfile = {bench.file(bench.name + '.crl')}"
    bench.write(bench.server(bench.ca, "verifyChain = yes", listed))
    running.reload()
    call(bench, ours, 3)


@fault("clients-failing", "2 clients fail since", "issuer is not in CAfile")
def two_clients_shut_out(bench: Bench) -> None:
    ours, two = caller(cert=bench.file("client")), ("127.0.0.21", "127.0.0.22")
    running = bench.start(bench.server(bench.ca, "verifyChain = yes"))
    for peer in two:
        call(bench, ours, 2, peer=peer)
    bench.write(bench.server(f"CAfile = {bench.file('stranger.pem')}", "verifyChain = yes"))
    running.reload()
    for peer in two:
        call(bench, ours, 3, peer=peer)


@fault("clients-failing", PARTNER, "PSK identity")
def shared_key_of_a_client_forgotten(bench: Bench) -> None:
    secrets, key = Path(bench.file(f"{bench.name}.txt")), "ab" * 32
    secrets.touch(0o600)
    secrets.write_text(f"partner:{key}\n")
    text = bench.server("ciphers = PSK", f"PSKsecrets = {secrets}", "sslVersion = TLSv1.2", cert="")
    running = bench.start(text)

    def shared(times: int) -> None:
        for _ in range(times):
            told = bench.log.read_text().count(_ENDS)
            where = (
                "-connect",
                f"127.0.0.1:{bench.accept}",
                "-bind",
                f"{PARTNER}:0",
                "-tls1_2",
                "-no_ign_eof",
            )
            identity = ("-psk_identity", "partner", "-psk", key)
            argv = ("openssl", "s_client", *where, *identity)
            subprocess.run(argv, input=b"hello\n", capture_output=True, timeout=PATIENCE, check=False)
            wait_for_end(bench, told)

    shared(2)
    secrets.write_text(f"somebody:{'cd' * 32}\n")
    running.reload()
    shared(3)


@fault("clients-failing", "connections fail since", "the remote refused")
def client_service_with_ciphers_of_its_own(bench: Bench) -> None:
    remote = bench.remote("sslVersionMax = TLSv1.2")
    bench.start(bench.client(remote, "ciphers = DHE-RSA-AES256-SHA"))
    call(bench, None, 3, first=b"hello")


@fault("clients-failing", "connections fail since", "PSK")
def client_service_with_another_shared_key(bench: Bench) -> None:
    shared = "ciphers = PSK"
    remote = bench.remote(shared, f"PSKsecrets = {bench.file('psk.txt')}", cert="")
    secrets = Path(bench.file(f"{bench.name}.txt"))
    secrets.touch(0o600)
    secrets.write_text(f"lab:{'cd' * 32}\n")
    bench.start(bench.client(remote, shared, f"PSKsecrets = {secrets}"))
    call(bench, None, 3, first=b"hello")
