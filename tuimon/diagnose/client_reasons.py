"""Why connections of clients fail: what to say of it, what to do, and which other finding explains it.

Rule: a table, keyed by how the reason begins (the words are those of the log's reader).  `{peer}` is who
fails: the client of a server service, the remote of a client service.
"""

import re
from typing import NamedTuple


class Remedy(NamedTuple):
    """What to do for a reason: at a server service, where the peer is the client, and at a client service,
    where it is the remote.  `causes` are findings of which it is a mere consequence."""

    server: str
    client: str = ""
    causes: tuple[str, ...] = ()


_OURS = ("cert-expired", "cert-not-yet-valid", "cert-not-loaded", "chain-expired", "chain-incomplete")
_WEAK = (*_OURS, "chain-order", "weak-key", "weak-signature", "client-cert-expired")
_SHARED = "allow what it speaks (sslVersionMin, ciphers, securityLevel), or update it"
_COMPARE = "compare sslVersionMin, sslVersionMax and ciphers with the remote's"

_REMEDIES: tuple[tuple[str, Remedy], ...] = (
    ("plain HTTP", Remedy("have it speak https here, or send it to the plain port")),
    ("plain text", Remedy("switch TLS on in the client; if it starts in plain text, set `protocol =` here")),
    (
        "peer does not know our CA",
        Remedy(
            "give it our CA, or append the issuer to the file of `cert =` and reload",
            "have the remote trust the issuer of `cert =`",
            (*_OURS, "client-cert-expired"),
        ),
    ),
    (
        "peer says that our certificate has expired",
        Remedy("renew `cert =` and reload; if it is valid, look at the client's clock", causes=_WEAK),
    ),
    ("peer says that our certificate is revoked", Remedy("issue a new certificate, then reload")),
    (
        "peer rejected our certificate",
        Remedy("look at its log: name, issuer or purpose of our certificate", causes=_WEAK),
    ),
    (
        "peer does not support our kind",
        Remedy("issue a certificate of another kind (RSA, say)", causes=_WEAK),
    ),
    ("no shared TLS version", Remedy(_SHARED, _COMPARE)),
    ("no shared", Remedy(_SHARED, _COMPARE, causes=("weak-key", "weak-signature"))),
    ("peer refused the handshake", Remedy(_SHARED, _COMPARE)),
    ("peer demands stronger", Remedy("raise securityLevel and ciphers here")),
    (
        "peer did not send a certificate",
        Remedy("give it a certificate of an authority in `CAfile =`", "the remote shows no certificate"),
    ),
    (
        "peer demands a certificate",
        Remedy("set `cert =`", "set `cert =` of an authority that the remote trusts"),
    ),
    (
        "certificate rejected: certificate has expired",
        Remedy("have it renew its certificate", "tell the remote", ("ca-expired", "crl-expired")),
    ),
    (
        "certificate rejected: certificate is not yet valid",
        Remedy("check both clocks", causes=("clock-unsynced",)),
    ),
    (
        "certificate rejected: CRL has expired",
        Remedy("fetch the new list of `CRLfile =`, then reload", causes=("crl-expired",)),
    ),
    ("certificate rejected: its names", Remedy("mend checkHost, checkIP or checkEmail, or its certificate")),
    ("certificate rejected: not among", Remedy("add its new certificate to `CAfile =`, then reload")),
    (
        "certificate rejected by OCSP",
        Remedy("ask the responder: openssl ocsp; is it up?", causes=("ocsp-slow",)),
    ),
    ("certificate rejected: certificate revoked", Remedy("it needs a new certificate", "tell the remote")),
    (
        "certificate rejected",
        Remedy("add its issuer to `CAfile =`, then reload", causes=("ca-expired", "crl-expired")),
    ),
    ("certificate revoked", Remedy("it needs a new certificate", "tell the remote")),
    ("the peer's certificate failed", Remedy("look at its certificate and at `CAfile =`")),
    ("PSK identity unknown", Remedy("add its identity to `PSKsecrets =`, then reload")),
    ("wrong pre-shared key", Remedy("compare both keys of its identity (PSKsecrets)")),
    ("peer does not know our PSK", Remedy("compare both identities (PSKsecrets, PSKidentity)")),
    ("peer refused our parameters", Remedy("compare both keys and identities (PSKsecrets)")),
    ("peer could not check", Remedy("compare both keys and identities (PSKsecrets)")),
    ("no service for the server name", Remedy("add the name to an `sni =`, or mend it in the client")),
    ("refused by libwrap", Remedy("allow it in /etc/hosts.allow, or look at /etc/hosts.deny")),
    ("client did not ask for TLS", Remedy("set sslmode=require in the client")),
    ("redirected", Remedy("look at its certificate, and at `CAfile =`: it comes without an acceptable one")),
    ("peer closed during", Remedy("look at its own log: it hangs up without a word")),
    ("bad record", Remedy("something between both changes the bytes: a proxy, a broken network card")),
)
_PLAIN = (
    ("unable to get local issuer certificate", "issuer is not in CAfile"),
    ("unable to get issuer certificate", "issuer is not in CAfile"),
    ("unable to verify the first certificate", "issuer is not in CAfile"),
    ("self-signed certificate", "certificate is self-signed, not in CAfile"),
    ("certificate has expired", "certificate has expired"),
    ("certificate is not yet valid", "certificate is not yet valid"),
    ("certificate revoked", "certificate is revoked"),
    ("its names do not match", "certificate is for another name"),
    ("not among the trusted peers", "certificate is not among the trusted ones"),
)
_OTHER = Remedy("look at its own log, and compare its options", "compare its options with the remote's")
_ALERT = re.compile(r" \(alert [a-z ]+\)$")


def remedy(reason: str) -> Remedy:
    """What to do about a reason."""
    return next((each for start, each in _REMEDIES if reason.startswith(start)), _OTHER)


def fix(reason: str, *, client: bool) -> str:
    """What to do about a reason at this kind of service."""
    found = remedy(reason)
    return (found.client or (_OTHER.client if found is _OTHER else found.server)) if client else found.server


def words(reason: str, *, client: bool) -> str:
    """The reason short enough for a row: who fails has just been named; at a client service the remote has
    not been."""
    short = _ALERT.sub("", reason)
    its = "the remote's" if client else "its"
    if short.startswith("certificate rejected: "):
        said = short.removeprefix("certificate rejected: ")
        plain = next((said.replace(start, words) for start, words in _PLAIN if said.startswith(start)), "")
        return f"{its} {plain or f'certificate: {said}'}"
    if short.startswith("certificate revoked"):
        return f"{its} certificate is revoked"
    if client:
        return short.replace("peer ", "the remote ", 1) if short.startswith("peer ") else short
    return short.removeprefix("peer ")
