"""Whether stunnel could bind the accept addresses of a configuration: each service needs one of its own.

Rule: sections bind in their order, and what an earlier one has bound a later one cannot.  Who else holds
a port depends on the moment and is left out; a file that a killed process left where a Unix socket shall
be stays, and is judged.
"""

import os
from collections.abc import Iterator
from ipaddress import IPv4Address, ip_address

from tuimon.lint.machine import Machine
from tuimon.lint.report import at
from tuimon.model.endpoint import Endpoint
from tuimon.model.failure import Failure, Reason
from tuimon.model.remark import Remark, Scope, Severity
from tuimon.model.service import Config, Service
from tuimon.text import printable

_ANY4, _ANY6 = "0.0.0.0", "::"  # noqa: S104 - recognised, not bound
_EVERY = {"", "*"}  # bound as both of them, and one that can be bound is enough
_UNIX = "/proc/net/unix"

_Taken = dict[str, dict[str, str]]
"""Port (or path) to address to the name of the section that has it."""


async def bindings(machine: Machine, config: Config) -> list[Remark]:
    """The services that could not bind any of their addresses; stunnel ends at the first."""
    taken: _Taken = {}
    found = []
    for service in config.services:
        if not service.accept:
            continue
        refusals = [await _bind(machine, service, each, taken) for each in service.accept]
        first = next((each for each in refusals if each), None)
        if first is not None and all(refusals):
            code, text, fix = first
            text = printable(f"[{service.name}]: cannot bind: {text}")
            value = service.options["accept"][-1]
            found.append(at(value, Severity.CRITICAL, Scope.ENVIRONMENT, code, text, printable(fix)))
    return found


async def _bind(
    machine: Machine, service: Service, endpoint: Endpoint, taken: _Taken
) -> tuple[str, str, str] | None:
    """Code, text and fix of why an address could not be bound; it is taken from now on otherwise."""
    if endpoint.path:
        if why := await _socket(machine, endpoint.path):
            return why
    elif not endpoint.number:  # a service name, or a random port
        return None
    port = endpoint.path or str(endpoint.number)
    addresses = _addresses(endpoint.host) if endpoint.number else ("",)
    known = taken.setdefault(port, {})
    free = [each for each in addresses if not any(_overlap(each, other) for other in known)]
    if not free:
        holder = next(
            name for other, name in known.items() if any(_overlap(each, other) for each in addresses)
        )
        text = f"{endpoint.text} is accepted on by [{holder}] already"
        return "duplicate-accept", text, "give each service an address of its own"
    known[free[0]] = service.name
    return None


def _addresses(host: str) -> tuple[str, ...]:
    return (_ANY4, _ANY6) if host in _EVERY else (host,)


def _overlap(one: str, other: str) -> bool:
    """Whether the kernel refuses the second of two listening sockets with the same port."""
    return one == other or _covers(one, other) or _covers(other, one)


def _covers(any_address: str, other: str) -> bool:
    """`::` takes IPv4 as well; of a name nobody knows what it stands for."""
    try:
        parsed = ip_address(other)
    except ValueError:
        return False
    return any_address == _ANY6 or (any_address == _ANY4 and isinstance(parsed, IPv4Address))


async def _socket(machine: Machine, path: str) -> tuple[str, str, str] | None:
    folder = os.path.dirname(path)
    names = await machine.folder(folder)
    if isinstance(names, Failure):
        if names.reason in {Reason.DENIED, Reason.TIMEOUT}:
            return None
        return "accept-folder-missing", f"there is no folder for {path}", f"make the folder {folder}"
    if await machine.test("-e", path) and path not in await _listening(machine):
        text = f"{path} is left over from a process that was killed"
        return "accept-taken", text, f"remove it: rm {path}"
    return None


async def _listening(machine: Machine) -> frozenset[str]:
    """The paths of all Unix sockets that a process holds."""
    content = await machine.read(_UNIX)
    return frozenset() if isinstance(content, Failure) else frozenset(_paths(content.data))


def _paths(table: bytes) -> Iterator[str]:
    for line in table.split(b"\n"):
        fields = line.split(None, 7)
        if len(fields) == 8:
            yield os.fsdecode(fields[7])
