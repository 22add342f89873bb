"""Judgements about the authorities that a service trusts: CAfile and CApath.

Rule: only those count that somebody needs: the one at which a remote's chain ends; of a server service
all of a handful, unless another of the same name lasts longer.  A bundle of hundreds has expired ones.
"""

import re
from collections.abc import Iterable

from tuimon.diagnose.certificate import warn_below
from tuimon.diagnose.finding import Finding, Severity, span
from tuimon.diagnose.verification import base, trusted, verifies_chain
from tuimon.model.certificate import Certificate
from tuimon.model.tunnel import Tunnel
from tuimon.settings import Thresholds

_HANDFUL = 5  # certificates that somebody chose one by one
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
