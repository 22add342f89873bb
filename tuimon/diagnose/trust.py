"""Judgements about the certificate that the remote of a client service shows: would stunnel take it?

Rule: judged as stunnel itself judges (verify.c of 5.68): without verifyChain or verifyPeer an untrusted
remote is nobody's fault here; the first error that is not ignored counts.
"""

from collections.abc import Callable

from msgspec.structs import replace

from tuimon.diagnose import authority, refused, revocation
from tuimon.diagnose.finding import Finding, Severity, ago, clock, span
from tuimon.diagnose.names import matches_email, matches_host, matches_ip, names
from tuimon.diagnose.refused import still_refuses
from tuimon.diagnose.verification import (
    base,
    judges,
    newer_than_loaded,
    trusted,
    verifies_chain,
    verifies_peer,
)
from tuimon.model.certificate import CertificateFile
from tuimon.model.handshake import Handshake, VerifyError
from tuimon.model.tunnel import Trials, Tunnel

# X509_V_ERR_… of OpenSSL's x509_vfy.h
_NO_CRL, _CRL_EARLY, _CRL_EXPIRED = 3, 11, 12
_EXPIRED, _NOT_YET, _REVOKED = 10, 9, 23
_ISSUER_UNKNOWN = {2, 19, 20, 21}  # X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT and its kin
_NO_MATTER_WHO = {20, 21, 27}  # ignored at depth 0 without verifyChain


def _fatal(tunnel: Tunnel, handshake: Handshake) -> VerifyError | None:
    """The first error of OpenSSL's that stunnel would not ignore."""
    if handshake.trusted is None:
        return None
    whole = verifies_chain(tunnel.service)
    for each in handshake.verify_errors:
        if each.code and (whole or (each.depth == 0 and each.code not in _NO_MATTER_WHO)):
            return each
    return None


def _pinned(tunnel: Tunnel, handshake: Handshake) -> bool:
    """verifyPeer: whether a trusted certificate has the subject and the public key of the remote's."""
    served = handshake.chain[0]
    return any(
        each.subject == served.subject and each.spki_sha256 == served.spki_sha256 for each in trusted(tunnel)
    )


def _expired(tunnel: Tunnel, handshake: Handshake, depth: int, now: float) -> tuple[str, str, str]:
    """Code, text and fix for the certificate at `depth`: the leaf, one that was sent, or our own CA's."""
    where, place = handshake.target, authority.place(tunnel)
    known = {each.sha256 for each in trusted(tunnel)}
    sent = handshake.chain[depth] if depth < len(handshake.chain) else None
    if sent is not None and (depth == 0 or sent.sha256 not in known):
        whose = f"chain: {sent.title}" if depth else "certificate"
        text = f"remote {where}: {whose} expired {span(sent.seconds_left(now))} ago"
        return "peer-cert-expired", text, "tell the remote"
    ended = (each for each in authority.relied_on(tunnel) if each.seconds_left(now) <= 0)
    own = sent or next(ended, None)
    when = f" {span(own.seconds_left(now))} ago" if own else ""
    text = f"{base(place)}: {own.title if own else 'the authority'} expired{when} ({where})"
    return "ca-expired", text, f"put the new authority into {place}, then reload"


def untrusted(tunnel: Tunnel, now: float) -> Finding | None:
    """The remote shows a certificate that this client service will refuse."""
    found = None if not_in_force(tunnel, now) else _judged(tunnel, now)
    if found is None or not newer_than_loaded(tunnel, tunnel.ca) or _refused(tunnel, now):
        return found
    # What is in force is what the file held before: nobody is refused yet.
    text = f"after a reload: {found.text}"
    return Finding(found.code, Severity.WARNING, text, f"before a reload: {found.fix}", found.evidence)


def _judged(tunnel: Tunnel, now: float) -> Finding | None:
    """What the files on disk make of the remote's certificate."""
    handshake = tunnel.handshake
    if not tunnel.service.client or handshake is None or not handshake.chain or not judges(tunnel.service):
        return None
    return _refusal(tunnel, handshake, now)


def _changed(tunnel: Tunnel) -> tuple[CertificateFile, float] | None:
    """Which of CAfile and CRLfile changed after the load, and when: the first that did."""
    files = [each for each in (tunnel.ca, tunnel.crl) if newer_than_loaded(tunnel, each)]
    changed = [(each.stamp.mtime, each) for each in files if each is not None and each.stamp is not None]
    if not changed:
        return None
    at, file = min(changed, key=lambda pair: pair[0])
    return file, at


def _refused(tunnel: Tunnel, now: float) -> tuple[str, ...]:
    """What tells that the remote is refused by what was loaded before a file changed."""
    changed = _changed(tunnel)
    client = tunnel.service.client and judges(tunnel.service)
    return still_refuses(tunnel, changed[1], now) if changed is not None and client else ()


def not_in_force(tunnel: Tunnel, now: float) -> Finding | None:
    """The remote is refused by what is loaded, and what stands on disk by now may well take it.

    Where a probe that the new files judged is refused too, a reload would not do: that is `untrusted`.
    """
    changed, seen, handshake = _changed(tunnel), _refused(tunnel, now), tunnel.handshake
    if changed is None or not seen or (handshake is not None and not handshake.chain):
        return None
    file, at = changed
    looked = tunnel.probed_at is not None and tunnel.probed_at >= at
    if looked and _judged(tunnel, now) is not None:
        return None
    code = "ca-not-loaded" if file is tunnel.ca else "crl-not-loaded"
    text = f"{base(file.path)} changed {ago(at, now)}, not loaded: reload"
    evidence = (f"{file.path}, loaded at {clock(tunnel.instance.loaded_at, now)}", *seen)
    return Finding(code, Severity.CRITICAL, text, "reload", evidence, down=True)


def tried(tunnel: Tunnel, now: float) -> Trials | None:
    """`tunnel.trials` after one more look at its last handshake."""
    handshake, known = tunnel.handshake, tunnel.trials
    if not tunnel.service.client or not tunnel.instance.running or not judges(tunnel.service):
        return None
    if known is not None and known.loaded_at != tunnel.instance.loaded_at:
        tunnel, known = replace(tunnel, trials=None), None
    if handshake is None or not handshake.chain or _changed(tunnel) is not None:
        return known
    return refused.tried(tunnel, refused=_judged(tunnel, now) is not None)


def _refusal(tunnel: Tunnel, handshake: Handshake, now: float) -> Finding | None:
    errors = dict.fromkeys(each for each in handshake.verify_errors if each.code)
    evidence = tuple(f"depth {each.depth}: {each.text} ({each.code})" for each in errors)
    evidence += (f"leaf: {handshake.chain[0].subject}, issuer: {handshake.chain[0].issuer}",)
    where, place = handshake.target, authority.place(tunnel)

    def refuse(code: str, text: str, fix: str) -> Finding:
        return Finding(code, Severity.CRITICAL, text, fix, evidence, down=True)

    error = _fatal(tunnel, handshake)
    if error is not None:
        return _by_error(tunnel, handshake, error, now, refuse)
    if verifies_peer(tunnel.service) and handshake.trusted is not None and not _pinned(tunnel, handshake):
        text = f"remote's certificate is not in {base(place)} ({where})"
        return refuse("peer-untrusted", text, f"add the remote's new certificate to {place}, then reload")
    return None


def _by_error(
    tunnel: Tunnel,
    handshake: Handshake,
    error: VerifyError,
    now: float,
    refuse: Callable[[str, str, str], Finding],
) -> Finding:
    where, place = handshake.target, authority.place(tunnel)
    listed = {_CRL_EXPIRED: revocation.outdated, _CRL_EARLY: revocation.outdated}.get(error.code)
    about_lists = revocation.no_list(tunnel) if error.code == _NO_CRL else listed and listed(tunnel, now)
    if about_lists:
        return about_lists
    if error.code == _EXPIRED:
        return refuse(*_expired(tunnel, handshake, error.depth, now))
    if error.code == _NOT_YET:
        return refuse(
            "peer-cert-not-yet-valid", f"remote {where}: certificate not valid yet", "check both clocks"
        )
    if error.code == _REVOKED:
        return refuse("peer-revoked", f"remote {where}: certificate revoked", "tell the remote")
    if error.code in _ISSUER_UNKNOWN:
        text = f"remote untrusted: issuer not in {base(place)} ({where})"
        return refuse("peer-untrusted", text, f"put {handshake.chain[-1].issuer} into {place}, then reload")
    text = f"remote untrusted: {error.text} ({where})"
    return refuse("peer-untrusted", text, f"put the issuer into {place}, then reload")


def wrong_name(tunnel: Tunnel) -> Finding | None:
    """The remote's certificate is for another name than checkHost, checkIP and checkEmail allow."""
    service, handshake = tunnel.service, tunnel.handshake
    served = handshake.served if handshake else None
    if not service.client or served is None or not judges(service):
        return None
    wanted = service.texts("checkHost") + service.texts("checkIP") + service.texts("checkEmail")
    fits = (
        any(matches_host(served, name) for name in service.texts("checkHost"))
        or any(matches_ip(served, name) for name in service.texts("checkIP"))
        or any(matches_email(served, name) for name in service.texts("checkEmail"))
    )
    if not wanted or fits:
        return None
    text = f"remote's certificate is not for {', '.join(wanted)}"
    evidence = (f"it is for {', '.join(names(served)) or served.title}",)
    fix = "mend checkHost or the remote's certificate"
    return Finding("peer-name-mismatch", Severity.CRITICAL, text, fix, evidence, down=True)
