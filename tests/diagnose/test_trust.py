"""Our verdict on a remote's certificate is stunnel's own, certificate by certificate, option by option.

Rule: every pair is a client service of one real stunnel; what its log says is the truth.
"""

import asyncio
import contextlib
import datetime
import re
import socket
import ssl
import threading
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import NameOID

from tests.fixtures import PATIENCE, Stunnel
from tests.lab.authority import DAY, Authorities, Issued, elliptic, issue
from tuimon.commands.status import sweep
from tuimon.settings import Probes, Settings

HOSTS = (
    *("www.lab.example", "WWW.Lab.Example", "lab.example", "a.b.lab.example", "foo.lab.example"),
    *("www.lab.example.", ".lab.example", ".example", "xn--bcher-kva.lab.example", "127.0.0.1"),
    *("f.lab.example", "a_b.lab.example", "*.lab.example", "sub.example", "-a.lab.example"),
)
ADDRESSES = ("127.0.0.1", "10.0.0.1", "::1", "0:0::1")
MAILS = ("ops@lab.example", "ops@LAB.example", "Ops@lab.example")
CHECKS = (
    *(f"checkHost = {each}" for each in HOSTS),
    *(f"checkIP = {each}" for each in ADDRESSES),
    *(f"checkEmail = {each}" for each in MAILS),
    "checkHost = nobody.example\ncheckIP = 127.0.0.1",
)
# Certificate → its common names, the mail address in its subject, its SAN.
NAMES: dict[str, tuple[tuple[str, ...], str, tuple[str, ...]]] = {
    "plain": (("other.example",), "", ("DNS:www.lab.example",)),
    "wild": (("other.example",), "", ("DNS:*.lab.example",)),
    "partial": (("other.example",), "", ("DNS:f*.lab.example", "DNS:*w.lab.example")),
    "whole-domain": (("other.example",), "", ("DNS:*.example",)),
    "inner": (("other.example",), "", ("DNS:a.*.lab.example", "DNS:*.*.example")),
    "common": (("www.lab.example",), "", ()),
    "common-wild": (("*.lab.example",), "", ()),
    "two-commons": (("first.example", "www.lab.example"), "", ()),
    "address": (("www.lab.example",), "", ("IP:127.0.0.1", "IP:::1")),
    "address-as-name": (("127.0.0.1",), "", ()),
    "mail": (("www.lab.example",), "", ("email:Ops@lab.example",)),
    "mail-in-subject": (("x",), "ops@lab.example", ()),
    "letters": (("x",), "", ("DNS:xn--bcher-kva.lab.example", "DNS:x*.lab.example")),
    "deep": (("x",), "", ("DNS:a.b.lab.example",)),
    "dotted": (("x",), "", ("DNS:www.lab.example.",)),
}
KINDS = {"DNS": x509.DNSName, "email": x509.RFC822Name}


def named(by: Issued, commons: tuple[str, ...], mail: str, san: tuple[str, ...]) -> Issued:
    """A certificate with exactly these names."""
    key, now = elliptic(), datetime.datetime.now(datetime.UTC)
    subject = [x509.NameAttribute(NameOID.COMMON_NAME, each) for each in commons]
    if mail:
        subject.append(x509.NameAttribute(NameOID.EMAIL_ADDRESS, mail))
    builder = x509.CertificateBuilder(by.certificate.subject, x509.Name(subject), key.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now - DAY).not_valid_after(now + 100 * DAY)
    if san:
        pairs = [each.split(":", 1) for each in san]
        entries = [x509.IPAddress(ip_address(v)) if k == "IP" else KINDS[k](v) for k, v in pairs]
        builder = builder.add_extension(x509.SubjectAlternativeName(entries), critical=False)
    return Issued(builder.sign(by.key, hashes.SHA256()), key)


class Remotes:
    """TLS servers on loopback, one a certificate, that say a word to whoever stays."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.ports = folder, dict[str, int]()
        self._servers: list[asyncio.Server] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def serve(self, file: str) -> None:
        """Serve FILE.pem with FILE.key."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / f"{file}.pem", self.folder / f"{file}.key")
        start = asyncio.start_server(self._greet, "127.0.0.1", 0, ssl=context)
        server = asyncio.run_coroutine_threadsafe(start, self._loop).result(PATIENCE)
        self._servers.append(server)
        self.ports[file] = server.sockets[0].getsockname()[1]

    async def _greet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hi")
        try:
            with contextlib.suppress(OSError):
                await writer.drain()
                await reader.read()
        finally:
            writer.transport.abort()  # also where the end of the tests comes first

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(PATIENCE)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE)
        self._loop.close()

    async def _end(self) -> None:
        for server in self._servers:
            server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for each in others:
            each.cancel()
        await asyncio.gather(*others, return_exceptions=True)


def trust_table(pki: Authorities, remotes: Remotes) -> Iterator[tuple[str, str]]:
    """Every kind of chain with every way to verify it: (certificate, options)."""
    old = issue("Old Root", ca=True, days=(-900, -2))
    pki.put("old-root", old)
    soon = issue("Middle of yesterday", pki.root, ca=True, days=(-900, -1))
    key = elliptic()
    twin = issue("twin", pki.root, key=key)
    pki.put("twin-before", issue("twin", pki.root, key=key, days=(-90, 1)))
    pki.put("namesake", issue("by-root", pki.root))
    own = issue("own")
    chains = {
        "by-root": (issue("by-root", pki.root),),
        "by-stranger": (issue("by-stranger", pki.stranger),),
        "own": (own,),
        "expired": (issue("expired", pki.root, days=(-90, -5)),),
        "early": (issue("early", pki.root, days=(5, 90)),),
        "under-middle": (issue("under-middle", pki.middle), pki.middle),
        "without-middle": (issue("without-middle", pki.middle),),
        "with-root": (issue("with-root", pki.root), pki.root),
        "middle-expired": (issue("middle-expired", soon), soon),
        "root-expired": (issue("root-expired", old),),
        "root-expired-sent": (issue("root-expired-sent", old), old),
        "twin": (twin,),
        "as-authority": (issue("as-authority", pki.root, ca=True),),
    }
    for file, chain in chains.items():
        pki.put(file, *chain)
        remotes.serve(file)
    everything = b"".join((pki.folder / f"{each}.pem").read_bytes() for each in chains)
    (pki.folder / "pins.pem").write_bytes(everything)
    (pki.folder / "roots.pem").write_bytes(pki.root.pem + old.pem)
    (pki.folder / "middle.pem").write_bytes(pki.middle.pem)
    (pki.folder / "others.pem").write_bytes(
        (pki.folder / "twin-before.pem").read_bytes() + (pki.folder / "namesake.pem").read_bytes()
    )
    revoked = x509.load_pem_x509_certificate((pki.folder / "by-root.pem").read_bytes())
    pki.list_revoked("fresh")
    pki.list_revoked("revoked", revoked=revoked)
    pki.list_revoked("outdated", days=(-30, -1))
    pki.list_revoked("early", days=(1, 30))
    trusts = ("ca", "roots", "pins", "others", "middle")
    ways = (
        "verifyChain = yes",
        "verifyPeer = yes",
        "verify = 1",
        "verify = 3",
        "verify = 4",
        "requireCert = yes",
    )
    for file in chains:
        for trust in trusts:
            yield from ((file, f"CAfile = {pki.folder}/{trust}.pem\n{way}") for way in ways)
        for listed in ("fresh", "revoked", "outdated", "early"):
            lists = f"CAfile = {pki.folder}/roots.pem\nCRLfile = {pki.folder}/{listed}.crl"
            yield from ((file, f"{lists}\n{way}") for way in ways[:2])


def name_table(pki: Authorities, remotes: Remotes) -> Iterator[tuple[str, str]]:
    """Every certificate with every demand on its name."""
    for file, (commons, mail, san) in NAMES.items():
        pki.put(file, named(pki.root, commons, mail, san))
        remotes.serve(file)
        for check in CHECKS:
            yield file, f"CAfile = {pki.folder}/ca.pem\nverifyChain = yes\n{check}"


def visit(path: Path) -> None:
    """Come as a local client and stay until the remote has spoken, or stunnel hangs up."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(PATIENCE)
        client.connect(str(path))
        try:
            client.recv(2)
        except ConnectionError:
            return


def verdicts(log: str) -> dict[str, bool]:
    """Which services accepted, and which rejected, the certificate of their remote."""
    services: dict[str, str] = {}
    found: dict[str, bool] = {}
    for number, message in re.findall(r"LOG\d\[(\d+)\]: (.*)", log):
        accepted = re.match(r"Service \[(.*)\] accepted connection", message)
        if accepted:
            services[number] = accepted[1]
            found.setdefault(accepted[1], True)
        elif message.startswith("Rejected by CERT"):
            found[services[number]] = False
    return found


@pytest.fixture
def remotes(tmp_path: Path) -> Iterator[Remotes]:
    servers = Remotes(tmp_path)
    yield servers
    servers.close()


@pytest.mark.timeout(120)
@pytest.mark.parametrize("table", [name_table, trust_table], ids=["names", "trust"])
def test_our_verdict_on_a_certificate_is_that_of_stunnel(
    tmp_path: Path, remotes: Remotes, table: object
) -> None:
    """Hundreds of pairs, none judged otherwise than the real stunnel's log tells."""
    pairs = list(table(Authorities(tmp_path), remotes))  # type: ignore[operator]
    sections = [
        f"[s{index}]\nclient = yes\naccept = {tmp_path}/{index}.sock\n"
        f"connect = 127.0.0.1:{remotes.ports[file]}\n{options}\n"
        for index, (file, options) in enumerate(pairs)
    ]
    stunnel = Stunnel(tmp_path, "".join(sections))
    try:
        for index in range(len(pairs)):
            visit(tmp_path / f"{index}.sock")
        stunnel.wait_for("byte(s) sent to socket", len(pairs))
        truth = verdicts(stunnel.text())
        settings = Settings(probes=Probes(timeout=5, repeat_after=0.1, early_close=0.01))
        store = asyncio.run(sweep(settings, (str(stunnel.config),)))
        rows = {row.tunnel.service.name: row for row in store.rows()}
        wrong = []
        for index, (file, options) in enumerate(pairs):
            row = rows[f"s{index}"]
            causes = [each for each in row.findings if each.down]
            assert row.tunnel.handshake is not None
            if (not causes) is not truth[f"s{index}"]:
                said = [f"{each.code}: {each.text}" for each in row.findings]
                wrong.append(f"{file}: {options!r}: stunnel {truth[f's{index}']}, we {said}")
        assert not wrong, "\n".join(wrong)
        assert {*truth.values()} == {True, False}
    finally:
        stunnel.close()
