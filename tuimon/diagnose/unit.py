"""Judgements about the unit of an instance: what systemd saw, in words.

Rule: stunnel's own words come before systemd's, and systemd's before `exit-code`.  A unit that somebody
stopped, or that others start when they need it, is no fault.
"""

from tuimon.diagnose.finding import Finding, Severity, clock
from tuimon.diagnose.unit_result import lower_first, why_it_failed
from tuimon.model.failure import Reason
from tuimon.model.instance import Instance
from tuimon.model.service import Config
from tuimon.model.unit import LastRun, Unit

_SETTLED = 3.0  # seconds after which a start that has not ended is not just slow
_RECENT = 600.0  # seconds for which a restart counts as one of a row
_TIGHT = 15.0  # seconds between two restarts, on average, below which it is urgent
_ROW = 3  # restarts that make one
_DETACHES = frozenset({"simple", "exec", "idle", ""})  # types that take the exit of the parent for the end


def daemonises(config: Config | None) -> bool:
    """Whether stunnel goes to the background: no `foreground = yes` (or `quiet`)."""
    return config is not None and config.text("foreground", "no").lower() == "no"


def under(unit: Unit | None, instance: Instance) -> bool:
    """Whether a process of the instance runs in this unit."""
    return unit is not None and any(
        unit.main_pid == each.pid or unit.name == each.cgroup_unit for each in instance.processes
    )


def ended(instance: Instance, evidence: tuple[str, ...], now: float) -> Finding | None:
    """Why a unit that should run stunnel does not."""
    unit = instance.unit
    if unit is None:
        return None
    run = unit.last_run
    evidence += tuple(f"{unit.brief}: {said}" for said in (*run.stunnel, *run.systemd)) if run else ()
    wrong_type = _wrong_type(unit, instance.config)
    if unit.active_state in {"failed", "activating"} and wrong_type:
        return _of_wrong_type(unit, wrong_type, evidence, down=True)
    looked_away = unit.active_state == "active" and _in_a_row(unit, now)  # it has ended since
    if unit.sub_state == "auto-restart" or looked_away:
        return _restarting(unit, instance, evidence, now)
    if unit.active_state == "failed":
        return _failed(unit, instance, evidence)
    if unit.active_state == "activating":
        text = f"being started since {clock(unit.since, now)} ({unit.sub_state}): {unit.brief}"
        return Finding("not-running", Severity.CRITICAL, text, _see(unit), evidence, down=True)
    if unit.active_state == "inactive":
        return _inactive(unit, instance, evidence, now)
    text = f"no process, though {unit.brief} is {unit.active_state} ({unit.sub_state})"
    return Finding(
        "not-running", Severity.CRITICAL, text, f"systemctl restart {unit.name}", evidence, down=True
    )


def _see(unit: Unit) -> str:
    return f"journalctl -u {unit.name}"


def _start(unit: Unit) -> str:
    return f"systemctl start {unit.name}"


def _failed(unit: Unit, instance: Instance, evidence: tuple[str, ...]) -> Finding:
    why, fix = why_it_failed(unit, instance.trouble)
    gave_up = unit.result == "start-limit-hit" or (
        unit.last_run is not None and _limited(unit.last_run.systemd)
    )
    again = f"systemctl reset-failed {unit.name}; {_start(unit)}" if gave_up else _start(unit)
    count = f" after {unit.restarts} restarts" if unit.restarts else ""
    text = f"systemd gave up{count}: {why}" if gave_up else f"failed: {why}"
    stamp = instance.config.stamp if instance.config else None
    if stamp is not None and unit.since is not None and stamp.mtime > unit.since + 1:
        evidence += (f"{instance.key.config} was changed since",)
    return Finding(
        "unit-failed", Severity.CRITICAL, text, f"{fix or _see(unit)}; then {again}", evidence, down=True
    )


def _limited(said: tuple[str, ...]) -> bool:
    return any("repeated too quickly" in each for each in said)


def _restarting(unit: Unit, instance: Instance, evidence: tuple[str, ...], now: float) -> Finding:
    why, fix = why_it_failed(unit, instance.trouble) if unit.active_state == "activating" else ("", "")
    why = why or lower_first(unit.last_run.why if unit.last_run else "")
    text = f"restarted {_times(unit, now)}" + (f": {why}" if why else "")
    return Finding("unit-restarting", Severity.CRITICAL, text, fix or _see(unit), evidence, down=True)


def _times(unit: Unit, now: float) -> str:
    since = unit.last_run.restarting_since if unit.last_run else None
    return f"{unit.restarts} times" + (f" since {clock(since, now)}" if since is not None else "")


def _in_a_row(unit: Unit, now: float) -> bool:
    """Whether it was restarted again and again, and not long ago."""
    return unit.restarts >= _ROW and unit.since is not None and now - unit.since < _RECENT


def restarts_often(instance: Instance, now: float) -> Finding | None:
    """It runs just now, and has ended again and again: the next end is near."""
    unit = instance.unit
    if unit is None or not under(unit, instance) or not _in_a_row(unit, now):
        return None
    if unit.active_state != "active" and unit.sub_state != "auto-restart":
        return None
    run, at = unit.last_run or LastRun(), clock(unit.since, now)
    # What we see of a run that is over in no time is not a service.
    down = unit.active_state != "active" or now - (unit.since or now) < _SETTLED
    began = run.restarting_since
    tight = began is not None and now - began < _TIGHT * unit.restarts
    text = f"restarted {_times(unit, now)}"
    text += f": {lower_first(run.why)}" if run.why else f", the last time at {at}"
    severity = Severity.CRITICAL if down or tight else Severity.WARNING
    evidence = (f"last restart at {at}", *run.stunnel, *run.systemd)
    return Finding("unit-restarting", severity, text, _see(unit), evidence, down=down)


def _inactive(unit: Unit, instance: Instance, evidence: tuple[str, ...], now: float) -> Finding:
    start = _start(unit)
    if not unit.condition:
        said = (
            next((each for each in unit.last_run.systemd if "skipped" in each), "") if unit.last_run else ""
        )
        condition = said[said.find("(") + 1 : -2] if said.endswith(").") else "a Condition…= of the unit"
        text = f"not started: {condition} is not met"
        return Finding("not-running", Severity.INFO, text, f"systemctl cat {unit.name}", evidence, off=True)
    if daemonises(instance.config) and unit.type in _DETACHES and not unit.stopped:
        # systemd takes the exit of the parent for the end of the service, and kills the daemon.
        text = f"no `foreground = yes`: {unit.brief} ends at once"
        fix = f"put `foreground = yes` before the first section; then {start}"
        return Finding("unit-type", Severity.CRITICAL, text, fix, evidence, down=True)
    if unit.stopped is False:
        text = f"ended by itself at {clock(unit.since, now)}: {unit.brief}"
        return Finding("not-running", Severity.CRITICAL, text, start, evidence, down=True)
    if unit.stopped is None and unit.enabled == "enabled":
        needed = (
            any("Dependency failed" in each for each in unit.last_run.systemd) if unit.last_run else False
        )
        text = f"not started: a unit that {unit.brief} requires failed" if needed else ""
        fix = f"systemctl list-dependencies {unit.name}; then {start}" if needed else start
        text = text or f"enabled, but nothing started it: {unit.brief}"
        return Finding("not-running", Severity.CRITICAL, text, fix, evidence, down=True)
    text = f"stopped at {clock(unit.since, now)}" if unit.stopped else f"stopped, not enabled: {unit.brief}"
    return Finding("not-running", Severity.INFO, text, start, evidence, off=True)


def _wrong_type(unit: Unit, config: Config | None) -> str:
    """Why the start can never end in the eyes of systemd; empty where it can."""
    if config is None:
        return ""
    if unit.type in {"notify", "notify-reload", "dbus"}:
        return f"Type={unit.type}, and stunnel never tells systemd that it is up"
    if unit.type in {"forking", "oneshot"} and not daemonises(config):
        return f"Type={unit.type} waits for `foreground = {config.text('foreground').lower()}` to end"
    written = config.text("chroot").rstrip("/") + config.text("pid")
    if unit.type == "forking" and unit.pid_file and _canonical(written) != _canonical(unit.pid_file):
        return f"PIDFile={unit.pid_file}, but `pid = {config.text('pid')}`"
    return ""


def _canonical(path: str) -> str:
    return path.removeprefix("/var") if path.startswith("/var/run/") else path


def _of_wrong_type(unit: Unit, why: str, evidence: tuple[str, ...], *, down: bool) -> Finding:
    if why.startswith("PIDFile"):
        fix = f"write `pid = {unit.pid_file}` before the first section; systemctl restart {unit.name}"
    else:
        fix = f"systemctl edit {unit.name}: [Service] Type=exec, with `foreground = yes`"
    severity = Severity.WARNING if unit.type == "oneshot" and not down else Severity.CRITICAL
    seen = f"systemd: {unit.active_state} ({unit.sub_state}), start timeout {unit.patience or '?'}"
    return Finding("unit-type", severity, why, fix, (*evidence, seen), down=down)


def never_started(instance: Instance, now: float) -> Finding | None:
    """It runs, and systemd still waits for its start to end, and will kill it for that."""
    unit = instance.unit
    if unit is None or unit.active_state != "activating" or unit.sub_state != "start":
        return None
    why = _wrong_type(unit, instance.config)
    if not why or not instance.running or (unit.since is not None and now - unit.since < _SETTLED):
        return None
    return _of_wrong_type(unit, why, (), down=False)


def disabled(instance: Instance) -> Finding | None:
    """It runs in its unit, and nothing would start that after a reboot."""
    unit, script = instance.unit, instance.supervision.init_script
    if unit is None or unit.active_state != "active" or unit.enabled != "disabled" or unit.pulled_in:
        return None
    if not under(unit, instance) or unit.managed or (script is not None and script.pulled_in):
        return None
    text = "not enabled: it will not come back after a reboot"
    evidence = (f"{unit.name}: UnitFileState=disabled, wanted by no other unit",)
    return Finding("unit-disabled", Severity.WARNING, text, f"systemctl enable {unit.name}", evidence)


def stale(instance: Instance) -> Finding | None:
    """The unit's file is newer than what systemd goes by."""
    unit = instance.unit
    if unit is None or not unit.needs_reload:
        return None
    text = f"{unit.brief}: unit changed on disk, not loaded yet"
    evidence = (f"{unit.fragment or unit.name}: NeedDaemonReload=yes",)
    return Finding("unit-stale", Severity.WARNING, text, "systemctl daemon-reload", evidence)


def no_config(instance: Instance) -> Finding | None:
    """A unit names a configuration that does not exist."""
    unit, config = instance.unit, instance.config
    if unit is None or config is None or config.failure is None or unit.config != instance.key.config:
        return None
    if config.failure.reason is not Reason.MISSING:
        return None
    evidence = (f"{unit.name}: {' '.join(unit.argv)}", str(config.failure))
    wanted = unit.enabled == "enabled" or unit.active_state in {"failed", "activating"}
    fix = f"restore the file, or systemctl disable --now {unit.name}"
    if unit.active_state == "failed" and unit.enabled != "enabled":
        fix = f"restore the file, or systemctl reset-failed {unit.name}"
    if instance.running:
        text = f"a restart would fail: no {instance.key.config}"
        return Finding("unit-no-config", Severity.CRITICAL, text, "restore the file", evidence)
    text = f"no such file: {instance.key.config}"
    if wanted:
        return Finding("unit-no-config", Severity.CRITICAL, text, fix, evidence, down=True)
    return Finding("unit-no-config", Severity.INFO, text, fix, evidence, off=True)
