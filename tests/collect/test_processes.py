"""Sockets of this machine, asked for and, where the kernel does not answer, read."""

import socket

from tuimon.collect.processes import Processes
from tuimon.events import Event, SocketsSeen
from tuimon.host.local import LocalHost
from tuimon.model.endpoint import Socket
from tuimon.model.failure import Failure, Reason
from tuimon.settings import Settings


class Silent(LocalHost):
    """A kernel without inet_diag."""

    async def sock_diag(self, request: bytes) -> bytes | Failure:
        return Failure(Reason.OTHER, "no such file or directory")


async def listening(host: LocalHost, port: int) -> list[Socket]:
    """The listeners of a port, by one look."""
    seen: list[SocketsSeen] = []

    def publish(event: Event) -> None:
        if isinstance(event, SocketsSeen):
            seen.append(event)
            raise TimeoutError  # enough

    try:
        await Processes(host, Settings()).run(publish)
    except TimeoutError:
        pass
    finally:
        await host.close()
    return [each for table in seen[0].tables for each in table.listening if each.port == port]


async def test_without_an_answer_the_files_are_read() -> None:
    """The same socket either way."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        asked, read = await listening(LocalHost(), port), await listening(Silent(), port)
    assert asked == read
    assert len(read) == 1
