"""Judgements about real clients: whom a service fails, and why, in the words of its log.

Rule: who only ever failed is a stranger and nobody's alarm; who used to be served and is no longer, is.
What another finding explains is not said twice.
"""

from collections import Counter
from collections.abc import Iterable

from tuimon.diagnose.client_reasons import fix, remedy, words
from tuimon.diagnose.finding import Finding, Severity, clock
from tuimon.diagnose.ocsp import ocsp_slow
from tuimon.diagnose.silence import client_missing
from tuimon.diagnose.verification import newer_than_loaded
from tuimon.model.clients import Contact, Peer, hung_up
from tuimon.model.log import LogRecord
from tuimon.model.tunnel import Tunnel

_REPEATED = 3  # failures without a success in between
_REGULAR = 2  # connections in which a peer was served, before its failures are worth an alarm
_DAY, _HOUR = 86400.0, 3600.0
_OF_OUR_CERTIFICATE = ("peer does not know our CA", "peer rejected our", "peer says that our certificate")
_STRANGERS = 3  # who look at our certificate and turn away: no scanner does


def judged_by_clients(tunnel: Tunnel, found: Iterable[Finding], now: float, *, broken: bool) -> list[Finding]:
    """All that the log's clients tell of a service beyond what was `found`; where nobody can get through
    (`broken`), nobody is missed and every failure is explained."""
    slow = ocsp_slow(tunnel, now)
    said = frozenset(each.code for each in (*found, *((slow,) if slow else ())))
    rest = () if broken else (clients_failing(tunnel, said, now), client_missing(tunnel, now))
    return [each for each in (slow, *rest) if each is not None]


def clients_failing(tunnel: Tunnel, said: frozenset[str], now: float) -> Finding | None:
    """Connections of clients fail that should not; `said` are the codes of the findings so far."""
    if not tunnel.instance.running:
        return None
    if tunnel.service.client:
        found = _through_it(tunnel, now)
    else:
        found = _regulars(tunnel, now) or _half(tunnel, now) or _stranger(tunnel, now)
    if found is None or said.intersection(remedy(found[0]).causes):
        return None
    return found[1]


def _through_it(tunnel: Tunnel, now: float) -> tuple[str, Finding] | None:
    """A client service: what fails is the remote, whichever program connects."""
    recent = [each for each in tunnel.clients.recent if now - each.at < _DAY]
    failing: list[Contact] = []
    for each in reversed(recent):
        if each.failure is None:
            break
        failing.insert(0, each)
    if len(failing) >= _REPEATED or (len(failing) == len(recent) == _REGULAR):
        since = clock(failing[0].at, now)
        return _finding(tunnel, f"connections fail since {since}", _lines(failing), now)
    return _half(tunnel, now)


def _regulars(tunnel: Tunnel, now: float) -> tuple[str, Finding] | None:
    """Peers that used to be served and have failed since."""
    failing = [each for each in tunnel.clients.peers if _lost(each, now)]
    if not failing:
        return None
    since = clock(min(each.failing_since or now for each in failing), now)
    lines = sorted((line for each in failing for line in each.failing), key=lambda each: each.time or 0.0)
    who = f"{failing[0].address} fails" if len(failing) == 1 else f"{len(failing)} clients fail"
    counts = (
        f"{each.address}: {each.streak} in a row, served {each.served} times before" for each in failing
    )
    return _finding(tunnel, f"{who} since {since}", lines, now, *counts)


def _lost(peer: Peer, now: float) -> bool:
    last = peer.failing[-1].time if peer.failing else None
    recent = last is not None and now - last < _DAY
    return recent and peer.served >= _REGULAR and peer.streak >= _REPEATED and not _inside(peer)


def _inside(peer: Peer) -> bool:
    """Whether it has a connection that came through after its failures."""
    return bool(peer.open) and (peer.last_success or 0.0) > (peer.failing_since or 0.0)


def _half(tunnel: Tunnel, now: float) -> tuple[str, Finding] | None:
    """At least half of the last ten connections fail, and those who fail are no passers-by."""
    recent = tunnel.clients.recent
    served = {each.address for each in tunnel.clients.peers if each.served >= _REGULAR}
    failed = [each for each in recent if each.failure is not None and now - each.at < _DAY]
    turning = [
        each for each in failed if each.failure and each.failure.reason.startswith(_OF_OUR_CERTIFICATE)
    ]
    if tunnel.service.client:
        counted = failed
    elif len({each.address for each in turning}) >= _STRANGERS:
        counted = [each for each in failed if each.address in served or each in turning]
    else:
        counted = [each for each in failed if each.address in served]
    over = all(each.failure is None for each in recent[-3:])
    if len(recent) < 10 or 2 * len(counted) < len(recent) or over:
        return None
    text = f"{len(counted)} of the last {len(recent)} connections fail"
    return _finding(tunnel, text, _lines(counted), now)


def _stranger(tunnel: Tunnel, now: float) -> tuple[str, Finding] | None:
    """Somebody who never got in keeps trying: worth knowing for who is setting up a client."""
    trying = [each for each in tunnel.clients.peers if _tries(each, now)]
    if not trying or tunnel.service.texts("redirect"):  # there strangers are expected
        return None
    first = max(trying, key=lambda each: each.streak)
    text = f"{first.address} never got in ({first.streak} tries)"
    return _finding(tunnel, text, list(first.failing), now, severity=Severity.INFO)


def _tries(peer: Peer, now: float) -> bool:
    told = bool(peer.failing) and not hung_up(peer.failing[-1])
    recent = peer.last_seen is not None and now - peer.last_seen < _HOUR
    return told and recent and not peer.last_success and peer.streak >= _REPEATED


def _lines(contacts: list[Contact]) -> list[LogRecord]:
    return [each.failure for each in contacts if each.failure is not None]


def _finding(
    tunnel: Tunnel,
    who: str,
    lines: list[LogRecord],
    now: float,
    *more: str,
    severity: Severity = Severity.WARNING,
) -> tuple[str, Finding]:
    """The reason that most of them have, and the finding that says it; `lines` begin with the oldest.
    What was before the last reload may be mended: the next try will tell."""
    client = tunnel.service.client
    counts = Counter(each.reason for each in lines)
    reason = max(reversed(lines), key=lambda each: counts[each.reason]).reason
    said = [each for each in lines if each.reason == reason]
    shown = (said[0], said[-1]) if len(said) > 1 else (said[0],)
    evidence = tuple(f"{clock(each.time, now)} {each.peer}: {each.message}" for each in shown)
    others = sorted(f"{other} ×{count}" for other, count in counts.items() if other != reason)
    evidence += tuple(f"also: {each}" for each in others[:3])
    loaded = tunnel.instance.loaded_at
    if loaded is not None and (said[-1].time or now) < loaded:
        evidence += (f"not tried since stunnel loaded its configuration at {clock(loaded, now)}",)
        severity, who = Severity.INFO, f"before the last load, {who}"
    evidence += more[:5]
    text = f"{who}: {words(reason, client=client)}"
    mend = fix(reason, client=client)
    if reason.startswith("certificate rejected") and newer_than_loaded(tunnel, tunnel.ca):
        mend = f"reload: what is in CAfile by now is not loaded; if that does not do, {mend}"
    return reason, Finding("clients-failing", severity, text, mend, evidence)
