"""The judgement about a regular partner that has gone silent.

Rule: only who comes like clockwork is missed, only where its coming would have been seen, and not for ever.
"""

from itertools import pairwise

from tuimon.diagnose.finding import Finding, Severity, clock, span
from tuimon.diagnose.target import log_tells
from tuimon.model.clients import Peer
from tuimon.model.tunnel import Tunnel

_CALLS = 6
_SHORTEST, _LONGEST = 20.0, 6 * 3600.0  # seconds between two calls of a partner that may be missed
_BAND = 0.35  # share of the rhythm by which a gap may differ from it
_MISFITS = 8  # one gap in so many may be another
_PAUSE = 3.0  # a gap so many times the rhythm is a pause: a night, a restart
_AT_LEAST, _STAYS = 600.0, 7200.0
_AGE = 20  # rhythms after which nobody waits any more


def rhythm(peer: Peer) -> float | None:
    """Seconds between two calls of a peer that comes like clockwork; None for everybody else."""
    gaps = [later - earlier for earlier, later in pairwise(peer.calls)]
    if len(peer.calls) < _CALLS:
        return None
    from statistics import median  # noqa: PLC0415 - it comes with fractions and decimals, for the few

    usual = median(gaps)
    if not _SHORTEST <= usual <= _LONGEST:
        return None
    misfits = sum(abs(gap - usual) > _BAND * usual for gap in gaps)
    return usual if misfits <= len(gaps) // _MISFITS else None


def client_missing(tunnel: Tunnel, now: float) -> Finding | None:
    """A partner that came every few minutes comes no more, though it could."""
    process, loaded = tunnel.instance.process, tunnel.instance.loaded_at
    if process is None or not log_tells(tunnel) or not _heard(tunnel):
        return None
    begun = max(process.id.started, loaded or 0.0, tunnel.clients.resumed)
    missed = [
        (peer, usual, now - peer.last_seen)
        for peer in tunnel.clients.peers
        if peer.last_seen is not None
        and (usual := rhythm(peer)) is not None
        and _misses(peer, usual, peer.last_seen, begun, now)
    ]
    if not missed:
        return None
    peer, usual, silent = max(missed, key=lambda each: len(each[0].calls))
    text = f"{peer.address} connects every {every(usual)}, silent for {span(silent)}"
    if len(missed) > 1:
        text += f" (and {len(missed) - 1} more)"
    evidence = tuple(
        f"{each.address}: last seen {clock(each.last_seen, now)}, {each.connections} connections, "
        f"every {every(its)}, longest pause {span(each.pause)}"
        for each, its, _ in missed[:5]
    )
    fix = f"look at {peer.address}, and at the network and firewall between"
    return Finding("client-missing", Severity.WARNING, text, fix, evidence)


def _misses(peer: Peer, usual: float, seen: float, begun: float, now: float) -> bool:
    gaps = (later - earlier for earlier, later in pairwise(peer.calls))
    longest = max((gap for gap in gaps if gap <= _PAUSE * usual), default=usual)
    patience = max(4 * longest, 1.2 * peer.pause, _AT_LEAST)
    silent = now - max(seen, begun)
    return not peer.open and silent > patience and now - seen < max(_AGE * usual, patience + _STAYS)


def _heard(tunnel: Tunnel) -> bool:
    """Whether the log goes on: a handshake of our own with a server service leaves lines in it."""
    probe = tunnel.handshake
    if tunnel.service.client or probe is None or probe.connect_ms is None or tunnel.probed_at is None:
        return True
    heard = tunnel.clients.heard_at
    return heard is not None and heard + 120 > tunnel.probed_at


def every(seconds: float) -> str:
    """A rhythm in the nearest unit: `30 s`, `5 min`, `1 h`."""
    if 45 <= seconds < 90:
        return "minute"
    if 2700 <= seconds < 5400:
        return "hour"
    return span(seconds + (0 if seconds < 120 else 30 if seconds < 7200 else 1800))
