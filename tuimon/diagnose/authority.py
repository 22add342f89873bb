"""Judgements about the authorities that a service trusts: CAfile and CApath.

Rule: only those count that somebody needs: the one at which a remote's chain ends; of a server service
all of a handful, unless another of the same name lasts longer.  A bundle of hundreds has expired ones.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime

from tuimon.diagnose.certificate import warn_below
from tuimon.diagnose.finding import Finding, Severity, ago, clock, span
from tuimon.diagnose.verification import base, judges, newer_than_loaded, trusted, verifies_chain
from tuimon.model.certificate import Certificate
from tuimon.model.tunnel import Tunnel
from tuimon.settings import Thresholds

_HANDFUL = 5  # certificates that somebody chose one by one
_LATELY = 90 * 86400.0  # seconds before a load, of which a new authority is one that was brought for it
_VERSION = re.compile(r"[\s\-_.]*(?:\bv?\d+|\b[GRXEKM]\d+|\([^)]*\))[\s\-_.]*", re.IGNORECASE)


def place(tunnel: Tunnel) -> str:
    """Where the service's authorities stand."""
    return tunnel.service.text("CAfile") or tunnel.service.text("CApath")


def relied_on(tunnel: Tunnel) -> list[Certificate]:
    """The trusted certificates on the way from the remote's leaf to a root, as OpenSSL climbs: trusted
    ones first, of several of one name the last to end."""
    chain = tunnel.handshake.chain if tunnel.handshake else ()
    known, found = trusted(tunnel), list[Certificate]()
    here = chain[0] if chain else None
    for _ in range(len(chain) + len(known)):
        if here is None or here.self_signed:
            break
        ours = _issuers(here, known)
        here = next(iter(ours or _issuers(here, chain)), None)
        found += [here] if here is not None and ours else []
    return found


def _issuers(child: Certificate, among: Iterable[Certificate]) -> list[Certificate]:
    fitting = [
        each
        for each in among
        if each.subject == child.issuer and (not child.aki or not each.ski or child.aki == each.ski)
    ]
    return sorted(fitting, key=lambda each: each.not_after, reverse=True)


def _kin(certificate: Certificate) -> str:
    """The name without what tells one generation from the next: `Lab Root 2020`, `Lab Root G2`."""
    return _VERSION.sub(" ", certificate.title).strip().lower() or certificate.title


def _needed(tunnel: Tunnel, now: float) -> list[Certificate]:
    """The authorities of a server service whose end somebody would notice, soonest first."""
    known = [each for each in trusted(tunnel) if each.ca or each.self_signed]
    alive = [each for each in known if each.seconds_left(now) > 0]
    if not alive:
        return known if len(known) <= _HANDFUL else []
    if len(known) > _HANDFUL:
        return []
    last: dict[str, Certificate] = {}
    for each in sorted(alive, key=lambda one: one.not_after):
        last[_kin(each)] = each
    return sorted(last.values(), key=lambda one: one.not_after)


def file_of(tunnel: Tunnel, certificate: Certificate) -> str:
    """The file or folder that holds it."""
    held = (file for file in (tunnel.ca, tunnel.ca_folder) if file is not None)
    return next((file.path for file in held if certificate in file.certificates), "")


def needed(tunnel: Tunnel) -> list[Certificate]:
    """The authorities whose end matters to this service, whenever that is; of a bundle, those that its
    remote's chain ends at."""
    if tunnel.service.client:
        return relied_on(tunnel)
    known = trusted(tunnel)
    return list({_kin(each): each for each in sorted(known, key=_end)}.values()) if _few(known) else []


def chosen(tunnel: Tunnel) -> list[Certificate]:
    """The authorities that somebody chose one by one, or that are needed of a bundle."""
    known = trusted(tunnel)
    return list(known) if _few(known) else needed(tunnel)


def _few(known: Sequence[Certificate]) -> bool:
    return len(known) <= _HANDFUL


def _end(certificate: Certificate) -> datetime:
    return certificate.not_after


def _evidence(tunnel: Tunnel, certificate: Certificate) -> tuple[str, ...]:
    option = "CAfile" if tunnel.service.text("CAfile") else "CApath"
    return (
        f"{option} = {place(tunnel)}, {tunnel.service.place(option)}",
        f"notAfter {certificate.not_after:%Y-%m-%d %H:%M} UTC of {certificate.subject}",
    )


def expired(tunnel: Tunnel, now: float) -> Finding | None:
    """All authorities of a server service that verifies have expired: it takes nobody's certificate."""
    if tunnel.service.client or not verifies_chain(tunnel.service):
        return None
    known = [each for each in trusted(tunnel) if each.ca or each.self_signed]
    if not known or any(each.seconds_left(now) > 0 for each in known):
        return None
    newest = max(known, key=lambda each: each.not_after)
    gate = tunnel.service.requires_certificate and not tunnel.service.texts("redirect")
    text = f"{base(place(tunnel))}: {newest.title} expired {span(newest.seconds_left(now))} ago: refuses all"
    fix = f"put the new authority into {place(tunnel)}, then reload"
    return Finding("ca-expired", Severity.CRITICAL, text, fix, _evidence(tunnel, newest), down=gate)


def not_loaded(tunnel: Tunnel, now: float) -> Finding | None:
    """CAfile has changed since the process read it: what is trusted is still what it held before."""
    if tunnel.ca is None or not judges(tunnel.service) or not newer_than_loaded(tunnel, tunnel.ca):
        return None
    stamp, known = tunnel.ca.stamp, tunnel.ca.certificates
    since = (tunnel.instance.loaded_at or now) - _LATELY
    fresh = next((each for each in known if each.not_before.timestamp() > since), None)
    severity = Severity.WARNING if fresh is not None and _few(known) else Severity.INFO
    what = f"authority {fresh.title}" if fresh is not None and _few(known) else base(place(tunnel))
    text = f"{what} changed {ago(stamp.mtime, now) if stamp else ''}, not loaded: reload"
    evidence = (f"{tunnel.ca.path}, loaded at {clock(tunnel.instance.loaded_at, now)}",)
    return Finding("ca-not-loaded", severity, text, "reload", evidence)


def expiring(tunnel: Tunnel, now: float, limits: Thresholds) -> Finding | None:
    """An authority that is needed runs out: everybody under it will be refused at the same moment."""
    if not verifies_chain(tunnel.service):
        return None
    needed = relied_on(tunnel) if tunnel.service.client else _needed(tunnel, now)
    for each in sorted(needed, key=lambda one: one.not_after):
        left = each.seconds_left(now)
        if 0 < left < warn_below(each, limits):
            text = f"{base(place(tunnel))}: authority {each.title} expires in {span(left)}"
            fix = f"add its successor to {place(tunnel)}, then reload"
            return Finding("ca-expiring", Severity.WARNING, text, fix, _evidence(tunnel, each))
    return None
