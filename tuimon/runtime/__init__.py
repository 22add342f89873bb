"""The runtime: collectors under one TaskGroup, their events into the store, a bell for the screen.

Rule: one way only.  Events go into the store at once; the bell rings at most 20 times a second; what
the collectors should look at follows from the store and is handed to them.  A collector that falls is
reported as an event and started again with back-off; the others do not notice.
"""

import asyncio
import contextlib
import gc
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from typing import TYPE_CHECKING

from tuimon.collect.base import Collector
from tuimon.collect.clock import Clock
from tuimon.collect.configs import Configs
from tuimon.events import CollectorFailed, CollectorStarted, Event, LogRecalled, ProbeFinished
from tuimon.host.base import Host
from tuimon.host.hands import Hands
from tuimon.model.action import ACTION_LOG, Action, Logged, Outcome, Preflight
from tuimon.model.failure import Failure, Reason, bug
from tuimon.model.service import InstanceKey, ServiceKey
from tuimon.model.tunnel import JOURNAL, Interest
from tuimon.runtime import heap
from tuimon.runtime.bell import BELL, Bell
from tuimon.settings import Settings
from tuimon.store import Changes, Store

if TYPE_CHECKING:
    from tuimon.control.act import Control
    from tuimon.control.sight import Sight
    from tuimon.runtime.crew import Crew

_WORDS = 0.4  # seconds in which the log says what it has to say of a probe that failed

_LOOKED_AT = frozenset({"configurations", "processes", "sockets", "units", "certificates", "logs"})
"""What an action depends on."""

_FIRST = 0.5  # seconds in which configurations are looked at and nothing else
_PATIENCE = 10.0  # seconds that an action waits for it

Elevated = Callable[[Callable[[], AbstractContextManager[None]]], Hands]
"""Makes hands that ask sudo on the terminal, which they are given for as long as they need it."""

_INTEREST = "interest"  # what stands among the collectors while it cannot be told what to look at
_FIRST_RETRY, _LAST_RETRY = 1.0, 60.0  # seconds before a fallen collector is started again


class Runtime:
    """Runs the collectors of one host and keeps its store."""

    def __init__(
        self,
        host: Host,
        settings: Settings,
        paths: tuple[str, ...] = (),
        hands: Callable[[], Hands] | None = None,
        *,
        at_once: bool = True,
    ) -> None:
        """`hands` makes those that act, when somebody does.

        `at_once` tells of what is known from the first fact on, for somebody who looks; else nothing is told
        before the whole machine was looked at, and then as soon as it comes.
        """
        self.store = Store(settings, only=paths, ages=at_once)
        self._at_once, self._host = at_once, host
        self._bell = Bell(host.monotonic, self._ring, at_once=at_once)
        self._hands = None if settings.read_only else hands
        self._collectors: list[Collector] = [
            Clock(settings.intervals.clock),
            Configs(host, settings, paths),
        ]
        self._listeners: list[Callable[[Changes], None]] = []
        self._settling: list[Callable[[], None]] = []
        self._words_until = 0.0  # monotonic seconds
        self._interest: Interest | None = None

    @cached_property
    def control(self) -> "Control":
        """What acts; imported when somebody does."""
        from tuimon.control.act import Control  # noqa: PLC0415

        return Control(
            *(self._host, self._hands() if self._hands else None, self.store.settings),
            look=self._sight,
            changed=self._change,
            publish=self._publish,
        )

    @cached_property
    def _crew(self) -> "Crew":
        from tuimon.runtime.crew import Crew  # noqa: PLC0415 - after the first rows

        return Crew(self._host, self.store.settings)

    def subscribe(self, listener: Callable[[Changes], None]) -> None:
        """Call `listener` on the loop whenever something changed, at most 20 times a second."""
        self._listeners.append(listener)

    def shown(self, seconds: float) -> None:
        """Whoever was told has shown it, which took so long."""
        self._bell.shown(seconds)

    def probe_now(self, keys: frozenset[ServiceKey]) -> None:
        """Probe these services now."""
        self._crew.probes.ask(keys)

    async def preflight(self, key: InstanceKey, action: Action) -> Preflight | Failure:
        """Everything to know before an action, once everything it depends on was looked at."""
        if set(self.store.pending()) & _LOOKED_AT:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_PATIENCE):
                    await self.settle(*_LOOKED_AT)
        return await self.control.preflight(key, action)

    async def carry_out(self, preflights: Sequence[Preflight], hands: Hands | None = None) -> list[Outcome]:
        """Act on these: one first, then a few at a time, and no more after the first that goes wrong.

        `hands` act in place of our own, if any do.
        """
        from tuimon.control.batch import batch  # noqa: PLC0415

        return await batch(preflights, self.control.through(hands).act)

    async def action_log(self) -> tuple[Logged, ...]:
        """What was done on this machine by this user, oldest first."""
        from tuimon.control import record  # noqa: PLC0415

        content = await self._host.read(self.store.settings.state_file(ACTION_LOG))
        return () if isinstance(content, Failure) else record.told(record.read(content.data))

    async def older(self, moment: float | None) -> str:
        """Fetch older lines of every log: a piece, or as far back as `moment` (seconds since the epoch).

        Returns what is to be said of it: where nothing is older, or why it could not be read.
        """
        said: list[str] = []
        for source in sorted(self.store.logbook.sources):
            if source.startswith(JOURNAL):
                said.append(f"{source}: older lines are in journalctl")
                continue
            while moment is None or self.store.logbook.oldest(source) > moment:
                piece = await self._crew.older.piece(source)
                if isinstance(piece, LogRecalled):
                    self._publish(piece)
                else:
                    name = source.rpartition("/")[2]
                    said.append(f"{name}: {piece or 'nothing is older'}")
                    break
                if moment is None or self.store.logbook.full:
                    break
        return "; ".join(said)

    async def run(self) -> None:
        """Collect until cancelled: configurations first, so that there is something to see, then all else."""
        try:
            async with asyncio.TaskGroup() as group:
                gc.disable()  # what is made now stays
                self._start(group, *self._collectors)
                if self._at_once:
                    await self._first_rows()
                    heap.share()
                self._start(group, *self._crew.collectors)
                gc.freeze()  # no search for garbage goes through it again
                gc.enable()
        finally:
            gc.enable()
            self._bell.stop()
            await self._host.close()

    async def _first_rows(self) -> None:
        """Wait until there is something to see, and was time to paint it."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_FIRST):
                await self.settle("configurations")
                await asyncio.sleep(BELL)

    def _start(self, group: asyncio.TaskGroup, *collectors: Collector) -> None:
        for collector in collectors:
            if collector not in self._collectors:
                self._collectors.append(collector)
                if self._interest is not None:
                    collector.want(self._interest)
            group.create_task(self._keep(collector), name=collector.name)

    async def settle(self, *names: str) -> None:
        """Wait until everything, or what `names` says, was looked at once (`Store.pending`), and until the
        log had time to say why a probe failed."""
        done, hurried = asyncio.Event(), set[str]()

        def look() -> None:
            pending = set(self.store.pending())
            asked = pending == {"queues"} or (pending == {"probes"} and self.store.answered)
            if asked and not pending <= hurried:
                # What a probe left in queues shows at the next look: best taken while the last ones wait.
                hurried.update(pending)
                self._crew.processes.hurry()
            if not (pending & set(names) if names else pending):
                done.set()

        self._settling.append(look)
        try:
            await done.wait()
            while (left := self._words_until - self._host.monotonic()) > 0:
                await asyncio.sleep(min(left, _WORDS / 4))
                self._crew.logs.hurry()  # who looks once hears no changes
                done.clear()
                look()
                await done.wait()
        finally:
            self._settling.remove(look)

    def _sight(self, key: InstanceKey) -> "Sight | None":
        """What is known of one instance now."""
        from tuimon.control.sight import Seen, Sight  # noqa: PLC0415

        store = self.store
        known = store.instance(key)
        if known is None:
            return None
        rows = (row for row in store.rows() if row.key.instance == key)
        services = tuple(Seen(row.tunnel, row.findings, store.fresh(row.key)) for row in rows)
        return Sight(store.now, known.instance, known.findings, services)

    async def _change(self, seconds: float) -> None:
        """Look again now, and wait for the next ring of the bell, at most so long."""
        self._crew.processes.hurry()
        rung = asyncio.Event()

        def ring(_: Changes) -> None:
            rung.set()

        self._listeners.append(ring)
        try:
            async with asyncio.timeout(seconds):
                await rung.wait()
        except TimeoutError:
            pass
        finally:
            self._listeners.remove(ring)

    async def _keep(self, collector: Collector) -> None:
        retry = _FIRST_RETRY
        while True:
            self._publish(CollectorStarted(collector.name))
            began = self._host.monotonic()
            try:
                await collector.run(self._publish)
                failure = Failure(Reason.OTHER, "ended")
            except Exception as error:  # a bug in one collector must not end the others
                failure = bug(error)
            if self._host.monotonic() - began > _LAST_RETRY:
                retry = _FIRST_RETRY
            self._publish(CollectorFailed(collector.name, failure, retry))
            await asyncio.sleep(retry)
            retry = min(retry * 2, _LAST_RETRY)

    def _publish(self, event: Event) -> None:
        self.store.apply(event)
        self._bell.heard()
        handshake = event.handshake if isinstance(event, ProbeFinished) else None
        if handshake is not None and (handshake.closed_early or not handshake.ok):
            self._words_until = self._host.monotonic() + _WORDS
        if self._at_once or self.store.surveyed:
            self._bell.wind()

    def _ring(self) -> None:
        began = self._host.monotonic()
        changes = self.store.drain(in_turns=self._at_once)
        self._hand_on()
        self._bell.joined(began, much=bool(changes.rows) or changes.log, told=bool(changes))
        for look in tuple(self._settling):  # also where nothing is to be painted: all may have been looked at
            look()
        if changes:
            for listener in tuple(self._listeners):
                listener(changes)
        if self.store.behind:
            self._bell.wind()

    def _hand_on(self) -> None:
        """Tell the collectors what follows from the store; a bug in that is told as a fall would be."""
        try:
            interest = self.store.interest()
            if interest != self._interest:
                for collector in self._collectors:
                    collector.want(interest)
                self._interest = interest
        except Exception as error:
            self.store.apply(CollectorFailed(_INTEREST, bug(error), BELL))
        else:
            if self.store.collectors.get(_INTEREST) is not None:
                self.store.apply(CollectorStarted(_INTEREST))
