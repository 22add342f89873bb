"""`tuimon certs --against TARGET NEW.pem [KEY]`: would this renewal work?

Rule: it touches nothing.  The new certificate is shown to a client in memory, with the trust of every
client service of this machine that leads to the target, and judged as that client would judge it.
"""

import argparse
import asyncio
from collections.abc import Iterator
from typing import NamedTuple

import msgspec
from msgspec import Struct

from tuimon import export
from tuimon.collect.material import material_of
from tuimon.commands import UsageError
from tuimon.commands.status import sweep
from tuimon.commands.targets import chosen, neighbours
from tuimon.diagnose.finding import Finding, Severity
from tuimon.diagnose.renewal import Renewal, lasts, present, rejection, renewal
from tuimon.host.local import LocalHost
from tuimon.model.certificate import CertificateFile
from tuimon.model.failure import Failure
from tuimon.model.handshake import Depth, Handshake, Verdict
from tuimon.model.tunnel import Tunnel
from tuimon.parse.x509 import MAX_FILE, read_file
from tuimon.parse.x509_pkcs12 import as_pem
from tuimon.settings import Settings
from tuimon.signs import in_ascii
from tuimon.store import Store
from tuimon.text import counted, printable
from tuimon.tls.context import Offer, UnusableError
from tuimon.tls.handshake import Handshake as Client
from tuimon.tls.rehearsal import rehearse

_SIGNS = {Severity.CRITICAL: "✖", Severity.WARNING: "▲", Severity.INFO: "●"}


class Near(Struct, frozen=True):
    """A client service of this machine that leads to the target, and why it would refuse (None: it would
    not)."""

    tunnel: Tunnel
    refusal: Finding | None


class Rehearsed(Struct, frozen=True):
    """What would become of one service of the target."""

    tunnel: Tunnel
    new: CertificateFile
    findings: tuple[Finding, ...]
    clients: tuple[Near, ...]

    @property
    def works(self) -> bool:
        """Whether stunnel would serve it and every client here would take it."""
        broken = any(each.severity is Severity.CRITICAL for each in self.findings)
        return not broken and not any(each.refusal for each in self.clients)

    @property
    def status(self) -> int:
        """Exit status: 2 would not work, 1 with problems, 0."""
        return int(any(each.severity is Severity.WARNING for each in self.findings)) if self.works else 2


class _Pair(NamedTuple):
    """The new certificate file as it reads, and what a server would load."""

    read: CertificateFile
    certificate: bytes
    key: bytes


class _Rehearsal:
    """Tries a certificate file, and perhaps a key's, on services of a fleet that was looked at."""

    def __init__(self, host: LocalHost, store: Store, new: str, key: str) -> None:
        self._host, self._store = host, store
        self._new, self._key = new, key

    async def of(self, tunnel: Tunnel, settings: Settings) -> Rehearsed:
        """Rehearse the renewal of one service."""
        new = await self._read(self._new)
        present_key = tunnel.key_file.path if tunnel.key_file else ""
        own = self._key or ("" if new.key is not None else present_key)
        holder = await self._read(own) if own else None
        pair = _Pair(new, await self._data(self._new), await self._data(own or self._new))
        refused = ""
        clients: list[Near] = []
        if new.certificates and pair.key:
            try:
                rehearse(Client(depth=Depth.CERTIFICATE), pair.certificate, pair.key)
            except UnusableError as error:
                refused = str(error)
            else:
                leading = [row.tunnel for row in self._store.rows() if row.tunnel.far]
                here = [each for each in leading if each.far and each.far.key == tunnel.key]
                clients = [await self._ask(each, pair) for each in here]
        found = renewal(tunnel, Renewal(new, holder, refused), self._store.now, settings)
        return Rehearsed(tunnel, new, found, tuple(clients))

    async def _ask(self, near: Tunnel, pair: _Pair) -> Near:
        """What a client service would say, with its own trust."""
        material = await material_of(self._host, near.plan)
        client = Client(Offer(material.ca, material.crl), depth=Depth.CERTIFICATE)
        outcome = rehearse(client, pair.certificate, pair.key)
        shown = Handshake(
            target=near.service.connect[0].text,
            verdict=outcome.verdict or Verdict.FAILED,
            chain=pair.read.certificates,
            verify_errors=outcome.verify_errors,
            trusted=outcome.trusted,
        )
        return Near(near, rejection(near, shown, self._store.now))

    async def _read(self, path: str) -> CertificateFile:
        content = await self._host.read(path, MAX_FILE)
        if isinstance(content, Failure):
            return CertificateFile(printable(path), failure=content)
        return read_file(path, content.data, stamp=content.stamp, mode=content.mode, owner=content.owner)

    async def _data(self, path: str) -> bytes:
        """The file as PEM; a PKCS#12 without a password is one to stunnel too."""
        content = await self._host.read(path, MAX_FILE)
        return b"" if isinstance(content, Failure) else as_pem(content.data)


async def _rehearse(target: str, new: str, key: str, settings: Settings) -> tuple[list[Rehearsed], float]:
    store = await sweep(settings, neighbours(target, settings), lambda there: chosen(there, target))
    instance, name = chosen(store, target)
    tunnels = [row.tunnel for row in store.rows() if row.key.instance == instance.instance.key]
    meant = [each for each in tunnels if each.service.cert and name in {"", each.service.name}]
    if not meant:
        what = f"[{printable(name)}]" if name else "no service of it"
        raise UsageError(f"{printable(target)}: {what} has no certificate of its own")
    host = LocalHost()
    try:
        trial = _Rehearsal(host, store, new, key)
        return [await trial.of(each, settings) for each in meant], store.now
    finally:
        await host.close()


def lines(each: Rehearsed, now: float) -> Iterator[str]:
    """What a person wants to know of one service."""
    service, old = each.tunnel.service, present(each.tunnel)
    yield f"[{service.name}] of {each.tunnel.key.config}"
    yield f"  in use: {old.title}, {lasts(old, now)}" if old else "  in use: no certificate that can be seen"
    if each.new.certificates:
        leaf = each.new.certificates[0]
        sent = counted(len(each.new.certificates), "certificate")
        yield f"  new:    {leaf.title}, {lasts(leaf, now)}, {sent}"
    for finding in each.findings:
        yield f"  {_SIGNS[finding.severity]} {finding.text}"
        if finding.fix:
            yield f"    → {finding.fix}"
    for near in each.clients:
        title = f"[{near.tunnel.service.name}] of {near.tunnel.key.config}"
        if near.refusal is None:
            yield f"  ● the client {title} would take it"
        else:
            yield f"  ✖ the client {title} would refuse it: {near.refusal.text}"
            yield f"    → {near.refusal.fix}"
    if not each.works:
        yield "  would not work: do not install it"
    else:
        place = each.tunnel.own.path if each.tunnel.own else service.cert
        yield f"  would work: put it at {place}, then reload"


def _document(each: Rehearsed, now: float, settings: Settings) -> export.Json:
    new = each.new
    return {
        "service": each.tunnel.service.name,
        "instance": each.tunnel.key.config,
        "works": each.works,
        "findings": [export.finding(finding) for finding in each.findings],
        "clients": [
            {
                "service": near.tunnel.service.name,
                "instance": near.tunnel.key.config,
                "accepts": near.refusal is None,
                "reason": near.refusal.text if near.refusal else None,
            }
            for near in each.clients
        ],
        "chain": [
            export.certificate(certificate, now, settings, position=index, path=new.path)
            for index, certificate in enumerate(new.certificates)
        ],
    }


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Rehearse and print."""
    if len(arguments.files) > 2:
        raise UsageError("--against TARGET takes one new certificate file, and perhaps its key's")
    new, key = arguments.files[0], arguments.files[1] if len(arguments.files) > 1 else ""
    found, now = asyncio.run(_rehearse(arguments.against, new, key, settings))
    if arguments.json:
        told = [_document(each, now, settings) for each in found]
        print(msgspec.json.format(msgspec.json.encode(told), indent=2).decode())
    else:
        text = "\n\n".join("\n".join(lines(each, now)) for each in found)
        print(in_ascii(text, wanted=settings.ascii))
    return max(each.status for each in found)
