"""Judgements about the chain of a service's own certificate, as it is sent.

Rule: what the peer cannot do without is critical; what only old clients need, or what the next renewal
of the certificate brings anyway, is said softer or not at all.
"""

from collections.abc import Iterator, Sequence

from tuimon.diagnose.certificate import problems
from tuimon.diagnose.finding import Finding, Severity
from tuimon.diagnose.handshake import chain_problems, order
from tuimon.model.certificate import Certificate
from tuimon.model.handshake import CodedText
from tuimon.model.tunnel import Tunnel
from tuimon.settings import Settings

_FIXES = {
    "chain-expired": "replace the chain, then reload",
    "chain-expiring": "fetch the authority's new chain, append it to the certificate, then reload",
    "chain-order": "order it leaf first, each followed by its issuer, then reload",
    "chain-incomplete": "append the issuer to the file of `cert =`, then reload",
    "chain-too-long": "leave out what does not belong to the chain",
    "weak-key": "ask the authority for another chain",
    "weak-signature": "ask the authority for another chain",
    "cert-not-yet-valid": "check the clock",
}
_CODES = {"expired": "chain-expired", "expiring": "chain-expiring", "not-yet-valid": "cert-not-yet-valid"}
_ON_WIRE = {"chain-incomplete", "chain-too-long"}


def sent(tunnel: Tunnel) -> tuple[Certificate, ...]:
    """The chain as it was seen on the wire; of a client service, or without a look, as the file has it."""
    if tunnel.handshake is not None and not tunnel.service.client and tunnel.handshake.chain:
        return tunnel.handshake.chain
    return tunnel.own.certificates if tunnel.own else ()


def findings(tunnel: Tunnel, now: float, settings: Settings) -> list[Finding]:
    """What is wrong with the chain; what it holds is the evidence."""
    whole = sent(tunnel)
    chain = tuple({each.sha256: each for each in whole}.values())
    evidence = tuple(
        f"{index}: {each.subject}, notAfter {each.not_after:%Y-%m-%d}"
        for index, each in enumerate(whole[:10])
    )
    found = [*_members(chain, now, settings, evidence)]
    wrong = order(chain)
    about = [wrong] if wrong else []
    if tunnel.handshake is not None and not tunnel.service.client:
        seen = chain_problems(tunnel.handshake, now, settings)
        about += [each for each in seen if each.code in _ON_WIRE]
    absent = _absent_issuer(tunnel, chain)
    if absent is not None and not any(each.code == "chain-incomplete" for each in about):
        about.append(absent)
    found += [Finding(each.code, Severity.WARNING, each.text, _FIXES[each.code], evidence) for each in about]
    if len(chain) < len(whole):
        text = "chain: a certificate is sent twice"
        found.append(Finding("chain-order", Severity.INFO, text, "leave one of them out", evidence))
    return found


def _members(
    chain: Sequence[Certificate], now: float, settings: Settings, evidence: tuple[str, ...]
) -> Iterator[Finding]:
    """What is wrong with the certificates above the leaf by themselves."""
    for each in chain[1:]:
        for problem in problems(each, now, settings):
            code, severity = _CODES.get(problem.code, problem.code), Severity.WARNING
            text = f"chain: {each.title}: {problem.text}"
            if code not in _FIXES or (code == "chain-expiring" and each.not_after >= chain[0].not_after):
                continue  # a chain that outlives the certificate is renewed with it
            if code == "chain-expired" and _known_anyway(each, chain):
                text += " (only old clients need it)"
            elif code == "chain-expired":
                severity = Severity.CRITICAL
            yield Finding(code, severity, text, _FIXES[code], evidence)


def _known_anyway(certificate: Certificate, chain: Sequence[Certificate]) -> bool:
    """Whether peers most likely know this one by itself: a root that is sent along, or the last above
    another authority, which is how the signature of an older root is sent."""
    return certificate.self_signed or (certificate is chain[-1] and len(chain) > 2)


def _absent_issuer(tunnel: Tunnel, chain: Sequence[Certificate]) -> CodedText | None:
    """The last one's issuer is known here to be no root: another service sends it, this one does not."""
    issuer = tunnel.issuer
    if issuer is None or not chain or tunnel.service.client or any(each.self_signed for each in chain):
        return None
    return CodedText("chain-incomplete", f"chain incomplete: {issuer.title} is not sent")
