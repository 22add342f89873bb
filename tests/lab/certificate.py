"""Faults of a service's own certificate, its key and its chain."""

from pathlib import Path
from typing import Any

from tests.lab.authority import issue, rivest
from tests.lab.bench import Bench
from tests.lab.row import Shelf

shelf = Shelf()
fault = shelf.fault


def _own(bench: Bench, *options: str, **what: Any) -> Path:
    """Serve a certificate of this row's own; returns the path of its file."""
    bench.pki.leaf(bench.name, **what)
    bench.start(bench.server(*options, cert=bench.name))
    return Path(bench.file(f"{bench.name}.pem"))


@fault("cert-missing", "cert-never-there.pem", "missing", "cannot start")
def cert_never_there(bench: Bench) -> None:
    bench.refused(bench.server(cert=bench.name))


@fault("cert-missing", "cert-deleted.pem", "missing")
def cert_deleted(bench: Bench) -> None:
    _own(bench).unlink()


@fault("cert-unreadable", "cert-garbage.pem", "cannot start")
def cert_garbage(bench: Bench) -> None:
    bench.pki.leaf(bench.name)
    Path(bench.file(f"{bench.name}.pem")).write_text("<html>404</html>\n")
    bench.refused(bench.server(cert=bench.name))


@fault("cert-unreadable", "cert-emptied.pem")
def cert_emptied(bench: Bench) -> None:
    _own(bench).write_text("")


@fault("key-missing", "key-never-there.key", "cannot start")
def key_never_there(bench: Bench) -> None:
    bench.pki.leaf(bench.name)
    Path(bench.file(f"{bench.name}.key")).unlink()
    bench.refused(bench.server(cert=bench.name))


@fault("key-missing", "key-not-in-file.pem")
def key_not_in_file(bench: Bench) -> None:
    bench.pki.leaf(bench.name)
    bench.refused(bench.server(f"cert = {bench.file(bench.name + '.pem')}", cert=""))


@fault("key-missing", "key-deleted.key")
def key_deleted(bench: Bench) -> None:
    _own(bench).with_suffix(".key").unlink()


@fault("key-unreadable", "key-garbage.key")
def key_garbage(bench: Bench) -> None:
    bench.pki.leaf(bench.name)
    Path(bench.file(f"{bench.name}.key")).write_text("oops\n")
    bench.refused(bench.server(cert=bench.name))


@fault("key-mismatch", "key-of-another.key", "does not belong", "cannot start")
def key_of_another(bench: Bench) -> None:
    other = bench.pki.leaf(bench.name)
    bench.pki.leaf(bench.name)
    Path(bench.file(f"{bench.name}.key")).write_bytes(other.key_pem)
    bench.refused(bench.server(cert=bench.name))


@fault("key-mismatch", "key-swapped.key", "does not belong")
def key_swapped(bench: Bench) -> None:
    path = _own(bench)
    path.with_suffix(".key").write_bytes(issue("new", bench.pki.root).key_pem)


@fault("key-exposed", "key-exposed.key", "readable by everybody")
def key_exposed(bench: Bench) -> None:
    _own(bench).with_suffix(".key").chmod(0o644)


@fault("cert-expired", "expired 10 days ago")
def expired(bench: Bench) -> None:
    _own(bench, days=(-100, -10.1))


@fault("cert-expiring", "expires in 3 days")
def expiring_now(bench: Bench) -> None:
    _own(bench, days=(-87, 3.1))


@fault("cert-expiring", "expires in 15 days")
def expiring_soon(bench: Bench) -> None:
    _own(bench, days=(-75, 15.1))


@fault("cert-expiring", "expires in 8 h")
def six_days_nearly_over(bench: Bench) -> None:
    _own(bench, days=(-5.65, 0.35))


@fault("cert-not-yet-valid", "not valid before")
def not_yet_valid(bench: Bench) -> None:
    _own(bench, days=(2, 300))


@fault("cert-not-loaded", "renewed on disk, old one served")
def renewed_not_loaded(bench: Bench) -> None:
    _own(bench, days=(-70, 20))
    bench.pki.leaf(bench.name, days=(-1, 89))


@fault("cert-not-loaded", "renewed on disk, old one served")
def renewed_not_loaded_and_expired(bench: Bench) -> None:
    _own(bench, days=(-91, -1))
    bench.pki.leaf(bench.name, days=(-10, 80))


@fault("cert-not-loaded", "another certificate is served")
def older_one_put_back(bench: Bench) -> None:
    _own(bench, days=(-1, 89))
    bench.pki.leaf(bench.name, days=(-30, 60))


@fault("chain-expired", "Old Issuing", "expired")
def chain_expired(bench: Bench) -> None:
    old = issue("Old Issuing", bench.pki.root, ca=True, days=(-900, -3))
    bench.pki.put(bench.name, issue(bench.name, old), old)
    bench.start(bench.server(cert=bench.name))


@fault("chain-order", "wrong order")
def chain_out_of_order(bench: Bench) -> None:
    pki = bench.pki
    low = issue("Lab Low", pki.middle, ca=True)
    pki.put(bench.name, issue(bench.name, low), pki.middle, low)
    bench.start(bench.server(cert=bench.name))


@fault("weak-key", "RSA key of 1024 bits")
def weak_key(bench: Bench) -> None:
    _own(bench, "securityLevel = 0", key=rivest(1024))


@fault("weak-signature", "SHA1")
def weak_signature(bench: Bench) -> None:
    bench.pki.sign_with_sha1(bench.name)
    bench.start(bench.server("securityLevel = 0", cert=bench.name))


@fault("cert-expired", "expired 4 days ago")
def expired_behind_sni(bench: Bench) -> None:
    bench.pki.leaf(bench.name, names=("b.example",), days=(-80, -4.1))
    secondary = bench.server("sni = front:*.b.example", cert=bench.name)
    bench.start(bench.server(f"accept = 127.0.0.1:{bench.accept}", name="front") + secondary)


@fault("client-cert-expired", "client certificate expired 6 days ago")
def client_cert_expired(bench: Bench) -> None:
    bench.pki.leaf(bench.name, days=(-80, -6.1))
    files = (f"cert = {bench.file(bench.name + '.pem')}", f"key = {bench.file(bench.name + '.key')}")
    bench.start(bench.client(bench.remote(), *files))


@fault("cert-expired", "expired 3 days ago")
def expired_with_mutual_tls(bench: Bench) -> None:
    _own(bench, bench.ca, "verifyChain = yes", days=(-80, -3.1))


@fault("key-unreadable", "key-with-password.key", "cannot start")
def key_with_password(bench: Bench) -> None:
    leaf = bench.pki.leaf(bench.name)
    Path(bench.file(f"{bench.name}.key")).write_bytes(leaf.locked_key_pem)
    bench.refused(bench.server(cert=bench.name))


@fault("cert-missing", "second-of-two.pem", "[second-of-two]", "cannot start")
def second_of_two(bench: Bench) -> None:
    sound = bench.server(f"accept = 127.0.0.1:{bench.lab.port()}", name="sound")
    bench.refused(sound + bench.server(cert=bench.name))
