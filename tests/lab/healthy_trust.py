"""Healthy oddities of what a service trusts: bundles, successions, crossed signatures, fresh lists.

Rule: nothing above information may be said of any of them.
"""

from pathlib import Path

from tests.lab.authority import Issued, elliptic, issue
from tests.lab.bench import Bench
from tests.lab.row import Shelf

shelf = Shelf()
healthy = shelf.healthy
_VERIFY = "verifyChain = yes"


def _known(bench: Bench, *authorities: Issued) -> str:
    path = Path(bench.file(f"{bench.name}-ca.pem"))
    path.write_bytes(b"".join(each.pem for each in authorities))
    return f"CAfile = {path}"


def _bundle(bench: Bench) -> str:
    """As an operating system has it: many, some of them expired or about to be."""
    spans = [(-3000.0, 2000.0)] * 130 + [(-3000.0, -10.0)] * 5 + [(-3000.0, 20.0)] * 5
    key = elliptic()
    many = [issue(f"Root {index}", ca=True, days=days, key=key) for index, days in enumerate(spans)]
    return _known(bench, *many, bench.pki.root)


@healthy
def open_key_in_a_closed_folder(bench: Bench) -> None:
    bench.pki.leaf(bench.name)
    folder = bench.lab.open_folder() / "private"
    folder.mkdir(mode=0o700)
    key = folder / "key.pem"
    key.write_bytes(Path(bench.file(f"{bench.name}.key")).read_bytes())
    key.chmod(0o644)
    bench.start(bench.server(f"cert = {bench.file(bench.name + '.pem')}", f"key = {key}", cert=""))


@healthy
def cross_signature_in_its_last_days(bench: Bench) -> None:
    """Everybody knows the new root by itself, and the chain ends there."""
    old = issue("Old Crossing Root", ca=True, days=(-3000, -20))
    key = elliptic()
    root = issue("Known Root", ca=True, days=(-1000, 3000), key=key)
    crossed = issue("Known Root", old, ca=True, days=(-500, 60), key=key)
    middle = issue("Known Issuing", root, ca=True)
    bench.pki.put(bench.name, issue(bench.name, middle, days=(-40, 50)), middle, crossed, crossed)
    bench.start(bench.server(cert=bench.name))


@healthy
def bundle_for_clients(bench: Bench) -> None:
    bench.start(bench.server(_bundle(bench), _VERIFY))


@healthy
def bundle_for_the_remote(bench: Bench) -> None:
    bench.start(bench.client(bench.remote(), _bundle(bench), _VERIFY))


@healthy
def bundle_brought_up_to_date(bench: Bench) -> None:
    bench.start(bench.server(_bundle(bench), _VERIFY))
    _bundle(bench)
    bench.later(bench.file(f"{bench.name}-ca.pem"))


@healthy
def successor_beside_the_expired(bench: Bench) -> None:
    old = issue("Lab Root 2016", ca=True, days=(-3600, -20))
    bench.start(bench.server(_known(bench, old, bench.pki.root), _VERIFY))


@healthy
def successor_beside_the_last_days(bench: Bench) -> None:
    old = issue("House Root G1", ca=True, days=(-3600, 20))
    new = issue("House Root G2", ca=True, days=(-20, 3600))
    bench.start(bench.server(_known(bench, old, new), _VERIFY))


@healthy
def crossed_signatures(bench: Bench) -> None:
    """The new root is sent as signed by an old one that nobody here knows."""
    old = issue("Crossing Root", ca=True, days=(-3000, 100))
    key = elliptic()
    root = issue("New Root", ca=True, days=(-1000, 3000), key=key)
    crossed = issue("New Root", old, ca=True, days=(-500, 90), key=key)
    middle = issue("New Issuing", root, ca=True)
    bench.pki.put(bench.name, issue(bench.name, middle), middle, crossed)
    bench.start(bench.client(bench.remote(cert=bench.name), _known(bench, root), _VERIFY))


@healthy
def fresh_list(bench: Bench) -> None:
    bench.pki.list_revoked(bench.name, days=(-1, 6))
    lists = f"CRLfile = {bench.file(bench.name + '.crl')}"
    bench.start(bench.server(bench.ca, lists, _VERIFY))


@healthy
def fresh_list_beside_the_outdated(bench: Bench) -> None:
    bench.pki.list_revoked(bench.name, days=(-30, -2))
    bench.pki.list_revoked(bench.name, days=(-2, 28), more=True)
    bench.pki.list_revoked(bench.name, bench.pki.stranger, days=(-30, -2), more=True)
    lists = f"CRLfile = {bench.file(bench.name + '.crl')}"
    bench.start(bench.client(bench.remote(), bench.ca, lists, _VERIFY))


@healthy
def outdated_list_that_nobody_looks_into(bench: Bench) -> None:
    bench.pki.list_revoked(bench.name, days=(-30, -2))
    bench.start(bench.server(bench.ca, f"CRLfile = {bench.file(bench.name + '.crl')}"))


@healthy
def lists_in_a_folder(bench: Bench) -> None:
    bench.pki.list_revoked(bench.name)
    lists = bench.folder("crls", f"{bench.name}.crl")
    bench.start(bench.client(bench.remote(), bench.ca, f"CRLpath = {lists}", _VERIFY))


@healthy
def pinned_key_with_a_new_certificate(bench: Bench) -> None:
    key = elliptic()
    pinned = issue(bench.name, bench.pki.root, days=(-90, 10), key=key)
    bench.pki.leaf(bench.name, days=(-1, 89), key=key)
    bench.start(bench.client(bench.remote(cert=bench.name), _known(bench, pinned), "verifyPeer = yes"))


@healthy
def bundle_of_the_remote_touched(bench: Bench) -> None:
    known = _known(bench, bench.pki.root, bench.pki.stranger)
    bench.start(bench.client(bench.remote(), known, _VERIFY))
    bench.later(known.removeprefix("CAfile = "))
