"""How a unit came to its end, in words: systemd.service(5) `Result`, systemd.exec(5) exit codes, signals.

Rule: stunnel exits with status 1 for whatever stops its start, so that its own words are the reason
there, and nowhere else.
"""

import re
import signal

from tuimon.model.log import LogRecord
from tuimon.model.unit import LastRun, Unit

_FIRST_STEP = 200  # exit codes from here on are systemd's, from before stunnel was run
_STEPS = {
    200: "CHDIR",
    202: "FDS",
    203: "EXEC",
    205: "LIMITS",
    208: "STDIN",
    209: "STDOUT",
    210: "CHROOT",
    216: "GROUP",
    217: "USER",
    218: "CAPABILITIES",
    219: "CGROUP",
    222: "STDERR",
    224: "PAM",
    225: "NETWORK",
    226: "NAMESPACE",
    227: "NO_NEW_PRIVILEGES",
    228: "SECCOMP",
    229: "SELINUX_CONTEXT",
    231: "APPARMOR",
    232: "ADDRESS_FAMILIES",
    233: "RUNTIME_DIRECTORY",
    238: "STATE_DIRECTORY",
    240: "LOGS_DIRECTORY",
    243: "CREDENTIALS",
}
_SET_UP = re.compile(r"Failed to [^:/]*: ")
_RESULTS = {
    "oom-kill": ("killed by the kernel: out of memory", "raise MemoryMax=, or find what eats the memory"),
    "watchdog": ("killed by systemd's watchdog", "remove WatchdogSec=: stunnel never answers it"),
    "protocol": ("systemd could not tell its main process", "Type=exec and `foreground = yes`"),
    "start-limit-hit": ("started too often", ""),
    "exec-condition": ("ExecCondition= said no", ""),
}


def why_it_failed(unit: Unit, trouble: LogRecord | None) -> tuple[str, str]:
    """The reason in words, and what to do about it where that follows; `trouble` is what the log told
    of a start that failed."""
    run = unit.last_run or LastRun()
    if unit.result in {"exit-code", "start-limit-hit"}:
        if unit.how == "exited" and unit.status >= _FIRST_STEP:
            return _of_step(unit, run)
        said = run.why or (trouble.message if trouble is not None else "")
        if said and unit.how == "exited" and unit.status == 1:
            return lower_first(said), "mend it"
        if not unit.how and any(each.startswith("Control process exited") for each in run.systemd):
            return "a command of ExecStartPre= failed", f"systemctl status {unit.name}"
        if unit.how and unit.result == "exit-code":
            return f"stunnel exited with status {unit.status}", ""
    if unit.result in {"signal", "core-dump"}:
        return _of_signal(unit)
    if unit.result == "timeout":
        return _of_timeout(unit, run)
    if unit.result == "resources":
        return _of_resources(unit, run)
    return _RESULTS.get(unit.result, (unit.result or "?", ""))


def _of_resources(unit: Unit, run: LastRun) -> tuple[str, str]:
    said = next((each for each in run.systemd if each.startswith("Failed to")), "systemd could not run it")
    if "environment files" in said and unit.environment:
        return f"EnvironmentFile={unit.environment}: {said.rpartition(': ')[2].lower()}", "restore it"
    return lower_first(said), ""


def _of_step(unit: Unit, run: LastRun) -> tuple[str, str]:
    step = _STEPS.get(unit.status, str(unit.status))
    failed = f"Failed at step {step} "
    index = next((at for at, each in enumerate(run.systemd) if each.startswith(failed)), None)
    reason = run.systemd[index].rpartition(": ")[2].lower() if index is not None else ""
    before = run.systemd[index - 1] if index else ""
    edit = f"systemctl edit {unit.name}"
    program = unit.argv[0] if unit.argv else "its program"
    match step:
        case "EXEC":
            return f"cannot execute {program}: {reason or '203/EXEC'}", f"install it, or {edit}"
        case "USER" | "GROUP":
            who = f" {unit.user}" if unit.user else ""
            return f"there is no user{who} ({unit.status}/{step})", f"create it, or {edit}"
        case "CHDIR":
            folder = unit.working_directory.removeprefix("!") or "its working folder"
            return f"WorkingDirectory={folder}: {reason or '200/CHDIR'}", f"create it, or {edit}"
    detail = _SET_UP.sub("", before.replace("/run/systemd/unit-root", "")) or reason
    return f"{detail or 'systemd could not set it up'} ({unit.status}/{step})", edit


def _of_signal(unit: Unit) -> tuple[str, str]:
    try:
        name = signal.Signals(unit.status).name
    except ValueError:
        name = f"signal {unit.status}"
    if unit.result == "core-dump" or name in {"SIGSEGV", "SIGABRT", "SIGBUS", "SIGILL", "SIGFPE"}:
        return f"crashed ({name})", "coredumpctl info" if unit.result == "core-dump" else ""
    if name == "SIGKILL":
        return "killed by SIGKILL: out of memory, or by hand", "journalctl -k -g oom"
    return f"killed by {name}", ""


def _of_timeout(unit: Unit, run: LastRun) -> tuple[str, str]:
    if any(each.startswith("State 'stop") for each in run.systemd):
        return "did not end in time when it was stopped", ""
    return f"its start did not end within {unit.patience or 'TimeoutStartSec='}", ""


def lower_first(words: str) -> str:
    """`Cannot open` -> `cannot open`; `SSL_CTX` and a path stay."""
    return words[:1].lower() + words[1:] if words[1:2].islower() else words
