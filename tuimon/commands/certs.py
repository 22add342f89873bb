"""`tuimon certs`: what is in these files, every field of every certificate, and what is wrong with it.

Rule: whatever can be read is shown, and what cannot is named; nothing asks for a password, and of a
private key only its presence and the pin of its public half are told.
"""

import argparse
import asyncio
import importlib
import time
from collections.abc import Iterator, Sequence

import msgspec
from msgspec import Struct

from tuimon import export
from tuimon.commands import UsageError
from tuimon.commands.manual import Manual
from tuimon.diagnose.certificate import problems
from tuimon.diagnose.finding import span
from tuimon.diagnose.handshake import order, out_of_order
from tuimon.host.base import Host
from tuimon.host.local import LocalHost
from tuimon.model.certificate import Certificate, CertificateFile
from tuimon.model.failure import Failure
from tuimon.model.handshake import CodedText
from tuimon.parse.x509 import MAX_FILE, read_file
from tuimon.patience import patiently
from tuimon.settings import Settings
from tuimon.text import counted, printable

NAME = "certs"
HELP = "what is in these files: PEM, DER or PKCS#12"
MANUAL = Manual(
    "Say what is in these files: certificates, keys, CRLs, PKCS#12; every field, and what is wrong with it. "
    "It never prompts.\n\n"
    "With --against TARGET the files are a renewal, NEW.pem and its KEY if that stands elsewhere: would it "
    "work there?  Key, chain, names and dates are held against the certificate in use, and the client "
    "services here that would refuse it are named.  TARGET is a configuration, a unit or a pid, /SERVICE may "
    "follow; a service's name alone will do where only one is called so.  Nothing is touched.",
    {
        0: "read, nothing is wrong; the renewal would work",
        1: "read, with problems; it would work with problems",
        2: "something could not be read; the renewal would not work",
    },
    (
        ("tuimon certs /etc/stunnel/*.pem", "what they are, and until when"),
        ("tuimon certs --password-file pw bundle.p12", "inside PKCS#12"),
        ("tuimon certs --against stunnel@web new.pem new.key", "a rehearsal of the renewal"),
    ),
)

_INDENT = 15
_SHOWN = 20  # entries of one field; --json has them all
_LINE = 4096  # bytes of a password
_TYPED = 60.0  # seconds: whoever writes into a pipe may ask for a password of its own


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("files", nargs="+", metavar="FILE", help="certificates, keys, CRLs or PKCS#12")
    words = "its first line opens PKCS#12 files"
    parser.add_argument("--password-file", metavar="F", help=words)
    words = "would this renewal work: a new certificate (and its key) against TARGET = INSTANCE[/SERVICE]"
    parser.add_argument("--against", metavar="TARGET", help=words)
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def _password(path: str | None) -> bytes | None:
    """The first line of the password file; a pipe (`<(pass show …)`) will do as well."""
    if path is None:
        return None
    try:
        return patiently(lambda: _first_line(path), _TYPED).rstrip(b"\r\n")
    except OSError as error:
        raise UsageError(f"cannot read {printable(path)}: {printable(error.strerror or '')}") from None


def _first_line(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.readline(_LINE)


async def _read(host: Host, path: str, password: bytes | None) -> CertificateFile:
    content = await host.read(path, MAX_FILE)
    if isinstance(content, Failure):
        return CertificateFile(printable(path), failure=content)
    return read_file(
        path,
        content.data,
        stamp=content.stamp,
        mode=content.mode,
        owner=content.owner,
        password=password,
    )


class Judged(Struct, frozen=True):
    """A file with the problems of each of its certificates, in their order."""

    file: CertificateFile
    problems: tuple[tuple[CodedText, ...], ...]

    @property
    def errors(self) -> tuple[str, ...]:
        """What could not be read of it."""
        if self.file.failure is not None:
            return (str(self.file.failure).removeprefix(f"{self.file.path}: "),)
        return tuple(f"{part} cannot be decoded" for part in self.file.undecodable)

    @property
    def status(self) -> int:
        """Exit status: 2 unreadable, 1 problems, 0."""
        return 2 if self.errors else 1 if any(self.problems) else 0


def judge(file: CertificateFile, now: float, settings: Settings) -> Judged:
    """Every certificate by itself; and, where the file is one leaf with its issuers, their order."""
    found = [list(problems(each, now, settings)) for each in file.certificates]
    leaves = [each for each in file.certificates if not each.ca and not each.self_signed]
    position = out_of_order(file.certificates) if len(leaves) == 1 else None
    wrong_order = order(file.certificates)
    if position is not None and wrong_order is not None:
        found[position].append(wrong_order)
    return Judged(file, tuple(map(tuple, found)))


def document(judged: Judged, now: float, settings: Settings) -> Iterator[export.Json]:
    """The JSON of one file: its certificates, else what else it holds; then what could not be read."""
    file = judged.file
    held: export.Json = {"kind": file.kind, "key": None, "crls": len(file.crls)}
    if file.key is not None:
        pin = file.key.spki_sha256 or None
        held["key"] = {"encrypted": file.key.encrypted, "spki_sha256": pin}
    for position, certificate in enumerate(file.certificates):
        told = export.certificate(certificate, now, settings, position=position, path=file.path)
        told["problems"] = [problem._asdict() for problem in judged.problems[position]]
        yield told | {"file": held}
    if not file.certificates and file.failure is None:
        yield {"path": file.path, "file": held}
    yield from ({"path": file.path, "error": error} for error in judged.errors)


def _holds(file: CertificateFile) -> Iterator[str]:
    if file.certificates:
        yield counted(len(file.certificates), "certificate")
    if file.key is not None:
        matching = [
            index
            for index, each in enumerate(file.certificates)
            if each.spki_sha256 and each.spki_sha256 == file.key.spki_sha256
        ]
        if file.key.encrypted:
            yield "an encrypted private key"
        elif matching:
            yield f"the private key of certificate {matching[0]}"
        elif file.certificates and file.key.spki_sha256:
            yield "a private key of none of them"
        else:
            yield "a private key"
    if file.crls:
        yield counted(len(file.crls), "CRL")


def _pairs(digits: str) -> str:
    """Hex in pairs, as openssl prints it."""
    bare = digits.removeprefix("-")
    pairs = ":".join(bare[at : at + 2] for at in range(0, len(bare), 2))
    return f"-{pairs}" if digits.startswith("-") else pairs


def _listed(entries: Sequence[str]) -> str:
    more = f", and {len(entries) - _SHOWN} more" if len(entries) > _SHOWN else ""
    return ", ".join(entries[:_SHOWN]) + more


def _key(certificate: Certificate) -> str:
    key = certificate.public_key
    words = [f"{key.type} {key.bits} bits" if key.bits else key.type]
    words += [f"curve {key.curve}"] if key.curve else []
    words += [f"exponent {key.exponent}"] if key.exponent is not None else []
    return ", ".join(words)


def _constraints(certificate: Certificate) -> str:
    if certificate.ca is None:
        return ""
    limit = "" if certificate.path_length is None else f", path length {certificate.path_length}"
    return f"CA: {'yes' if certificate.ca else 'no'}{limit}"


def _validity(certificate: Certificate, now: float) -> Iterator[tuple[str, str]]:
    for field, label in (("not_before", "not before"), ("not_after", "not after")):
        if field not in certificate.undecodable:
            yield label, f"{getattr(certificate, field):%Y-%m-%d %H:%M:%S} UTC"
    if not {"not_before", "not_after"} & {*certificate.undecodable}:
        left = certificate.seconds_left(now)
        state = f"{span(left)} left" if left > 0 else f"expired {span(left)} ago"
        yield "lifetime", f"{state}, of {span(certificate.lifetime)}"


def fields(certificate: Certificate, now: float) -> Iterator[tuple[str, str]]:
    """Label and text of every field; what is not there has no text."""
    algorithm, hash_name = certificate.signature_algorithm, certificate.signature_hash
    itself = " (signed by itself)" if certificate.self_signed else ""
    yield from (
        ("subject", certificate.subject or "(empty)"),
        ("issuer", (certificate.issuer or "(empty)") + itself),
        ("SAN", _listed(certificate.san)),
    )
    yield from _validity(certificate, now)
    yield from (
        ("version", str(certificate.version)),
        ("serial", _pairs(certificate.serial)),
        ("signature", f"{algorithm}, {hash_name}" if hash_name else algorithm),
        ("public key", _key(certificate)),
        ("key usage", ", ".join(certificate.key_usage)),
        ("extended usage", _listed(certificate.extended_key_usage)),
        ("constraints", _constraints(certificate)),
        ("SKI", _pairs(certificate.ski)),
        ("AKI", _pairs(certificate.aki)),
        ("OCSP", _listed(certificate.ocsp)),
        ("CA issuers", _listed(certificate.ca_issuers)),
        ("CRL", _listed(certificate.crl_distribution_points)),
        ("policies", _listed(certificate.policies)),
        *(("SCT", f"{sct.timestamp:%Y-%m-%d %H:%M:%S} UTC, log {sct.log_id}") for sct in certificate.scts),
        ("SHA-256", _pairs(certificate.sha256)),
        ("SHA-1", _pairs(certificate.sha1)),
        ("SPKI pin", certificate.spki_sha256),
    )


def lines(judged: Judged, now: float) -> Iterator[str]:
    """What a person wants to know of one file."""
    file = judged.file
    if file.failure is None:
        yield f"{file.path}: {file.kind.upper().replace('PKCS12', 'PKCS#12')}, {', '.join(_holds(file))}"
    yield from (f"{file.path}: {error}" for error in judged.errors)
    for position, certificate in enumerate(file.certificates):
        yield ""
        yield f"  {position}  {certificate.title}"
        told = (
            *(("problem", problem.text) for problem in judged.problems[position]),
            *fields(certificate, now),
        )
        yield from (f"     {label:{_INDENT}} {text}" for label, text in told if text)


async def _read_all(paths: Sequence[str], password: bytes | None) -> list[CertificateFile]:
    host = LocalHost()
    try:
        return [await _read(host, path, password) for path in paths]
    finally:
        await host.close()


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Read, judge and print; against a service, rehearse its renewal."""
    if arguments.against is not None:
        return importlib.import_module("tuimon.commands.renewal").run(arguments, settings)  # type: ignore[no-any-return]
    files = asyncio.run(_read_all(arguments.files, _password(arguments.password_file)))
    now = time.time()
    found = [judge(file, now, settings) for file in files]
    if arguments.json:
        told = [each for judged in found for each in document(judged, now, settings)]
        print(msgspec.json.format(msgspec.json.encode(told), indent=2).decode())
    else:
        print("\n\n".join("\n".join(lines(judged, now)) for judged in found))
    return max(judged.status for judged in found)
