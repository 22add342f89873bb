"""Judgements about a configuration on disk that is not the one that is loaded.

Rule: only the services that a change concerns are disturbed by it; the others are told.  Where the text
that is loaded is not known, the age of the file is all there is to go by, and concerns them all.
"""

from msgspec.structs import replace

from tuimon.diagnose.finding import Finding, Severity, ago, clock
from tuimon.model.instance import Instance
from tuimon.model.loaded import Change, Edit, SectionEdit
from tuimon.model.log import LOG_SECOND
from tuimon.model.service import Config
from tuimon.model.tunnel import Tunnel
from tuimon.text import counted

CODE = "config-changed"
_EVIDENCE = 20  # lines of the diff
AT_START = ("chroot", "foreground", "pid", "setgid", "setuid")  # options that a reload does not apply


def newer(config: Config | None, loaded_at: float | None) -> bool:
    """Whether the file was written after the load."""
    if config is None or config.stamp is None or loaded_at is None:
        return False
    return config.stamp.mtime >= loaded_at + LOG_SECOND


def untouched(config: Config, loaded_at: float) -> bool:
    """Whether nothing of the configuration was written, replaced or renamed after the load."""
    return config.stamp is not None and max(config.stamp.mtime, config.changed_at) < loaded_at + LOG_SECOND


def stale(instance: Instance) -> bool:
    """Whether the file is newer than the load, and what was loaded is not known."""
    return instance.loaded is None and newer(instance.config, instance.loaded_at)


def added(tunnel: Tunnel) -> bool:
    """Whether the section is new on disk, and so not served yet."""
    edit = _edit(tunnel)
    return edit is not None and edit.edit is Edit.ADDED


def config_changed(instance: Instance, now: float) -> Finding | None:
    """What stands on disk is not what the process has loaded."""
    config, change = instance.config, instance.change
    if config is None or not instance.running:
        return None
    if change is not None:
        if change.idle:
            text = f"comments of {instance.title} changed {ago(change.at, now)}"
            return Finding(CODE, Severity.INFO, text, "", _evidence(instance, change, now))
        text = f"{_gist(change, now)}: {_remedy(instance, change)}"
        return Finding(CODE, Severity.WARNING, text, _fix(instance, change), _evidence(instance, change, now))
    if not stale(instance) or config.stamp is None:
        return None
    text = f"{instance.title} changed {ago(config.stamp.mtime, now)}, not loaded yet: reload"
    why = "it is too long to be compared" if config.lines is None else "the text that is loaded was not seen"
    evidence = (f"{_times(instance, config.stamp.mtime, now)}; {why}",)
    return Finding(CODE, Severity.WARNING, text, "reload", evidence)


def told_of_the_disk(target: Finding | None, tunnel: Tunnel) -> Finding | None:
    """A target that cannot be reached, where `connect` leads elsewhere on disk: a load is missing."""
    change, edit, config = tunnel.instance.change, _edit(tunnel), tunnel.instance.config
    if target is None or not target.down or change is None or edit is None or config is None:
        return target
    service = next((each for each in config.services if each.key == tunnel.key), None)
    if service is None or not target.code.startswith("connect-") or "connect" not in edit.options:
        return target
    where = ", ".join(each.text for each in service.connect) or "nothing"
    fix = f"`connect` was changed on disk to {where}: {_fix(tunnel.instance, change)}"
    return replace(target, fix=fix)


def for_service(tunnel: Tunnel, inherited: tuple[Finding, ...], now: float) -> tuple[Finding, ...]:
    """The instance's findings as they concern this service."""
    change = tunnel.instance.change
    if change is None or change.idle:
        return inherited
    return tuple(_for_service(tunnel, change, each, now) if each.code == CODE else each for each in inherited)


def _for_service(tunnel: Tunnel, change: Change, finding: Finding, now: float) -> Finding:
    edit = change.of(tunnel.key.ordinal)
    if edit is None and not change.globals:
        evidence = (_times(tunnel.instance, change.at, now), "nothing of this service is concerned")
        return Finding(CODE, Severity.INFO, finding.text, finding.fix, evidence)
    if edit is None:
        text = f"{_globals(change)} changed {_ago(change, now)}: {_remedy(tunnel.instance, change)}"
    else:
        text = f"{_said(edit)} {_ago(change, now, edit)}: {_remedy(tunnel.instance, change)}"
    return Finding(CODE, finding.severity, text, finding.fix, finding.evidence)


def _edit(tunnel: Tunnel) -> SectionEdit | None:
    change = tunnel.instance.change
    return change.of(tunnel.key.ordinal) if change is not None else None


# -- in words -----------------------------------------------------------------------------------


def _gist(change: Change, now: float) -> str:
    """What changed, in a line."""
    edits = change.sections
    if change.globals:
        more = f" and {counted(len(edits), 'section')}" if edits else ""
        return f"{_globals(change)}{more} changed {_ago(change, now)}"
    if len(edits) == 1:
        return f"{_said(edits[0])} {_ago(change, now, edits[0])}"
    words = {Edit.CHANGED: "changed", Edit.ADDED: "added", Edit.REMOVED: "removed"}
    kinds = [(word, [each.name for each in edits if each.edit is kind]) for kind, word in words.items()]
    said = ", ".join(f"{_names(names)} {word}" for word, names in kinds if names)
    return f"{said} {_ago(change, now)}"


def _said(edit: SectionEdit) -> str:
    if edit.edit is Edit.CHANGED:
        what = edit.options[0] if len(edit.options) == 1 else counted(len(edit.options), "option")
        return f"{what} of [{edit.name}] changed"
    return f"[{edit.name}] {edit.edit.value}"


def _ago(change: Change, now: float, edit: SectionEdit | None = None) -> str:
    served = "still served" if edit is not None and edit.edit is Edit.REMOVED else "not loaded"
    return f"{ago(change.at, now)}, {served}"


def _globals(change: Change) -> str:
    names = change.globals
    return f"global {names[0]}" if len(names) == 1 else counted(len(names), "global option")


def _names(names: list[str]) -> str:
    return f"[{names[0]}]" if len(names) == 1 else counted(len(names), "section")


def _at_start(change: Change) -> tuple[str, ...]:
    return tuple(each for each in change.globals if each in AT_START)


def _remedy(instance: Instance, change: Change) -> str:
    first = "mend it, then " if _refused(instance) else ""
    return f"{first}{'restart' if _at_start(change) else 'reload'}"


def _refused(instance: Instance) -> bool:
    """Whether what stands on disk would not be loaded."""
    config = instance.config
    return bool(config and config.problems) or any(each.refuses for each in instance.remarks)


def _fix(instance: Instance, change: Change) -> str:
    first = "mend the file, then " if _refused(instance) else ""
    needed = _at_start(change)
    if needed:
        return f"{first}restart: a reload does not apply {', '.join(needed)}"
    return f"{first}reload"


def _times(instance: Instance, at: float, now: float) -> str:
    return f"file of {clock(at, now)}, loaded at {clock(instance.loaded_at, now)}"


def _evidence(instance: Instance, change: Change, now: float) -> tuple[str, ...]:
    left = len(change.diff) + change.more - _EVIDENCE
    rest = (f"… and {left} more lines of the difference",) if left > 0 else ()
    return (_times(instance, change.at, now), *change.diff[:_EVIDENCE], *rest)
