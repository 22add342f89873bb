"""Judgements about who started a process, or would have: units, the init script, other supervisors.

Rule: a process is not wrong for being somebody else's; it is told whose, and the command to give there.
What is wrong is a unit that should run it and cannot, because somebody else does.
"""

from tuimon.diagnose.finding import Finding, Severity
from tuimon.diagnose.unit import under
from tuimon.model.instance import Instance

_SCRIPT_UNIT = "stunnel4.service"
_SCRIPT_FOLDER = "/etc/stunnel"
_SINCE = "ENABLED= in /etc/default/stunnel4 has no meaning since stunnel4 5.44"


def by_init_script(instance: Instance) -> bool:
    """Whether Debian's init script started it."""
    return any(each.cgroup_unit == _SCRIPT_UNIT for each in instance.processes)


def of_init_script(instance: Instance) -> str:
    """The name by which the init script knows the instance, empty where it does not."""
    folder, _, name = instance.key.config.rpartition("/")
    return name.removesuffix(".conf") if folder == _SCRIPT_FOLDER and name.endswith(".conf") else ""


def how_to_start(instance: Instance) -> str:
    """The command that starts an instance without a unit."""
    script, name = instance.supervision.script, of_init_script(instance)
    if script and name:
        return f"{script} start {name}"
    return f"start it: stunnel {instance.key.config}"


def elsewhere(instance: Instance) -> Finding | None:
    """It runs, but not in the unit that there is for it; or a supervisor of another kind has it."""
    process, unit = instance.process, instance.unit
    if process is None or not process.cgroup:
        return None  # where it lives may not be seen
    owner = process.owner
    whose = owner.name or (_SCRIPT_UNIT if by_init_script(instance) else process.cgroup_unit)
    meant = unit is not None and unit.config == instance.key.config and not under(unit, instance)
    evidence: tuple[str, ...] = (f"pid {process.pid}: control group {process.cgroup or '?'}",)
    if unit is not None and meant and (unit.enabled == "enabled" or unit.active_state == "failed"):
        state = "failed" if unit.active_state == "failed" else "is enabled"
        text = f"{f'{whose} runs it' if whose else 'started by hand'}, not {unit.brief}, which {state}"
        end = owner.command or f"kill {process.pid}"
        fix = f"end it ({end}), then systemctl start {unit.name}: that cannot bind now"
        evidence += (f"{unit.name}: {unit.active_state} ({unit.sub_state}), {unit.enabled}",)
        return Finding("supervised-elsewhere", Severity.WARNING, text, fix, evidence)
    if owner.name:
        return Finding("supervised-elsewhere", Severity.INFO, f"run by {owner.name}", owner.command, evidence)
    if unit is not None and meant and not whose:
        text = f"started by hand, not by {unit.brief}"
        return Finding("supervised-elsewhere", Severity.INFO, text, f"systemctl start {unit.name}", evidence)
    return None


def enabled_ignored(instance: Instance) -> Finding | None:
    """ENABLED=1 made the init script start everything, long ago; who relies on it starts nothing."""
    facts, script = instance.supervision, instance.supervision.init_script
    if not facts.enabled_line or script is None or not of_init_script(instance):
        return None
    evidence = (
        f"/etc/default/stunnel4:{facts.enabled_line}: ENABLED=1",
        f"{script.name}: {script.active_state}, {'enabled' if script.pulled_in else 'disabled'}",
    )
    stopped = instance.unit is not None and bool(instance.unit.stopped)
    relied_on = not (instance.running or stopped or facts.units or script.pulled_in)
    if relied_on and script.active_state == "inactive":
        text = "ENABLED=1 starts nothing any more: no unit is enabled"
        fix = f"systemctl enable --now stunnel@{of_init_script(instance)} (with `foreground = yes`)"
        return Finding("enabled-ignored", Severity.CRITICAL, text, fix, (_SINCE, *evidence), down=True)
    text = "ENABLED=1 in /etc/default/stunnel4 does nothing"
    return Finding("enabled-ignored", Severity.INFO, text, "remove the line", (_SINCE, *evidence))
