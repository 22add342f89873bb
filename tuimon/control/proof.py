"""What an action has come to, from the facts before and after it.

Rule: pure, and asked again whenever a fact changes.  Done is what was seen: the log's word or new
listening sockets, every listener back, a handshake since then with every service, the certificate of the
disk in it.  Failed is said as soon as it is certain.
"""

from collections.abc import Iterator
from enum import StrEnum

from msgspec import Struct

from tuimon.control.effect import certificate
from tuimon.control.sight import Seen, Sight
from tuimon.diagnose.in_use import disk_leaf, served_leaf
from tuimon.model.action import Action
from tuimon.model.log import Event
from tuimon.model.unit_control import UnitControl
from tuimon.settings import Probes
from tuimon.text import counted

_PATIENCE = 15.0  # seconds for a process to read its configuration and bind


class Stage(StrEnum):
    """How far an action is proved."""

    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"


class Proof(Struct, frozen=True):
    """What is known now; `text` is the verdict, or what is waited for.  `loaded` says that the process
    runs what the disk holds, `awaited` how many handshakes are still waited for."""

    stage: Stage
    text: str
    fix: str = ""
    evidence: tuple[str, ...] = ()
    loaded: bool = False
    awaited: int = 0


class End(Struct, frozen=True):
    """What is known of a start that came to nothing: the unit's state, or what the program said."""

    unit: UnitControl | None = None
    why: str = ""
    fix: str = ""
    said: tuple[str, ...] = ()
    status: int | None = None

    @property
    def over(self) -> bool:
        """Whether nothing is being started any more."""
        return bool(self.status) or (self.unit is not None and self.unit.ended)


class Patience:
    """How long a proof is waited for, from `began` (monotonic seconds): what a process needs to read and to
    bind; then, as long as handshakes still come in, what the next of them may take."""

    def __init__(self, probes: Probes, began: float) -> None:
        self._handshake = 2 * probes.timeout + probes.repeat_after
        self._until = began + _PATIENCE
        self._fewest: int | None = None

    def over(self, proof: Proof, now: float) -> bool:
        """Whether it is not worth while to wait on."""
        if proof.loaded and (self._fewest is None or proof.awaited < self._fewest):
            self._fewest, self._until = proof.awaited, now + _PATIENCE + self._handshake
        return now > self._until


def prove(action: Action, before: Sight, after: Sight, end: End, *, handed: bool = False) -> Proof:
    """Compare; `handed` says that its listening sockets were handed to the process, and stay the same."""
    if action is Action.STOP:
        return _stopped(before, after)
    process, old = after.instance.process, before.instance.process
    if action is Action.RELOAD:
        if process is None or old is None or process.id != old.id:
            return Proof(Stage.FAILED, "the process ended during the reload", "start it", _said(after))
        trouble = _trouble(before, after)
        if trouble is not None:
            return trouble
        if not _reloaded(before, after, handed=handed):
            return Proof(Stage.WAITING, "waiting for stunnel to read its configuration")
        inodes = frozenset[int]() if handed else _inodes(before)
    else:
        if process is None or (old is not None and process.id == old.id):
            return _coming(after, end)
        inodes = frozenset()
    missing = next(_unbound(after, inodes), None)
    if missing is not None:
        return Proof(Stage.WAITING, f"waiting for the listener of [{missing.tunnel.service.name}]")
    late = [each.tunnel.service.name for each in after.real if each.tunnel.listeners and not each.fresh]
    if late:
        text = f"waiting for a handshake with [{late[0]}]" + (
            f" and {len(late) - 1} more" if late[1:] else ""
        )
        return Proof(Stage.WAITING, text, loaded=True, awaited=len(late))
    return _verdict(before, after)


def _stopped(before: Sight, after: Sight) -> Proof:
    process, old = after.instance.process, before.instance.process
    if process is None:
        cut = sum(each.tunnel.sessions or 0 for each in before.real if each.tunnel.primary is None)
        words = f"; {counted(cut, 'session')} cut" if cut else ""
        return Proof(Stage.DONE, f"no process runs it any more{words}", loaded=True)
    if old is not None and process.id != old.id:
        text = f"something has started it again: pid {process.pid}"
        return Proof(Stage.FAILED, text, "find who: systemctl status, or its parent process")
    return Proof(Stage.WAITING, f"waiting for pid {process.pid} to end")


def _coming(after: Sight, end: End) -> Proof:
    if not end.over:
        return Proof(Stage.WAITING, "waiting for the new process")
    cause = next((each for each in after.findings if each.down), None)
    unit = f"{end.unit.name}: {end.unit.result}, status {end.unit.exit_status}" if end.unit else ""
    text = end.why or (cause.text if cause else "") or unit or f"it ended with status {end.status}"
    see = f"journalctl -u {end.unit.name}" if end.unit else "see its log"
    fix = end.fix or (cause.fix if cause is not None and not end.why else see)
    evidence = (*end.said[:5], *((unit,) if unit else ()), *_said(after))
    return Proof(Stage.FAILED, f"it did not start: {text}", fix, evidence)


def _said(sight: Sight) -> tuple[str, ...]:
    record = sight.instance.trouble or sight.instance.stopped
    return (f"{sight.instance.log}: {record.message}",) if record else ()


def _trouble(before: Sight, after: Sight) -> Proof | None:
    """What stunnel has said against the reload."""
    record = after.instance.trouble
    if after.instance.troubles <= before.instance.troubles or record is None:
        return None
    evidence = _said(after)
    if record.event is not Event.BIND_FAILED:
        text = f"stunnel refused it: {record.message}; the old configuration serves on"
        return Proof(Stage.FAILED, text, "mend what it says, then reload", evidence)
    # It may have been able to bind the next moment: only sockets that are gone are a failure.
    if any(True for _ in _unbound(after, frozenset())):
        text = f"every service of the process is down: {record.message}"
        fix = "free the address or mend `accept`: stunnel tries again by itself until it can bind"
        return Proof(Stage.FAILED, text, fix, evidence)
    return None


def _inodes(sight: Sight) -> frozenset[int]:
    return frozenset(socket.inode for each in sight.services for socket in each.tunnel.listeners)


def _reloaded(before: Sight, after: Sight, *, handed: bool) -> bool:
    """By the log's word; or, where there is no log to read, by the sockets, which are all made anew."""
    if after.instance.loads > before.instance.loads:
        return True
    old, new = _inodes(before), _inodes(after)
    return not handed and bool(old) and bool(new) and not old & new


def _unbound(sight: Sight, old: frozenset[int]) -> Iterator[Seen]:
    """Services that should listen and do not (yet), on sockets that are none of `old`."""
    for each in sight.real:
        tunnel = each.tunnel
        if not tunnel.service.accept or tunnel.service.inetd or tunnel.primary is not None:
            continue
        if not any(socket.inode not in old for socket in tunnel.listeners):
            yield each


def _verdict(before: Sight, after: Sight) -> Proof:
    """Everything is there: who answers, and with what."""
    broken, before_too = [], 0
    for each in after.real:
        earlier = before.find(each.tunnel.key.ordinal)
        stale = _stale(each)
        if each.serves and not stale:
            continue
        was_down = before.instance.running and earlier is not None and not earlier.serves
        if was_down and not stale:
            before_too += 1
        else:
            broken.append(f"[{each.tunnel.service.name}] {stale or each.why or 'does not answer'}")
    total = len(after.real)
    words = [] if after.real else ["it runs"]
    words += [each for each in (_certificates(before, after),) if each]
    if total:
        answer = "answers" if total == 1 else "answer"
        words.append(f"{sum(each.serves for each in after.real)} of {counted(total, 'service')} {answer}")
    if before_too:
        words.append(f"{before_too} did not before either")
    if broken:
        return Proof(
            Stage.FAILED, "; ".join((*broken[:3], *words)), "see the service", tuple(broken), loaded=True
        )
    return Proof(Stage.DONE, "; ".join(words), loaded=True)


def _stale(each: Seen) -> str:
    """Whether it serves another certificate than the disk holds."""
    disk, shown = disk_leaf(each.tunnel), served_leaf(each.tunnel)
    if each.tunnel.service.client or disk is None or shown is None or disk.sha256 == shown.sha256:
        return ""
    return "serves another certificate than is on disk"


def _certificates(before: Sight, after: Sight) -> str:
    """What is served now, as far as it is another one than before."""
    fresh, same = [], 0
    for each in after.real:
        shown = served_leaf(each.tunnel)
        if each.tunnel.service.client or shown is None:
            continue
        earlier = before.find(each.tunnel.key.ordinal)
        old = served_leaf(earlier.tunnel) if earlier else None
        if old is None or old.sha256 == shown.sha256:
            same += 1
        else:
            fresh.append(shown)
    if not fresh:
        return "certificate unchanged" if same == 1 else "certificates unchanged" if same else ""
    first = min(fresh, key=lambda each: each.not_after)
    if len({each.sha256 for each in fresh}) == 1:
        return f"serving the new certificate, {certificate(first, after.now).rpartition(', ')[2]}"
    return f"serving {len(fresh)} new certificates, the first {certificate(first, after.now)}"
