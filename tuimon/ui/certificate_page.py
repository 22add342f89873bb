"""The page of one certificate: verdict, every field in the terms of RFC 5280, the chain, PEM."""

from rich.text import Text

from tuimon.diagnose.certificate import problems
from tuimon.diagnose.names import matches_host, names
from tuimon.model.certificate import Certificate
from tuimon.model.handshake import Handshake
from tuimon.store import CertificateUse, Row
from tuimon.store.rows import todo
from tuimon.text import counted
from tuimon.ui.certificate_rows import todo_words
from tuimon.ui.document import Document
from tuimon.ui.render import bar, days, left_style, pairs

_NAMED = 8  # certificates that are named before the rest is only counted
_TIME = "%Y-%m-%d %H:%M:%S UTC"


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
    document.fact("serial", pairs(certificate.serial))
    algorithm = certificate.signature_algorithm
    document.fact("signature", algorithm, note=certificate.signature_hash)
    document.fact("public key", _key(certificate))
    document.fact("key usage", ", ".join(certificate.key_usage))
    document.fact("extended usage", ", ".join(certificate.extended_key_usage))
    document.fact("constraints", basic)
    document.fact("SKI", pairs(certificate.ski))
    document.fact("AKI", pairs(certificate.aki))
    document.fact("OCSP", ", ".join(certificate.ocsp))
    document.fact("CA issuers", ", ".join(certificate.ca_issuers))
    document.fact("CRL", ", ".join(certificate.crl_distribution_points))
    document.fact("policies", ", ".join(certificate.policies))
    for sct in certificate.scts:
        document.fact("SCT", f"{sct.timestamp:{_TIME}}", note=f"log {sct.log_id[:32]}")
    document.fact("SHA-256", pairs(certificate.sha256))
    document.fact("SHA-1", pairs(certificate.sha1))
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


def _relations(document: Document, use: CertificateUse, uses: list[CertificateUse]) -> None:
    """What else of the fleet hangs on it: what it issued, what has the same key, who issued it."""
    one = use.certificate
    others = [each.certificate for each in uses if each is not use]

    def named(found: list[Certificate]) -> str:
        more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
        return ", ".join(each.title for each in found[:_NAMED]) + more

    issued = [each for each in others if issuer_of(each, one)]
    if issued:
        document.fact("issued", f"{len(issued)} of this fleet: {named(issued)}")
    if not one.self_signed:
        document.fact("issued by", named([each for each in others if issuer_of(one, each)]))
    document.fact("same key", named([each for each in others if each.spki_sha256 == one.spki_sha256]))


def issuer_of(certificate: Certificate, issuer: Certificate) -> bool:
    """Whether `issuer` signed `certificate`, as far as names and key identifiers tell (RFC 5280, 4.2.1.1)."""
    if not issuer.ca or certificate.issuer != issuer.subject or certificate.self_signed:
        return False
    return not (certificate.aki and issuer.ski) or certificate.aki == issuer.ski


def _positions(document: Document, use: CertificateUse, rows: list[Row]) -> None:
    """Whose chain it stands in, and where."""
    places: dict[int, list[str]] = {}
    for row in rows:
        for index, each in enumerate(row.tunnel.handshake.chain if row.tunnel.handshake else ()):
            if each.sha256 == use.certificate.sha256:
                places.setdefault(index, []).append(row.tunnel.service.name)
    for index, names_ in sorted(places.items()):
        where = "leaf" if index == 0 else f"position {index}"
        document.fact(
            "sent as" if index == min(places) else "",
            f"{where} by {counted(len(names_), 'service')}",
            note=", ".join(names_),
        )


def page(document: Document, use: CertificateUse, rows: list[Row], uses: list[CertificateUse]) -> Document:
    """Everything about one certificate; `rows` are the services, `uses` the certificates of the fleet."""
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
    words = todo_words(use, todo(use, document.now, document.settings)).removeprefix("→ ")
    document.fact("to do", words, document.palette.warning)
    document.fact("used by", ", ".join(use.used_by))
    document.fact("seen as", ", ".join(sorted(use.roles)))
    document.fact("file", ", ".join(use.paths))
    _positions(document, use, rows)
    _relations(document, use, uses)
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
