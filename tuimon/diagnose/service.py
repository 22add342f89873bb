"""Judgements about a service: all findings in order, its state and its three lights.

Rule: the first finding is the cause; what merely follows from it is left out.  New judgements stand
beside their kin (instance, listener, target, certificate) and are named once in `findings`.
"""

from tuimon.diagnose import authority, hazard, revocation
from tuimon.diagnose.advice import advised
from tuimon.diagnose.certificate import expiry, file_failure, key_findings, weakness
from tuimon.diagnose.check import program
from tuimon.diagnose.clients import judged_by_clients
from tuimon.diagnose.far_end import FarEnd, told_by_far_end
from tuimon.diagnose.finding import Finding, Light, Severity, State, worst
from tuimon.diagnose.handshake import chain_problems
from tuimon.diagnose.listener import (
    not_listening,
    not_probed,
    old_version,
    partly_listening,
    slow,
    tls_broken,
)
from tuimon.diagnose.remote import remote, remote_expiry
from tuimon.diagnose.stalled import stalled
from tuimon.diagnose.target import back_end, partial
from tuimon.diagnose.trust import untrusted, wrong_name
from tuimon.model.certificate import Certificate
from tuimon.model.handshake import DENIED, Depth
from tuimon.model.tunnel import Tunnel
from tuimon.settings import Settings


def on_disk(tunnel: Tunnel) -> Certificate | None:
    """The service's own leaf as its file holds it now."""
    return tunnel.own.certificates[0] if tunnel.own and tunnel.own.certificates else None


def served(tunnel: Tunnel) -> Certificate | None:
    """The leaf that the handshake showed."""
    return tunnel.handshake.served if tunnel.handshake else None


def not_loaded(tunnel: Tunnel, now: float) -> Finding | None:
    """The certificate on disk is not the one in use: a reload is missing."""
    disk, shown = on_disk(tunnel), served(tunnel)
    if disk is None or tunnel.own is None or not tunnel.instance.running:
        return None
    if tunnel.service.client:
        loaded, stamp = tunnel.instance.loaded_at, tunnel.own.stamp
        if loaded is None or stamp is None or stamp.mtime < loaded + 1:
            return None
        text = "client certificate renewed on disk, not loaded: reload"
        return Finding("cert-not-loaded", Severity.WARNING, text, "reload", (f"{tunnel.own.path} is newer",))
    if shown is None or shown.sha256 == disk.sha256:
        return None
    newer = disk.not_after > shown.not_after
    severity = Severity.WARNING if shown.seconds_left(now) > 0 else Severity.CRITICAL
    text = (
        "renewed on disk, old one served: reload"
        if newer
        else "another certificate is served than is on disk: reload"
    )
    evidence = (
        f"served {shown.sha256[:16]}… until {shown.not_after:%Y-%m-%d}",
        f"on disk {disk.sha256[:16]}… until {disk.not_after:%Y-%m-%d}, {tunnel.own.path}",
    )
    return Finding("cert-not-loaded", severity, text, "reload", evidence)


def own_certificate(tunnel: Tunnel, now: float, settings: Settings) -> list[Finding]:
    """Everything about the service's own certificate, key and chain."""
    found: list[Finding] = []
    stale = not_loaded(tunnel, now)
    if stale is not None:
        found.append(stale)
    if tunnel.own is not None:
        failure = file_failure(tunnel.own, "cert")
        found += [failure] if failure else key_findings(tunnel.own, tunnel.key_file)
    leaf = (None if tunnel.service.client else served(tunnel)) or on_disk(tunnel)
    if leaf is None:
        return found
    if stale is None:
        runs_out = expiry(leaf, now, settings)
        if runs_out is not None:
            found.append(_for_client(runs_out) if tunnel.service.client else runs_out)
    if not tunnel.service.client:
        found += _chain(tunnel, now, settings)
    found += [Finding(each.code, Severity.WARNING, each.text, "issue a new one") for each in weakness(leaf)]
    if leaf.self_signed:
        found.append(Finding("self-signed", Severity.INFO, "the certificate is signed by itself"))
    return found


def _for_client(finding: Finding) -> Finding:
    """The same finding for the certificate that a client service shows its remote."""
    text = finding.text.replace("certificate", "client certificate", 1)
    code = f"client-{finding.code}" if finding.code != "cert-not-yet-valid" else finding.code
    return Finding(code, finding.severity, text, finding.fix, finding.evidence)


_CHAIN_FIXES = {
    "chain-expired": "replace the chain",
    "chain-order": "order it leaf first, each followed by its issuer",
    "chain-incomplete": "append the issuer to the file of `cert =`",
    "chain-too-long": "leave out what does not belong to the chain",
}


def _chain(tunnel: Tunnel, now: float, settings: Settings) -> list[Finding]:
    """What is wrong with the chain that is served; what it holds is the evidence."""
    handshake = tunnel.handshake
    if handshake is None:
        return []
    sent = tuple(
        f"{index}: {each.subject}, notAfter {each.not_after:%Y-%m-%d}"
        for index, each in enumerate(handshake.chain[:10])
    )
    return [
        Finding(
            code,
            Severity.CRITICAL if code == "chain-expired" else Severity.WARNING,
            text,
            _CHAIN_FIXES[code],
            sent,
        )
        for code, text in chain_problems(handshake, now, settings)
        if code in _CHAIN_FIXES
    ]


def _what_it_trusts(tunnel: Tunnel, now: float, settings: Settings) -> list[Finding]:
    """Authorities and revocation lists; what they make of a client service's remote is judged as trust."""
    limits = settings.thresholds
    found = [authority.expiring(tunnel, now, limits), revocation.running_out(tunnel, now)]
    if not tunnel.service.client:
        found += [authority.expired(tunnel, now), revocation.outdated(tunnel, now)]
    return [each for each in found if each is not None]


def findings(
    tunnel: Tunnel,
    inherited: tuple[Finding, ...],
    now: float,
    settings: Settings,
    far: FarEnd | None = None,
) -> tuple[Finding, ...]:
    """All findings of a service; `inherited` are its instance's, the cause of everything below; `far`
    is what is known of its far end."""
    mine = (*own_certificate(tunnel, now, settings), *_what_it_trusts(tunnel, now, settings))
    own = hazard.restart_instead(mine, tunnel.instance)
    if any(each.down or each.off for each in inherited):
        said = {each.code for each in inherited}
        return (*inherited, *(each for each in own if each.code not in said))
    listener = not_listening(tunnel)
    waits = stalled(tunnel, now)
    target = waits if waits and waits.down else back_end(tunnel, now) or remote(tunnel, now)
    target = told_by_far_end(target, tunnel, far)
    trust = untrusted(tunnel, now) or wrong_name(tunnel)
    # A peer that is refused never gets as far as its target: trust before an early close.
    missing = program(tunnel.instance, tunnel.service) if tunnel.service.exec else None
    first = listener or trust or target or missing or tls_broken(tunnel)
    rest = (
        partly_listening(tunnel),
        partial(tunnel),
        waits if waits and not waits.down else None,
        None if trust else remote_expiry(tunnel, now, settings),
        old_version(tunnel),
        slow(tunnel),
    )
    found = [*((first,) if first else ()), *inherited, *own, *(each for each in rest if each)]
    found += advised(tunnel.service)
    found += judged_by_clients(tunnel, found, now, broken=first is not None)
    order = {Severity.CRITICAL: 0, Severity.WARNING: 1, Severity.INFO: 2}
    return tuple(sorted(found, key=lambda each: (not each.down, order[each.severity])))


def state(tunnel: Tunnel, found: tuple[Finding, ...]) -> State:
    """What the row says first."""
    known = worst(found)
    if known is not State.OK:
        return known
    if not tunnel.instance.processes_known:
        return State.PENDING
    if tunnel.key.ordinal < 0:  # nothing but the instance is known
        return State.UNKNOWN
    if not_probed(tunnel):
        here = tunnel.instance.process is None or not tunnel.instance.process.net
        return State.OK if tunnel.listeners and here else State.NOT_PROBED
    if tunnel.handshake is not None and tunnel.handshake.detail == DENIED:
        return State.UNKNOWN
    if tunnel.handshake is None:
        hidden = any(each.code == "not-permitted" for each in found)
        return State.UNKNOWN if hidden and tunnel.probed_at is not None else State.PENDING
    return State.OK


def lights(tunnel: Tunnel, found: tuple[Finding, ...]) -> tuple[Light, Light, Light]:
    """Listener, TLS, connect target: the layer that fails is seen before a word is read."""
    return _listener_light(tunnel), _tls_light(tunnel, found), _target_light(tunnel, found)


def _listener_light(tunnel: Tunnel) -> Light:
    if tunnel.service.inetd:
        return Light.SKIPPED
    if tunnel.listeners:
        return Light.OK
    running = tunnel.instance.running or not tunnel.instance.processes_known
    return Light.FAILED if tunnel.sockets_known or not running else Light.UNKNOWN


def _tls_light(tunnel: Tunnel, found: tuple[Finding, ...]) -> Light:
    handshake = tunnel.handshake
    if tunnel.plan.depth in (Depth.OFF, Depth.LISTEN):
        return Light.SKIPPED
    if handshake is None:
        return Light.UNKNOWN
    if tunnel.service.client and handshake.stage == "connect":
        return Light.UNKNOWN
    if any(each.down and each.code.startswith(("peer-", "ca-", "crl-")) for each in found):
        return Light.FAILED
    return Light.OK if handshake.ok else Light.FAILED


def _target_light(tunnel: Tunnel, found: tuple[Finding, ...]) -> Light:
    handshake = tunnel.handshake
    if any(each.down and each.code.startswith("connect-") for each in found):
        return Light.FAILED
    if tunnel.service.client:
        if handshake is None:
            return Light.UNKNOWN if tunnel.plan.depth is Depth.HANDSHAKE else Light.SKIPPED
        return Light.OK if handshake.connect_ms is not None else Light.FAILED
    if handshake is not None and handshake.ok and handshake.handshake_ms is not None:
        return Light.OK
    if tunnel.traffic.target_ok is not None:
        return Light.OK
    if tunnel.plan.depth is Depth.HANDSHAKE:
        return Light.UNKNOWN
    return Light.SKIPPED
