"""The screen over facts that a test tells, with no collector behind it.

Rule: the way of the facts is the real one (store, bell, signal, screens); only their source is not.
"""

import asyncio

from tests.facts import SECTIONS, World
from tests.fixtures import Pki
from tuimon.events import Event
from tuimon.host.local import LocalHost
from tuimon.runtime import Runtime
from tuimon.settings import Settings
from tuimon.ui.app import TuimonApp


class FedRuntime(Runtime):
    """A runtime that collects nothing; it rings as soon as it was told something."""

    def __init__(self, settings: Settings) -> None:
        self._idle_host = LocalHost(name="gw-01")
        super().__init__(self._idle_host, settings)

    async def run(self) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await self._idle_host.close()

    def tell(self, *told: Event) -> None:
        for event in told:
            self.store.apply(event)
        changes = self.store.drain()
        for listener in tuple(self._listeners):
            listener(changes)


class FedWorld(World):
    """A world of facts whose store a screen can show."""

    runs: type[FedRuntime] = FedRuntime

    def __init__(self, pki: Pki, sections: str = SECTIONS, settings: Settings | None = None) -> None:
        super().__init__(pki, sections, settings)
        self.runtime = self.runs(self.store.settings)
        self.store = self.runtime.store

    def tell(self, *told: Event) -> None:
        self.runtime.tell(*told)

    def app(self) -> TuimonApp:
        return TuimonApp(self.runtime, self.store.settings)
