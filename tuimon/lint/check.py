"""Lint one file: the parser asks, the machine answers, and what both say becomes a report.

Rule: nothing of the machine is touched but read: files, names, and the system's `openssl`.
"""

from tuimon.diagnose.advice import advice
from tuimon.lint.environment import Environment
from tuimon.lint.machine import Machine
from tuimon.lint.report import Report, compose
from tuimon.lint.silent import silent, withheld
from tuimon.lint.startup import programs, startup, targets
from tuimon.model.failure import Failure, Reason, remedy
from tuimon.model.remark import Remark, Scope, Severity
from tuimon.model.service import Config
from tuimon.parse.stunnel_asks import ListFolder, ReadFile, Request
from tuimon.parse.stunnel_conf import judge
from tuimon.parse.stunnel_options import Version


async def check(machine: Machine, path: str, version: Version) -> Report:
    """What stunnel `version` would say to the file at `path` on this machine, and advice."""
    config, notes = await _judged(machine, path, version)
    if config.failure is not None:
        return Report(path, (_unreadable(config, config.failure),), config.services)
    nowhere = await targets(machine, config)
    places = {(each.path, each.line) for each in nowhere}  # how to write what is no address helps nobody
    notes += [*nowhere, *(each for each in advice(config) if (each.path, each.line) not in places)]
    return compose(path, config, notes)


async def start_of(machine: Machine, path: str, version: Version, *, loaded: bool) -> tuple[Remark, ...]:
    """Whether a start with this file would succeed now, and what would be missed after it.

    For a fleet that is watched: what takes long to ask (names of targets) or is judged elsewhere
    (advice) is left out.  `loaded` says that a process runs this very text, whose words its OpenSSL has
    taken.  Nothing is said of a file that cannot be read.
    """
    config, notes = await _judged(machine, path, version, loaded=loaded)
    return () if config.failure is not None else compose(path, config, notes).remarks


async def _judged(
    machine: Machine, path: str, version: Version, *, loaded: bool = False
) -> tuple[Config, list[Remark]]:
    """The file read and the machine asked, in stunnel's order; notes on both."""
    environment = Environment(machine, version, loaded=loaded)
    judging = judge(path, version=version)
    try:
        request = next(judging)
        while True:
            if isinstance(request, ReadFile | ListFolder):
                request = judging.send(await _supply(machine, request))
            else:
                request = judging.send(await environment.answer(request))
    except StopIteration as end:
        config: Config = end.value
    notes = [*environment.notes]
    if config.failure is None and not config.problems:
        notes += [*await startup(machine, config, environment.defaults)]
    if config.failure is None:
        notes += await programs(machine, config)
        notes += [*withheld(config), *silent(machine, config)]
    return config, notes


async def _supply(machine: Machine, request: Request) -> bytes | tuple[str, ...] | Failure:
    if isinstance(request, ListFolder):
        return await machine.folder(request.path)
    content = await machine.read(request.path)
    return content if isinstance(content, Failure) else content.data


def _unreadable(config: Config, failure: Failure) -> Remark:
    code = "not-permitted" if failure.reason is Reason.DENIED else "config-error"
    text, fix = f"cannot be read: {failure}", remedy(failure, config.path)
    return Remark(config.path, None, Severity.CRITICAL, Scope.ENVIRONMENT, code, text, fix)
