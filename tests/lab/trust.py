"""Faults of what a service trusts: its authorities, its revocation lists, and what it demands of names."""

import socket
from contextlib import suppress
from pathlib import Path

from tests.fixtures import PATIENCE
from tests.lab.authority import issue
from tests.lab.bench import Bench
from tests.lab.row import Shelf

shelf = Shelf()
fault = shelf.fault
_VERIFY = "verifyChain = yes"


def _lists(bench: Bench) -> str:
    return f"CRLfile = {bench.file(bench.name + '.crl')}"


def _authority(bench: Bench, *days: float, name: str = "") -> str:
    """CAfile with an authority of this row's own, which also signs the certificate of this row."""
    own = issue(name or f"Root of {bench.name}", ca=True, days=(days[0], days[1]))
    bench.pki.put(f"{bench.name}-ca", own)
    bench.pki.leaf(bench.name, by=own)
    return f"CAfile = {bench.file(bench.name + '-ca.pem')}"


@fault("crl-expired", "CRL of Lab Root expired 3 days ago", "every client refused")
def list_of_clients_outdated(bench: Bench) -> None:
    bench.pki.list_revoked(bench.name, days=(-30, -3.1))
    bench.start(bench.server(bench.ca, _lists(bench), _VERIFY))


@fault("crl-expired", "CRL of Lab Root expired 3 days ago", "remote refused")
def list_of_the_remote_outdated(bench: Bench) -> None:
    bench.pki.list_revoked(bench.name, days=(-30, -3.1))
    bench.start(bench.client(bench.remote(), bench.ca, _lists(bench), _VERIFY))


@fault("crl-expiring", "CRL of Lab Root expires in 2 days")
def list_of_clients_runs_out(bench: Bench) -> None:
    bench.pki.list_revoked(bench.name, days=(-27, 2.9))
    bench.start(bench.server(bench.ca, _lists(bench), _VERIFY))


@fault("crl-missing", "no CRL of Lab Root", "list-of-another.crl")
def list_of_another(bench: Bench) -> None:
    bench.pki.list_revoked(bench.name, bench.pki.stranger)
    bench.start(bench.client(bench.remote(), bench.ca, _lists(bench), _VERIFY))


@fault("crl-not-yet-valid", "CRL of Lab Root not valid before")
def list_from_the_future(bench: Bench) -> None:
    bench.pki.list_revoked(bench.name, days=(2, 30))
    bench.start(bench.server(bench.ca, _lists(bench), _VERIFY))


@fault("crl-not-loaded", "renewed on disk", "reload")
def list_renewed_not_loaded(bench: Bench) -> None:
    bench.pki.list_revoked(bench.name, days=(-20, 20))
    bench.start(bench.server(bench.ca, _lists(bench), _VERIFY))
    bench.pki.list_revoked(bench.name, days=(1 / 86400, 40))
    bench.later(bench.file(f"{bench.name}.crl"))


@fault("crl-expired", "CRL of Lab Root expired 4 days ago")
def list_in_a_folder_outdated(bench: Bench) -> None:
    bench.pki.list_revoked(bench.name, days=(-30, -4.1))
    lists = bench.folder("crls", f"{bench.name}.crl")
    bench.start(bench.client(bench.remote(), bench.ca, f"CRLpath = {lists}", _VERIFY))


@fault("ca-expired", "authority-of-clients-expired-ca.pem", "expired 2 days ago", "refuses all")
def authority_of_clients_expired(bench: Bench) -> None:
    bench.start(bench.server(_authority(bench, -900, -2.1), _VERIFY))


@fault("ca-expiring", "Root of authority-of-clients-runs-out", "expires in 20 days")
def authority_of_clients_runs_out(bench: Bench) -> None:
    bench.start(bench.server(_authority(bench, -900, 20.1), _VERIFY))


@fault("ca-expiring", "Root of authority-of-the-remote-runs-out", "expires in 40 days")
def authority_of_the_remote_runs_out(bench: Bench) -> None:
    known = _authority(bench, -900, 40.1)
    bench.start(bench.client(bench.remote(cert=bench.name), known, _VERIFY))


@fault("ca-expired", "Old Root", "expired 2 days ago")
def authority_expired_and_sent_along(bench: Bench) -> None:
    old = issue("Old Root", ca=True, days=(-900, -2.1))
    bench.pki.put(f"{bench.name}-ca", old)
    bench.pki.put(bench.name, issue(bench.name, old), old)
    known = f"CAfile = {bench.file(bench.name + '-ca.pem')}"
    bench.start(bench.client(bench.remote(cert=bench.name), known, _VERIFY))


@fault("peer-untrusted", "issuer not in", "folder-never-hashed")
def folder_never_hashed(bench: Bench) -> None:
    folder = Path(bench.file(bench.name))
    folder.mkdir()
    (folder / "root.pem").write_bytes(bench.pki.root.pem)
    bench.start(bench.client(bench.remote(), f"CApath = {folder}", _VERIFY))


@fault("peer-cert-expired", "expired 5 days ago")
def pinned_and_expired(bench: Bench) -> None:
    bench.pki.leaf(bench.name, days=(-90, -5.1))
    pinned = f"CAfile = {bench.file(bench.name + '.pem')}"
    bench.start(bench.client(bench.remote(cert=bench.name), pinned, "verifyPeer = yes"))


@fault("ca-not-loaded", "authority New Root", "not loaded: reload")
def authority_added_not_loaded(bench: Bench) -> None:
    known = Path(bench.file(f"{bench.name}-ca.pem"))
    known.write_bytes(bench.pki.root.pem)
    bench.start(bench.server(f"CAfile = {known}", _VERIFY))
    known.write_bytes(bench.pki.root.pem + issue("New Root", ca=True, days=(-2, 3000)).pem)
    bench.later(known)


@fault("peer-untrusted", "after a reload", "issuer not in")
def authority_swapped_not_loaded(bench: Bench) -> None:
    known = Path(bench.file(f"{bench.name}-ca.pem"))
    known.write_bytes(bench.pki.root.pem)
    bench.start(bench.client(bench.remote(), f"CAfile = {known}", _VERIFY))
    known.write_bytes(bench.pki.stranger.pem)
    bench.later(known)


@fault("ca-not-loaded", "authority-of-the-remote-added-not-loaded-ca.pem changed", "not loaded: reload")
def authority_of_the_remote_added_not_loaded(bench: Bench) -> None:
    """Its clients have been turned away, and are: that a probe trusts the disk is no relief."""
    known = Path(bench.file(f"{bench.name}-ca.pem"))
    known.write_bytes(bench.pki.stranger.pem)
    running = bench.start(bench.client(bench.remote(), f"CAfile = {known}", _VERIFY))
    with suppress(ConnectionResetError), socket.create_connection(("127.0.0.1", bench.accept)) as local:
        local.settimeout(PATIENCE)
        local.recv(1)
    running.wait_for("Connection closed/reset")
    known.write_bytes(bench.pki.stranger.pem + bench.pki.root.pem)
    bench.later(known)
