"""What a collector is: it is told what to look at, and reports facts as events.

Rule: a collector never holds the store or a widget.  What it should look at reaches it as an
`Interest`; what it finds leaves as an `Event`.  It may fall: the runtime starts it again.
"""

from collections.abc import Callable
from typing import Protocol

from tuimon.events import Event
from tuimon.model.tunnel import Interest

Publish = Callable[[Event], None]


class Collector(Protocol):
    """One source of facts."""

    name: str

    async def run(self, publish: Publish) -> None:
        """Collect until cancelled."""

    def want(self, interest: Interest) -> None:
        """Look at exactly this from now on; may be called at any time, also before `run`."""
