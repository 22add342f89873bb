"""The report before an action: may it be done, how, with what effect, on whom.

Rule: looks and changes nothing; the same report stands behind the screen's dialog, `--dry-run` and the
moment of acting, so that nobody skips it.
"""

from tuimon.control import door, effect, obstacles
from tuimon.control.sight import Sight
from tuimon.control.survey import Survey, survey
from tuimon.host.base import Host
from tuimon.host.hands import Hands
from tuimon.model.action import Action, Door, Note, Preflight, Route

READ_ONLY = Note("read-only", "tuimon was told to change nothing (read-only)")


async def prepare(host: Host, hands: Hands | None, sight: Sight, action: Action) -> Preflight:
    """Find out everything about one action; without hands it is refused."""
    if hands is None:
        process = sight.instance.process.id if sight.instance.process else None
        return Preflight(
            sight.instance.key, action, Door(Route.NONE), host.name, process=process, refusals=(READ_ONLY,)
        )
    return judge(await survey(host, hands, sight, action), host.name)


def judge(found: Survey, host: str) -> Preflight:
    """The report on what was seen."""
    instance, action = found.instance, found.action
    return Preflight(
        key=instance.key,
        action=action,
        door=found.door,
        host=host,
        process=instance.process.id if instance.process else None,
        stamp=instance.config.stamp if instance.config else None,
        refusals=tuple(dict.fromkeys(obstacles.refusals(found))),
        warnings=tuple(dict.fromkeys(obstacles.warnings(found))),
        changes=effect.changes(found),
        touches=effect.touches(found),
        command=door.by_hand(action, instance, found.door),
        diff=instance.change.diff if instance.change is not None and action is not Action.STOP else (),
        launch=found.launch,
        overwrites=_overwritten(found),
        handed=found.origin is not None and found.origin.sockets > 0,
    )


def _overwritten(found: Survey) -> str:
    """The log that the action empties, or empty."""
    config, log = found.instance.config, found.instance.log
    overwrites = config is not None and config.text("log").lower() == "overwrite"
    return log if overwrites and log.startswith("/") and found.action is not Action.STOP else ""
