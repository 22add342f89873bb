"""Judgements about the remote of a client service: whether it can be reached, and its TLS.

Rule: whether its certificate is accepted is judged in `trust`; here only how long it lasts.
"""

from msgspec.structs import replace

from tuimon.diagnose.finding import Finding, Severity, span
from tuimon.diagnose.target import CODES, contradicted, log_says_down, mend, targets_of
from tuimon.diagnose.verification import title_of
from tuimon.model.handshake import Handshake, Verdict
from tuimon.model.tunnel import Tunnel
from tuimon.settings import Settings

# Alerts that, after a certificate request, are about the certificate of ours (RFC 8446, section 6.2).
_ABOUT_US = {
    "bad_certificate",
    "unsupported_certificate",
    "certificate_revoked",
    "certificate_expired",
    "certificate_unknown",
    "unknown_ca",
    "access_denied",
}


def _remote(code: str, text: str, fix: str, handshake: Handshake) -> Finding:
    seen = f"probe of {handshake.target}: {handshake.verdict.value}"
    evidence = (f"{seen}: {handshake.detail}" if handshake.detail else seen,)
    return Finding(code, Severity.CRITICAL, text, fix, evidence, down=True)


def remote(tunnel: Tunnel, now: float) -> Finding | None:
    """A client service whose remote cannot be reached or refuses TLS."""
    handshake = tunnel.handshake
    if not tunnel.service.client:
        return None
    if handshake is None:  # with a shared key, say: the log alone can tell
        return log_says_down(tunnel, now) if contradicted(tunnel) else None
    where = handshake.target or targets_of(tunnel)
    if handshake.ok:
        return _hangs_up(tunnel, handshake, where) if handshake.closed_early else None
    if handshake.stage == "connect":
        code, words = CODES.get(handshake.verdict, ("connect-closed", "fails"))
        fix = mend(tunnel, code, "start or mend the remote")
        return _remote(code, f"connect {where} {words}", fix, handshake)
    match handshake.verdict:
        case Verdict.NOT_TLS:
            text = f"remote {where} does not speak TLS: {handshake.detail}"
            return _remote("peer-not-tls", text, "mend `connect =` or set `protocol =`", handshake)
        case Verdict.TIMEOUT:
            return _remote("peer-timeout", f"remote {where} is silent", "look at the remote", handshake)
        case Verdict.NEGOTIATION_FAILED:
            text = f"remote {where}: {tunnel.service.protocol}: {handshake.detail}"
            return _remote("peer-protocol-failed", text, "mend `protocol =` or the remote", handshake)
        case Verdict.TLS_ALERT:
            return _alerted(tunnel, handshake, where)
        case Verdict.CLOSED:
            text = f"remote {where} hangs up during the TLS handshake"
            return _remote("peer-tls-rejected", text, "look at the remote's log", handshake)
        case _ if "< ServerHello" not in handshake.messages and handshake.first_byte_ms is not None:
            text = f"remote {where} does not speak TLS: {handshake.detail}"
            return _remote("peer-not-tls", text, "mend `connect =` or set `protocol =`", handshake)
        case _:
            text = f"no handshake with remote {where}: {handshake.detail}"
            return _remote("peer-tls-rejected", text, "look at both versions and ciphers", handshake)


def _hangs_up(tunnel: Tunnel, handshake: Handshake, where: str) -> Finding:
    text = f"remote {where} hangs up after the handshake: its own target?"
    return _remote("connect-closed", text, "look at the remote's log", handshake)


def _alerted(tunnel: Tunnel, handshake: Handshake, where: str) -> Finding:
    if handshake.client_certificate_requested and not tunnel.service.cert:
        text = f"remote {where} asks for a client certificate, none is set"
        return _remote("peer-client-cert-required", text, "set `cert =` in this service", handshake)
    if handshake.client_certificate_requested and handshake.alert in _ABOUT_US:
        return _our_certificate_refused(tunnel, handshake, where)
    hint = " (possibly PSK-only)" if handshake.alert == "handshake_failure" else ""
    text = f"remote {where} refuses TLS: alert {handshake.alert}{hint}"
    return _remote("peer-tls-rejected", text, "look at the remote's log", handshake)


def _our_certificate_refused(tunnel: Tunnel, handshake: Handshake, where: str) -> Finding:
    """The remote has seen our certificate, and says what is wrong with it and whose it would take."""
    own = tunnel.own.certificates if tunnel.own else ()
    wanted = handshake.client_ca_names
    issuers = {each.issuer.replace(", ", ",") for each in own}  # as RFC 4514 has it, without the blank
    stranger = own and wanted and not issuers & set(wanted)
    text = f"remote {where} refuses our certificate ({handshake.alert})"
    fix = "look at the remote's log"
    if stranger:
        text += f": wants one of {title_of(wanted[0])}"
        fix = f"get a certificate of {' or '.join(wanted[:3])} for `cert =`"
    found = _remote("peer-tls-rejected", text, fix, handshake)
    more = tuple(f"ours: {each.title}, issued by {each.issuer}" for each in own[:1])
    return replace(found, evidence=(*found.evidence, *more))


def remote_expiry(tunnel: Tunnel, now: float, settings: Settings) -> Finding | None:
    """The remote's certificate runs out soon, or has and nobody here verifies it."""
    handshake = tunnel.handshake
    served = handshake.served if handshake else None
    if not tunnel.service.client or served is None or handshake is None:
        return None
    left, limits = served.seconds_left(now), settings.thresholds
    if left <= 0:
        text = f"remote {handshake.target}: certificate expired {span(left)} ago"
        return Finding("peer-cert-expired", Severity.WARNING, text, "tell the remote", (served.subject,))
    # Half our own thresholds: the remote's keepers have their own alarm.
    if left < min(limits.warn_days * 86400, served.lifetime * limits.warn_share) / 2:
        text = f"remote {handshake.target}: certificate expires in {span(left)}"
        return Finding("peer-cert-expiring", Severity.WARNING, text, "tell the remote", (served.subject,))
    return None
