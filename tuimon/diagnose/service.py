"""Judgements about a service: all findings in order, its state and its three lights.

Rule: the first finding is the cause; what merely follows from it is left out.  New judgements stand
beside their kin (instance, listener, target, certificate) and are named once in `findings`.
"""

from typing import NamedTuple

from tuimon.diagnose import authority, hazard, itself, logfile, own, revocation
from tuimon.diagnose.advice import advised
from tuimon.diagnose.check import program
from tuimon.diagnose.clients import judged_by_clients
from tuimon.diagnose.clock import doubted, unsynced
from tuimon.diagnose.far_end import FarEnd, told_by_far_end
from tuimon.diagnose.finding import Finding, Light, Severity, State, worst
from tuimon.diagnose.instance import unread
from tuimon.diagnose.listener import (
    not_listening,
    not_probed,
    old_version,
    partly_listening,
    slow,
    tls_broken,
)
from tuimon.diagnose.loaded import for_service, told_of_the_disk
from tuimon.diagnose.remote import remote, remote_expiry
from tuimon.diagnose.stalled import stalled
from tuimon.diagnose.target import back_end, partial
from tuimon.diagnose.trust import not_in_force, tried, untrusted, wrong_name
from tuimon.model.handshake import DENIED, Depth
from tuimon.model.tunnel import Trials, Tunnel
from tuimon.settings import Settings


class Judged(NamedTuple):
    """What is made of a service: its findings, the state that follows, its three lights, and what is to be
    remembered of its trust (`Tunnel.trials`)."""

    findings: tuple[Finding, ...]
    state: State
    lights: tuple[Light, Light, Light]
    trials: Trials | None = None


def judge(
    tunnel: Tunnel,
    inherited: tuple[Finding, ...],
    now: float,
    settings: Settings,
    far: FarEnd | None = None,
) -> Judged:
    """Judge a service; arguments as of `findings`.

    This is the one place where a bug in any judgement, or in the join before it, ends: it becomes the
    service's own finding, and the others go on being judged.
    """
    try:
        if tunnel.bug is None:
            found = findings(tunnel, inherited, now, settings, far)
            return Judged(found, state(tunnel, found), lights(tunnel, found), tried(tunnel, now))
        finding = itself.stumbled(tunnel.bug)
    except Exception as error:
        finding = itself.itself(error)
    down = tuple(each for each in inherited if each.down or each.off)
    unknown = (Light.UNKNOWN, Light.UNKNOWN, Light.UNKNOWN)
    return Judged((*down, finding), worst(down) if down else State.UNKNOWN, unknown)


def _what_it_trusts(tunnel: Tunnel, now: float, settings: Settings) -> list[Finding]:
    """Authorities and revocation lists; what they make of a client service's remote is judged as trust."""
    limits = settings.thresholds
    found = [
        authority.not_loaded(tunnel, now),
        authority.expiring(tunnel, now, limits),
        revocation.running_out(tunnel, now),
    ]
    old = not_in_force(tunnel, now)
    if old is not None:
        found = [old, *(each for each in found if each is None or each.code != old.code)]
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
    inherited = for_service(tunnel, inherited, now)
    if not (tunnel.instance.processes_known or tunnel.instance.processes_hidden):
        return inherited  # nobody has looked at the machine yet: a thousand rows are seen the sooner
    settings = settings.of(tunnel.service.name)
    mine = (*own.findings(tunnel, now, settings), *_what_it_trusts(tunnel, now, settings))
    known = next((each for each in inherited if each.code == "reload-hazard"), None)
    advice = hazard.restart_instead(mine, known)
    if any(each.down or each.off for each in inherited):
        said = {each.code for each in inherited}
        return (*inherited, *(each for each in advice if each.code not in said))
    listener = not_listening(tunnel)
    waits = stalled(tunnel, now)
    target = waits if waits and waits.down else back_end(tunnel, now) or remote(tunnel, now)
    target = told_of_the_disk(told_by_far_end(target, tunnel, far), tunnel)
    target = next(iter(hazard.restart_instead((target,), known)), None) if target else None
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
        logfile.level(tunnel),
    )
    found = [*((first,) if first else ()), *inherited, *advice, *(each for each in rest if each)]
    found += advised(tunnel.service)
    found += unsynced(tunnel)
    broken = first is not None or any(each.down for each in found)
    found += judged_by_clients(tunnel, found, now, broken=broken)
    order = {Severity.CRITICAL: 0, Severity.WARNING: 1, Severity.INFO: 2}
    told = (doubted(each, tunnel.instance) for each in found)
    return tuple(sorted(told, key=lambda each: (not each.down, order[each.severity])))


def state(tunnel: Tunnel, found: tuple[Finding, ...]) -> State:
    """What the row says first."""
    known = worst(found)
    if known is State.WARNING and any(each.code == itself.CODE for each in found):
        return State.UNKNOWN  # its instance was not judged
    if known is not State.OK:
        return known
    if not tunnel.instance.processes_known:
        return State.UNKNOWN if tunnel.instance.processes_hidden else State.PENDING
    if tunnel.key.ordinal < 0:  # nothing but the instance is known
        return State.PENDING if unread(tunnel.instance) else State.UNKNOWN
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
    """Listener, TLS, connect target: the layer that fails is seen before a word is read.

    The socket of a process that accepts nobody is there, and all that was seen behind it is of before.
    """
    if any(each.down and each.code == "hung" for each in found):
        return Light.FAILED, Light.UNKNOWN, Light.UNKNOWN
    return _listener_light(tunnel), _tls_light(tunnel, found), _target_light(tunnel, found)


def _listener_light(tunnel: Tunnel) -> Light:
    if tunnel.service.inetd:
        return Light.SKIPPED
    if tunnel.listeners:
        return Light.OK
    if tunnel.instance.processes_hidden:
        return Light.UNKNOWN
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
