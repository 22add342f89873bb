"""Judgements about a handshake and the chain that it brought, in the problem codes of the contract.

Rule: what the leaf is by itself is judged by `certificate.problems`; here is what follows from its
place in the chain, from the name that was asked for and from what the peer did.  A problem is one code
and one sentence; a chain is judged as it was sent, except for trust, which is OpenSSL's to judge.
"""

import ipaddress
from collections.abc import Iterator, Sequence

from tuimon.diagnose.certificate import problems
from tuimon.diagnose.names import matches_host, matches_ip, names
from tuimon.model.certificate import Certificate
from tuimon.model.handshake import CodedText, Handshake, Verdict, VerifyError
from tuimon.settings import Settings
from tuimon.text import printable

# X509_V_ERR_… of OpenSSL's x509_vfy.h
_NO_ISSUER = {2, 20}
_NOT_YET, _EXPIRED, _TOO_LONG, _REVOKED = 9, 10, 22, 23
_ELSEWHERE = {21, _NOT_YET, _EXPIRED, _TOO_LONG, _REVOKED}  # told by another code, or by its own cause

_OLD_VERSIONS = {"SSLv3", "TLSv1", "TLSv1.1"}
_ABOUT_US = {
    "handshake_failure",
    "bad_certificate",
    "unsupported_certificate",
    "certificate_revoked",
    "certificate_expired",
    "certificate_unknown",
    "unknown_ca",
    "access_denied",
    "certificate_required",
}
"""Alerts that, after a certificate request, are about the certificate of ours."""

_SHOWN = 4


def out_of_order(chain: Sequence[Certificate]) -> int | None:
    """The position of the first certificate that did not issue the one before it, None if all did.

    RFC 5246 section 7.4.2; RFC 8446 section 4.4.2 lets a client cope, but not all do.  Names that
    cannot be decoded are given the benefit of the doubt.
    """
    for position in range(1, len(chain)):
        here, before = chain[position], chain[position - 1]
        known = not ({"subject", "certificate"} & {*here.undecodable})
        if known and "issuer" not in before.undecodable and here.subject != before.issuer:
            return position
    return None


def order(chain: Sequence[Certificate]) -> CodedText | None:
    """`chain-order`, with the first pair that does not fit."""
    position = out_of_order(chain)
    if position is None:
        return None
    here, before = chain[position], chain[position - 1]
    text = (
        f"chain in the wrong order: certificate {position} ({here.title}) "
        f"is not the issuer of certificate {position - 1} ({before.title})"
    )
    return CodedText("chain-order", text)


def in_chain(chain: Sequence[Certificate], now: float, settings: Settings) -> Iterator[CodedText]:
    """What is wrong with the certificates above the leaf; an expired one is `chain-expired`."""
    for certificate in chain[1:]:
        for problem in problems(certificate, now, settings):
            code = "chain-expired" if problem.code == "expired" else problem.code
            if code != "self-signed":  # a root may be sent along
                yield CodedText(code, f"chain: {certificate.title}: {problem.text}")


def fits(certificate: Certificate, name: str) -> bool:
    """Whether a certificate is good for a host name or an IP address."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        pass
    else:
        return matches_ip(certificate, name)
    try:
        name = name.encode("ascii" if name.isascii() else "idna").decode("ascii")
    except UnicodeError:
        return False
    return matches_host(certificate, name.rstrip("."))


def _name(chain: Sequence[Certificate], name: str) -> Iterator[CodedText]:
    if not name or not chain or fits(chain[0], name):
        return
    good = [*names(chain[0]), *(each[3:] for each in chain[0].san if each.startswith("IP:"))]
    more = f" and {len(good) - _SHOWN} more" if len(good) > _SHOWN else ""
    for_whom = ", ".join(good[:_SHOWN]) + more if good else "no name at all"
    yield CodedText("name-mismatch", f"the certificate is for {for_whom}, not for {printable(name)}")


def _leaf(handshake: Handshake, now: float, settings: Settings) -> Iterator[CodedText]:
    """The leaf's own problems.  To sign oneself is one for whoever is not trusted, CA or not."""
    if not handshake.chain:
        return
    leaf = handshake.chain[0]
    yield from (each for each in problems(leaf, now, settings) if each.code != "self-signed")
    if leaf.self_signed and not handshake.trusted:
        yield CodedText("self-signed", "the certificate is signed by itself")


def _where(error: VerifyError, chain: Sequence[Certificate]) -> str:
    if error.depth < len(chain):
        return f"depth {error.depth}, {chain[error.depth].title}"
    return f"depth {error.depth}"


def _trust(handshake: Handshake) -> Iterator[CodedText]:
    """What OpenSSL found when it verified the chain against the CA file."""
    chain, errors = handshake.chain, handshake.verify_errors
    if handshake.trusted is False:
        others = [each for each in errors if each.code not in _ELSEWHERE]
        if others and not any(each.code == _TOO_LONG for each in errors):  # then the rest follows from it
            said = "; ".join(dict.fromkeys(f"{each.text} ({_where(each, chain)})" for each in others))
            yield CodedText("untrusted", f"not trusted by the CA file: {said}")
        for each in errors:
            if each.depth >= len(chain) and each.code in (_EXPIRED, _NOT_YET):
                code = "chain-expired" if each.code == _EXPIRED else "not-yet-valid"
                yield CodedText(code, f"in the CA file: {each.text} ({_where(each, chain)})")
    for each in errors:
        if each.code == _REVOKED:
            yield CodedText("revoked", f"{each.text} ({_where(each, chain)})")


def _incomplete(handshake: Handshake) -> Iterator[CodedText]:
    """A leaf without its issuer.  Whether that one is a root, which may be left out, only the CA file
    tells; but a certificate that was logged publicly (SCTs) was never issued by a root directly."""
    chain = handshake.chain
    if len(chain) != 1 or chain[0].self_signed or chain[0].ca:
        return
    missing = any(each.code in _NO_ISSUER for each in handshake.verify_errors)
    if missing and (handshake.trusted is False or (handshake.trusted is None and chain[0].scts)):
        where = " nor in the CA file" if handshake.trusted is False else ""
        yield CodedText("chain-incomplete", f"the issuer {chain[0].issuer} is not sent{where}")


def _length(handshake: Handshake) -> Iterator[CodedText]:
    if handshake.refusal == "excessive message size":
        yield CodedText("chain-too-long", "the chain is larger than the 100 KiB that OpenSSL accepts")
    elif any(each.code == _TOO_LONG for each in handshake.verify_errors):
        text = f"the chain of {len(handshake.chain)} certificates is longer than OpenSSL verifies (100)"
        yield CodedText("chain-too-long", text)


def _version(handshake: Handshake) -> Iterator[CodedText]:
    if handshake.tls_version in _OLD_VERSIONS:
        text = f"speaks {handshake.tls_version} at most, which RFC 8996 forbids"
        yield CodedText("weak-protocol", text)
    elif handshake.legacy and handshake.tls_version:
        text = f"speaks {handshake.tls_version} only to a client that offers TLS 1.0 (security level 0)"
        yield CodedText("weak-protocol", text)


def _client_certificate(handshake: Handshake) -> Iterator[CodedText]:
    """A refusal that is about our certificate; under TLS 1.3 it comes after our Finished only."""
    asked, alert = handshake.client_certificate_requested, handshake.alert
    refused = handshake.verdict is Verdict.TLS_ALERT and (asked and alert in _ABOUT_US)
    if not refused and alert != "certificate_required":
        return
    wanted = " or ".join(handshake.client_ca_names[:_SHOWN])
    of_whom = f" issued by {wanted}" if wanted else ""
    if "> CertificateVerify" in handshake.messages:
        text = f"refuses the client certificate that it was shown (alert {alert}); it wants one{of_whom}"
    else:
        text = f"wants a client certificate{of_whom} (alert {alert})"
    yield CodedText("client-cert-required", text)


def chain_problems(handshake: Handshake, now: float, settings: Settings) -> Iterator[CodedText]:
    """What is wrong with a chain as a chain, whoever looks at it."""
    yield from _length(handshake)
    yield from _incomplete(handshake)
    wrong_order = order(handshake.chain)
    if wrong_order:
        yield wrong_order
    yield from in_chain(handshake.chain, now, settings)


def judge(handshake: Handshake, now: float, settings: Settings, name: str = "") -> tuple[CodedText, ...]:
    """Everything that is wrong with a handshake and its chain, each sentence once.

    `name` is the host name or address that the certificate should be good for; empty: any will do.
    """
    found = (
        *_client_certificate(handshake),
        *_leaf(handshake, now, settings),
        *_name(handshake.chain, name),
        *_trust(handshake),
        *chain_problems(handshake, now, settings),
        *_version(handshake),
    )
    return tuple(dict.fromkeys(found))
