"""Files and folders of a configuration that get no answer from their file system.

Rule: stunnel would wait for them as well, at its start, at a reload or at a connection, without a word and
without an end; so each is said once, whatever else was to be judged of it.
"""

import os
from collections.abc import Iterator

from tuimon.lint.machine import Machine
from tuimon.lint.report import at
from tuimon.model.failure import Reason
from tuimon.model.remark import CLOSED, SILENT, Remark, Scope, Severity
from tuimon.model.service import Config, Value

_PATHS = ("cert", "key", "CAfile", "CApath", "CRLfile", "CRLpath", "PSKsecrets", "exec")
_WARNING = (Severity.WARNING, Scope.ENVIRONMENT, SILENT)
_FIX = "look at its server or mount"
_GLOBAL_PATHS = ("chroot", "output", "pid")


def silent(machine: Machine, config: Config) -> list[Remark]:
    """One remark for each line that names such a file."""
    said = {(value.file, value.line): (option, value) for option, value in _named(config)}
    return [_remark(*each) for each in said.values() if _is_silent(machine, each[1])]


def withheld(config: Config) -> list[Remark]:
    """What an included file or folder says is not known, and so neither what stunnel would say to it."""
    if config.withheld is None:
        return []
    path, failure = config.withheld
    if failure.reason is Reason.TIMEOUT:
        return [Remark(path, None, *_WARNING, _words("include", path), _FIX)]
    text = f"what is included here was not judged: {failure}"
    return [Remark(path, None, Severity.INFO, Scope.ENVIRONMENT, CLOSED, text, "run as root")]


def _named(config: Config) -> Iterator[tuple[str, Value]]:
    for option in _GLOBAL_PATHS:
        yield from ((option, value) for value in config.globals.get(option, ())[-1:])
    for service in config.services:
        for option in _PATHS:
            yield from ((option, value) for value in service.options.get(option, ())[-1:])


def _is_silent(machine: Machine, value: Value) -> bool:
    path = machine.path(value.exact)
    return path in machine.silent or os.path.dirname(path) in machine.silent


def _remark(option: str, value: Value) -> Remark:
    if option == "exec":  # waited for by whoever is connected, and by nobody else
        return at(value, Severity.INFO, *_WARNING[1:], _words(option, value.shown), _FIX)
    return at(value, *_WARNING, _words(option, value.shown), _FIX)


def _words(option: str, path: str) -> str:
    return f"`{option}`: the file system of {path} does not answer: stunnel would hang there"
