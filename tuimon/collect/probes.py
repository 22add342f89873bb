"""Active probes: who is handshaken when.

Rule: gentle.  At first sight, when the stamp of a service changes (restart, reload, new certificate
or configuration), on request, and every few minutes with jitter; one at a time per listener, a few at
a time altogether.  A failed probe is repeated before it counts, and what the log tells of failures is
followed up at once, but not for every client that fails.  A real client's success replaces a periodic
probe of a service that was well.
"""

import asyncio
import contextlib
import heapq
import random

from msgspec import Struct, field
from msgspec.structs import replace

from tuimon.collect.base import Publish
from tuimon.collect.dial import probe, reach
from tuimon.collect.material import material_of
from tuimon.collect.turns import Turns
from tuimon.events import ProbeFinished, ProbeStarted, ProbeWaits
from tuimon.host.base import Host
from tuimon.model.handshake import Depth, Handshake, Reach, Verdict
from tuimon.model.service import ServiceKey
from tuimon.model.tunnel import Interest, Plan, ProbeWant
from tuimon.settings import Settings

_JITTER = 0.2  # share of the interval
_NAP = 5.0  # seconds of a wait: the loop's clock stands still while the machine sleeps, and services come due
_ASLEEP = 30.0  # seconds that went by in a nap, after which the machine has just woken
_AWAKE = 1.0  # seconds until its network is there again
_HANDED_ON = 0.05  # seconds after its handshake in which stunnel connects to the target
_BREATH = 0.05  # seconds in which a listener sees that one of us has left, before the next one comes


class _Due(Struct):
    """What a service was last probed for, and when it is due again (`next`, monotonic seconds).

    A doubt is followed up `patience` seconds after the last probe `ended`: at once where the service was
    well, then later and later while clients keep failing and our probes do not.
    """

    stamp: tuple[object, ...] | None = None
    doubt: tuple[object, ...] = ()
    plan: Plan | None = None
    next: float = 0.0
    ended: float = 0.0
    patience: float = 0.0
    proved_at: float | None = None
    running: bool = False
    failing: bool = False


class _Door(Struct):
    """A listener: one probe at a time, the last of which left it at `left` (monotonic seconds)."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    left: float = 0.0


class Probes:
    """Publishes `ProbeStarted` for every connection of ours and `ProbeFinished` for what counts."""

    name = "probes"

    def __init__(self, host: Host, settings: Settings) -> None:
        self._host, self._settings = host, settings
        self._wants: dict[ServiceKey, ProbeWant] = {}
        self._due: dict[ServiceKey, _Due] = {}
        self._asked: set[ServiceKey] = set()
        self._look: set[ServiceKey] = set()  # of which something changed since they were looked at
        self._times: list[tuple[float, ServiceKey]] = []  # a heap: when who is due, if nothing changes
        self._wake = asyncio.Event()
        self._turns = Turns(settings.probes.concurrency)
        self._doors: dict[str, _Door] = {}
        self._random = random.Random()  # noqa: S311 - jitter, not a secret

    def want(self, interest: Interest) -> None:
        """Probe exactly these services from now on."""
        before, self._wants = self._wants, {want.key: want for want in interest.probes}
        self._look |= before.keys() - self._wants.keys()
        self._look |= {key for key, want in self._wants.items() if before.get(key) is not want}
        self._wake.set()

    def ask(self, keys: frozenset[ServiceKey]) -> None:
        """Probe these now, whatever the plan says of time."""
        self._asked |= keys & self._wants.keys()
        self._wake.set()

    async def run(self, publish: Publish) -> None:
        """Probe until cancelled."""
        self._due, self._times, self._look = {}, [], set(self._wants)
        async with asyncio.TaskGroup() as group:
            while True:
                self._wake.clear()
                now = self._host.monotonic()
                for key in self._ripe(now):
                    if (want := self._wants.get(key)) is None:
                        self._due.pop(key, None)
                        continue
                    due = self._due.setdefault(key, _Due())
                    if due.running:
                        continue  # it is looked at again when that has ended
                    if key in self._asked or self._is_due(want, due, now):
                        self._asked.discard(key)
                        self._book(want, due, now)
                        group.create_task(self._probe(want, due, publish))
                    else:
                        heapq.heappush(self._times, (_when(want, due), key))
                await self._rest(self._times[0][0] - now if self._times else _NAP)

    async def _rest(self, wait: float) -> None:
        """Wait so long, or until something else is wanted; once the machine has slept, until the time is told
        as well: what is found were of yesterday."""
        began = self._host.monotonic()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(min(max(0.05, wait), _NAP)):
                await self._wake.wait()
        if self._host.monotonic() - began > _ASLEEP:
            await asyncio.sleep(self._settings.intervals.clock + _AWAKE)

    def _ripe(self, now: float) -> list[ServiceKey]:
        """Those to look at now, in the order of their services: what changed, and what is due."""
        ripe, self._look = self._look | self._asked, set()
        while self._times and self._times[0][0] <= now:
            ripe.add(heapq.heappop(self._times)[1])
        return sorted(ripe)

    def _is_due(self, want: ProbeWant, due: _Due, now: float) -> bool:
        if now < _when(want, due):
            return False
        anew = (due.stamp, due.plan, due.doubt) != (want.stamp, want.plan, want.doubt)
        if anew or due.failing or want.proved_at == due.proved_at:
            return True
        self._postpone(want, due, now)  # a real client got through in the meantime
        return False

    def _book(self, want: ProbeWant, due: _Due, now: float) -> None:
        soon = self._settings.probes.failing_interval
        doubted = due.stamp == want.stamp and due.doubt != want.doubt
        due.patience = min(max(2 * due.patience, soon), want.plan.interval) if doubted else 0.0
        due.stamp, due.plan, due.doubt, due.running = want.stamp, want.plan, want.doubt, True
        self._postpone(want, due, now)

    def _postpone(self, want: ProbeWant, due: _Due, now: float) -> None:
        spread = 1 - self._random.uniform(0, _JITTER)  # never later than was asked for
        due.next, due.proved_at = now + want.plan.interval * spread, want.proved_at

    async def _probe(self, want: ProbeWant, due: _Due, publish: Publish) -> None:
        try:
            door = self._doors.setdefault(_door(want.plan), _Door())
            async with door.lock:
                await asyncio.sleep(door.left + _BREATH - self._host.monotonic())
                handshake = await self._once(want, publish)
                if handshake is not None and _bad(handshake):
                    await asyncio.sleep(self._settings.probes.repeat_after)
                    if self._wants.get(want.key, want).stamp == want.stamp:  # else it is due again anyway
                        handshake = await self._once(want, publish)
                early = handshake is not None and handshake.closed_early
                reaches = await self._reach(want, publish) if want.plan.reach_always or early else ()
                door.left = self._host.monotonic()
            unreached = any(each.verdict is not Verdict.OK for each in reaches)
            due.failing = unreached or (handshake is not None and (_bad(handshake) or _refused(handshake)))
            due.ended = self._host.monotonic()
            if due.failing:
                due.patience = self._settings.probes.failing_interval
                due.next = min(due.next, due.ended + due.patience)
            publish(ProbeFinished(want.key, handshake, reaches, want.stamp))
        finally:
            due.running = False
            self._look.add(want.key)
            self._wake.set()

    async def _once(self, want: ProbeWant, publish: Publish) -> Handshake | None:
        if want.plan.depth in (Depth.OFF, Depth.LISTEN):
            return None
        plan, material = want.plan, await material_of(self._host, want.plan)
        if (plan.cert and not material.certificate) or (plan.key and not material.key):
            # Without the service's own certificate a full handshake may be refused for our lack of it.
            plan = replace(plan, depth=Depth.CERTIFICATE)
        of = None if plan.remote else want.key.instance
        async with self._turns.turn(remote=plan.remote, of=of, most=want.most) as give_on:
            waiting: list[asyncio.TimerHandle] = []

            def settled() -> None:
                give_on()
                loop = asyncio.get_running_loop()
                waiting.append(loop.call_later(_HANDED_ON, publish, ProbeWaits(want.key)))

            try:
                return await probe(
                    *(self._host, plan, material),
                    timeout=self._settings.probes.timeout,
                    early_close=self._settings.probes.early_close,
                    opened=lambda local, peer: publish(ProbeStarted(want.key, local, peer)),
                    settled=settled,
                )
            finally:
                for timer in waiting:
                    timer.cancel()

    async def _reach(self, want: ProbeWant, publish: Publish) -> tuple[Reach, ...]:
        def opened(local: str, peer: str) -> None:
            publish(ProbeStarted(want.key, local, peer))

        found, plan, timeout = [], want.plan, self._settings.probes.timeout
        for endpoint in plan.reach:
            async with self._turns.turn(remote=True):
                found.append(await reach(self._host, endpoint, timeout, plan.local, opened))
        return tuple(found)


def _when(want: ProbeWant, due: _Due) -> float:
    """When the service is due, in monotonic seconds; the past for at once."""
    if due.stamp != want.stamp or due.plan != want.plan:
        return 0.0
    return min(due.next, due.ended + due.patience) if due.doubt != want.doubt else due.next


def _bad(handshake: Handshake) -> bool:
    """Whether a result should be seen twice before it counts."""
    return handshake.closed_early or handshake.verdict is not Verdict.OK


def _refused(handshake: Handshake) -> bool:
    """Whether it completed with somebody whom the service itself would refuse: mended, that is soon seen."""
    return handshake.trusted is False


def _door(plan: Plan) -> str:
    """What only one probe at a time may knock at: the first target's address."""
    return plan.targets[0].text if plan.targets else ""
