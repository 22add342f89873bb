"""What is known of one instance at one moment: the store's answer, handed to the control steps.

Rule: a value; who acts never holds the store.
"""

from msgspec import Struct

from tuimon.diagnose.finding import Finding
from tuimon.model.instance import Instance
from tuimon.model.tunnel import Tunnel


class Seen(Struct, frozen=True):
    """One service with its findings; `fresh` says that its last probe saw what runs now."""

    tunnel: Tunnel
    findings: tuple[Finding, ...] = ()
    fresh: bool = False

    @property
    def answers(self) -> bool:
        """Whether a new client gets through its listener and its TLS."""
        tunnel = self.tunnel
        if not tunnel.listeners and tunnel.sockets_known:
            return False
        return tunnel.handshake is None or tunnel.handshake.ok or tunnel.handshake.closed_early

    @property
    def serves(self) -> bool:
        """Whether a new client gets through to the target as well, as far as is known."""
        return self.answers and not self.why

    @property
    def why(self) -> str:
        """The cause of its trouble, or empty."""
        return next((each.text for each in self.findings if each.down), "")


class Sight(Struct, frozen=True):
    """One instance, its findings and all its services; `now` is seconds since the epoch."""

    now: float
    instance: Instance
    findings: tuple[Finding, ...] = ()
    services: tuple[Seen, ...] = ()

    @property
    def real(self) -> tuple[Seen, ...]:
        """The services without the placeholder of a configuration that cannot be seen."""
        return tuple(each for each in self.services if each.tunnel.key.ordinal >= 0)

    def find(self, ordinal: int) -> Seen | None:
        """One service by the ordinal of its section."""
        return next((each for each in self.services if each.tunnel.key.ordinal == ordinal), None)
