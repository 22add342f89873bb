"""Who listens on this machine at the moment of an action, where services would connect to.

Rule: the kernel's tables are read, and nobody is connected to; what they do not show is left open.
"""

from collections.abc import Iterable
from ipaddress import ip_address

from tuimon.host.base import Host
from tuimon.model.endpoint import Endpoint, Socket, SocketState
from tuimon.model.failure import Failure
from tuimon.model.instance import Instance
from tuimon.parse.proc_net import parse_tcp, parse_unix

_TABLE = 64 * 1024 * 1024  # bytes: some 400,000 sockets


async def dead(host: Host, instance: Instance) -> frozenset[Endpoint]:
    """The targets of the configuration on disk that would be seen here if anybody listened there; empty
    where the tables cannot be read."""
    config, process = instance.config, instance.process
    services = config.services if config is not None else ()
    wanted = {each for service in services for each in service.connect if near(each)}
    if not wanted:
        return frozenset()
    found: list[Socket] = []
    folder = f"/proc/{process.pid}/net" if process is not None and process.net else "/proc/net"
    for name, parse in (("tcp", parse_tcp), ("tcp6", parse_tcp), ("unix", parse_unix)):
        content = await host.read(f"{folder}/{name}", _TABLE)
        if not isinstance(content, Failure):
            found += (each for each in parse(content.data) if each.state is SocketState.LISTEN)
        elif name == "tcp":
            return frozenset()
    return frozenset(each for each in wanted if not _heard(each, found))


def near(target: Endpoint) -> bool:
    """Whether the listener of a target, if it had one, would be seen here; a name may be any port."""
    if target.path:
        return True
    if not target.number:
        return False
    return target.host.lower() in {"", "localhost"} or _here(target.host)


def _heard(target: Endpoint, listening: Iterable[Socket]) -> bool:
    if target.path:
        return any(each.address == target.path for each in listening)
    return any(
        each.port == target.number and (each.address == target.host or _here(each.address, everywhere=True))
        for each in listening
    )


def _here(address: str, *, everywhere: bool = False) -> bool:
    """Whether it is an address of the loopback; or, `everywhere`, of all interfaces."""
    try:
        found = ip_address(address)
    except ValueError:
        return False
    return found.is_loopback or (everywhere and found.is_unspecified)
