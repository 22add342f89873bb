"""Addresses as stunnel spells them, and sockets as the kernel shows them."""

from enum import StrEnum
from typing import NamedTuple

from msgspec import Struct


class Endpoint(Struct, frozen=True, gc=False):
    """One `accept`, `connect` or `redirect` address of a configuration.

    `host` is empty where only a port was written: every address for `accept`, loopback (`::1` first)
    for `connect`.  `port` is what was written, a number or a name of /etc/services.  `path` is set
    for a Unix socket, and then host and port are empty.  `text` is the spelling of the file.
    """

    text: str
    host: str = ""
    port: str = ""
    path: str = ""

    @property
    def number(self) -> int | None:
        """The port as stunnel binds it (modulo 65536), or None for a service name."""
        return int(self.port) % 65536 if self.port.isascii() and self.port.isdigit() else None

    @classmethod
    def parse(cls, text: str) -> "Endpoint":
        """Split `HOST:PORT` at the last colon, as stunnel does; `/path` is a Unix socket."""
        if text.startswith("/"):
            return cls(text=text, path=text)
        host, _, port = text.rpartition(":")
        return cls(text=text, host=host, port=port)


class SocketState(StrEnum):
    """The TCP states that say something about a service; closing: one side has said its last, and a
    process still holds the socket."""

    LISTEN = "listen"
    ESTABLISHED = "established"
    CLOSING = "closing"


class Socket(NamedTuple):
    """One line of /proc/net/tcp, tcp6 or unix.

    `queue` of a listening socket is the number of connections that the process has not accepted yet.
    For a Unix socket `address` is the path and the ports are 0.  `inode` is 0 while no process holds the
    socket: a connection that was not accepted yet, or is closed already.
    """

    state: SocketState
    address: str
    port: int
    remote_address: str
    remote_port: int
    queue: int
    inode: int


class Backlog(Struct, frozen=True, gc=False):
    """Connections that a listening socket does not accept, look after look.

    `where` is its address, `since` seconds since the epoch, `holder` who holds the socket where that is
    known (`nginx pid 4711`).
    """

    where: str
    count: int
    since: float
    holder: str = ""
