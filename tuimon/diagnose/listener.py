"""Judgements about the accept side: the listener and the TLS that it speaks."""

from tuimon.diagnose.finding import Finding, Severity, span
from tuimon.diagnose.loaded import added, stale
from tuimon.model.handshake import DENIED, Depth, Handshake, Verdict
from tuimon.model.tunnel import Tunnel

_SLOW, _OWN = 2000.0, 100.0  # milliseconds of a handshake, and of those of ours that are told
_ALERTS = {
    "protocol_version": ("tls-no-shared-version", "no TLS version in common with us"),
    "handshake_failure": ("tls-rejected", "refuses the handshake (alert handshake_failure)"),
    "insufficient_security": ("tls-no-shared-cipher", "no cipher in common with us"),
    "internal_error": ("tls-rejected", "fails inside (alert internal_error)"),
}


def _where(tunnel: Tunnel) -> str:
    accept = (tunnel.primary or tunnel.service).accept
    return accept[0].text if accept else "its port"


def not_listening(tunnel: Tunnel) -> Finding | None:
    """The process runs and its accept socket is not there, or belongs to somebody else."""
    accept = (tunnel.primary or tunnel.service).accept
    if not tunnel.sockets_known or tunnel.listeners or not accept or tunnel.service.inetd:
        return None
    if _hidden(tunnel):
        return None
    where = _where(tunnel)
    if tunnel.taken:
        text = f"{where} is held by {tunnel.taken}"
        fix = f"ss -ltnp | grep {accept[0].port or accept[0].path}"
        return Finding("accept-taken", Severity.CRITICAL, text, fix, (f"accept = {where}",), down=True)
    if added(tunnel):
        return None
    if stale(tunnel.instance):
        text = f"not served yet: {tunnel.instance.title} changed and is not loaded: reload"
        return Finding("config-changed", Severity.WARNING, text, "reload", (f"accept = {where}",))
    text = f"not listening on {where} though stunnel runs"
    fix = "look at the log for `Binding service`, then reload"
    return Finding("accept-refused", Severity.CRITICAL, text, fix, (f"accept = {where}",), down=True)


def _hidden(tunnel: Tunnel) -> bool:
    """Whether its listeners cannot be told from others': its process is hidden, or the sockets of its
    process are and no address has a port to know them by."""
    instance, accept = tunnel.instance, (tunnel.primary or tunnel.service).accept
    if instance.processes_hidden:
        return True
    blind = any("open files" in each.hidden for each in instance.processes)
    return blind and not any(each.path or each.number for each in accept)


def partly_listening(tunnel: Tunnel) -> Finding | None:
    """Some of several accept addresses are not bound: stunnel starts if it gets one of them.

    Judged by port alone: that `::` cannot be bound beside 0.0.0.0 is harmless.
    """
    accept = tunnel.service.accept
    if len(accept) < 2 or not tunnel.listeners:
        return None
    ports, paths = {each.port for each in tunnel.listeners}, {each.address for each in tunnel.listeners}
    missing = [each for each in accept if each.path not in paths and (each.path or each.number not in ports)]
    missing = [each for each in missing if each.path or each.number]  # a service name or 0 is any port
    if not missing or len(missing) == len(accept):
        return None
    where = ", ".join(each.text for each in missing)
    text = f"not listening on {where}, {len(missing)} of {len(accept)} accept addresses"
    fix = f"find its holder: ss -ltnp | grep {missing[0].port or missing[0].path}; then restart"
    return Finding(
        "accept-refused", Severity.WARNING, text, fix, tuple(f"accept = {e.text}" for e in missing)
    )


def _evidence(handshake: Handshake) -> tuple[str, ...]:
    seen = f"probe of {handshake.target}: {handshake.verdict.value}"
    return (f"{seen}: {handshake.detail}" if handshake.detail else seen,)


def _critical(code: str, text: str, fix: str, handshake: Handshake) -> Finding:
    return Finding(code, Severity.CRITICAL, text, fix, _evidence(handshake), down=True)


def tls_broken(tunnel: Tunnel) -> Finding | None:
    """The handshake with a server service fails: named by what the port did."""
    handshake, where = tunnel.handshake, _where(tunnel)
    if handshake is None or handshake.ok or tunnel.service.client:
        return None
    waiting = sum(each.queue for each in tunnel.listeners)
    if handshake.detail == DENIED:
        return Finding(
            "not-permitted", Severity.INFO, f"{where}: {DENIED}", "run as root", _evidence(handshake)
        )
    match handshake.verdict:
        case Verdict.REFUSED:
            return _critical("accept-refused", f"{where} refuses connections", "reload or restart", handshake)
        case Verdict.TIMEOUT if waiting:
            text = f"hung: listens on {where}, {waiting} connections wait to be accepted"
            return _critical("hung", text, "restart it", handshake)
        case Verdict.TIMEOUT if handshake.stage == "connect":
            return _critical("accept-timeout", f"{where} does not answer", "look at the firewall", handshake)
        case Verdict.TIMEOUT:
            text = f"{where} accepts and then is silent"
            return _critical("tls-timeout", text, "look at the process and its log", handshake)
        case Verdict.NOT_TLS:
            text = f"{where} does not speak TLS: {handshake.detail}"
            return _critical("not-tls", text, "another program may hold this port", handshake)
        case Verdict.NEGOTIATION_FAILED:
            text = f"{tunnel.service.protocol} negotiation fails: {handshake.detail}"
            return _critical("protocol-failed", text, "look at the connect target", handshake)
        case Verdict.TLS_ALERT:
            code, words = _ALERTS.get(handshake.alert, ("tls-rejected", f"alert {handshake.alert}"))
            return _critical(code, f"{where} {words}", "look at the log for SSL_accept", handshake)
        case Verdict.CLOSED:
            text = f"{where} hangs up during the {handshake.stage or 'handshake'}"
            return _critical("tls-closed", text, "look at the log", handshake)
        case Verdict.UNRESOLVED:
            return _critical("accept-unresolved", f"cannot resolve {where}", "mend `accept =`", handshake)
        case _:
            text = f"handshake fails: {handshake.detail or handshake.verdict.value}"
            return _critical("tls-closed", text, "look at the log", handshake)


def slow(tunnel: Tunnel) -> Finding | None:
    """The handshake takes so long that users notice, however busy we were ourselves meanwhile."""
    handshake = tunnel.handshake
    if handshake is None or not handshake.ok or handshake.flight_ms is None:
        return None
    took = handshake.flight_ms - handshake.late_ms
    if took < _SLOW:
        return None
    far = (
        tunnel.service.connect[0].text if tunnel.service.client and tunnel.service.connect else _where(tunnel)
    )
    text = f"the handshake with {far} takes {span(took / 1000)}"
    seen = f"end of flight after {handshake.flight_ms:.0f} ms"
    seen += f", {handshake.late_ms:.0f} of which may be our own" if handshake.late_ms >= _OWN else ""
    return Finding("slow", Severity.WARNING, text, "", (seen,))


def old_version(tunnel: Tunnel) -> Finding | None:
    """The peer speaks nothing newer than TLS 1.1 (RFC 8996)."""
    handshake = tunnel.handshake
    if handshake is None or not handshake.ok or not handshake.legacy:
        return None
    who = "the remote" if tunnel.service.client else _where(tunnel)
    text = f"{who} speaks only {handshake.tls_version}"
    evidence = ("a second handshake with a lowered security level was needed",)
    return Finding("weak-protocol", Severity.WARNING, text, "allow TLSv1.2 or newer there", evidence)


def not_probed(tunnel: Tunnel) -> bool:
    """Whether TLS of this service is never looked at (by plan, not by lack of time)."""
    return tunnel.plan.depth in (Depth.OFF, Depth.LISTEN)
