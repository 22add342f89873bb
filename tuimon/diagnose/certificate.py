"""Judgements about certificates by themselves: how long they last, and what is weak.

Rule: thresholds follow RFC 5280 validity and the settings; a short-lived certificate is judged by the
share of its lifetime, so a six-day one that is a day old is fine.
"""

from tuimon.diagnose.finding import Finding, Severity, span
from tuimon.model.certificate import Certificate
from tuimon.model.handshake import CodedText
from tuimon.settings import Settings, Thresholds

DAY = 86400.0
_WEAK_HASHES = {"SHA1", "MD5", "MD4", "MD2"}
_MIN_BITS = {"RSA": 2048, "DSA": 2048, "EC": 224}


def warn_below(certificate: Certificate, limits: Thresholds) -> float:
    """Seconds left below which this certificate calls for attention."""
    days = limits.ca_warn_days if certificate.ca else limits.warn_days
    return min(days * DAY, certificate.lifetime * limits.warn_share)


def critical_below(certificate: Certificate, limits: Thresholds) -> float:
    """Seconds left below which it is critical."""
    return min(limits.critical_days * DAY, certificate.lifetime * limits.critical_share)


def expiry(certificate: Certificate, now: float, settings: Settings) -> Finding | None:
    """Expired, not yet valid or running out; codes `cert-…`, for the service's own certificate."""
    left = certificate.seconds_left(now)
    place = f"notAfter {certificate.not_after:%Y-%m-%d %H:%M} UTC of {certificate.title}"
    if left <= 0:
        text = f"certificate expired {span(left)} ago"
        return Finding("cert-expired", Severity.CRITICAL, text, "renew it, then reload", (place,))
    if certificate.not_before.timestamp() > now:
        wait = span(certificate.not_before.timestamp() - now)
        evidence = (f"notBefore {certificate.not_before:%Y-%m-%d %H:%M} UTC of {certificate.title}",)
        text = f"certificate not valid for another {wait}"
        return Finding("cert-not-yet-valid", Severity.CRITICAL, text, "check the clock", evidence)
    text = f"certificate expires in {span(left)}"
    if left < critical_below(certificate, settings.thresholds):
        return Finding("cert-expiring", Severity.CRITICAL, text, "renew it now, then reload", (place,))
    if left < warn_below(certificate, settings.thresholds):
        return Finding("cert-expiring", Severity.WARNING, text, "renew it, then reload", (place,))
    return None


def weakness(certificate: Certificate) -> list[CodedText]:
    """Weak keys and signatures, by today's common measure (RSA 2048, SHA-2)."""
    found = []
    least = _MIN_BITS.get(certificate.public_key.type)
    if least and 0 < certificate.public_key.bits < least:
        key = f"{certificate.public_key.type} key of {certificate.public_key.bits} bits"
        found.append(CodedText("weak-key", f"{key} ({least} is the least today)"))
    if certificate.signature_hash in _WEAK_HASHES and not certificate.self_signed:
        found.append(CodedText("weak-signature", f"signed with {certificate.signature_hash}"))
    return found


def problems(certificate: Certificate, now: float, settings: Settings) -> tuple[CodedText, ...]:
    """What is wrong with a certificate by itself, in the codes of `tuimon certs` and `probe`."""
    found = []
    left = certificate.seconds_left(now)
    if left <= 0:
        found.append(CodedText("expired", f"expired {span(left)} ago"))
    elif certificate.not_before.timestamp() > now:
        found.append(CodedText("not-yet-valid", f"not valid before {certificate.not_before:%Y-%m-%d}"))
    elif left < warn_below(certificate, settings.thresholds):
        found.append(CodedText("expiring", f"expires in {span(left)}"))
    found += weakness(certificate)
    if certificate.self_signed and not certificate.ca:
        found.append(CodedText("self-signed", "signed by itself"))
    if certificate.undecodable:
        fields = ", ".join(certificate.undecodable)
        found.append(CodedText("undecodable", f"cannot be decoded: {fields}"))
    return tuple(found)
