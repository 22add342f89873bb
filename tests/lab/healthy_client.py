"""Healthy oddities of client services: what looks strange and is right.

Rule: nothing above information may be said of any of them.
"""

import subprocess
from pathlib import Path

from tests.lab.authority import issue
from tests.lab.bench import Bench
from tests.lab.row import Shelf

shelf = Shelf()
healthy = shelf.healthy
_MAIL = b"220 mail.example ESMTP\r\n"


@healthy
def mutual_tls_client(bench: Bench) -> None:
    far = bench.remote(bench.ca, "verifyChain = yes")
    files = (f"cert = {bench.file('client.pem')}", f"key = {bench.file('client.key')}")
    checks = (bench.ca, "verifyChain = yes", "checkHost = lab.example")
    bench.start(bench.client(far, *files, *checks))


@healthy
def shared_key_client(bench: Bench) -> None:
    secrets = f"PSKsecrets = {bench.file('psk.txt')}"
    far = bench.remote("ciphers = PSK", secrets, cert="")
    bench.start(bench.client(far, secrets, "PSKidentity = lab"))


@healthy
def smtp_client(bench: Bench) -> None:
    far = bench.remote("protocol = smtp", connect=bench.lab.backend(_MAIL))
    bench.start(bench.client(far, "protocol = smtp"))


@healthy
def client_without_sni(bench: Bench) -> None:
    bench.start(bench.client(bench.remote(), "sni =", bench.ca, "verifyChain = yes"))


@healthy
def client_that_verifies_nothing(bench: Bench) -> None:
    bench.pki.put(bench.name, issue(bench.name))
    bench.start(bench.client(bench.remote(cert=bench.name)))


@healthy
def pinned_and_signed_by_itself(bench: Bench) -> None:
    bench.pki.put(bench.name, issue(bench.name))
    pinned = f"CAfile = {bench.file(bench.name + '.pem')}"
    bench.start(bench.client(bench.remote(cert=bench.name), pinned, "verifyPeer = yes"))


@healthy
def expired_authority_among_others(bench: Bench) -> None:
    old = issue("Gone Root", ca=True, days=(-900, -2))
    bundle = Path(bench.file(f"{bench.name}-ca.pem"))
    bundle.write_bytes(old.pem + bench.pki.root.pem)
    bench.start(bench.client(bench.remote(), f"CAfile = {bundle}", "verifyChain = yes"))


@healthy
def authorities_in_a_folder(bench: Bench) -> None:
    folder = Path(bench.file(f"{bench.name}-ca"))
    folder.mkdir()
    (folder / "root.pem").write_bytes(bench.pki.root.pem)
    subprocess.run(("openssl", "rehash", str(folder)), check=True, capture_output=True)
    bench.start(bench.client(bench.remote(), f"CApath = {folder}", "verifyChain = yes"))


@healthy
def any_name_will_do(bench: Bench) -> None:
    checks = ("verifyChain = yes", "checkHost = other.example", "checkHost = lab.example")
    bench.start(bench.client(bench.remote(), bench.ca, *checks))


@healthy
def renewed_at_a_third(bench: Bench) -> None:
    bench.pki.leaf(bench.name, days=(-59, 31))
    bench.start(bench.client(bench.remote(cert=bench.name), bench.ca, "verifyChain = yes"))
