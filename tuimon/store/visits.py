"""Visits of one peer: its connections as the log told them, and the Peer that they make.

Rule: a connection counts for what its last lines say, and one that says nothing of TLS (its target was
down, say) counts as having been seen, no more.
"""

from itertools import pairwise

from msgspec import Struct, field

from tuimon.model.clients import Peer, hung_up
from tuimon.model.log import LogRecord

KEPT = 48
"""Connections that are remembered of one peer."""

_LINES = 3  # lines of a peer's failures that are shown
_STAYED = 10.0  # seconds after which a connection is more than somebody's look at the port
_ONE_CALL = 5.0  # connections that begin within so many seconds are one call


class Visit(Struct):
    """One connection of a peer (`IP:port`) from an `address`: `failure` is the first line that says why its
    TLS failed, `connected` that stunnel went on to the target, `negotiated` that the log told of its
    handshake.  `passed` is None while, or where, it cannot be said."""

    peer: str
    address: str
    service: str
    at: float
    failure: LogRecord | None = None
    target_failed: bool = False
    redirected: bool = False
    connected: bool = False
    negotiated: bool = False
    asking: LogRecord | None = None  # the line that told of an OCSP responder, while it is awaited
    ended: bool = False
    passed: bool | None = None
    to_tls: int = 0
    to_socket: int = 0
    lasted: float = 0.0

    def end(self, at: float | None, to_tls: int, to_socket: int, *, closed: bool) -> None:
        """The close line, or the end of the process: what is to be thought of it."""
        self.ended, self.to_tls, self.to_socket = True, to_tls, to_socket
        self.lasted = max(0.0, (at or self.at) - self.at)
        if self.redirected:
            self.passed = False
        elif to_tls and to_socket:
            self.passed, self.failure = True, None  # both sides were heard: whatever ended it came later
        elif self.failure is not None:
            self.passed = False
        elif not self.target_failed and (closed or self.connected):
            self.passed = True

    def said(self, *, client: bool) -> bool:
        """Whether the peer of a server service, or the program of a client service, sent anything."""
        return bool(self.to_tls if client else self.to_socket)

    def through(self, *, client: bool, prompt: bool, now: float) -> bool:
        """Whether one that is still open got through: a server service goes on to its target only after the
        handshake (`prompt`); elsewhere nothing has gone wrong for a while."""
        fine = self.failure is None and not self.target_failed
        proved = (self.negotiated or self.connected) if prompt else now - self.at >= _STAYED
        return fine and proved and (self.connected or not client)


class Book(Struct):
    """All that is remembered of one peer; of what has left `visits`, only the counts."""

    visits: list[Visit] = field(default_factory=list)
    open: dict[str, Visit] = field(default_factory=dict)
    passed: int = 0  # of the visits
    connections: int = 0
    failed: int = 0
    served: int = 0
    last_success: float | None = None
    pause: float = 0.0
    version: int = 0  # grows with every line that says something of it
    _told: tuple[object, Peer] | None = None

    def keep(self, visit: Visit) -> None:
        """Remember one that has ended."""
        self.visits.append(visit)
        self.passed += visit.passed is True
        if len(self.visits) > KEPT:
            old = self.visits.pop(0)
            self.connections += 1
            self.failed += old.passed is False
            if old.passed:
                self.passed -= 1
                self.served += bool(old.to_tls and old.to_socket) or old.lasted >= _STAYED
                self.last_success = max(old.at, self.last_success or 0.0)

    def forget(self, visit: Visit) -> None:
        """One that was kept was nobody's visit."""
        self.visits.remove(visit)
        self.passed -= visit.passed is True

    def peer(self, address: str, *, client: bool, prompt: bool, local: bool, now: float) -> Peer:
        """What the judgements see.  `local`: who comes from this machine and is silent may be a probe of
        another tuimon, or of whatever watches this machine."""
        asked = (self.version, client, prompt, local, now if self.open and not prompt else 0.0)
        if self._told is None or self._told[0] != asked:
            told = self._peer(address, client=client, prompt=prompt, local=local, now=now)
            self._told = (asked, told)
        return self._told[1]

    def _peer(self, address: str, *, client: bool, prompt: bool, local: bool, now: float) -> Peer:
        visits = self.visits
        if local:
            visits = [each for each in visits if not _silent(each, client=client)]
        living = sorted(self.open.values(), key=lambda each: each.at)
        well = [each for each in living if each.through(client=client, prompt=prompt, now=now)]
        passed = [each for each in visits if each.passed]
        served = [each.at for each in passed if _served(each, client=client)]
        since = _since(visits, well)
        lines = [each.failure for each in since if each.failure]
        last = next((each.failure for each in reversed(visits) if each.failure), None)
        calls = _calls(served)
        self.pause = max([self.pause, *(later - earlier for earlier, later in pairwise(calls))])
        return Peer(
            address=address,
            connections=self.connections + len(visits) + len(living),
            failed=self.failed + [each.passed for each in visits].count(False),
            served=self.served + len(served),
            open=len(living),
            last_seen=max([each.at for each in (*visits, *living)], default=None),
            last_success=max([each.at for each in (*well, *passed)], default=self.last_success),
            failing=tuple(lines[-_LINES:]),
            streak=len(lines),
            failing_since=lines[0].time if lines else None,
            last_reason=last.reason if last else "",
            calls=calls,
            pause=self.pause,
        )


def _since(visits: list[Visit], through: list[Visit]) -> list[Visit]:
    """Those that failed after the last success; `through` are open and well.  In the order in which they
    ended: the log's clock has whole seconds."""
    index = next((index for index in range(len(visits) - 1, -1, -1) if visits[index].passed), -1)
    opened = max((each.at for each in through), default=0.0)
    since = [each for each in visits[index + 1 :] if each.failure and each.at > opened]
    if since and any(hung_up(each.failure) for each in visits[: max(index, 0)]):  # that is its habit
        return [each for each in since if not hung_up(each.failure)]
    return since


def _served(visit: Visit, *, client: bool) -> bool:
    return visit.said(client=client) or visit.lasted >= _STAYED


def _silent(visit: Visit, *, client: bool) -> bool:
    """Nothing was said, and nobody was turned away for a reason."""
    if visit.failure is not None:
        return hung_up(visit.failure)
    return not _served(visit, client=client)


def _calls(times: list[float]) -> tuple[float, ...]:
    calls: list[float] = []
    for at in sorted(times):
        if not calls or at - calls[-1] > _ONE_CALL:
            calls.append(at)
    return tuple(calls)
