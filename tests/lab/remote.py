"""Faults at the far end of a client service: its port, its TLS, its certificate, what it asks of us."""

from typing import Any

from tests.lab.authority import issue
from tests.lab.bench import NOBODY, Bench
from tests.lab.row import Shelf
from tests.lab.target import full_backlog, hanging_up

shelf = Shelf()
fault = shelf.fault
_NO_TLS = {b"EHLO localhost\r\n": b"250 mail.example\r\n", b"STARTTLS\r\n": b"502 not here\r\n"}


def _far(bench: Bench, *options: str, **what: Any) -> int:
    """A far service with a certificate of this row's own."""
    bench.pki.leaf(bench.name, **what)
    return bench.remote(*options, cert=bench.name)


@fault("connect-refused", "refused")
def remote_refused(bench: Bench) -> None:
    bench.start(bench.client(bench.lab.port()))


@fault("connect-unresolved", "nowhere.invalid", "cannot be resolved")
def remote_unresolved(bench: Bench) -> None:
    bench.start(bench.client(NOBODY))


@fault("connect-unreachable", "224.0.0.1:7", "unreachable")
def remote_unreachable(bench: Bench) -> None:
    bench.start(bench.client("224.0.0.1:7"))


@fault("connect-stalled", "{target}", "accepts nobody")
def remote_queue_full(bench: Bench) -> None:
    bench.target = full_backlog(bench.lab)
    bench.start(bench.client(bench.target))


@fault("connect-stalled", "{target}", "accepts nobody")
def remote_accepts_nobody(bench: Bench) -> None:
    bench.target = bench.lab.listener().getsockname()[1]
    bench.start(bench.client(bench.target))


@fault("peer-timeout", "silent")
def remote_silent(bench: Bench) -> None:
    bench.start(bench.client(bench.lab.backend()))


@fault("connect-closed peer-tls-rejected", "hangs up")
def remote_hangs_up(bench: Bench) -> None:
    bench.start(bench.client(hanging_up(bench.lab)))


@fault("peer-not-tls", "does not speak TLS")
def remote_speaks_http(bench: Bench) -> None:
    bench.start(bench.client(hanging_up(bench.lab, b"HTTP/1.0 400 Bad Request\r\n\r\n")))


@fault("peer-not-tls", "does not speak TLS")
def remote_speaks_plain_smtp(bench: Bench) -> None:
    bench.start(bench.client(bench.lab.backend(b"220 mail.example ESMTP\r\n")))


@fault("peer-protocol-failed", "smtp")
def remote_without_starttls(bench: Bench) -> None:
    plain = bench.lab.backend(b"220 mail.example ESMTP\r\n", _NO_TLS)
    bench.start(bench.client(plain, "protocol = smtp"))


@fault("peer-tls-rejected", "handshake_failure")
def remote_wants_a_shared_key(bench: Bench) -> None:
    far = bench.remote("ciphers = PSK", f"PSKsecrets = {bench.file('psk.txt')}", cert="")
    bench.start(bench.client(far))


@fault("peer-untrusted", "ca.pem")
def remote_untrusted(bench: Bench) -> None:
    far = _far(bench, by=bench.pki.stranger)
    bench.start(bench.client(far, bench.ca, "verifyChain = yes"))


@fault("peer-untrusted", "self-signed")
def remote_signed_by_itself(bench: Bench) -> None:
    bench.pki.put(bench.name, issue(bench.name))
    far = bench.remote(cert=bench.name)
    bench.start(bench.client(far, bench.ca, "verifyChain = yes"))


@fault("peer-untrusted", "ca.pem")
def remote_without_its_issuer(bench: Bench) -> None:
    far = _far(bench, by=bench.pki.middle)
    bench.start(bench.client(far, bench.ca, "verifyChain = yes"))


@fault("peer-cert-expired", "expired 5 days ago")
def remote_expired(bench: Bench) -> None:
    far = _far(bench, days=(-90, -5.1))
    bench.start(bench.client(far, bench.ca, "verifyChain = yes"))


@fault("peer-cert-expired", "expired 5 days ago")
def remote_expired_unverified(bench: Bench) -> None:
    bench.start(bench.client(_far(bench, days=(-90, -5.1))))


@fault("peer-cert-expiring", "expires in 4 days")
def remote_expiring(bench: Bench) -> None:
    far = _far(bench, days=(-85, 4.1))
    bench.start(bench.client(far, bench.ca, "verifyChain = yes"))


@fault("peer-cert-not-yet-valid", "certificate not valid yet")
def remote_not_yet_valid(bench: Bench) -> None:
    far = _far(bench, days=(3, 90))
    bench.start(bench.client(far, bench.ca, "verifyChain = yes"))


@fault("peer-name-mismatch", "other.example")
def remote_of_another_name(bench: Bench) -> None:
    bench.start(bench.client(bench.remote(), bench.ca, "verifyChain = yes", "checkHost = other.example"))


@fault("peer-untrusted", "not in")
def remote_not_the_pinned_one(bench: Bench) -> None:
    pinned = f"CAfile = {bench.file('client.pem')}"
    bench.start(bench.client(bench.remote(), pinned, "verifyPeer = yes"))


@fault("peer-client-cert-required", "client certificate", "none is set")
def remote_wants_a_certificate(bench: Bench) -> None:
    far = bench.remote(bench.ca, "verifyChain = yes")
    bench.start(bench.client(far))


@fault("peer-tls-rejected", "refuses our certificate", "unknown_ca", "wants one of Lab Root")
def remote_refuses_our_certificate(bench: Bench) -> None:
    far = bench.remote(bench.ca, "verifyChain = yes")
    bench.pki.leaf(bench.name, by=bench.pki.stranger)
    files = (f"cert = {bench.file(bench.name + '.pem')}", f"key = {bench.file(bench.name + '.key')}")
    bench.start(bench.client(far, *files))


@fault("peer-tls-rejected", "protocol_version")
def remote_of_old_version(bench: Bench) -> None:
    far = bench.remote("sslVersion = TLSv1.1", "securityLevel = 0")
    bench.start(bench.client(far))


@fault("weak-protocol", "TLSv1.1")
def remote_of_old_version_allowed(bench: Bench) -> None:
    far = bench.remote("sslVersion = TLSv1.1", "securityLevel = 0")
    bench.start(bench.client(far, "securityLevel = 0"))


@fault("connect-closed", "hangs up after the handshake")
def remote_without_back_end(bench: Bench) -> None:
    bench.start(bench.client(bench.remote(connect=bench.lab.port())))


@fault("connect-partial", "1 of 2 targets down")
def one_of_two_remotes_down(bench: Bench) -> None:
    bench.start(bench.client(bench.remote(), f"connect = 127.0.0.1:{bench.lab.port()}"))


@fault("peer-cert-expired", "Old Far Issuing", "expired 4 days ago")
def remote_chain_expired(bench: Bench) -> None:
    old = issue("Old Far Issuing", bench.pki.root, ca=True, days=(-900, -4.1))
    bench.pki.put(bench.name, issue(bench.name, old), old)
    bench.start(bench.client(bench.remote(cert=bench.name), bench.ca, "verifyChain = yes"))


@fault("ca-expired", "own-authority-expired-ca.pem", "expired 2 days ago")
def own_authority_expired(bench: Bench) -> None:
    old = issue("Old Root", ca=True, days=(-900, -2.1))
    bench.pki.put(f"{bench.name}-ca", old)
    far = _far(bench, by=old)
    bench.start(bench.client(far, f"CAfile = {bench.file(bench.name + '-ca.pem')}", "verifyChain = yes"))


@fault("peer-revoked", "revoked")
def remote_revoked(bench: Bench) -> None:
    far = _far(bench)
    bench.pki.revoke(bench.name)
    lists = f"CRLfile = {bench.file(bench.name + '.crl')}"
    bench.start(bench.client(far, bench.ca, lists, "verifyChain = yes"))


@fault("key-mismatch", "does not belong", "cannot start")
def client_key_of_another(bench: Bench) -> None:
    other = bench.pki.leaf(bench.name)
    bench.pki.leaf(bench.name)
    (bench.lab.folder / f"{bench.name}.key").write_bytes(other.key_pem)
    files = (f"cert = {bench.file(bench.name + '.pem')}", f"key = {bench.file(bench.name + '.key')}")
    bench.refused(bench.client(9, *files))


@fault("connect-refused", "{target}")
def shared_key_remote_refused(bench: Bench) -> None:
    bench.target = bench.lab.port()
    secrets = f"PSKsecrets = {bench.file('psk.txt')}"
    bench.start(bench.client(bench.target, secrets, "PSKidentity = lab"))
    bench.visit()  # no handshake of ours can tell: the log of a real client's does


@fault("client-cert-expiring", "client certificate expires in 5 days")
def client_certificate_expiring(bench: Bench) -> None:
    far = bench.remote(bench.ca, "verifyChain = yes")
    bench.pki.leaf(bench.name, days=(-85, 5.1))
    files = (f"cert = {bench.file(bench.name + '.pem')}", f"key = {bench.file(bench.name + '.key')}")
    bench.start(bench.client(far, *files))
