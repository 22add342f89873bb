"""Whether a client service refuses its remote by what it has loaded, whatever stands on disk by now.

Rule: a probe judges by the files on disk, so that only those count that ended before they changed; the log
tells what the process itself made of it.  The last word before the change, or of the process, holds.
"""

from tuimon.diagnose.finding import clock
from tuimon.model.clients import Contact
from tuimon.model.tunnel import Trial, Trials, Tunnel

_LAG = 2.0  # seconds by which the end of a probe may be told too early: it is that of the last tick
_BY_FILES = ("certificate rejected", "certificate revoked", "the peer's certificate failed")
_BY_OTHERS = ("certificate rejected: its names", "certificate rejected by OCSP")


def tried(tunnel: Tunnel, *, refused: bool) -> Trials | None:
    """The trials of the service's load with its last handshake, which the files on disk have judged while
    they were those that are loaded."""
    loaded, at, known = tunnel.instance.loaded_at, tunnel.probed_at, tunnel.trials
    if loaded is None or at is None or at < loaded:
        return known
    if known is None:
        return Trials(loaded, Trial(refused, at, at))
    if known.last.refused is refused:
        return known._replace(last=known.last._replace(until=at))
    return Trials(loaded, Trial(refused, at, at), known.last)


def still_refuses(tunnel: Tunnel, changed: float, now: float) -> tuple[str, ...]:
    """What tells that the process refuses its remote by what it read before the file changed at `changed`
    (seconds since the epoch); empty where nothing does."""
    known = tunnel.trials
    trial = _before(known, changed) if known and known.loaded_at == tunnel.instance.loaded_at else None
    contact = _contact(tunnel)
    heard = _when(contact) if contact is not None else None
    if contact is not None and heard is not None and (trial is None or trial.until < heard):
        failure = contact.failure
        if failure is None or not failure.reason.startswith(_BY_FILES):
            return ()
        if failure.reason.startswith(_BY_OTHERS):
            return ()
        return (f"{clock(heard, now)} {failure.peer}: {failure.message}",)
    if trial is None or not trial.refused:
        return ()
    return (f"refused since {clock(trial.since, now)}, before the file changed",)


def _before(trials: Trials, changed: float) -> Trial | None:
    """What the probes found last before the file changed."""
    return trials.last if trials.last.since + _LAG < changed else trials.before


def _contact(tunnel: Tunnel) -> Contact | None:
    """The last connection of a client that ended since the load."""
    loaded, recent = tunnel.instance.loaded_at, tunnel.clients.recent
    if loaded is None or not recent or _when(recent[-1]) < loaded:
        return None
    return recent[-1]


def _when(contact: Contact) -> float:
    told = contact.failure.time if contact.failure is not None else None
    return contact.at if told is None else told
