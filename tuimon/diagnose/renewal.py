"""Judgements about a certificate that a service does not have yet: would the renewal work?

Rule: pure, and nothing is tried on the service.  What it lacks against the certificate in use counts, not
only what it is by itself; what a client would say of it is judged as that client judges its remote.
"""

from collections.abc import Iterator

from msgspec import Struct
from msgspec.structs import replace

from tuimon.diagnose.certificate import expiry, weakness
from tuimon.diagnose.finding import Finding, Severity, span
from tuimon.diagnose.handshake import order
from tuimon.diagnose.in_use import disk_leaf, served_leaf
from tuimon.diagnose.names import matches_host
from tuimon.diagnose.pair import file_failure, key_findings
from tuimon.diagnose.trust import untrusted, wrong_name
from tuimon.model.certificate import Certificate, CertificateFile
from tuimon.model.handshake import Handshake
from tuimon.model.tunnel import Tunnel
from tuimon.settings import Settings

_SHOWN = 6
_PURPOSE = {True: "clientAuth", False: "serverAuth"}
_ANY_PURPOSE = "anyExtendedKeyUsage"


class Renewal(Struct, frozen=True, gc=False):
    """A new certificate with its chain, and the key that would go with it: the one that was given, or
    the one that the service has.  `refused` is what OpenSSL says against the pair, empty if it takes it."""

    new: CertificateFile
    key: CertificateFile | None = None
    refused: str = ""


def present(tunnel: Tunnel) -> Certificate | None:
    """The certificate that is in use now."""
    return (None if tunnel.service.client else served_leaf(tunnel)) or disk_leaf(tunnel)


def renewal(tunnel: Tunnel, asked: Renewal, now: float, settings: Settings) -> tuple[Finding, ...]:
    """Everything that speaks against it; a critical finding means that it would not work."""
    broken = file_failure(asked.new, "cert")
    if broken is not None:
        return (broken,)
    if not asked.new.certificates:
        text = f"no certificate in {asked.new.path}"
        return (Finding("cert-unreadable", Severity.CRITICAL, text, "name a PEM file, leaf first"),)
    found = [*_key(asked), *_dates(tunnel, asked.new.certificates[0], now, settings)]
    found += [*_chain(tunnel, asked.new), *_names(tunnel, asked.new.certificates[0])]
    found += _purpose(tunnel, asked.new.certificates[0])
    for each in asked.new.certificates:
        found += [
            Finding(weak.code, Severity.WARNING, f"{each.title}: {weak.text}", "issue a new one")
            for weak in weakness(each)
        ]
    order_of = {Severity.CRITICAL: 0, Severity.WARNING: 1, Severity.INFO: 2}
    return tuple(sorted(found, key=lambda each: order_of[each.severity]))


def _key(asked: Renewal) -> Iterator[Finding]:
    holder = asked.key or asked.new
    found = key_findings(asked.new, asked.key)
    yield from found
    if holder.key is not None and holder.key.encrypted:
        text = f"the private key in {holder.path} needs a password"
        yield Finding(
            "key-unreadable", Severity.CRITICAL, text, "store it without one, readable for its owner only"
        )
    elif asked.refused and not any(each.severity is Severity.CRITICAL for each in found):
        yield Finding(
            "cert-refused", Severity.CRITICAL, f"OpenSSL refuses it: {asked.refused}", "issue a new one"
        )


def _dates(tunnel: Tunnel, new: Certificate, now: float, settings: Settings) -> Iterator[Finding]:
    runs_out = expiry(new, now, settings)
    old = present(tunnel)
    if runs_out is not None:
        yield replace(
            runs_out, fix="issue a new one" if runs_out.code != "cert-not-yet-valid" else runs_out.fix
        )
    if old is None:
        return
    if new.sha256 == old.sha256:
        yield Finding("cert-same", Severity.WARNING, "this is the certificate in use, not a new one", "")
    elif new.not_after <= old.not_after:
        ends = f"{new.not_after:%Y-%m-%d}, the one in use {old.not_after:%Y-%m-%d}"
        text = f"it does not last longer than the one in use: until {ends}"
        yield Finding("cert-older", Severity.WARNING, text, "look whether it is the right file")


def _chain(tunnel: Tunnel, new: CertificateFile) -> Iterator[Finding]:
    wrong = order(new.certificates)
    if wrong is not None:
        fix = "order it leaf first, each followed by its issuer"
        yield Finding("chain-order", Severity.CRITICAL, wrong.text, fix)
    leaf, before = new.certificates[0], tunnel.handshake.chain if tunnel.handshake else ()
    if len(new.certificates) > 1 or leaf.self_signed or tunnel.service.client:
        return
    # The one in use came with its issuer, which is no root: the new one needs the same company.
    company = [each for each in before[1:] if not each.self_signed]
    if company:
        text = f"its issuer {leaf.issuer} is not in the file; the chain in use has {len(before)} certificates"
        yield Finding("chain-incomplete", Severity.CRITICAL, text, "append the issuer to the file")


def _names(tunnel: Tunnel, new: Certificate) -> Iterator[Finding]:
    """Names that are served today and would be no more, the service's own pattern among them."""
    old = present(tunnel)
    if tunnel.service.client:
        return
    lost = [each for each in (old.san if old else ()) if not _covered(each, new)]
    if lost:
        more = f" and {len(lost) - _SHOWN} more" if len(lost) > _SHOWN else ""
        text = f"no longer for {', '.join(lost[:_SHOWN])}{more}"
        yield Finding(
            "name-mismatch", Severity.CRITICAL, text, "have the names put back", tuple(new.san[:20])
        )
    pattern = tunnel.service.sni
    if pattern and f"DNS:{pattern}" not in lost and not matches_host(new, pattern.replace("*", "tuimon", 1)):
        yield Finding("name-mismatch", Severity.WARNING, f"not for `sni = {pattern}`", "")


def _covered(entry: str, new: Certificate) -> bool:
    kind, _, value = entry.partition(":")
    if entry.lower() in {each.lower() for each in new.san}:
        return True
    return kind == "DNS" and not value.startswith("*") and matches_host(new, value)


def _purpose(tunnel: Tunnel, new: Certificate) -> Iterator[Finding]:
    wanted = _PURPOSE[tunnel.service.client]
    if new.extended_key_usage and not {wanted, _ANY_PURPOSE} & set(new.extended_key_usage):
        text = f"its extended key usage is {', '.join(new.extended_key_usage)}, not {wanted}"
        yield Finding("cert-purpose", Severity.CRITICAL, text, f"issue it for {wanted}")
    if new.ca:
        yield Finding(
            "cert-purpose", Severity.WARNING, "the first certificate is an authority's, no leaf", ""
        )


def rejection(near: Tunnel, shown: Handshake, now: float) -> Finding | None:
    """What a client service of this machine would say to the new certificate, `shown` to it."""
    would = replace(near, handshake=replace(shown, target=near.service.connect[0].text))
    return untrusted(would, now) or wrong_name(would)


def lasts(new: Certificate, now: float) -> str:
    """`until 2027-02-24, 90 days`."""
    left = new.seconds_left(now)
    return f"until {new.not_after:%Y-%m-%d}, {span(left)}" if left > 0 else f"expired {span(left)} ago"
