"""Lint one file: the parser asks, the machine answers, and what both say becomes a report.

Rule: nothing of the machine is touched but read: files, names, and the system's `openssl`.
"""

from tuimon.diagnose.finding import Severity
from tuimon.lint.advice import advice
from tuimon.lint.environment import Environment
from tuimon.lint.machine import Machine
from tuimon.lint.report import Remark, Report, Scope, compose
from tuimon.lint.startup import afterwards, startup
from tuimon.model.failure import Failure, Reason
from tuimon.model.service import Config
from tuimon.parse.stunnel_asks import ListFolder, ReadFile, Request
from tuimon.parse.stunnel_conf import judge
from tuimon.parse.stunnel_options import Version


async def check(machine: Machine, path: str, version: Version) -> Report:
    """What stunnel `version` would say to the file at `path` on this machine, and advice."""
    environment = Environment(machine, version)
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
    if config.failure is not None:
        return Report(path, (_unreadable(config, config.failure),), config.services)
    notes = [*environment.notes]
    if not config.problems:
        notes += await startup(machine, config, environment.defaults)
    notes += [*await afterwards(machine, config), *advice(config)]
    return compose(path, config, notes)


async def _supply(machine: Machine, request: Request) -> bytes | tuple[str, ...] | Failure:
    if isinstance(request, ListFolder):
        return await machine.folder(request.path)
    content = await machine.read(request.path)
    return content if isinstance(content, Failure) else content.data


def _unreadable(config: Config, failure: Failure) -> Remark:
    denied = failure.reason is Reason.DENIED
    code = "not-permitted" if denied else "config-error"
    text = f"cannot be read: {failure}"
    fix = f"run as {failure.needs or 'root'}" if denied else "restore the file"
    return Remark(config.path, None, Severity.CRITICAL, Scope.ENVIRONMENT, code, text, fix)
