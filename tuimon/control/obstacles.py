"""Why an action is not done, and what to know before it is.

Rule: pure.  A refusal says what would have happened and what to do instead; what is merely uncertain is
a warning.  Nothing that serves is ended unless it would come back.
"""

from collections.abc import Iterator

from tuimon.control import effect, hazards
from tuimon.control.survey import Survey
from tuimon.diagnose.finding import Severity, span
from tuimon.model.action import Action, Note, Route
from tuimon.model.failure import remedy
from tuimon.model.remark import SILENT, Remark

_STARTS = (Action.START, Action.RESTART)
# What is made or opened at a start only: a reload goes on without it.
_AT_START = frozenset({"pid-unwritable", "log-unwritable", "chroot-missing"})


def refusals(survey: Survey) -> Iterator[Note]:
    """Every reason not to act."""
    yield from _state(survey)
    if _nothing_runs(survey):  # what would come of it is no question then
        return
    yield from _way(survey)
    yield from survey.unit_start
    if survey.action is not Action.STOP:
        yield from _file(survey)
        yield from _ports(survey)
        yield from _addresses(survey)
    if survey.action is Action.RESTART:
        yield from hazards.again(survey)
    if survey.stranger:
        text = f"not run with more rights than who could have written it: {survey.stranger}"
        yield Note("untrusted", text, "let only root write there")
    if survey.action in _STARTS:
        yield from _start(survey)
    if survey.action is Action.RELOAD:
        yield from hazards.refusals(survey)


def _nothing_runs(survey: Survey) -> bool:
    """Whether it is about a process, and none is there."""
    instance = survey.instance
    return survey.action is not Action.START and instance.processes_known and not instance.running


def _state(survey: Survey) -> Iterator[Note]:
    instance, action = survey.instance, survey.action
    process = instance.process
    if not instance.processes_known:
        yield Note("not-permitted", "which processes run cannot be seen", "run as root")
    if instance.config is not None and instance.config.inetd:
        yield Note("per-connection", "inetd mode: every connection starts its own process; nothing to act on")
        return
    if action is Action.START and process is not None:
        yield Note("running", f"it runs already (pid {process.pid})", "reload or restart")
    if _nothing_runs(survey):
        fix = "" if action is Action.STOP else "start it"
        yield Note("not-running", "no process runs this configuration", fix)
    if survey.unseen is not None:
        yield Note("changed-hands", str(survey.unseen), "look again")
    if len(instance.processes) > 1 and survey.door.route is not Route.UNIT:
        pids = ", ".join(str(each.pid) for each in instance.processes)
        yield Note("duplicate-instance", f"several processes run it: pids {pids}", "end all but one first")
    if process is None or action in (Action.STOP, Action.START):
        return
    if instance.config is None:
        text = "which file it reads cannot be told: nobody knows whether it would come back"
        yield Note("config-unknown", text, "name the file: tuimon PATH")
    # A restart of ours would give up waiting, and the end comes all the same once it is let go.
    held = bool(process.frozen) or process.status == "tracing-stop"
    if (held and survey.door.route is Route.DIRECT) or (
        action is Action.RELOAD and (held or process.status == "stopped")
    ):
        state = f"frozen with {process.frozen}" if process.frozen else process.status
        fix = f"systemctl thaw {process.cgroup_unit}" if process.frozen else f"kill -CONT {process.pid}"
        fix = "find who traces it: TracerPid in /proc/PID/status" if process.status == "tracing-stop" else fix
        yield Note("hung", f"process {process.pid} is {state}: it does not hear a {action.value}", fix)


def _way(survey: Survey) -> Iterator[Note]:
    door, action, actor = survey.door, survey.action, survey.actor
    if door.route is Route.NONE:
        owner = f"{door.owner[0].upper()}{door.owner[1:]} owns it"
        yield Note("supervised-elsewhere", f"{owner}: {action.value} it there", " ".join(door.argv))
        return
    unit = survey.unit if door.route is Route.UNIT else None
    unusable = {"masked", "not-found", "bad-setting", "error"}  # what runs can be signalled and stopped
    if unit is not None and unit.load_state in unusable and action in _STARTS:
        yield Note("unit-failed", f"unit {unit.name} is {unit.load_state}", f"systemctl cat {unit.name}")
    if unit is not None and unit.refuses_start and action in _STARTS:
        yield Note("unit-refuses", f"{unit.name} may not be started by hand (RefuseManualStart)")
    if unit is not None and unit.refuses_stop and action in (Action.RESTART, Action.STOP):
        yield Note("unit-refuses", f"{unit.name} may not be stopped by hand (RefuseManualStop)")
    if door.route is Route.SCRIPT and actor.uid != 0:
        yield Note("not-permitted", "the init script needs root")
    if door.route is not Route.DIRECT or actor.uid == 0:
        return
    origin = survey.origin
    if origin is not None and origin.uid != actor.uid:
        yield Note("not-permitted", f"pid {origin.id.pid} belongs to another user")


def _file(survey: Survey) -> Iterator[Note]:
    """A refused file: no restart, and a reload that could only fail is explained."""
    config = survey.instance.config
    if config is not None and config.failure is not None:
        text = f"the configuration cannot be read: {config.failure}"
        yield Note("config-error", text, remedy(config.failure, config.path))
        return
    for remark in survey.remarks:
        if remark.code == SILENT and remark.severity is Severity.WARNING:
            yield Note(SILENT, remark.text, remark.fix)
        if not remark.refuses or _not_now(survey, remark):
            continue
        place = remark.place.rsplit("/", 1)[-1]
        what = {
            Action.RELOAD: "the reload would fail, and what serves now would serve on",
            Action.RESTART: "it would not come back",
            Action.START: "it would not start",
            Action.STOP: "",
        }[survey.action]
        yield Note(remark.code, f"{what}: {place}: {remark.text}", remark.fix)
        return


def _not_now(survey: Survey, remark: Remark) -> bool:
    """Whether what refuses a start is none for this action: a reload needs no pid file, and folders are
    made by the unit before it starts."""
    if remark.code not in _AT_START:
        return False
    unit, config = survey.unit, survey.instance.config
    if survey.action is Action.RELOAD or unit is None or survey.door.route is not Route.UNIT:
        return survey.action is Action.RELOAD
    option = {"pid-unwritable": "pid", "log-unwritable": "output"}.get(remark.code, "")
    path = config.text(option) if config is not None and option else ""
    prepared = any(each.line == "ExecStartPre" for each in unit.commands)
    return bool(path) and (prepared or any(path.startswith(f"{each}/") for each in unit.makes))


def _ports(survey: Survey) -> Iterator[Note]:
    """Addresses that somebody else holds: one service without any keeps the whole process from serving."""
    for each in survey.sight.real:
        if each.tunnel.taken:
            where = ", ".join(endpoint.text for endpoint in each.tunnel.service.accept)
            harm = (
                "every service of the process would go down" if survey.instance.running else "it cannot bind"
            )
            text = f"{where} of [{each.tunnel.service.name}] is held by {each.tunnel.taken}: {harm}"
            yield Note("accept-taken", text, f"end {each.tunnel.taken} (ss -ltnp), or change the address")


def _addresses(survey: Survey) -> Iterator[Note]:
    """Addresses that this machine does not have; stunnel needs one of each service's."""
    for each in survey.sight.real:
        accept = each.tunnel.service.accept
        if accept and all(endpoint.text in survey.foreign for endpoint in accept):
            where = ", ".join(endpoint.text for endpoint in accept)
            harm = (
                "every service of the process would go down" if survey.instance.running else "it cannot bind"
            )
            text = f"{where} of [{each.tunnel.service.name}] is no address of this machine: {harm}"
            yield Note("accept-foreign", text, "write one of `ip address`")


def _start(survey: Survey) -> Iterator[Note]:
    config, unit = survey.instance.config, survey.unit
    if survey.door.route is Route.DIRECT and survey.launch is None:
        yield Note("not-permitted", "how it was started cannot be seen", "run as root")
    if config is None or unit is None or survey.door.route is not Route.UNIT:
        return
    daemonises = config.text("foreground", "no").lower() == "no"
    if unit.type in {"notify", "notify-reload", "dbus"}:
        text = f"{unit.name} is Type={unit.type}, and stunnel never tells systemd that it is up"
        yield Note("unit-type", text, "set Type=exec")
    if daemonises and unit.type in {"simple", "exec", "idle"}:
        text = f"no `foreground = yes`: {unit.name} is Type={unit.type} and would end at once"
        yield Note("unit-type", text, "put `foreground = yes` before the first section")
    if not daemonises and unit.type == "forking":
        text = f"`foreground` is on: {unit.name} is Type=forking and would wait for it in vain"
        yield Note("unit-type", text, "set Type=simple, or remove `foreground`")


def warnings(survey: Survey) -> Iterator[Note]:
    """What to know before acting."""
    action, instance = survey.action, survey.instance
    if _nothing_runs(survey):
        return
    if action is Action.RELOAD:
        yield from hazards.warnings(survey)
        yield from effect.restart_reasons(survey)
    if action is Action.STOP:
        yield from (
            Note(each.code, f"it could not be started again: {each.text}", each.fix) for each in _file(survey)
        )
    yield from survey.triggers
    if action in (Action.RESTART, Action.STOP) and instance.running:
        yield from _cut(survey)
    if action is not Action.STOP:
        yield from effect.dead_targets(survey)
    if (
        survey.unit is not None
        and survey.unit.stale
        and survey.door.route is Route.UNIT
        and action in _STARTS
    ):
        text = f"{survey.unit.name} changed on disk: systemd acts by the old text"
        yield Note("unit-stale", text, "systemctl daemon-reload")
    if survey.door.route in (Route.UNIT, Route.SCRIPT) and survey.actor.uid != 0:
        yield Note("not-permitted", "root may do this; systemd is asked whether you may as well")
    for remark in survey.remarks:
        quiet = remark.refuses and not _not_now(survey, remark)
        if remark.severity is not Severity.INFO and not quiet and action is not Action.STOP:
            yield Note(remark.code, remark.text, remark.fix)


def _cut(survey: Survey) -> Iterator[Note]:
    touched = effect.touches(survey)
    if touched.sessions:
        many = "" if touched.sessions == 1 else "s"
        yield Note("sessions-cut", f"{touched.sessions} session{many} will be cut")
    if touched.children:
        yield Note(
            "children-ended", f"programs that it runs for clients end: {', '.join(touched.children[:5])}"
        )
    if touched.units:
        yield Note("units-follow", f"these units go down with it: {', '.join(touched.units[:5])}")
    config = survey.instance.config
    if config is not None and config.text("log").lower() == "overwrite":
        yield Note("log-overwritten", "`log = overwrite` empties the log: its end is saved before")
    unit = survey.unit
    if unit is not None and survey.door.route is Route.UNIT and unit.stop_timeout > 120:
        yield Note("slow", f"systemd waits up to {span(unit.stop_timeout)} for it to end")
