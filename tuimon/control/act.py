"""One action from the moment of acting to its proof.

Rule: the state is read again at that moment, and one tuimon at a time acts on an instance.  Whatever is
started outlives us; every step is an event, and an action that was begun always ends in a verdict.
"""

import asyncio
import contextlib
import hashlib
import signal
from collections.abc import Awaitable, Callable
from copy import copy

from msgspec.structs import replace

from tuimon.control import record
from tuimon.control.aftermath import last_words
from tuimon.control.preflight import prepare
from tuimon.control.proof import End, Patience, Proof, Stage, prove
from tuimon.control.sight import Sight
from tuimon.control.survey import unit_control
from tuimon.events import ActionFinished, ActionStarted, ActionStep, Event
from tuimon.host.base import Completed, Host
from tuimon.host.hands import Hands, Launched
from tuimon.model.action import ACTION_LOG, Action, Outcome, Preflight, Result, Route
from tuimon.model.failure import Failure, Reason
from tuimon.model.service import InstanceKey
from tuimon.model.unit_control import UnitControl
from tuimon.parse.last_run import errors_of_the_start, why_it_ended
from tuimon.settings import Settings
from tuimon.text import printable

Look = Callable[[InstanceKey], Sight | None]
Changed = Callable[[float], Awaitable[None]]
"""Wait until a fact has changed, at most so many seconds."""

_GLANCE = 0.2  # seconds between two looks while something is expected
_REMARKS = 2.0  # seconds between two words on how many handshakes are awaited
_PROGRESS = 5.0  # seconds after which it is said that it still goes on
_TAIL = 256 * 1024  # bytes saved of a log that will be emptied
_RIGHTS = ("authentication required", "access denied", "not authorized", "permission denied", "must be root")


class Control:
    """Acts on the instances of one host; without hands it refuses everything."""

    def __init__(
        self,
        host: Host,
        hands: Hands | None,
        settings: Settings,
        *,
        look: Look,
        changed: Changed,
        publish: Callable[[Event], None],
    ) -> None:
        self._host, self._hands, self._settings = host, hands, settings
        self._look, self._changed, self._publish = look, changed, publish

    def through(self, hands: Hands | None) -> "Control":
        """The same, with other hands (or the same, if none are given); read-only stays read-only."""
        other = copy(self)
        other._hands = hands if hands is not None and self._hands is not None else self._hands
        return other

    async def preflight(self, key: InstanceKey, action: Action) -> Preflight | Failure:
        """Everything to know before an action."""
        sight = self._look(key)
        if sight is None:
            return Failure(Reason.MISSING, f"{key.config} is not known any more")
        return await prepare(self._host, self._hands, sight, action)

    async def act(self, wanted: Preflight) -> Outcome:
        """Do what the preflight reported, if everything is as it was then."""
        if self._hands is None:
            return _refused(wanted, "tuimon was told to change nothing (read-only)")
        holder = f"{wanted.action.doing} by {self._hands.actor()}"
        lock = await self._hands.lock(lock_name(wanted.key), holder, wanted.key.config)
        if isinstance(lock, Failure):
            busy = f"another tuimon acts on it: {lock}" if lock.reason is Reason.REFUSED else str(lock)
            return _refused(wanted, busy, "wait for it, then look again")
        try:
            return await self._act(wanted, self._hands)
        finally:
            lock.release()

    async def _act(self, wanted: Preflight, hands: Hands) -> Outcome:
        now = await self.preflight(wanted.key, wanted.action)
        if isinstance(now, Failure):
            return _refused(wanted, str(now))
        if now.refused:
            first = now.refusals[0]
            return _refused(wanted, first.text, first.fix)
        for name, was, is_now in (
            ("the process", wanted.process, now.process),
            ("the configuration", wanted.stamp, now.stamp),
            ("the way to it", wanted.door, now.door),
        ):
            if was != is_now:
                return _refused(wanted, f"{name} has changed since the preflight", "look again")
        before = self._look(wanted.key)
        if before is None:
            return _refused(wanted, f"{wanted.key.config} is not known any more")
        return await self._recorded(now, before, hands)

    async def _recorded(self, now: Preflight, before: Sight, hands: Hands) -> Outcome:
        path = self._settings.state_file(ACTION_LOG)
        line = record.begun(now, hands.actor(), before.now)
        self._publish(ActionStarted(now.key, now.action, before.now, str(hands.actor()), now.command))
        unwritten = await record.write(hands, path, line)
        if unwritten is not None:
            self._step(now.key, f"the action log cannot be written: {unwritten}")
        began = self._host.monotonic()
        text = "tuimon was ended in the middle: what was begun runs on"
        outcome = Outcome(now.key, now.action, Result.UNVERIFIED, text, "look again")
        try:
            outcome = await self._perform(now, before, hands, began)
        finally:
            later = self._look(now.key)
            outcome = replace(outcome, seconds=self._host.monotonic() - began)
            if unwritten is not None:
                outcome = replace(outcome, text=f"{outcome.text}; not in the action log: {unwritten}")
            self._publish(ActionFinished(outcome))
            with contextlib.suppress(asyncio.CancelledError):
                ended = record.ended(line, outcome, later.now if later else before.now)
                await asyncio.shield(record.write(hands, path, ended))
        return outcome

    def _step(self, key: InstanceKey, text: str) -> None:
        self._publish(ActionStep(key, text))

    async def _perform(self, now: Preflight, before: Sight, hands: Hands, began: float) -> Outcome:
        saved = await self._save_log(now, hands)
        if isinstance(saved, Failure):
            return _refused(now, f"its log would be emptied and cannot be saved: {saved}")
        self._step(now.key, now.command)
        if now.door.route is Route.DIRECT:
            end = await self._direct(now, hands)
        else:
            end = await self._command(now, hands)
        if isinstance(end, Outcome):
            return end
        return await self._proved(now, before, end, began, (saved,) if saved else ())

    async def _save_log(self, now: Preflight, hands: Hands) -> str | Failure:
        """Keep the end of a log that the action empties; where it was kept, in words."""
        if not now.overwrites:
            return ""
        tail = await self._host.tail(now.overwrites)
        if isinstance(tail, Failure):
            return tail if tail.reason is not Reason.MISSING else ""
        try:
            size = await tail.size()
            if isinstance(size, Failure):
                return size
            tail.seek(max(0, size - _TAIL))
            data = await tail.read(_TAIL)
            if isinstance(data, Failure):
                return data
        finally:
            tail.close()
        name = f"logs/{lock_name(now.key)}-{int(self._host.monotonic() * 1000)}.log"
        path = self._settings.state_file(name)
        failure = await hands.append(path, data)
        if failure is not None:
            return failure
        self._step(now.key, f"the log's end is saved in {path}")
        return f"log saved: {path}"

    # -- the doors ------------------------------------------------------------------------------

    async def _direct(self, now: Preflight, hands: Hands) -> End | Outcome:
        if now.action in (Action.START, Action.RESTART):
            return await self._launch(now, hands)
        if now.process is None:
            return _refused(now, "there is no process")
        numbers = (signal.SIGHUP,) if now.action is Action.RELOAD else (signal.SIGTERM, signal.SIGCONT)
        for number in numbers:
            failure = await hands.signal(now.process, number)
            if failure is not None and number is not signal.SIGCONT:
                return _denied(now, failure)
        return End()

    async def _launch(self, now: Preflight, hands: Hands) -> End | Outcome:
        if now.launch is None:
            return _refused(now, "how to start it is not known")
        done = await hands.relaunch(now.launch, now.process)
        if isinstance(done, Launched):
            errors = errors_of_the_start(done.said.encode().splitlines()[-200:])
            told = tuple(each.message for each in errors)
            return End(why=why_it_ended(errors), said=told, status=done.status)
        return _denied(now, done)

    async def _command(self, now: Preflight, hands: Hands) -> End | Outcome:
        """Run the door's command, saying now and then that it still goes on."""
        argv, slow = now.door.argv, now.door.slow
        if argv[0] == "systemctl":
            argv = (argv[0], "--no-ask-password", "--no-pager", *argv[1:])
        running = asyncio.ensure_future(hands.perform(argv, slow))
        began = self._host.monotonic()
        try:
            while not (await asyncio.wait((running,), timeout=_PROGRESS))[0]:
                passed = self._host.monotonic() - began
                unit = await self._unit(now)
                state = f" is {unit.active_state} ({unit.sub_state})" if unit else " goes on"
                self._step(now.key, f"{now.door.name}{state} since {passed:.0f} s")
        finally:
            running.cancel()
        done = running.result()
        if isinstance(done, Failure):
            return End() if done.reason is Reason.TIMEOUT else _denied(now, done)
        return self._judged(now, done, await self._unit(now))

    def _judged(self, now: Preflight, done: Completed, unit: UnitControl | None) -> End | Outcome:
        said = printable((done.stderr.strip() or done.stdout.strip()).split(b"\n")[0], 300)
        if done.status == 0:
            return End()
        if any(word in said.lower() for word in _RIGHTS):
            return _denied(now, Failure(Reason.DENIED, said, "root"))
        if now.action in (Action.START, Action.RESTART) and unit is not None:
            return End()  # what the facts say of it is better than "see journalctl"
        return Outcome(now.key, now.action, Result.FAILED, f"{now.door.argv[0]} refused: {said}", "", (said,))

    async def _unit(self, now: Preflight) -> UnitControl | None:
        if now.door.route is not Route.UNIT or "--user" in now.door.argv:
            return None
        return await unit_control(self._host, now.door.name)

    # -- the proof ------------------------------------------------------------------------------

    async def _proved(
        self, now: Preflight, before: Sight, end: End, began: float, evidence: tuple[str, ...]
    ) -> Outcome:
        """Look until it is proved, has failed, or was given time enough."""
        patience = Patience(self._settings.probes, self._host.monotonic())
        loaded_at: float | None = None
        said, said_at = "", float("-inf")
        while True:
            sight = self._look(now.key)
            proof = self._prove(now, before, sight, end)
            passed = self._host.monotonic() - began
            if proof.loaded and loaded_at is None:
                loaded_at = passed
            if proof.stage is Stage.FAILED and end.unit is not None:
                proof = self._prove(now, before, sight, await last_words(self._host, end))
            if proof.stage is not Stage.WAITING:
                break
            at = self._host.monotonic()
            if proof.text != said and not (proof.awaited and at - said_at < _REMARKS):
                said, said_at = proof.text, at if proof.awaited else float("-inf")
                self._step(now.key, said)
            if patience.over(proof, at):
                break
            await self._changed(_GLANCE)
            if now.action in (Action.START, Action.RESTART) and not (sight and sight.instance.running):
                end = replace(end, unit=await self._unit(now))
        return _outcome(now, proof, loaded_at if loaded_at is not None else passed, evidence)

    def _prove(self, now: Preflight, before: Sight, sight: Sight | None, end: End) -> Proof:
        if sight is None and now.action is Action.STOP:  # known by its process alone
            return Proof(Stage.DONE, "no process runs it any more", loaded=True)
        if sight is None:
            return Proof(Stage.WAITING, "waiting for the instance to be seen again")
        return prove(now.action, before, sight, end, handed=now.handed)


def lock_name(key: InstanceKey) -> str:
    """A file name that is this instance's alone."""
    title = "".join(each if each.isalnum() else "-" for each in key.config.rpartition("/")[2])[:40]
    return f"{title}-{hashlib.sha256(key.config.encode()).hexdigest()[:12]}"


def _outcome(now: Preflight, proof: Proof, seconds: float, evidence: tuple[str, ...]) -> Outcome:
    result = {Stage.DONE: Result.VERIFIED, Stage.FAILED: Result.FAILED, Stage.WAITING: Result.UNVERIFIED}
    if proof.stage is Stage.DONE:
        text = f"{now.action.done} in {seconds:.1f} s; {proof.text}"
    elif proof.stage is Stage.WAITING:
        text = f"the command was given, but not proved: still {proof.text}"
    else:
        text = proof.text
    return Outcome(now.key, now.action, result[proof.stage], text, proof.fix, (*proof.evidence, *evidence))


def _refused(preflight: Preflight, text: str, fix: str = "") -> Outcome:
    return Outcome(preflight.key, preflight.action, Result.REFUSED, text, fix)


def _denied(preflight: Preflight, failure: Failure) -> Outcome:
    """The machine said no: with the exact command for somebody who may."""
    if failure.reason is not Reason.DENIED:
        return Outcome(preflight.key, preflight.action, Result.FAILED, str(failure))
    return _refused(preflight, f"this user may not: {failure}", f"sudo {preflight.command}")
