"""Judgements about limits: clients that stunnel turns away, descriptors that run out.

Rule: the limit comes before what it does.  A client beyond it sees its connection closed, one for whom
there is no descriptor waits in the queue; neither is a fault of TLS or of the network.
"""

from tuimon.diagnose.finding import Finding, Severity, clock
from tuimon.model.instance import Instance
from tuimon.model.log import LogRecord

_NEARLY = 0.9
_RECENT = 600.0  # seconds for which a limit that was met is worth a word
_ENOUGH = 4096  # descriptors


def limits(instance: Instance, now: float) -> Finding | None:
    """The limit that counts: of clients, else of descriptors."""
    clients, files = _clients(instance, now), _files(instance, now)
    if clients is None or (files is not None and files.down and not clients.down):
        return files
    return clients


def _recent(record: LogRecord | None, now: float) -> bool:
    return record is not None and record.time is not None and now - record.time <= _RECENT


def _fix(instance: Instance) -> str:
    unit, process = instance.unit, instance.process
    wanted = max(_ENOUGH, 2 * (process.fd_limit or 0) if process else 0)
    if unit is None:
        return f"ulimit -n {wanted}, then restart"
    if unit.name == "stunnel4.service":
        return f'RLIMITS="-n {wanted}" in /etc/default/stunnel4, then restart'
    return f"systemctl edit {unit.name}: LimitNOFILE={wanted}; then restart"


def _evidence(instance: Instance, record: LogRecord | None) -> tuple[str, ...]:
    process = instance.process
    said = (f"{instance.log}: {record.message}",) if record else ()
    if process is None or process.fd_limit is None:
        return said
    files = "?" if process.fds is None else process.fds
    limit = f"descriptors of pid {process.pid}: {files} of {process.fd_limit}"
    return (f"{limit}, good for {process.client_limit} clients", *said)


def _clients(instance: Instance, now: float) -> Finding | None:
    count, limit, record = instance.clients, instance.client_limit, instance.turned_away
    if count is None or not limit:
        return None
    # Where its sockets are hidden the count is one of threads, of which newer versions have more.
    exact = instance.process is not None and "open files" not in instance.process.hidden
    full, recent = exact and count >= limit, _recent(record, now)
    if not full and not recent and not (exact and count >= _NEARLY * limit):
        return None
    if full:
        text = f"{count} of {limit} clients: new ones are turned away"
    elif recent:
        text = f"turned clients away at {clock(record.time if record else None, now)}: {count} of {limit} now"
    else:
        text = f"{count} of {limit} clients: soon new ones are turned away"
    severity = Severity.CRITICAL if full else Severity.WARNING
    evidence = _evidence(instance, record if recent else None)
    return Finding("client-limit", severity, text, _fix(instance), evidence, down=full)


def _files(instance: Instance, now: float) -> Finding | None:
    process, record = instance.process, instance.out_of_files
    if process is None or process.fds is None or not process.fd_limit:
        return None
    full, recent = process.fds >= process.fd_limit, _recent(record, now)
    if not full and not recent and process.fds < _NEARLY * process.fd_limit:
        return None
    share = f"{process.fds} of {process.fd_limit} descriptors"
    if full:
        text = f"{share}: nobody can be accepted"
    elif recent:
        text = f"ran out of descriptors at {clock(record.time if record else None, now)}: {share}"
    else:
        text = f"{share}: soon nobody can be accepted"
    severity = Severity.CRITICAL if full else Severity.WARNING
    evidence = _evidence(instance, record if recent else None)
    return Finding("fd-limit", severity, text, _fix(instance), evidence, down=full)
