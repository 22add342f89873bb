"""Judgements about a log file: whether it is written at all, who else writes to it, what it leaves out.

Rule: a log that is not written is no fault of the tunnel, which goes on serving; but whoever reads it
believes that nothing happens.  Nothing is said of a log that we may not look at.
"""

from tuimon.diagnose.finding import Finding, Severity
from tuimon.model.failure import Reason, in_words
from tuimon.model.instance import Instance
from tuimon.model.log import LOG_SECOND
from tuimon.model.output import Output, Room
from tuimon.model.process import Process
from tuimon.model.tunnel import JOURNAL, Tunnel

_LEVELS = ("emerg", "alert", "crit", "err", "warning")
_ROOMS = {
    Room.NONE: ("no space left for", "make room on its file system"),
    Room.RESERVE: ("no space left for", "make room on its file system: only root may use the rest"),
    Room.READ_ONLY: ("read-only file system under", "mount it for writing, then look at dmesg"),
    Room.NO_INODES: ("no inode left for the next", "remove files: the next rotation ends the log"),
}


def silent(instance: Instance) -> Finding | None:
    """The process cannot, or does no longer, write the log that its configuration names."""
    process, config, output = instance.process, instance.config, instance.output
    if process is None or config is None or config.stamp is None or "open files" in process.hidden:
        return None
    name = config.text("output")
    if config.stamp.mtime >= (instance.loaded_at or 0) + LOG_SECOND:
        return None  # it may have been told to log elsewhere since
    if name == "/dev/full":
        return _silent("writes its log to /dev/full: nothing is kept", "mend `output =`, then reload")
    if output is None or output.failure is not None or output.want.held != process.logs:
        return None
    return _no_room(process, output, name) or (_astray(process, output, name) if output.astray else None)


def _silent(text: str, fix: str, *evidence: str) -> Finding:
    return Finding("log-silent", Severity.WARNING, text, fix, evidence)


def _no_room(process: Process, output: Output, name: str) -> Finding | None:
    if output.room not in _ROOMS or (output.room is Room.RESERVE and process.user == "root"):
        return None
    words, fix = _ROOMS[output.room]
    return _silent(f"{words} its log {_short(name)}", fix, f"output = {name}", "what it logs now is lost")


def _astray(process: Process, output: Output, name: str) -> Finding:
    held, fix = process.logs, f"kill -USR1 {process.pid}"
    evidence = [f"output = {name}", *(f"held open: {_said(each.path, each.deleted)}" for each in held)]
    if process.user != "root":
        evidence.append(f"it reopens the log as {process.user}, who must be able to create it")
    stem = name.rpartition("/")[2]
    renamed = [each for each in held if not each.deleted and each.path.rpartition("/")[2].startswith(stem)]
    if renamed:
        text = f"still writes to {_short(renamed[0].path)}, not to {stem}: rotated unnoticed"
    elif any(each.deleted for each in held):
        text = f"{stem} was deleted: what it logs is lost"
    else:
        text = f"writes no log: it does not hold {stem} open"
        fix = f"let {process.user} create it, then {fix}"
    return _silent(text, fix, *evidence)


def _said(path: str, deleted: bool) -> str:
    return f"{path} (deleted)" if deleted else path


def _short(path: str) -> str:
    return path.rpartition("/")[2] or path


def shared(instance: Instance) -> Finding | None:
    """Several instances log to one file: the numbers of their connections mean different things in it."""
    if not instance.log_sharers:
        return None
    others = [_short(each) for each in instance.log_sharers]
    more = f" and {len(others) - 2} more" if len(others) > 2 else ""
    text = f"shares its log with {', '.join(others[:2])}{more}: ids ambiguous"
    evidence = (instance.log, *instance.log_sharers[:10])
    return Finding("log-shared", Severity.INFO, text, "give each an `output =` of its own", evidence)


def unreadable(instance: Instance) -> Finding | None:
    """The log is there, and not for us: what only it would tell stays unknown."""
    failure = instance.log_failure
    if failure is None or not instance.log or instance.log.startswith(JOURNAL):
        return None
    if failure.reason is not Reason.DENIED:
        text = f"its log {_short(instance.log)} cannot be read: {in_words(failure)}"
        return Finding("not-permitted", Severity.INFO, text, f"look at {instance.log}", (str(failure),))
    fix = f"run as root, or join {failure.needs}" if failure.needs.startswith("group") else "run as root"
    text = f"its log {_short(instance.log)} is not readable for this user"
    return Finding("not-permitted", Severity.INFO, text, fix, (str(failure),))


def level(tunnel: Tunnel) -> Finding | None:
    """The log is told to leave out what a monitor lives on."""
    said = tunnel.service.text("debug").lower().rpartition(".")[2]
    number = int(said) if said.isdigit() else _LEVELS.index(said) if said in _LEVELS else 5
    if number >= 5 or tunnel.instance.process is None:
        return None
    lost = "neither clients nor failures are" if number < 3 else "no client is"
    text = f"debug = {said}: {lost} seen in the log"
    evidence = (f"debug = {said}, {tunnel.service.place('debug')}",)
    return Finding("log-level", Severity.INFO, text, "debug = 5 shows them, then reload", evidence)
