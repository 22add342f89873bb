"""Judgements about certificates: how long they last, what is weak, what their names match.

Rule: thresholds follow RFC 5280 validity and the settings; a short-lived certificate is judged by the
share of its lifetime, so a six-day one that is a day old is fine.
"""

from tuimon.diagnose.finding import Finding, Severity, span
from tuimon.model.certificate import Certificate, CertificateFile
from tuimon.model.failure import Reason
from tuimon.model.handshake import CodedText
from tuimon.settings import Settings, Thresholds

DAY = 86400.0
_WEAK_HASHES = {"SHA1", "MD5", "MD4", "MD2"}
_MIN_BITS = {"RSA": 2048, "DSA": 2048, "EC": 224}


def warn_below(certificate: Certificate, limits: Thresholds) -> float:
    """Seconds left below which this certificate calls for attention."""
    if certificate.ca and not certificate.self_signed:
        return limits.ca_warn_days * DAY
    if certificate.ca:
        return min(limits.ca_warn_days * DAY, certificate.lifetime * limits.warn_share)
    return min(limits.warn_days * DAY, certificate.lifetime * limits.warn_share)


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
        text = f"certificate not valid before {wait} from now"
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


def file_failure(file: CertificateFile, what: str) -> Finding | None:
    """Why stunnel could not use a certificate or key file, `what` being `cert` or `key`."""
    failure = file.failure
    if failure is None:
        return None
    noun = "certificate" if what == "cert" else "private key"
    name = file.path.rsplit("/", 1)[-1]
    if failure.reason is Reason.MISSING:
        text = f"{noun} file {name} is missing"
        return Finding(f"{what}-missing", Severity.CRITICAL, text, f"restore {file.path}", (str(failure),))
    if failure.reason is Reason.DENIED:
        text = f"{noun} {name} not readable for this user: not judged"
        return Finding("not-permitted", Severity.INFO, text, "run as root", (str(failure),))
    text = f"{noun} file {name} cannot be used"
    return Finding(f"{what}-unreadable", Severity.CRITICAL, text, f"look at {file.path}", (str(failure),))


def key_findings(own: CertificateFile, key: CertificateFile | None) -> list[Finding]:
    """Whether the private key is there and belongs to the certificate."""
    holder = key or own
    broken = file_failure(holder, "key") if key is not None else None
    if broken is not None:
        return [broken]
    if holder.failure is not None or not own.certificates:
        return []
    name = holder.path.rsplit("/", 1)[-1]
    if holder.key is None:
        fix = "append the key to the file or set `key =`"
        return [Finding("key-missing", Severity.CRITICAL, f"no private key in {name}", fix, (holder.path,))]
    found = []
    if holder.key.spki_sha256 and holder.key.spki_sha256 != own.certificates[0].spki_sha256:
        text = f"the private key in {name} does not belong to the certificate"
        evidence = (
            f"key SPKI {holder.key.spki_sha256}",
            f"certificate SPKI {own.certificates[0].spki_sha256}",
        )
        found.append(
            Finding("key-mismatch", Severity.CRITICAL, text, f"put the right key into {name}", evidence)
        )
    if holder.mode & 0o004:
        text = f"the private key in {name} is readable by everybody"
        mode = (f"mode {holder.mode:04o} of {holder.path}",)
        found.append(Finding("key-exposed", Severity.WARNING, text, f"chmod 600 {holder.path}", mode))
    return found
