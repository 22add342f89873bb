"""Judgements about revocation lists: an outdated one makes stunnel refuse everybody whom it is about.

Rule: of several lists of one issuer OpenSSL takes the one that still counts; the list of a root says
nothing of the clients of an authority under it.
"""

from tuimon.diagnose.finding import Finding, Severity, ago, span
from tuimon.diagnose.verification import (
    base,
    judges,
    looks_up_revocation,
    newer_than_loaded,
    revocations,
    title_of,
    trusted,
)
from tuimon.model.certificate import RevocationList
from tuimon.model.tunnel import Tunnel

_DAY = 86400.0
_FOREVER = float("inf")


def _left(listed: RevocationList, now: float) -> float:
    return listed.next_update.timestamp() - now if listed.next_update else _FOREVER


def _warn_below(listed: RevocationList) -> float:
    if listed.next_update is None:
        return 0.0
    return min(7 * _DAY, (listed.next_update - listed.this_update).total_seconds() / 4)


def _newest(tunnel: Tunnel, now: float) -> dict[str, RevocationList]:
    """The list that counts of each issuer that matters: of a client service, the remote's issuer."""
    found: dict[str, RevocationList] = {}
    for each in revocations(tunnel):
        known = found.get(each.issuer)
        if known is None or _left(each, now) > _left(known, now):
            found[each.issuer] = each
    served = tunnel.handshake.served if tunnel.handshake else None
    if tunnel.service.client and served is not None:
        return {issuer: each for issuer, each in found.items() if issuer == served.issuer}
    return found


def _place(tunnel: Tunnel) -> str:
    return tunnel.service.text("CRLfile") or tunnel.service.text("CRLpath")


def _evidence(tunnel: Tunnel, listed: RevocationList) -> tuple[str, ...]:
    option = "CRLfile" if tunnel.service.text("CRLfile") else "CRLpath"
    until = f"{listed.next_update:%Y-%m-%d %H:%M} UTC" if listed.next_update else "none"
    return (
        f"{option} = {_place(tunnel)}, {tunnel.service.place(option)}",
        f"issuer {listed.issuer}: thisUpdate {listed.this_update:%Y-%m-%d %H:%M} UTC, nextUpdate {until}",
    )


def outdated(tunnel: Tunnel, now: float) -> Finding | None:
    """A list is past its nextUpdate (or before its thisUpdate): whom it is about is refused."""
    if not judges(tunnel.service):
        return None
    lists = _newest(tunnel, now)
    early = {name: each for name, each in lists.items() if each.this_update.timestamp() > now}
    late = {name: each for name, each in lists.items() if _left(each, now) <= 0}
    bad = {**early, **late}
    if not bad:
        return None
    issuer, listed = min(bad.items(), key=lambda pair: _left(pair[1], now))
    client, whole = tunnel.service.client, len(bad) == len(lists)
    if not whole and issuer not in {each.subject for each in trusted(tunnel)}:
        return None  # left over from an authority that is no longer trusted
    whom = "remote refused" if client else "every client refused" if whole else "its clients are refused"
    code, words = "crl-expired", f"expired {span(_left(listed, now))} ago"
    if issuer not in late:
        code, words = "crl-not-yet-valid", f"not valid before {listed.this_update:%Y-%m-%d %H:%M} UTC"
    gate = tunnel.service.requires_certificate and not tunnel.service.texts("redirect")
    severity = Severity.CRITICAL if whole else Severity.WARNING
    text = f"CRL of {title_of(issuer)} {words}: {whom}"
    fix = f"fetch the issuer's new list into {_place(tunnel)}, then reload"
    down = whole and (client or gate)
    return Finding(code, severity, text, fix, _evidence(tunnel, listed), down=down)


def no_list(tunnel: Tunnel) -> Finding | None:
    """The remote's issuer has no list at all in CRLfile: stunnel then refuses it as well."""
    served = tunnel.handshake.served if tunnel.handshake else None
    if not tunnel.service.client or served is None or not looks_up_revocation(tunnel.service):
        return None
    known = ", ".join(sorted({title_of(each.issuer) for each in revocations(tunnel)})) or "nobody"
    text = f"no CRL of {title_of(served.issuer)} in {base(_place(tunnel))}: remote refused"
    fix = f"add the list of {served.issuer} to {_place(tunnel)}, then reload"
    return Finding("crl-missing", Severity.CRITICAL, text, fix, (f"it has those of {known}",), down=True)


def running_out(tunnel: Tunnel, now: float) -> Finding | None:
    """A list is to be replaced soon, or was on disk and the process still looks into the old one."""
    if not judges(tunnel.service):
        return None
    lists = _newest(tunnel, now).values()
    loaded = tunnel.instance.loaded_at or now
    renewed = [each for each in lists if each.this_update.timestamp() > loaded]
    if renewed and tunnel.crl is not None and tunnel.crl.stamp and newer_than_loaded(tunnel, tunnel.crl):
        text = f"CRL renewed on disk {ago(tunnel.crl.stamp.mtime, now)}, the old one is in force: reload"
        evidence = _evidence(tunnel, renewed[0])
        return Finding("crl-not-loaded", Severity.WARNING, text, "reload", evidence)
    for each in sorted(lists, key=lambda one: _left(one, now)):
        if 0 < _left(each, now) < _warn_below(each):
            text = f"CRL of {title_of(each.issuer)} expires in {span(_left(each, now))}"
            fix = f"fetch the new list into {_place(tunnel)}, then reload; without it everybody is refused"
            return Finding("crl-expiring", Severity.WARNING, text, fix, _evidence(tunnel, each))
    return None
