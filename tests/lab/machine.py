"""Faults of the machine that a configuration counts on: files, folders, users, addresses, programs."""

import socket

from tests.lab.bench import Bench
from tests.lab.row import Shelf

shelf = Shelf()
fault = shelf.fault


@fault("ca-missing", "cannot start", "CAfile", "gone-ca.pem does not exist")
def authority_missing(bench: Bench) -> None:
    bench.refused(bench.server(f"CAfile = {bench.file('gone-ca.pem')}", "verifyChain = yes"))


@fault("ca-missing", "a restart would fail", "CAfile", "does not exist")
def authority_deleted_under_process(bench: Bench) -> None:
    authority = bench.lab.folder / f"{bench.name}-ca.pem"
    authority.write_bytes((bench.lab.folder / "ca.pem").read_bytes())
    bench.start(bench.server(f"CAfile = {authority}", "verifyChain = yes"))
    authority.unlink()


@fault("crl-missing", "cannot start", "CRLfile")
def revocations_missing(bench: Bench) -> None:
    bench.refused(bench.server(bench.ca, "verifyChain = yes", f"CRLfile = {bench.file('gone.crl')}"))


@fault("psk-invalid", "cannot start", "PSKsecrets", "short-shared-key.txt")
def short_shared_key(bench: Bench) -> None:
    secrets = bench.lab.folder / "short-shared-key.txt"
    secrets.write_text("lab:tooshort\n")
    bench.refused(bench.server(f"PSKsecrets = {secrets}", "ciphers = PSK", cert=""))


@fault("log-unwritable", "cannot start", "log file", "is no folder")
def log_folder_missing(bench: Bench) -> None:
    bench.refused(bench.server(), f"output = {bench.file('nowhere/a.log')}")


@fault("pid-unwritable", "cannot start", "pid file", "is no folder")
def pid_folder_missing(bench: Bench) -> None:
    bench.refused(bench.server(), f"pid = {bench.file('nowhere/a.pid')}")


@fault("pid-unwritable", "a restart would fail", "pid file", "is no folder")
def pid_folder_gone_under_process(bench: Bench) -> None:
    folder = bench.lab.folder / f"{bench.name}.d"
    folder.mkdir()
    bench.start(bench.server(), f"pid = {folder}/a.pid")
    (folder / "a.pid").unlink()
    folder.rmdir()


@fault("chroot-missing", "cannot start", "chroot", "is no folder")
def jail_missing(bench: Bench) -> None:
    bench.refused(bench.server(), f"chroot = {bench.file('no-jail')}")


@fault("user-unknown", "cannot start", "no user `nosuchuser`")
def user_unknown(bench: Bench) -> None:
    bench.refused(bench.server(), "setuid = nosuchuser")


@fault("cipher-refused", "cannot start", "no cipher match")
def ciphers_unknown(bench: Bench) -> None:
    bench.refused(bench.server("ciphers = NOSUCHCIPHER"))


@fault("accept-unresolved", "cannot start", "does not resolve")
def accept_unresolved(bench: Bench) -> None:
    bench.refused(bench.server("accept = nowhere.invalid:4433"))


@fault("accept-folder-missing", "cannot start", "no folder")
def accept_folder_missing(bench: Bench) -> None:
    bench.refused(bench.server(f"accept = {bench.file('nowhere/a.sock')}"))


@fault("accept-taken", "cannot start", "left over from a process that was killed")
def accept_socket_left_over(bench: Bench) -> None:
    place = bench.file(f"{bench.name}.sock")
    with socket.socket(socket.AF_UNIX) as killed:
        killed.bind(place)
    bench.refused(bench.server(f"accept = {place}"))


@fault("duplicate-accept", "cannot start", "is accepted on by [two-on-one-port] already")
def two_on_one_port(bench: Bench) -> None:
    accept = f"accept = 127.0.0.1:{bench.accept}"
    bench.refused(bench.server(accept) + bench.server(accept, name="second"))


@fault("exec-missing", "exec /nowhere/program", "not there")
def program_missing(bench: Bench) -> None:
    bench.start(bench.server("exec = /nowhere/program", connect=None))
