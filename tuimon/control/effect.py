"""What an action would change, and whom it touches.

Rule: pure, from what is known; what cannot be counted is left open, never taken for nothing.
"""

from collections.abc import Iterator

from tuimon.control.sight import Seen, Sight
from tuimon.control.survey import Survey
from tuimon.diagnose.finding import clock, span
from tuimon.diagnose.in_use import disk_leaf, served_leaf
from tuimon.diagnose.loaded import AT_START, stale
from tuimon.model.action import Action, Change, Load, Note, Route, Touches
from tuimon.model.certificate import Certificate
from tuimon.model.loaded import Edit, SectionEdit


def certificate(each: Certificate, now: float) -> str:
    """A certificate by its title and how long it lasts."""
    left = each.seconds_left(now)
    return f"{each.title}, {span(left)} left" if left > 0 else f"{each.title}, expired {span(left)} ago"


def changes(survey: Survey) -> tuple[Change, ...]:
    """What will be different: certificates, services that come, the age of the file."""
    if survey.action is Action.STOP:
        return ()
    sight, now = survey.sight, survey.sight.now
    found = []
    if survey.instance.running:
        found += _file(sight)
    for each in sight.real:
        service = each.tunnel.service
        old, new = served_leaf(each.tunnel), disk_leaf(each.tunnel)
        if service.client or new is None or (old is not None and old.sha256 == new.sha256):
            continue
        if old is not None:
            found.append(
                Change(f"certificate of [{service.name}]", certificate(old, now), certificate(new, now))
            )
    if survey.instance.running:
        found += [_comes(each) for each in sight.real if _new(each)]
    return tuple(found)


def _file(sight: Sight) -> list[Change]:
    """What of the text is not loaded yet: by option where that is known, else that it is newer."""
    instance, now = sight.instance, sight.now
    config, loaded, change = instance.config, instance.loaded_at, instance.change
    if change is not None:
        above = ", ".join(change.globals)
        found = [Change("options above the sections", "", f"{above} changed")] if above else []
        return found + [_section(each) for each in change.sections]
    if config is None or not stale(instance) or loaded is None or config.stamp is None:
        return []
    old, new = clock(loaded, now), clock(config.stamp.mtime, now)
    return [Change(f"file {instance.title}", f"loaded at {old}", f"of {new}")]


def _section(edit: SectionEdit) -> Change:
    options = ", ".join(edit.options)
    if edit.edit is Edit.ADDED:
        return Change(f"section [{edit.name}]", "", "added")
    if edit.edit is Edit.REMOVED:
        return Change(f"section [{edit.name}]", "served", "removed")
    return Change(f"options of [{edit.name}]", "", f"{options} changed")


def _new(each: Seen) -> bool:
    tunnel = each.tunnel
    return (
        bool(tunnel.service.accept)
        and tunnel.sockets_known
        and not tunnel.listeners
        and tunnel.primary is None
    )


def _comes(each: Seen) -> Change:
    where = ", ".join(endpoint.text for endpoint in each.tunnel.service.accept)
    return Change(f"listener of [{each.tunnel.service.name}]", "", where)


def touches(survey: Survey) -> Touches:
    """Every service of the process, whatever service was named: one process, one action."""
    loads = tuple(
        # Sessions of an SNI service are those of its primary's port, and counted there.
        Load(each.tunnel.service.name, None if each.tunnel.primary is not None else each.tunnel.sessions)
        for each in survey.sight.real
    )
    ends = survey.action in (Action.RESTART, Action.STOP)
    children = survey.origin.children if survey.origin is not None and ends else ()
    unit = survey.unit if survey.door.route is Route.UNIT and ends else None
    return Touches(
        loads=loads if survey.instance.running else (),
        children=tuple(f"{each.name} (pid {each.pid})" for each in children),
        units=unit.followers if unit is not None else (),
    )


def dead_targets(survey: Survey) -> Iterator[Note]:
    """Services that would connect to where this machine shows no listener, by the file as it will be read:
    they come up, and serve nobody."""
    config = survey.instance.config
    for service in config.services if config is not None else ():
        targets = service.connect
        if targets and all(target in survey.dead for target in targets):
            where = ", ".join(target.text for target in targets)
            text = f"nobody listens on {where}, where [{service.name}] connects to"
            yield Note("connect-refused", text, "start the target, or correct `connect`")


def restart_reasons(survey: Survey) -> tuple[Note, ...]:
    """What a reload leaves as it is: it is applied at the start of a process only."""
    config, process, change = survey.instance.config, survey.instance.process, survey.instance.change
    if config is None or process is None:
        return ()
    found = {}
    jail, root = config.text("chroot").rstrip("/") or "/", process.root.rstrip("/") or "/"
    if jail != root and not process.net:
        found["chroot"] = f"chroot is {jail} in the file and {root} in the process"
    if survey.setuid and process.user and survey.setuid not in {process.user, str(_uid(survey))}:
        found["setuid"] = f"setuid is {survey.setuid} in the file, the process runs as {process.user}"
    pid = config.text("pid")
    if pid and survey.pid_file != process.pid and survey.actor.uid == 0:
        found["pid"] = f"the pid file {pid} is written at a start only"
    for name in change.globals if change is not None else ():
        if name in AT_START:
            found.setdefault(name, f"`{name}` was changed")
    return tuple(
        Note("restart-needed", f"a reload does not apply it: {text}", "restart") for text in found.values()
    )


def _uid(survey: Survey) -> int:
    return survey.origin.uid if survey.origin is not None else -1
