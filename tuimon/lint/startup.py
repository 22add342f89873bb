"""What stops stunnel after it has read its configuration: the folders of sockets, the jail, the log, the
pid file; and what it finds out only with the first connection.

Rule: ports in use and pid files of running instances depend on the moment and are left out.  Unless we
are root, only what is missing is judged, not what is closed to us.
"""

import asyncio
import os
from typing import NamedTuple

from tuimon.lint.bindings import bindings
from tuimon.lint.machine import Machine
from tuimon.lint.report import at
from tuimon.model.endpoint import Endpoint
from tuimon.model.failure import Failure, Reason
from tuimon.model.remark import Remark, Scope, Severity
from tuimon.model.service import Config, Service, Value
from tuimon.parse.stunnel_section import Values
from tuimon.parse.stunnel_values import lower
from tuimon.text import printable


class _Ends(NamedTuple):
    """How the process stands when it opens its log: inside `jail` (or empty), as `user` and `group`."""

    jail: str
    user: str
    group: str


async def startup(machine: Machine, config: Config, defaults: Values) -> list[Remark]:
    """Refusals after the text was read, in stunnel's order.  `defaults` are the service-level options
    before the first section: only their `setuid` and `setgid` change the process."""
    found = [] if config.inetd else await bindings(machine, config)
    jail = _last(config.globals, "chroot")
    if jail and await _is_folder(machine, jail.exact) is False:
        text = f"chroot: {jail.text} is no folder"
        return [*found, _refused(jail, "chroot-missing", text, f"make the folder {jail.text}")]
    user, group = _last(defaults, "setuid"), _last(defaults, "setgid")
    ends = _Ends(jail.exact if jail else "", user.exact if user else "", group.exact if group else "")
    output, pid = _last(config.globals, "output"), _last(config.globals, "pid")
    if output:
        why = await _unopened(machine, output.exact, ends) if output.text else "it is empty"
        if why:
            text = f"Cannot open log file: {output.text}: {why}"
            fix = "give a file in a folder that the user stunnel runs as may write to"
            found.append(_refused(output, "log-unwritable", text, fix))
    if pid and pid.text and not config.inetd:
        why = await _unopened(machine, pid.exact, ends, new=True)
        if why:
            late = ""
            if lower(config.text("foreground", "no")) == "no":
                late = "; this comes after the fork: the command still exits 0, and only the log tells"
            text = f"Cannot create pid file {pid.text}: {why}{late}"
            fix = "make the folder, or remove the line: stunnel needs no pid file"
            found.append(_refused(pid, "pid-unwritable", text, fix))
    return found


def _last(values: Values, option: str) -> Value | None:
    said = values.get(option)
    return said[-1] if said else None


def _refused(value: Value, code: str, text: str, fix: str) -> Remark:
    return at(value, Severity.CRITICAL, Scope.ENVIRONMENT, code, printable(text), printable(fix))


async def _is_folder(machine: Machine, path: str) -> bool | None:
    """Whether it is one; None if we may not see."""
    names = await machine.folder(path)
    if not isinstance(names, Failure):
        return True
    return None if names.reason in {Reason.DENIED, Reason.TIMEOUT} else False


async def _unopened(machine: Machine, path: str, ends: _Ends, *, new: bool = False) -> str:
    """Why a file could not be opened for writing, or empty; a `new` one takes the place of the old."""
    where = ends.jail + ("/" if ends.jail else "") + path
    folder = os.path.dirname(where) or "."
    if await _is_folder(machine, where):
        return "it is a folder"
    if await _is_folder(machine, folder) is False:
        return f"{folder} is no folder"
    if not await machine.root():
        return ""
    who = (ends.user, ends.group)
    target = where if not new and await machine.test("-e", where) else folder
    if await machine.test("-w", target, *who) is False or await machine.test("-x", folder, *who) is False:
        who_text = f" for {ends.user or ends.group}" if ends.user or ends.group else ""
        return f"{target} is not writable{who_text}"
    return ""


# What stunnel does not look at before the first connection


async def programs(machine: Machine, config: Config) -> list[Remark]:
    """Programs that are not there: stunnel starts all the same."""
    found = [await _exec(machine, service) for service in config.services if service.exec]
    return [each for each in found if each]


async def targets(machine: Machine, config: Config) -> list[Remark]:
    """Targets that do not resolve: stunnel starts all the same."""
    asked = (
        _target(machine, value)
        for service in config.services
        if not service.yes("delay")
        for value in (*service.options.get("connect", ()), *service.options.get("redirect", ()))
    )
    return [each for each in await asyncio.gather(*asked) if each]


async def _exec(machine: Machine, service: Service) -> Remark | None:
    value = service.options["exec"][-1]
    if await machine.test("-x", value.exact) is not False:
        return None
    text = f"[{service.name}]: exec: {service.shown('exec')} is not there or not executable"
    fix = "stunnel starts without looking at it, and then every connection fails"
    return at(value, Severity.WARNING, Scope.ENVIRONMENT, "exec-missing", text, fix)


async def _target(machine: Machine, value: Value) -> Remark | None:
    if await machine.resolves(Endpoint.parse(value.exact)) is not False:
        return None
    text = f"{value.shown} does not resolve: stunnel starts, and looks it up again for every connection"
    fix = "write HOST:PORT as the resolver knows it, and nothing after it"
    return at(value, Severity.WARNING, Scope.ENVIRONMENT, "connect-unresolved", text, fix)
