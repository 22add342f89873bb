"""Faults of a service's own certificate, its key and its chain."""

import subprocess
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


@fault("cert-not-loaded", "renewed on disk", "no longer for b.example")
def renewed_for_fewer_names(bench: Bench) -> None:
    _own(bench, names=("a.example", "b.example"), days=(-70, 20))
    bench.pki.leaf(bench.name, names=("a.example",), days=(-1, 89))


@fault("cert-not-loaded", "is for other.example, served is mine.example")
def one_for_another_name_put_there(bench: Bench) -> None:
    _own(bench, names=("mine.example",), days=(-1, 89))
    bench.pki.leaf(bench.name, names=("other.example",), days=(-1, 80))


@fault("restart-hazard", "waits for a password", "password-typed-once.key")
def password_typed_once(bench: Bench) -> None:
    leaf = bench.pki.leaf(bench.name)
    key = Path(bench.file(f"{bench.name}.key"))
    key.write_bytes(leaf.locked_key_pem)
    bench.start_by_hand(bench.server(cert=bench.name), "secret")


@fault("restart-hazard", "waits for a password", "store-with-password.p12")
def store_with_password(bench: Bench) -> None:
    bench.pki.leaf(bench.name)
    path = bench.file(f"{bench.name}.p12")
    files = ("-in", bench.file(f"{bench.name}.pem"), "-inkey", bench.file(f"{bench.name}.key"))
    argv = ("openssl", "pkcs12", "-export", *files, "-out", path, "-passout", "pass:secret")
    subprocess.run(argv, check=True, capture_output=True)
    bench.start_by_hand(bench.server(f"cert = {path}", cert=""), "secret")


@fault("chain-incomplete", "Lab Issuing is not sent")
def chain_without_its_issuer(bench: Bench) -> None:
    """Another service of the same configuration sends the authority along."""
    pki = bench.pki
    pki.put(f"{bench.name}-whole", issue("whole", pki.middle), pki.middle)
    pki.leaf(bench.name, by=pki.middle)
    whole = bench.server(f"accept = 127.0.0.1:{bench.lab.port()}", cert=f"{bench.name}-whole", name="whole")
    bench.start(whole + bench.server(cert=bench.name))


@fault("chain-expiring", "Late Issuing", "expires in 5 days")
def chain_runs_out(bench: Bench) -> None:
    late = issue("Late Issuing", bench.pki.root, ca=True, days=(-900, 5.1))
    bench.pki.put(bench.name, issue(bench.name, late), late)
    bench.start(bench.server(cert=bench.name))


@fault("weak-key", "chain: Weak Issuing", "RSA key of 1024 bits")
def chain_with_a_weak_key(bench: Bench) -> None:
    weak = issue("Weak Issuing", bench.pki.root, ca=True, key=rivest(1024))
    bench.pki.put(bench.name, issue(bench.name, weak), weak)
    bench.start(bench.server("securityLevel = 0", cert=bench.name))


@fault("cert-not-loaded", "renewed on disk", ": restart")
def renewed_where_a_reload_would_not_do(bench: Bench) -> None:
    """The folder of the laboratory is closed to the user that the process has become."""
    log = bench.lab.open_folder() / "open.log"
    log.touch()
    log.chmod(0o666)
    bench.log = log
    bench.pki.leaf(bench.name, days=(-70, 20))
    bench.start(bench.server(cert=bench.name), "setuid = nobody")
    bench.pki.leaf(bench.name, days=(-1, 89))


@fault("key-mismatch", "key-swapped.key", "does not belong", "a reload or restart would fail")
def key_swapped(bench: Bench) -> None:
    path = _own(bench)
    path.with_suffix(".key").write_bytes(issue("new", bench.pki.root).key_pem)


@fault("key-exposed", "key.pem", "readable by everybody")
def key_exposed(bench: Bench) -> None:
    bench.pki.leaf(bench.name)
    key = bench.lab.open_folder() / "key.pem"
    key.write_bytes(Path(bench.file(f"{bench.name}.key")).read_bytes())
    key.chmod(0o644)
    pair = (f"cert = {bench.file(bench.name + '.pem')}", f"key = {key}")
    bench.start(bench.server(*pair, cert=""))


@fault("config-writable", "everybody may write config-writable.conf")
def config_writable(bench: Bench) -> None:
    included = bench.lab.open_folder() / "config-writable.conf"
    included.write_text(bench.server())
    included.chmod(0o666)
    bench.start("", f"include = {included.parent}")


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


@fault("cert-not-yet-valid", "not valid for another")
def not_yet_valid(bench: Bench) -> None:
    _own(bench, days=(2, 300))


@fault("cert-not-loaded", "renewed on disk", "old one served: reload", "19 days left")
def renewed_not_loaded(bench: Bench) -> None:
    _own(bench, days=(-70, 20))
    bench.pki.leaf(bench.name, days=(-1, 89))


@fault("cert-not-loaded", "renewed on disk", "old one expired 1 day ago: reload")
def renewed_not_loaded_and_expired(bench: Bench) -> None:
    _own(bench, days=(-91, -1))
    bench.pki.leaf(bench.name, days=(-10, 80))


@fault("cert-not-loaded", "holds another certificate than is served", "ends 29 days sooner")
def older_one_put_back(bench: Bench) -> None:
    _own(bench, days=(-1, 89))
    bench.pki.leaf(bench.name, days=(-30, 59.5))  # whole days whatever second it is


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
