"""InOrder: keys act in the order in which they were typed.

Rule: no key overtakes another.  Textual lets the app act on a priority key as soon as it comes, while those
typed before it are still on their way from the widget that has the focus up to the app, one queue after the
other: of `p2` in one packet the p would find the log.  So such a key waits, and all keys after it, until
somebody sent through the same queues has come back; and once more, behind what those keys made a widget say
to its screen (a row was opened).
"""

import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

from textual.app import App
from textual.dom import DOMNode
from textual.events import Key
from textual.message_pump import MessagePump
from textual.timer import Timer

_AGO = 0.5  # seconds after which a key has arrived, or waits for something that may need the keys after it

Act = Callable[[Key], Awaitable[None]]


class InOrder:
    """The keys of an app: `act` takes one of which nothing is before it."""

    def __init__(self, app: App[Any], act: Act) -> None:
        self._app, self._act = app, act
        self._held: list[Key] = []
        self._sent = float("-inf")  # when a key was passed on last, monotonic seconds
        self._timer: Timer | None = None

    async def take(self, key: Key) -> None:
        """Act on a key as soon as those before it were acted on."""
        if self._held:
            self._held.append(key)
        elif time.monotonic() - self._sent < _AGO and self._first(key):
            self._held.append(key)
            self._timer = self._app.set_timer(_AGO, partial(self._app.call_later, self._release))
            await self._follow(self._way, laps=2)
        else:
            if not self._first(key):
                self._sent = time.monotonic()
            await self._act(key)

    def _first(self, key: Key) -> bool:
        """Whether the app acts on it before others see it."""
        found = self._app.active_bindings.get(key.key)
        return found is not None and found.binding.priority

    @property
    def _way(self) -> Sequence[DOMNode]:
        """Whose queues a key goes through."""
        return (self._app.focused or self._app.screen).ancestors_with_self

    async def _follow(self, nodes: Sequence[DOMNode], laps: int) -> None:
        """Go through the queue of each of these; one that is gone has none."""
        for at, node in enumerate(nodes):
            if isinstance(node, MessagePump) and node.call_later(self._follow, nodes[at + 1 :], laps):
                return
        if laps > 1:
            await self._follow(self._way, laps - 1)
        else:
            await self._release()

    async def _release(self) -> None:
        """Act on what was held: whichever of those that follow the first one is to wait again, waits."""
        if self._timer is None:  # somebody was quicker
            return
        self._timer.stop()
        self._timer = None
        held, self._held = self._held, []
        await self._act(held[0])
        for key in held[1:]:
            await self.take(key)
