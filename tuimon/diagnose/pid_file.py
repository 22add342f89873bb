"""Judgements about pid files: what scripts and log rotation go by.

Rule: stunnel itself never reads its pid file.  Where nothing else does, that one is missing is worth a
note and no more.
"""

from tuimon.diagnose.finding import Finding, Severity
from tuimon.diagnose.supervision import by_init_script, of_init_script
from tuimon.model.failure import Reason
from tuimon.model.instance import Instance
from tuimon.model.pid_file import PidFile

_SETTLED = 5.0  # seconds after its start within which a process has written the file


def pid_file(instance: Instance, now: float) -> Finding | None:
    """The pid file names another process, is not there, or was left behind."""
    process, file = instance.process, instance.pid_file
    if process is None:
        return _left_over(instance)
    if process.net or instance.config is None:
        return None
    if not instance.config.text("pid"):
        return _never_written(instance)
    settled = now - process.id.started >= _SETTLED
    if file is None or not (settled or file.written_at > process.id.started):
        return None
    if file.failure is not None:
        return _gone(instance, file.path) if file.failure.reason is Reason.MISSING else None
    return None if file.pid in {each.pid for each in instance.processes} else _of_another(instance, file)


def _of_another(instance: Instance, file: PidFile) -> Finding:
    pid = instance.process.pid if instance.process else 0
    other = instance.pid_file_owner
    who = f", which is {other}" if other else "" if file.alive or not file.pid else ", which has ended"
    text = f"{file.path} names {f'pid {file.pid}' if file.pid else 'no process'}{who}"
    fix = f"restart it, or: echo {pid} > {file.path}"
    fix = "give each instance a pid file of its own, then restart both" if other else fix
    return Finding("pidfile-stale", Severity.WARNING, text, fix, (f"process {pid} runs this configuration",))


def _gone(instance: Instance, path: str) -> Finding:
    pid = instance.process.pid if instance.process else 0
    text, severity = f"pid file {path} is gone", Severity.INFO
    if by_init_script(instance):
        text, severity = f"{text}: its init script cannot stop it", Severity.WARNING
    fix = f"restart it, or: echo {pid} > {path}"
    return Finding("pidfile-missing", severity, text, fix, (f"process {pid} runs this configuration",))


def _left_over(instance: Instance) -> Finding | None:
    file = instance.pid_file
    if file is None or file.failure is not None or not instance.processes_known:
        return None
    alive = f", now of {instance.pid_file_owner or 'another program'}" if file.alive else ""
    text = f"pid file left over: {file.path} (pid {file.pid}{alive})"
    return Finding("pidfile-stale", Severity.INFO, text, f"rm {file.path}")


def _never_written(instance: Instance) -> Finding | None:
    """The init script goes by pid files, and stunnel writes none unless it is told to (since 5.68)."""
    if not by_init_script(instance):
        return None
    text = "no `pid =`: its init script cannot reload or stop it"
    path = f"/run/stunnel4/{of_init_script(instance)}.pid"
    fix = f"add `pid = {path}` before the first section, then restart it"
    evidence = (f"{instance.supervision.script} and log rotation find processes by their pid files",)
    return Finding("pidfile-missing", Severity.WARNING, text, fix, evidence)
