"""Judgements about the remote of a client service: its TLS, and the certificate that it shows.

Rule: judged as stunnel itself would judge: without verifyChain or verifyPeer an untrusted remote is
nobody's fault here.
"""

from tuimon.diagnose.certificate import matches_email, matches_host, matches_ip, names
from tuimon.diagnose.finding import Finding, Severity, clock, span
from tuimon.diagnose.target import CODES, contradicted, log_says_down, targets_of
from tuimon.model.handshake import Handshake, Verdict
from tuimon.model.log import Event
from tuimon.model.tunnel import Tunnel
from tuimon.settings import Settings

_EXPIRED, _NOT_YET, _REVOKED = 10, 9, 23  # X509_V_ERR_… of OpenSSL's x509_vfy.h
_ISSUER_UNKNOWN = {2, 19, 20, 21}  # X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT and its kin


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
        return _remote(code, f"connect {where} {words}", "start or mend the remote", handshake)
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
    hint = " (possibly PSK-only)" if handshake.alert == "handshake_failure" else ""
    text = f"remote {where} refuses TLS: alert {handshake.alert}{hint}"
    return _remote("peer-tls-rejected", text, "look at the remote's log", handshake)


def clients_fail(tunnel: Tunnel, now: float) -> Finding | None:
    """A client service whose own connections fail although our handshake with its remote succeeds."""
    traffic = tunnel.traffic
    record = traffic.failure
    if not tunnel.service.client or record is None or traffic.failures < 2:
        return None
    if record.event not in (Event.TLS_FAILED, Event.PEER_REJECTED):
        return None
    text = f"its own connections fail since {clock(traffic.failing_since, now)}, our probe does not"
    evidence = (f"log: {record.message}", f"{traffic.failures} failures since the last success")
    return Finding(
        "clients-failing", Severity.WARNING, text, "compare its options with the remote's", evidence
    )


def _verifies_chain(tunnel: Tunnel) -> bool:
    return tunnel.service.yes("verifyChain") or tunnel.service.text("verify") in {"1", "2", "3"}


def _pinned(tunnel: Tunnel) -> bool | None:
    """verifyPeer: whether the remote's own certificate is in CAfile; None if it cannot be told."""
    wanted = tunnel.service.yes("verifyPeer") or tunnel.service.text("verify") in {"3", "4"}
    served = tunnel.handshake.served if tunnel.handshake else None
    if not wanted or served is None or tunnel.ca is None or tunnel.ca.failure is not None:
        return None
    return any(each.sha256 == served.sha256 for each in tunnel.ca.certificates)


def _expired(tunnel: Tunnel, handshake: Handshake, depth: int, now: float) -> tuple[str, str, str]:
    """Code, text and fix for the certificate at `depth`: the leaf, one that was sent, or our own CA's."""
    where, chain = handshake.target, handshake.chain
    if depth < len(chain):
        whose = f"chain: {chain[depth].title}" if depth else "certificate"
        ago = span(chain[depth].seconds_left(now))
        return "peer-cert-expired", f"remote {where}: {whose} expired {ago} ago", "tell the remote"
    issuer = chain[-1].issuer
    known = tunnel.ca.certificates if tunnel.ca else ()
    own = max(
        (each for each in known if each.subject == issuer), key=lambda each: each.not_after, default=None
    )
    name = tunnel.service.text("CAfile")
    ago = f" {span(own.seconds_left(now))} ago" if own else ""
    text = f"{name.rsplit('/', 1)[-1]}: {own.title if own else 'the authority'} expired{ago} ({where})"
    return "ca-expired", text, f"put the new authority into {name}, then reload"


def untrusted(tunnel: Tunnel, now: float) -> Finding | None:
    """The remote shows a certificate that this client service will refuse."""
    handshake = tunnel.handshake
    if not tunnel.service.client or handshake is None or not handshake.chain:
        return None
    where, ca_file = handshake.target, tunnel.service.text("CAfile").rsplit("/", 1)[-1]
    errors = {each.code: each for each in handshake.verify_errors if each.code}
    evidence = tuple(f"depth {each.depth}: {each.text} ({each.code})" for each in errors.values())
    evidence += (f"leaf: {handshake.chain[0].subject}, issuer: {handshake.chain[0].issuer}",)

    def refuse(code: str, text: str, fix: str) -> Finding:
        return Finding(code, Severity.CRITICAL, text, fix, evidence, down=True)

    if _verifies_chain(tunnel) and handshake.trusted is False:
        if _EXPIRED in errors:
            return refuse(*_expired(tunnel, handshake, errors[_EXPIRED].depth, now))
        if _NOT_YET in errors:
            return refuse("peer-cert-not-yet-valid", f"remote {where}: not valid yet", "check both clocks")
        if _REVOKED in errors:
            return refuse("peer-revoked", f"remote {where}: certificate revoked", "tell the remote")
        first = next(iter(errors.values()), None)
        if first is None or first.code in _ISSUER_UNKNOWN:
            text = f"remote untrusted: issuer not in {ca_file} ({where})"
        else:
            text = f"remote untrusted: {first.text} ({where})"
        return refuse("peer-untrusted", text, f"put the issuer into {tunnel.service.text('CAfile')}")
    if _pinned(tunnel) is False:
        text = f"remote's certificate is not in {ca_file} ({where})"
        return refuse("peer-untrusted", text, "add the remote's new certificate to CAfile")
    return None


def wrong_name(tunnel: Tunnel) -> Finding | None:
    """The remote's certificate is for another name than checkHost, checkIP and checkEmail allow."""
    service, handshake = tunnel.service, tunnel.handshake
    served = handshake.served if handshake else None
    if not service.client or served is None:
        return None
    wanted = service.texts("checkHost") + service.texts("checkIP") + service.texts("checkEmail")
    fits = (
        any(matches_host(served, name) for name in service.texts("checkHost"))
        or any(matches_ip(served, name) for name in service.texts("checkIP"))
        or any(matches_email(served, name) for name in service.texts("checkEmail"))
    )
    if not wanted or fits:
        return None
    text = f"remote's certificate is not for {', '.join(wanted)}"
    evidence = (f"it is for {', '.join(names(served)) or served.title}",)
    fix = "mend checkHost or the remote's certificate"
    return Finding("peer-name-mismatch", Severity.CRITICAL, text, fix, evidence, down=True)


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
