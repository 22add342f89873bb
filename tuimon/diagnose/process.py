"""Judgements about a process: held still, out of reach, older than its files, there twice.

Rule: what the kernel shows of the process itself comes before anything that a probe met: a process that
is stopped, frozen or accepts nobody is the cause of every handshake that times out.
"""

from tuimon.diagnose.finding import Finding, Severity, clock
from tuimon.diagnose.limits import limits
from tuimon.model.endpoint import Backlog
from tuimon.model.instance import Instance
from tuimon.model.process import Process
from tuimon.model.tunnel import Tunnel


def restart(instance: Instance) -> str:
    """How to restart it, with the command where systemd has it."""
    return f"systemctl restart {instance.unit.name}" if instance.unit else "restart it"


def hung(instance: Instance, tunnels: tuple[Tunnel, ...], now: float) -> Finding | None:
    """The process listens and answers nobody: stopped (SIGSTOP, a debugger), frozen, at a limit, stuck."""
    process = instance.process
    if process is None:
        return None
    held = _stopped(process) or _frozen(instance, process) or limits(instance, now)
    return held if held and held.down else _stuck(instance, tunnels, now) or held


def _hung(text: str, fix: str, *evidence: str) -> Finding:
    return Finding("hung", Severity.CRITICAL, text, fix, evidence, down=True)


def _stopped(process: Process) -> Finding | None:
    said = f"state {process.status} in /proc/{process.pid}/status"
    if process.status == "stopped":
        return _hung(
            f"process {process.pid} is stopped: it accepts nobody", f"kill -CONT {process.pid}", said
        )
    if process.status != "tracing-stop":
        return None
    text = f"process {process.pid} is held by {process.tracer or 'a debugger'}: it accepts nobody"
    return _hung(text, f"let go of it: end {process.tracer or 'what traces it'}", said)


def _frozen(instance: Instance, process: Process) -> Finding | None:
    if not process.frozen:
        return None
    name, unit = process.frozen.rsplit("/", 1)[-1], instance.unit
    text = f"frozen with its control group {name}: it accepts nobody"
    thaw = f"systemctl thaw {unit.name}" if unit and unit.name == name else f"thaw {name} (docker unpause)"
    return _hung(text, thaw, f"control group {process.frozen} is frozen")


def _stuck(instance: Instance, tunnels: tuple[Tunnel, ...], now: float) -> Finding | None:
    found = {each.where: each for tunnel in tunnels for each in tunnel.waiting}
    if not found:
        return None
    first = min(found.values(), key=lambda each: each.since)
    count = sum(each.count for each in found.values())
    text = f"accepts nobody: {count} wait in its queue since {clock(first.since, now)}"
    return _hung(text, restart(instance), *(_waits(each) for each in found.values()))


def _waits(backlog: Backlog) -> str:
    return f"accept queue of {backlog.where}: {backlog.count}, and nobody is accepted"


def replaced(instance: Instance) -> Finding | None:
    """It runs files that an upgrade has replaced: what was mended there is not in use."""
    process = instance.process
    if process is None or not (process.exe_replaced or process.libraries_replaced):
        return None
    evidence = f"/proc/{process.pid}/{{}}: {{}} (deleted)"
    libraries = ", ".join(process.libraries_replaced)
    said = [evidence.format("exe", process.id.exe)] if process.exe_replaced else []
    said += [evidence.format("maps", libraries)] if libraries else []
    code = "binary-replaced" if process.exe_replaced else "library-replaced"
    text = f"runs the old {'stunnel' if process.exe_replaced else libraries} since an upgrade: restart"
    return Finding(code, Severity.WARNING, text, restart(instance), tuple(said))


def duplicate(instance: Instance) -> Finding | None:
    """Two processes run the same file: which of them listens where, and which only sits there."""
    if len(instance.processes) < 2:
        return None
    pids = ", ".join(str(each.pid) for each in instance.processes)
    text, fix = f"{len(instance.processes)} processes run this configuration: pids {pids}", "end all but one"
    idle = [str(pid) for pid, where in instance.doors if not where]
    if idle and len(idle) < len(instance.doors):
        text, fix = f"{text}; {', '.join(idle)} listens nowhere", f"kill {' '.join(idle)}"
    held = tuple(f"pid {pid} listens on {', '.join(where[:6]) or 'nothing'}" for pid, where in instance.doors)
    return Finding("duplicate-instance", Severity.WARNING, text, fix, held)
