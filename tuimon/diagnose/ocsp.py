"""The judgement about OCSP: stunnel asks the responder while the client waits.

Rule: told by the log alone, whose clock has whole seconds; one slow answer is no finding.
"""

from tuimon.diagnose.finding import Finding, Severity, clock, span
from tuimon.model.clients import Stall
from tuimon.model.tunnel import Tunnel

_HOUR = 3600.0
_OFTEN, _LONG = 2, 5.0  # stalls, or seconds of one


def ocsp_slow(tunnel: Tunnel, now: float) -> Finding | None:
    """Connections wait for the OCSP responder."""
    recent = [each for each in tunnel.clients.stalls if now - each.at < _HOUR]
    long = any(each.seconds >= _LONG for each in recent)
    if not tunnel.instance.running or not (long or len(recent) >= _OFTEN):
        return None
    worst = max(recent, key=lambda each: each.seconds)
    text = f"OCSP responder {_host(worst.responder)} stalls connections for {span(worst.seconds)}"
    fix = "mend the responder or the way to it; OCSPaia = no and no `OCSP =` do without it"
    return Finding("ocsp-slow", Severity.WARNING, text, fix, tuple(_said(each, now) for each in recent[-5:]))


def _host(url: str) -> str:
    return url.partition("://")[2].partition("/")[0] or url


def _said(stall: Stall, now: float) -> str:
    waits = f"waited {span(stall.seconds)}" if stall.over else f"waits for {span(stall.seconds)}"
    return f"{clock(stall.at, now)} {stall.record.peer} {waits}: {stall.record.message}"
