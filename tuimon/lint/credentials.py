"""Certificate, private key, CA and CRL files as stunnel loads them when a section ends.

Rule: a file that is not there, not PEM or encrypted is judged here, by its blocks in the order in which
OpenSSL reads them; whether the linked OpenSSL takes what is in them (key sizes, signatures, damaged
encodings) is asked of the system's.
"""

import re

from msgspec import Struct

from tuimon.lint.machine import Machine
from tuimon.model.certificate import Certificate
from tuimon.model.failure import OURS, Failure, Reason
from tuimon.parse import der, pem, x509
from tuimon.parse.stunnel_checks import Refusal
from tuimon.parse.stunnel_options import Version
from tuimon.parse.stunnel_section import Section
from tuimon.parse.stunnel_values import c_int
from tuimon.text import printable

_CERTIFICATES = frozenset(("CERTIFICATE", "X509 CERTIFICATE"))
_TRUSTED = _CERTIFICATES | {"TRUSTED CERTIFICATE"}
_LEVEL = re.compile(r"@SECLEVEL=(\d)")
_PKCS12_SINCE: Version = (5, 33)


class Doubt(Struct, frozen=True):
    """What could not be judged of `option`, and why; a `loss` is known to be logged and no more, `closed`
    tells that it is only closed to us."""

    option: str
    why: str
    loss: bool = False
    closed: bool = False


Judgement = Refusal | Doubt | None


def failed(option: str, code: str, meaning: str) -> Refusal:
    """stunnel's only words for all of these, and what is behind them (paths as the file has them)."""
    return Refusal("Failed to initialize TLS context", printable(meaning), option, code, environment=True)


def unread(option: str, code: str, path: str, failure: Failure) -> Refusal | Doubt:
    """A file that could not be read: missing or unfit, or only closed to us."""
    if failure.reason is Reason.MISSING or not path:
        shown = path or "an empty path"
        return failed(option, f"{code}-missing", f"`{option}`: {shown} does not exist")
    if failure.reason in OURS | {Reason.TOO_LARGE}:
        return Doubt(option, str(failure), closed=failure.reason is Reason.DENIED)
    return failed(option, f"{code}-unreadable", f"`{option}` does not lead to a readable file: {failure}")


ASKED = ("cert", "key", "engineId", "engineNum", "ciphers", "securityLevel")
"""The options that the judgement of a pair depends on."""


async def pair(machine: Machine, section: Section, version: Version) -> Judgement:
    """The section's own certificate and key: both, or none of them, are loaded."""
    if "cert" not in section.values:
        return None
    if section.values.keys() & {"engineId", "engineNum"}:
        return Doubt("cert", "what an engine holds is not asked for")
    cert = section.exact("cert")
    if version >= _PKCS12_SINCE and cert.lower().endswith((".p12", ".pfx")):
        return await _pkcs12(machine, cert, _level(section))
    key_option = "key" if "key" in section.values else "cert"
    key = section.exact(key_option)
    leaf = await _leaf(machine, cert)
    if not isinstance(leaf, Certificate):
        return leaf
    judged = await _key(machine, key, key_option, leaf)
    if judged is not None or await machine.loaded(cert, key):
        return judged
    names = ("-cert", machine.path(cert), "-cert_chain", machine.path(cert), "-key", machine.path(key))
    return await _taken(machine, (*names, "-pass", "pass:"), _level(section))


async def _taken(machine: Machine, options: tuple[str, ...], level: int) -> Judgement:
    """What OpenSSL says to a pair that looks well."""
    reason = await machine.context(*options, "-cipher", f"DEFAULT:@SECLEVEL={level}")
    if reason is None:
        return Doubt("cert", "there is no openssl command to ask")
    if not reason:
        return None
    hint = f" (security level {level})" if "too small" in reason or "too weak" in reason else ""
    return failed("cert", "cert-refused", f"OpenSSL refuses the certificate or its key: {reason}{hint}")


def _level(section: Section) -> int:
    """The security level in force: stunnel's default is 2, and a cipher list can set it."""
    in_list = _LEVEL.findall(section.exact("ciphers"))
    own = c_int(section.text("securityLevel"))
    return int(in_list[-1]) if in_list else 2 if own is None else own


async def _leaf(machine: Machine, path: str) -> Certificate | Refusal | Doubt:
    """The first certificate of a PEM file of which every certificate can be read."""
    content = await machine.read(path)
    if isinstance(content, Failure):
        return unread("cert", "cert", path, content)
    found, damage = certificates(content.data, _TRUSTED)
    if not found:
        hint = f": {damage}" if damage else ""
        text = f"{path} holds no certificate in PEM{hint}"
        return failed("cert", "cert-unreadable", text)
    if damage:
        return failed("cert", "cert-unreadable", f"{path}: {damage}, and stunnel reads all of them")
    return found[0]


def certificates(data: bytes, labels: frozenset[str] = _CERTIFICATES) -> tuple[list[Certificate], str]:
    """The certificates that OpenSSL reads one after the other, and what ends them before their time."""
    found: list[Certificate] = []
    for block in pem.blocks(data):
        if block.data is None:
            return found, f"the block {block.label[:40]} after {len(found)} certificates is damaged"
        if block.label in labels:
            read = _decoded(block.label, block.data)
            if read is None:
                return found, f"certificate {len(found) + 1} cannot be decoded"
            found.append(read)
    return found, ""


def _decoded(label: str, data: bytes) -> Certificate | None:
    try:
        # OpenSSL's own form: trust settings follow the certificate.
        read = x509.from_der(der.first(data) if label == "TRUSTED CERTIFICATE" else data)
    except ValueError:
        return None
    return read if isinstance(read, Certificate) else None


async def _key(machine: Machine, path: str, option: str, leaf: Certificate) -> Judgement:
    content = await machine.read(path)
    if isinstance(content, Failure):
        return unread(option, "key", path, content)
    held = x509.read_file(path, content.data) if pem.holds(content.data) else None
    if held is None or held.key is None:
        fix = "append the key to the file or set `key`" if option == "cert" else "put the key there"
        return failed(option, "key-missing", f"{path} holds no private key in PEM: {fix}")
    if held.key.encrypted:
        meaning = f"the private key in {path} is encrypted, and nobody is there to enter its passphrase"
        return failed(option, "key-encrypted", meaning)
    if held.key.spki_sha256 and leaf.spki_sha256 and held.key.spki_sha256 != leaf.spki_sha256:
        meaning = f"the private key in {path} does not belong to the certificate"
        return failed(option, "key-mismatch", meaning)
    return None


async def _pkcs12(machine: Machine, path: str, level: int) -> Judgement:
    """A store, opened with the empty password; its key is taken, whatever `key` says."""
    content = await machine.read(path)
    if isinstance(content, Failure):
        return unread("cert", "cert", path, content)
    if await machine.loaded(path):
        return None
    opened = await machine.openssl("pkcs12", "-in", machine.path(path), "-passin", "pass:", "-noout")
    if opened is None:
        return Doubt("cert", "there is no openssl command to ask")
    if opened:
        meaning = f"{path} is no PKCS#12 that opens without a password: {opened}"
        return failed("cert", "cert-unreadable", meaning)
    held = x509.read_file(path, content.data)
    if held.failure is None and (held.key is None or not held.certificates):
        return failed("cert", "key-missing", f"{path} holds no key with its certificate")
    return await _taken(
        machine, ("-cert", machine.path(path), "-key", machine.path(path), "-pass", "pass:"), level
    )


async def authorities(machine: Machine, section: Section) -> Judgement:
    """What the section trusts: at least one certificate is needed, but only where it verifies."""
    file, folder = section.exact("CAfile"), section.exact("CApath")
    if "CAengine" in section.values:
        return Doubt("CAengine", "what an engine holds is not asked for")
    if not file and not folder:
        return Doubt("CAstore", "a store is not looked at") if section.text("CAstore") else None
    option, lost, known, closed = ("CAfile" if file else "CApath"), "", False, False
    if file:
        content = await machine.read(file)
        if isinstance(content, Failure):
            said = unread("CAfile", "ca", file, content)
            lost = said.meaning if isinstance(said, Refusal) else said.why
            known = isinstance(said, Refusal)
            closed = content.reason is Reason.DENIED
        else:
            found, lost = certificates(content.data)
            known = True
            if found:
                return Doubt("CAfile", f"{file}: {lost}; what follows is not trusted", True) if lost else None
            lost = f"{file} holds no certificate in PEM"
    if folder:
        held = await _any_authority(machine, folder)
        if held:
            return Doubt("CAfile", lost, True) if lost else None
        known = held is not None
        closed = not known and machine.path(folder) not in machine.silent
        lost = lost or f"{folder} " + ("holds no certificate in PEM" if known else "cannot be looked into")
    if not known:
        return Doubt(option, lost, closed=closed)
    if not section.verifies:
        return Doubt(option, f"no trusted certificates found: {lost}", True)
    code = "ca-missing" if "does not exist" in lost else "ca-empty"
    return failed(option, code, f"no trusted certificates found: {lost}")


async def _any_authority(machine: Machine, folder: str) -> bool | None:
    names = await machine.folder(folder)
    if isinstance(names, Failure):
        return None if names.reason in OURS else False
    withheld = False
    for name in names:
        content = await machine.read(f"{folder}/{name}")
        if isinstance(content, Failure):
            withheld = withheld or content.reason in OURS
        elif certificates(content.data)[0]:
            return True
    return None if withheld else False


async def revocations(machine: Machine, section: Section) -> Judgement:
    """The CRL file: every block must be sound and at least one a CRL, whether anything is verified or not."""
    if folder := section.exact("CRLpath"):  # looked into with each handshake; here only whether it answers
        await machine.folder(folder)
    path = section.exact("CRLfile")
    if not path:
        return None
    content = await machine.read(path)
    if isinstance(content, Failure):
        return unread("CRLfile", "crl", path, content)
    lists = [block for block in pem.blocks(content.data) if block.label == "X509 CRL" or block.data is None]
    if not lists or any(block.data is None for block in lists):
        return failed("CRLfile", "crl-unreadable", f"{path} holds no CRL in PEM, or a damaged one")
    if await machine.loaded(path):
        return None
    reason = await machine.openssl("crl", "-in", machine.path(path), "-noout")
    if reason:
        return failed("CRLfile", "crl-unreadable", f"OpenSSL does not read {path}: {reason}")
    return None
