"""Whether the certificate on disk is the one in use, and what to do where it is not.

Rule: what is served is known by a handshake; what a client service shows, by the time of its load only.
"""

from tuimon.diagnose.certificate import critical_below
from tuimon.diagnose.finding import Finding, Severity, ago, clock, span
from tuimon.diagnose.names import names
from tuimon.diagnose.verification import base, newer_than_loaded
from tuimon.model.certificate import Certificate
from tuimon.model.tunnel import Tunnel
from tuimon.settings import Thresholds


def disk_leaf(tunnel: Tunnel) -> Certificate | None:
    """The service's own leaf as its file holds it now."""
    return tunnel.own.certificates[0] if tunnel.own and tunnel.own.certificates else None


def served_leaf(tunnel: Tunnel) -> Certificate | None:
    """The leaf that the handshake showed."""
    return tunnel.handshake.served if tunnel.handshake else None


def not_loaded(tunnel: Tunnel, now: float, limits: Thresholds) -> Finding | None:
    """The certificate on disk is not the one in use."""
    disk, shown = disk_leaf(tunnel), served_leaf(tunnel)
    if disk is None or not tunnel.instance.running:
        return None
    if tunnel.service.client:
        return _client(tunnel, disk, now)
    if shown is None or shown.sha256 == disk.sha256:
        return None
    lost = [each for each in names(shown) if each not in names(disk)]
    if disk.not_after <= shown.not_after:
        return _other(tunnel, disk, shown, lost, now)
    left = shown.seconds_left(now)
    # What to do stands where a narrow column still shows it.
    old = f"expired {span(left)} ago" if left <= 0 else "served"
    more = ", ".join(filter(None, (f"{span(left)} left" if left > 0 else "", _renewed(tunnel, now))))
    text, fix = f"renewed on disk, old one {old}: reload" + (f" ({more})" if more else ""), "reload"
    severity = Severity.CRITICAL if left < critical_below(shown, limits) else Severity.WARNING
    if lost:
        text = f"renewed on disk, but no longer for {', '.join(lost[:3])}"
        fix = "if that is meant, reload; else renew it for all names first"
    return Finding("cert-not-loaded", severity, text, fix, _evidence(tunnel, disk, shown, now))


def _client(tunnel: Tunnel, disk: Certificate, now: float) -> Finding | None:
    if not newer_than_loaded(tunnel, tunnel.own):
        return None
    loaded = f"loaded at {clock(tunnel.instance.loaded_at, now)}"
    evidence = (f"{tunnel.own.path if tunnel.own else ''} is newer, {loaded}", f"it holds {disk.title}")
    text = f"client certificate renewed on disk{_ago(tunnel, now)}, not loaded: reload"
    return Finding("cert-not-loaded", Severity.WARNING, text, "reload", evidence)


def _other(tunnel: Tunnel, disk: Certificate, shown: Certificate, lost: list[str], now: float) -> Finding:
    """The process serves a better certificate than the file would give it."""
    name = base(tunnel.own.path if tunnel.own else "")
    if lost and not set(names(shown)) & set(names(disk)):
        text = f"{name} is for {(names(disk) or (disk.title,))[0]}, served is {(names(shown) or ('?',))[0]}"
    else:
        sooner = (shown.not_after - disk.not_after).total_seconds()
        rest = f", ends {span(sooner)} sooner" if sooner else ""
        text = f"{name} holds another certificate than is served{rest}"
    fix = f"put the served one back into {name} before it is loaded; if it is meant, reload"
    return Finding("cert-not-loaded", Severity.WARNING, text, fix, _evidence(tunnel, disk, shown, now))


def _renewed(tunnel: Tunnel, now: float) -> str:
    said = _ago(tunnel, now)
    return f"renewed{said}" if said else ""


def _ago(tunnel: Tunnel, now: float) -> str:
    stamp = tunnel.own.stamp if tunnel.own else None
    return f" {ago(stamp.mtime, now)}" if stamp is not None else ""


def _evidence(tunnel: Tunnel, disk: Certificate, shown: Certificate, now: float) -> tuple[str, ...]:
    return (
        f"served {shown.sha256[:16]}… until {shown.not_after:%Y-%m-%d}, {', '.join(names(shown)[:4])}",
        f"on disk {disk.sha256[:16]}… until {disk.not_after:%Y-%m-%d}, {', '.join(names(disk)[:4])}",
        f"{tunnel.own.path if tunnel.own else ''}, loaded at {clock(tunnel.instance.loaded_at, now)}",
    )
