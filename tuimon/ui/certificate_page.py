"""The page of one certificate: verdict, every field in the terms of RFC 5280, the chain, PEM."""

from rich.text import Text

from tuimon.diagnose.certificate import problems
from tuimon.diagnose.names import matches_host, names
from tuimon.model.certificate import Certificate
from tuimon.model.handshake import Handshake
from tuimon.store import CertificateUse, Row
from tuimon.ui.document import Document
from tuimon.ui.render import advice, bar, days, left_style

_TIME = "%Y-%m-%d %H:%M:%S UTC"


def _pairs(digits: str) -> str:
    """Hex in pairs, as openssl prints it."""
    sign = "-" if digits.startswith("-") else ""
    bare = digits.removeprefix("-")
    return sign + ":".join(bare[index : index + 2] for index in range(0, len(bare), 2))


def _key(certificate: Certificate) -> str:
    key = certificate.public_key
    words = [f"{key.type} {key.bits} bits" if key.bits else key.type]
    if key.curve:
        words.append(f"curve {key.curve}")
    if key.exponent is not None:
        words.append(f"exponent {key.exponent}")
    return ", ".join(words)


def validity(document: Document, certificate: Certificate) -> None:
    """Both dates, what is left, and a bar."""
    palette = document.palette
    left = certificate.seconds_left(document.now)
    style = left_style(certificate, document.now, document.settings, palette)
    document.fact("not before", certificate.not_before.strftime(_TIME))
    document.fact("not after", certificate.not_after.strftime(_TIME), style)
    share = left / certificate.lifetime if certificate.lifetime > 0 else 0.0
    line = bar(share, 24, style or palette.ok, palette)
    line.append(palette.draw(f"  {days(left)} of {days(certificate.lifetime)} left"), style)
    document.fact("lifetime", line)


def fields(document: Document, certificate: Certificate) -> None:
    """Every field that is there."""
    basic = ""
    if certificate.ca is not None:
        limit = "" if certificate.path_length is None else f", path length {certificate.path_length}"
        basic = f"CA: {'yes' if certificate.ca else 'no'}{limit}"
    document.fact("version", str(certificate.version))
    document.fact("serial", _pairs(certificate.serial))
    algorithm = certificate.signature_algorithm
    document.fact("signature", algorithm, note=certificate.signature_hash)
    document.fact("public key", _key(certificate))
    document.fact("key usage", ", ".join(certificate.key_usage))
    document.fact("extended usage", ", ".join(certificate.extended_key_usage))
    document.fact("constraints", basic)
    document.fact("SKI", _pairs(certificate.ski))
    document.fact("AKI", _pairs(certificate.aki))
    document.fact("OCSP", ", ".join(certificate.ocsp))
    document.fact("CA issuers", ", ".join(certificate.ca_issuers))
    document.fact("CRL", ", ".join(certificate.crl_distribution_points))
    document.fact("policies", ", ".join(certificate.policies))
    for sct in certificate.scts:
        document.fact("SCT", f"{sct.timestamp:{_TIME}}", note=f"log {sct.log_id[:32]}")
    document.fact("SHA-256", _pairs(certificate.sha256))
    document.fact("SHA-1", _pairs(certificate.sha1))
    document.fact("SPKI pin", certificate.spki_sha256, note="SHA-256 of SubjectPublicKeyInfo")
    document.fact("undecodable", ", ".join(certificate.undecodable), document.palette.warning)


def chain(document: Document, handshake: Handshake) -> None:
    """The chain as it was sent, each with its own expiry, and what OpenSSL said of it."""
    palette = document.palette
    for index, each in enumerate(handshake.chain):
        line = Text()
        line.append(f"{index} ", palette.muted)
        style = left_style(each, document.now, document.settings, palette)
        line.append(palette.draw(f"{days(each.seconds_left(document.now)):>6} "), style)
        line.append(f"{each.title}  ")
        line.append(f"issued by {each.issuer}", palette.muted)
        document.line(line)
    for error in handshake.verify_errors if handshake.trusted is False else ():
        document.line(f"depth {error.depth}: {error.text} ({error.code})", palette.muted)


def _name_lines(document: Document, certificate: Certificate, rows: list[Row]) -> None:
    document.fact("subject", certificate.subject)
    document.fact("issuer", certificate.issuer, note="signed by itself" if certificate.self_signed else "")
    document.fact("SAN", ", ".join(certificate.san))
    asked = sorted({row.tunnel.plan.server_name for row in rows if row.tunnel.plan.server_name})
    for name in asked:
        good = matches_host(certificate, name)
        verdict = "matches" if good else f"does not match ({', '.join(names(certificate)[:4])})"
        document.fact("name asked for", f"{name}: {verdict}", "" if good else document.palette.warning)


def page(document: Document, use: CertificateUse, rows: list[Row]) -> Document:
    """Everything about one certificate; `rows` are the services that use it."""
    certificate = use.certificate
    document.heading(certificate.title)
    found = problems(certificate, document.now, document.settings)
    for problem in found:
        style = document.palette.critical if problem.code == "expired" else document.palette.warning
        document.fact("verdict", problem.text, style)
    if not found:
        document.fact(
            "verdict", f"valid, {days(certificate.seconds_left(document.now))} left", document.palette.ok
        )
    advised = advice(use, document.now, document.settings)
    words = {"reload": "reload: the disk holds a newer one"}.get(advised, advised)
    document.fact("to do", words, document.palette.warning)
    document.fact("used by", ", ".join(use.used_by))
    document.fact("seen as", ", ".join(sorted(use.roles)))
    document.fact("file", ", ".join(use.paths))
    document.heading("Names")
    _name_lines(document, certificate, [row for row in rows if _serves(row, certificate)])
    document.heading("Validity")
    validity(document, certificate)
    document.heading("Fields")
    fields(document, certificate)
    served = next((row.tunnel.handshake for row in rows if _serves(row, certificate)), None)
    if served is not None:
        document.heading("Chain as sent")
        chain(document, served)
    document.heading("PEM")
    for line in certificate.pem.splitlines():
        document.line(line, document.palette.muted)
    return document


def _serves(row: Row, certificate: Certificate) -> bool:
    shown = row.tunnel.handshake.served if row.tunnel.handshake else None
    return shown is not None and shown.sha256 == certificate.sha256
