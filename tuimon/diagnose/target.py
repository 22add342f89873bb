"""Judgements about the back end of a server service: whether, and why not, it can be reached.

Rule: direct connects and a handshake that ended early are better evidence than the log, unless the log
speaks of this very moment.
"""

from tuimon.diagnose.advice import COMMENT
from tuimon.diagnose.finding import Finding, Severity, clock
from tuimon.model.handshake import Handshake, Reach, Verdict
from tuimon.model.tunnel import JOURNAL, Tunnel

CODES = {
    Verdict.REFUSED: ("connect-refused", "refused"),
    Verdict.TIMEOUT: ("connect-timeout", "times out"),
    Verdict.UNRESOLVED: ("connect-unresolved", "cannot be resolved"),
    Verdict.UNREACHABLE: ("connect-unreachable", "is unreachable"),
}
"""Finding code and words of a TCP connection that failed."""
_LOG_WORDS = (
    ("refused", Verdict.REFUSED),
    ("TIMEOUTconnect", Verdict.TIMEOUT),
    ("timed out", Verdict.TIMEOUT),
    ("esolv", Verdict.UNRESOLVED),
    ("nreachable", Verdict.UNREACHABLE),
    ("No route", Verdict.UNREACHABLE),
)
_PATIENT = "start or mend the target"


def targets_of(tunnel: Tunnel) -> str:
    """The first two targets as the configuration spells them."""
    return ", ".join(each.text for each in tunnel.service.connect[:2]) or "its target"


def mend(tunnel: Tunnel, code: str, otherwise: str = _PATIENT) -> str:
    """What to do about a target: to stunnel, what looks like a comment after it is part of its name."""
    for value in tunnel.service.options.get("connect", ()):
        if code == "connect-unresolved" and COMMENT.search(value.text):
            return f"move the comment to a line of its own ({value.file.rsplit('/', 1)[-1]}:{value.line})"
    return otherwise


def _unreached(tunnel: Tunnel) -> tuple[Verdict, tuple[str, ...]] | None:
    """Why the target of a server service cannot be reached: from direct connects, else the log."""
    failed = [each for each in tunnel.reaches if each.verdict is not Verdict.OK]
    if failed:
        return failed[0].verdict, tuple(_said(each) for each in failed)
    record = tunnel.traffic.target_failure
    if record is None:
        return None
    verdict = next((each for word, each in _LOG_WORDS if word in record.message), Verdict.FAILED)
    return verdict, (f"log: {record.message}",)


def _said(reach: Reach) -> str:
    return f"connect {reach.target}: {reach.detail or reach.verdict.value}"


def log_says_down(tunnel: Tunnel, now: float) -> Finding | None:
    """The target cannot be reached, in the words of direct connects or of the log."""
    why = _unreached(tunnel)
    if why is None:
        return None
    since = tunnel.traffic.target_since
    tail = f" since {clock(since, now)}" if since is not None else ""
    code, words = CODES.get(why[0], ("connect-closed", "fails"))
    if any("no such socket" in each for each in why[1]):
        words = "does not exist"
    text = f"connect {targets_of(tunnel)} {words}{tail}"
    return Finding(code, Severity.CRITICAL, text, mend(tunnel, code), why[1], down=True)


def _none_reached(tunnel: Tunnel) -> bool:
    return bool(tunnel.reaches) and all(each.verdict is not Verdict.OK for each in tunnel.reaches)


def _no_greeting(tunnel: Tunnel, handshake: Handshake) -> Finding | None:
    """A mail service greets in its target's words: what is wrong before TLS is wrong there."""
    protocol, silent = tunnel.service.protocol, handshake.verdict is Verdict.TIMEOUT
    waiting = any(each.queue for each in tunnel.listeners)  # then nobody was accepted
    if protocol not in {"smtp", "pop3", "imap"} or waiting:
        return None
    if not silent and handshake.verdict is not Verdict.CLOSED:
        return None
    words = f"is silent, no {protocol} greeting" if silent else f"gives no {protocol} greeting"
    code = "connect-timeout" if silent else "connect-closed"
    evidence = (f"probe of {handshake.target}: {handshake.verdict.value}: {handshake.detail}",)
    text = f"target {targets_of(tunnel)} {words}"
    return Finding(code, Severity.CRITICAL, text, _PATIENT, evidence, down=True)


def log_tells(tunnel: Tunnel) -> bool:
    """Whether every connection leaves its lines in a log that the process writes to."""
    process, log = tunnel.instance.process, tunnel.instance.log
    if process is None:
        return False
    written = log.startswith(JOURNAL) or not all(each.deleted for each in process.logs)
    level = tunnel.service.text("debug").lower().rpartition(".")[2]
    return written and level in {"", "5", "6", "7", "notice", "info", "debug"}


def contradicted(tunnel: Tunnel) -> bool:
    """Whether the log says that the target failed and would have told of a success after it.

    stunnel finishes the handshake before it connects: a target that lets it wait closes nothing early.
    """
    return tunnel.traffic.target_failure is not None and log_tells(tunnel)


def back_end(tunnel: Tunnel, now: float) -> Finding | None:
    """A server service whose connect target cannot be reached: TLS is fine, then stunnel hangs up."""
    handshake = tunnel.handshake
    if tunnel.service.client or not tunnel.service.connect or tunnel.service.proxies:
        return None
    early = handshake is not None and handshake.closed_early
    negotiating = handshake is not None and not handshake.ok and handshake.stage == "negotiation"
    proved = handshake is not None and handshake.ok and not early and handshake.handshake_ms is not None
    failing = tunnel.traffic.target_failure or _none_reached(tunnel)
    if (proved and not contradicted(tunnel)) or not (early or negotiating or failing):
        return None
    found = log_says_down(tunnel, now)
    if found is not None:
        return found
    if not early:
        return _no_greeting(tunnel, handshake) if handshake and negotiating else None
    text = f"target {targets_of(tunnel)} hangs up right after the handshake"
    evidence = ("the peer closed within the wait after a complete handshake",)
    return Finding("connect-closed", Severity.CRITICAL, text, _PATIENT, evidence, down=True)


def partial(tunnel: Tunnel) -> Finding | None:
    """Some of several targets cannot be reached; the others still carry the service."""
    failed = [each for each in tunnel.reaches if each.verdict is not Verdict.OK]
    if len(tunnel.service.connect) < 2 or not failed or len(failed) == len(tunnel.reaches):
        return None
    text = f"{len(failed)} of {len(tunnel.reaches)} targets down: {failed[0].target}"
    evidence = tuple(_said(each) for each in failed)
    return Finding("connect-partial", Severity.WARNING, text, _PATIENT, evidence)
