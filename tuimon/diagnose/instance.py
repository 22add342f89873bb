"""Judgements about an instance: its configuration, its process, its unit.

Rule: causes before consequences.  A process that does not run is one finding of the instance, with
the reason it does not run, and every service of it inherits that instead of forty refusals.
"""

from collections.abc import Iterable

from tuimon.diagnose import hazard, logfile, pair, process, supervision
from tuimon.diagnose import unit as judge_unit
from tuimon.diagnose.check import closed, refused, stalled
from tuimon.diagnose.finding import Finding, Severity, clock
from tuimon.diagnose.itself import itself, stumbled
from tuimon.diagnose.loaded import config_changed
from tuimon.diagnose.pid_file import pid_file
from tuimon.model.failure import Reason, in_words, remedy
from tuimon.model.instance import Instance
from tuimon.model.service import MASK, Problem
from tuimon.model.tunnel import Tunnel


def _problem_place(problem: Problem) -> str:
    file, line = problem.place or (problem.file, problem.line)
    name = file.rsplit("/", 1)[-1]
    return f"{name}:{line}" if line else name


def config_error(instance: Instance) -> Finding | None:
    """The file would be, or was, refused: stunnel's own words and the line it stops at."""
    config = instance.config
    if config is None or config.failure is not None or not config.problems:
        return None
    first = config.problems[0]
    shown = "" if first.text.strip() == MASK else first.text  # nothing of it may be shown: why it is refused
    where, said = _problem_place(first), shown or f"{first.section} {first.reason}".strip()
    evidence = tuple(
        f"{each.file}:{each.line or '-'}: {each.text!r}: {each.reason}"
        if each.text
        else f"{each.file}: {each.reason}"
        for each in config.problems[:5]
    )
    text = f"a restart would fail: {where}: {said}" if instance.running else f"{where} refused: {said}"
    fix = first.fix or first.meaning.removeprefix("stunnel refuses this line: ")
    return Finding("config-error", Severity.CRITICAL, text, fix, evidence, down=not instance.running)


def hidden(instance: Instance) -> Finding | None:
    """Whether it runs cannot be seen: nothing is said of what would follow from that."""
    failure = instance.processes_hidden
    if failure is None:
        return None
    text = "whether stunnel runs cannot be seen by this user"
    return Finding("not-permitted", Severity.INFO, text, "run as root", (str(failure),))


def unreadable(instance: Instance) -> Finding | None:
    """tuimon could not read the file: said, not guessed."""
    if instance.config is None or instance.config.failure is None:
        return None
    failure = instance.config.failure
    fix = remedy(failure, instance.key.config)
    if failure.reason is Reason.DENIED:
        text = f"{instance.title} is not readable for this user"
        return Finding("not-permitted", Severity.INFO, text, fix, (str(failure),))
    text = f"cannot read {instance.title}: {in_words(failure)}"
    down = not instance.running
    return Finding("config-error", Severity.CRITICAL, text, fix, (str(failure),), down=down)


def unread(instance: Instance) -> bool:
    """Whether the file that its process reads is known, and was not looked at yet."""
    return instance.config is None and instance.running and instance.key.config.startswith("/")


def unknown_config(instance: Instance) -> Finding | None:
    """A process whose configuration cannot be told: what it was started with, and what would help."""
    process = instance.process
    if instance.config is not None or process is None or unread(instance):
        return None
    started = f"stunnel {process.argument}".strip()
    text = f"which file `{started}` (pid {process.pid}) reads cannot be told"
    evidence = (f"working directory now {process.cwd or 'not visible'}", f"executable {process.id.exe}")
    return Finding("config-unknown", Severity.INFO, text, "name it: tuimon PATH", evidence)


def elsewhere(instance: Instance) -> Finding | None:
    """The process lives in another network namespace: its addresses are not ours to dial."""
    if instance.process is None or not instance.process.net:
        return None
    text = "in another network namespace (container): not probed"
    evidence = (f"pid {instance.process.pid}: {instance.process.net}",)
    return Finding("other-namespace", Severity.INFO, text, "", evidence)


def blocked(tunnels: Iterable[Tunnel]) -> Finding | None:
    """The first file of any service that keeps the whole process from starting."""
    for tunnel in tunnels:
        password = pair.needs_password(tunnel)
        for each in (*pair.refused(tunnel), *([password] if password else [])):
            text = f"[{tunnel.service.name}] {each.text}: stunnel cannot start"
            section = tunnel.service.name
            return Finding(
                each.code, Severity.CRITICAL, text, each.fix, each.evidence, down=True, section=section
            )
    return None


def port_taken(tunnels: Iterable[Tunnel]) -> Finding | None:
    """Somebody else listens where this process would: it cannot bind, and so not start."""
    for tunnel in tunnels:
        if tunnel.taken:
            where = ", ".join(each.text for each in tunnel.service.accept)
            text = f"{where} is held by {tunnel.taken}: cannot start"
            name = tunnel.service.name
            fix = f"end {tunnel.taken} (ss -ltnp), or give [{name}] another address; then start it"
            evidence = (f"[{name}] accept = {where}",)
            return Finding("accept-taken", Severity.CRITICAL, text, fix, evidence, down=True, section=name)
    return None


def not_running(instance: Instance, now: float) -> Finding | None:
    """No process runs this configuration: stopped on purpose, failed, or simply not there."""
    if instance.running or not instance.processes_known or (instance.config and instance.config.inetd):
        return None
    if instance.stopped_by:
        text = f"stopped at {clock(instance.stopped_at, now)} by {instance.stopped_by}"
        return Finding("not-running", Severity.INFO, text, "start it (s)", ("through tuimon",), off=True)
    unit, stopped = instance.unit, instance.stopped
    evidence: tuple[str, ...] = ("no stunnel process runs this configuration",)
    if stopped is not None:
        evidence += (f"{instance.log}: {stopped.message}",)
    if unit is not None:
        state = f"{unit.active_state} ({unit.sub_state})"
        evidence += (f"{unit.name}: {state}, result {unit.result}, {unit.enabled or 'static'}",)
        found = judge_unit.ended(instance, evidence, now)
        if found is not None:
            return found
    text = "stunnel is not running"
    if stopped is not None and stopped.time is not None:
        text += f", ended at {clock(stopped.time, now)}"
    fix = supervision.how_to_start(instance)
    return Finding("not-running", Severity.CRITICAL, text, fix, evidence, down=True)


def reload_failed(instance: Instance, now: float) -> Finding | None:
    """The last reload was refused; the old configuration serves on."""
    record = instance.trouble
    if record is None or not instance.running:
        return None
    text = f"reload failed at {clock(record.time, now)}: the old configuration serves"
    fix = "mend what the log says, then reload"
    return Finding("reload-failed", Severity.CRITICAL, text, fix, (f"{instance.log}: {record.message}",))


def config_writable(instance: Instance) -> Finding | None:
    """Whoever can write the configuration says what the process does, programs that it starts included."""
    for path in instance.config.files if instance.config else ():
        place = pair.writable_by_all(instance.ways.get(path))
        if place is not None:
            text = f"everybody may write {place.path.rsplit('/', 1)[-1] or '/'}: it rules this stunnel"
            evidence = (f"mode {place.mode:04o} of {place.path}", f"on the way to {path}")
            return Finding("config-writable", Severity.WARNING, text, f"chmod o-w {place.path}", evidence)
    return None


def _why_down(instance: Instance, tunnels: tuple[Tunnel, ...], now: float) -> Finding | None:
    stopped = not_running(instance, now)
    ignored = supervision.enabled_ignored(instance)
    if stopped is not None and ignored is not None and ignored.down:
        stopped = ignored
    if stopped is None or stopped.off:
        return stopped
    unread = unreadable(instance)
    if unread is not None and unread.down:
        return unread
    return blocked(tunnels) or refused(instance) or port_taken(tunnels) or stopped


def judge(instance: Instance, tunnels: tuple[Tunnel, ...], now: float) -> tuple[Finding, ...]:
    """All findings of an instance; a bug in one of these judgements, or in the join before them, is one."""
    try:
        return findings(instance, tunnels, now) if instance.bug is None else (stumbled(instance.bug),)
    except Exception as error:
        return (itself(error),)


def findings(instance: Instance, tunnels: tuple[Tunnel, ...], now: float) -> tuple[Finding, ...]:
    """All findings of an instance, the cause first."""
    known = hazard.finding(instance)
    cause: Finding | None = None
    if instance.processes_known:
        cause = config_error(instance) or judge_unit.no_config(instance)
        if cause is None:
            cause = refused(instance) if instance.running else _why_down(instance, tunnels, now)
    rest = (
        None if cause and cause.code in {"unit-no-config", "config-error"} else unreadable(instance),
        unknown_config(instance),
        hidden(instance),
        elsewhere(instance),
        process.hung(instance, tunnels, now),
        judge_unit.never_started(instance, now),
        judge_unit.restarts_often(instance, now),
        stalled(instance),
        closed(instance),
        reload_failed(instance, now),
        config_changed(instance, now),
        process.duplicate(instance),
        process.replaced(instance),
        logfile.silent(instance),
        logfile.shared(instance),
        logfile.unreadable(instance),
        judge_unit.stale(instance),
        judge_unit.disabled(instance),
        known,
        config_writable(instance),
        supervision.elsewhere(instance),
        pid_file(instance, now),
        None if cause and cause.code == "enabled-ignored" else supervision.enabled_ignored(instance),
    )
    found = tuple(each for each in (cause, *rest) if each is not None)
    return hazard.restart_instead(sorted(found, key=lambda each: not each.down), known)
