"""`tuimon probe`: one handshake with each target, as lines for people or JSON for programs.

Rule: the targets are probed at once, a few at a time, and shown in the order asked; whatever a peer
does ends in a verdict within the deadline.  Only verdict `ok` without a problem is 0.
"""

import argparse
import asyncio
import socket
import time
from collections.abc import Callable, Iterator, Sequence

import msgspec

from tuimon import export
from tuimon.collect.dial import Material, probe
from tuimon.collect.turns import Turns
from tuimon.commands import UsageError, seconds
from tuimon.commands.manual import Manual
from tuimon.diagnose.finding import span
from tuimon.diagnose.handshake import judge
from tuimon.host.base import Host
from tuimon.host.local import LocalHost
from tuimon.model.certificate import Certificate
from tuimon.model.endpoint import Endpoint
from tuimon.model.failure import Failure
from tuimon.model.handshake import CodedText, Depth, Handshake
from tuimon.model.tunnel import Plan
from tuimon.settings import Settings
from tuimon.signs import in_ascii
from tuimon.text import printable
from tuimon.tls.context import Offer
from tuimon.tls.handshake import Handshake as ClientHandshake

NAME = "probe"
HELP = "one handshake with each HOST:PORT: verdict, times, versions, chain, and what is wrong with it"
MANUAL = Manual(
    "Make one handshake with each HOST:PORT (or PORT of this host, or /path of a Unix socket) and say how "
    "it went: verdict, times on the wire, version and cipher, the chain as it was sent, and what is wrong "
    "with it.  A handshake that completes is ok whatever is wrong with the certificate; a chain that was "
    "received is shown even when the handshake then failed.",
    {0: "ok", 1: "ok, with problems", 2: "one failed"},
    (
        ("tuimon probe mail.example:465", "one handshake"),
        ("tuimon probe mail.example:25 --protocol smtp", "after STARTTLS"),
        ("tuimon probe 10.0.0.4:8443 --sni web.example --ca ca.pem", "another name, and its trust"),
    ),
)

PROTOCOLS = (
    *("capwin", "capwinctrl", "cifs", "connect", "imap", "ldap", "nntp", "pgsql"),
    *("pop3", "proxy", "smtp", "socks"),
)
"""The values of `protocol =` in stunnel(8)."""

_LIMIT = 4 * 1024 * 1024  # bytes of a CA file
_CRL = b"-----BEGIN X509 CRL-----"
_NOWHERE = "127.0.0.1:1"  # stunnel resolves what it is asked for at once, and connects after TLS
_INDENT = 10
_SHOWN = 10  # certificates of a chain

Show = Callable[[Plan, Handshake], None]


def target(text: str) -> Endpoint:
    """An argument type: `HOST:PORT`, `[::1]:443`, `::1:443` as stunnel spells it, `*:443`, a bare port
    (loopback), or the path of a Unix socket."""
    if text.startswith("/"):
        return Endpoint(printable(text), path=text)
    host, _, port = text.rpartition(":")
    host = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    number = int(port) if port.isascii() and port.isdigit() else None
    if number is not None and not 0 < number < 65536:
        raise argparse.ArgumentTypeError(f"no such port: {printable(text)}")
    if number is None and not _is_service(port):
        raise argparse.ArgumentTypeError(f"HOST:PORT is wanted, not {printable(text)!r}")
    if host in {":", "["} or "/" in host or "[" in host:
        raise argparse.ArgumentTypeError(f"HOST:PORT is wanted, not {printable(text)!r}")
    return Endpoint(printable(text), host="" if host == "*" else host, port=port)


def _is_service(name: str) -> bool:
    """Whether /etc/services knows a port by this name."""
    try:
        return bool(name) and socket.getservbyname(name, "tcp") > 0
    except (OSError, UnicodeError):
        return False


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("targets", nargs="+", metavar="HOST:PORT", type=target, help="or /path, or PORT")
    parser.add_argument("--protocol", metavar="P", type=str.lower, choices=PROTOCOLS, help=_protocols())
    parser.add_argument("--sni", metavar="NAME", default="", help="server name to ask for, instead of HOST")
    parser.add_argument("--ca", metavar="FILE", help="trusted certificates (PEM), and CRLs to look it up in")
    parser.add_argument("--cert", metavar="FILE", help="client certificate, with its chain (PEM)")
    parser.add_argument("--key", metavar="FILE", help="its private key (PEM); else it is in --cert")
    parser.add_argument("--timeout", type=seconds, metavar="S", help="seconds for each probe")
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def _protocols() -> str:
    return f"what to speak before TLS: {', '.join(PROTOCOLS)}"


def plan(endpoint: Endpoint, protocol: str, sni: str) -> Plan:
    """How a target is probed.  A proxy is asked for port 443 of the server name; where there is none it
    is asked for nowhere, and the handshake ends before it could go there."""
    through = protocol == "connect"
    return Plan(
        Depth.CERTIFICATE if through and not sni else Depth.HANDSHAKE,
        (endpoint,),
        server_name=sni or endpoint.host,
        protocol=protocol,
        protocol_host=(f"{sni}:443" if sni else _NOWHERE) if through else "",
    )


async def _read(host: Host, path: str | None) -> bytes:
    if not path:
        return b""
    content = await host.read(path, _LIMIT)
    if isinstance(content, Failure):
        raise UsageError(f"cannot read {printable(path)}: {content}")
    return content.data


async def _material(host: Host, arguments: argparse.Namespace) -> Material:
    """The files to bring.  What OpenSSL will not take is a usage error, before any peer is troubled."""
    if arguments.key and not arguments.cert:
        raise UsageError("--key is of no use without --cert")
    ca, certificate, key = [await _read(host, path) for path in (arguments.ca, arguments.cert, arguments.key)]
    material = Material(ca, certificate, key, ca if _CRL in ca else b"")
    offer = Offer(material.ca, material.crl, material.certificate, material.key)
    rehearsal = ClientHandshake(offer, server_name=arguments.sni)
    if rehearsal.failed:
        raise UsageError(rehearsal.outcome.detail)
    return material


async def probe_all(
    host: Host, plans: Sequence[Plan], material: Material, settings: Settings, show: Show
) -> None:
    """Probe by `plans`, a few at a time; `show` is given each with its result, in their order."""
    turns = Turns(settings.probes.concurrency)

    async def one(wanted: Plan) -> Handshake:
        limits = settings.probes
        async with turns.turn(remote=True):
            return await probe(host, wanted, material, timeout=limits.timeout, early_close=limits.early_close)

    running = [asyncio.create_task(one(each)) for each in plans]
    try:
        for wanted, task in zip(plans, running, strict=True):
            show(wanted, await task)
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


def _left(certificate: Certificate, now: float) -> str:
    left = certificate.seconds_left(now)
    if "not_after" in certificate.undecodable:
        return "?"
    return f"expired {span(left)} ago" if left <= 0 else f"{span(left)} left"


def _times(handshake: Handshake) -> str:
    steps = (
        ("connect", handshake.connect_ms),
        ("first byte", handshake.first_byte_ms),
        ("end of flight", handshake.flight_ms),
        ("finished", handshake.handshake_ms),
    )
    return ", ".join(f"{name} {value:.1f} ms" for name, value in steps if value is not None)


def _chain(handshake: Handshake, now: float) -> Iterator[tuple[str, str]]:
    chain = handshake.chain
    lefts = [_left(each, now) for each in chain[:_SHOWN]]
    width = max(map(len, lefts), default=0)
    for index, (certificate, left) in enumerate(zip(chain, lefts, strict=False)):
        yield f"chain {index}", f"{left:>{width}}  {certificate.title}, issued by {certificate.issuer}"
    if len(chain) > _SHOWN:
        yield "", f"and {len(chain) - _SHOWN} more"


def lines(handshake: Handshake, problems: Sequence[CodedText], now: float) -> Iterator[str]:
    """What a person wants to know of one probe."""
    sign = ("▲" if problems else "●") if handshake.ok else "✖"
    peer = f" ({handshake.address})" if handshake.address not in {"", handshake.target} else ""
    why = f": {handshake.detail}" if handshake.detail else ""
    yield f"{sign} {handshake.target}{peer}  {handshake.verdict.value}{why}"
    asked = "client certificate requested" if handshake.client_certificate_requested else ""
    trusted = {None: "", True: "trusted", False: "not trusted"}[handshake.trusted]
    negotiated = (handshake.tls_version, handshake.cipher, handshake.group, handshake.alpn)
    facts = [
        ("times", _times(handshake)),
        ("tls", ", ".join(filter(None, (*negotiated, trusted, asked)))),
        ("messages", "" if handshake.ok else " ".join(handshake.messages)),
        *_chain(handshake, now),
        *(("problem", problem.text) for problem in problems),
    ]
    yield from (f"  {label:{_INDENT}}{text}" for label, text in facts if text)


class _Report:
    """What is printed, and the exit status that follows from it."""

    def __init__(self, settings: Settings, *, json: bool) -> None:
        self.status = 0
        self._settings, self._json = settings, json
        self._document: list[export.Json] = []

    def add(self, wanted: Plan, handshake: Handshake) -> None:
        """One result: printed at once for people, kept for the one document of programs."""
        name, now = wanted.server_name, time.time()
        problems = judge(handshake, now, self._settings, name)
        self.status = max(self.status, 2 if not handshake.ok else 1 if problems else 0)
        if self._json:
            self._document.append(export.handshake(handshake, now, self._settings, name=name))
            return
        text = "\n".join(lines(handshake, problems, now))
        print(in_ascii(text, wanted=self._settings.ascii), flush=True)

    def end(self) -> None:
        """Print the document."""
        if self._json:
            print(msgspec.json.format(msgspec.json.encode(self._document), indent=2).decode())


async def _run(arguments: argparse.Namespace, settings: Settings) -> int:
    host = LocalHost(poll=settings.intervals.files)
    try:
        material = await _material(host, arguments)
        plans = [plan(each, arguments.protocol or "", arguments.sni) for each in arguments.targets]
        report = _Report(settings, json=arguments.json)
        await probe_all(host, plans, material, settings, report.add)
        report.end()
        return report.status
    finally:
        await host.close()


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Probe and print."""
    if arguments.timeout:
        probes = msgspec.structs.replace(settings.probes, timeout=arguments.timeout)
        settings = msgspec.structs.replace(settings, probes=probes)
    return asyncio.run(_run(arguments, settings))
