"""Pairs: which server service of this machine a client service leads to.

Rule: by the socket that listens where the client connects; only where none does, by the address that a
configuration names.  Addresses beyond loopback are not guessed to be ours.
"""

from collections.abc import Iterable

from msgspec import Struct, field

from tuimon.model.endpoint import Endpoint
from tuimon.model.tunnel import Far, Tunnel
from tuimon.store.join import on_loopback


class Pairs(Struct):
    """Server services by listening socket and by accept address."""

    _by_inode: dict[int, Far] = field(default_factory=dict)
    _by_address: dict[tuple[str, int | None], Far] = field(default_factory=dict)

    def rebuild(self, tunnels: Iterable[Tunnel]) -> None:
        """Learn where every server service is reached."""
        self._by_inode, self._by_address = {}, {}
        for tunnel in tunnels:
            if tunnel.service.client or tunnel.primary is not None:
                continue
            far = Far(tunnel.key, tunnel.service.name)
            for socket in tunnel.listeners:
                self._by_inode[socket.inode] = far
            for endpoint in tunnel.service.accept:
                self._by_address.setdefault(_address(endpoint), far)

    def far(self, tunnel: Tunnel) -> Far | None:
        """The far end of a client service, if it is here; of several remotes there is no one far end."""
        if not tunnel.service.client or len(tunnel.service.connect) != 1:
            return None
        for inode in tunnel.target_listeners:
            return self._by_inode.get(inode)
        near: tuple[Endpoint, ...] = on_loopback(tunnel.service.connect)
        return self._by_address.get(_address(near[0])) if near else None


def _address(endpoint: Endpoint) -> tuple[str, int | None]:
    """What is the same for two spellings of one loopback address: the port, or the path of a socket."""
    return (endpoint.path, endpoint.number)
