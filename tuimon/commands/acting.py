"""`tuimon reload|restart|start|stop`: the same preflight, action and verification as the screen's.

Rule: `--yes` skips the question, never the preflight; without a terminal and without `--yes` nothing is
done.  The question names what stops and whom it touches, and stands on no.
"""

import argparse
import asyncio
import contextlib
import os
import sys
import termios
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TextIO

import msgspec

from tuimon.collect.processes import look_once
from tuimon.commands import UsageError
from tuimon.commands.acting_words import document, plan, question, verdict
from tuimon.commands.targets import ambiguous, matched, unknown
from tuimon.control.batch import batch
from tuimon.host.local import LocalHost
from tuimon.host.local_hands import LocalHands
from tuimon.model.action import Action, Outcome, Preflight, Result
from tuimon.model.failure import Failure
from tuimon.model.handshake import Depth
from tuimon.model.service import InstanceKey
from tuimon.patience import is_file, leads_to
from tuimon.runtime import Runtime
from tuimon.settings import ServiceRule, Settings
from tuimon.signs import in_ascii
from tuimon.store import Changes, Store
from tuimon.text import printable

_PATIENCE = 60.0  # seconds for a look at everything that is acted on
_SHORT = 10.0  # seconds for a look at what there is
_FIRST = ("configurations", "processes", "sockets", "units", "logs", "join")
_PASSIVE = ServiceRule(name="*", depth=Depth.LISTEN)
_EXIT = {Result.VERIFIED: 0, Result.REHEARSED: 0, Result.UNVERIFIED: 1}


class RefusedError(Exception):
    """Nothing was done; the message is one sentence for the user."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    words = "INSTANCE[/SERVICE]: configuration path, unit or pid; the whole process is meant"
    parser.add_argument("targets", nargs="+", metavar="TARGET", help=words)
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")
    parser.add_argument("--json", action="store_true", help="print one JSON document")


@asynccontextmanager
async def _running(
    settings: Settings, paths: tuple[str, ...], patience: float, *needed: str
) -> AsyncIterator[Runtime]:
    """A runtime that has looked at everything (or what is needed) once."""
    host = LocalHost(poll=settings.intervals.files)
    runtime = Runtime(host, settings, paths, LocalHands)
    running = asyncio.create_task(runtime.run())
    settled = asyncio.create_task(runtime.settle(*needed))
    try:
        await asyncio.wait((running, settled), timeout=patience, return_when=asyncio.FIRST_COMPLETED)
        yield runtime
    finally:
        for task in (settled, running):
            task.cancel()
        await asyncio.gather(running, settled, return_exceptions=True)


async def _keys(targets: Sequence[str], settings: Settings) -> list[InstanceKey]:
    """The instances that are meant, each once, in their order; looks without a single probe."""
    if all(is_file(each) for each in targets):
        return await _of_files(targets, settings)
    passive = msgspec.structs.replace(settings, services=(_PASSIVE, *settings.services))
    async with _running(passive, (), _SHORT, *_FIRST) as runtime:
        known = [row.instance for row in runtime.store.instances()]
        host = runtime.store.host
    found: dict[InstanceKey, None] = {}
    for target in targets:
        match = matched(target, known)
        if match.key is not None:
            found[match.key] = None
        elif match.candidates:
            raise RefusedError(ambiguous(target, match))
        elif is_file(target):
            found[InstanceKey(host, os.path.abspath(target))] = None
        else:
            raise UsageError(unknown(target, match))
    return list(found)


async def _of_files(paths: Sequence[str], settings: Settings) -> list[InstanceKey]:
    """Instances by their files, under the name by which their process knows them."""
    host = LocalHost()
    try:
        seen = await look_once(host, settings)
    finally:
        await host.close()
    names = {leads_to(each.config): each.config for each in seen if each.config}
    found = (names.get(leads_to(path), os.path.abspath(path)) for path in paths)
    return [InstanceKey(host.name, path) for path in dict.fromkeys(found)]


async def _ask(words: str) -> bool:
    """The question on the terminal; anything but yes is no, and keys typed ahead do not count."""
    with contextlib.suppress(termios.error):
        termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)
    print(words, end=" ", file=sys.stderr, flush=True)
    answered = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(sys.stdin.fileno(), answered.set)
    try:
        await answered.wait()
    finally:
        loop.remove_reader(sys.stdin.fileno())
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


async def _consent(preflights: Sequence[Preflight], arguments: argparse.Namespace, settings: Settings) -> str:
    """Empty where it may be done, else why not."""
    if any(each.refused for each in preflights):
        return "refused: nothing was done"
    if arguments.yes:
        return ""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return "there is no terminal to ask: nothing was done (--yes acts without asking)"
    return "" if await _ask(in_ascii(question(preflights), wanted=settings.ascii)) else "nothing was done"


async def _do(action: Action, arguments: argparse.Namespace, settings: Settings) -> int:
    keys = await _keys(arguments.targets, settings)
    by_path = all(key.config.startswith("/") for key in keys)
    paths = tuple(key.config for key in keys) if by_path else ()
    async with _running(settings, paths, _PATIENCE) as runtime:
        preflights = []
        for key in keys:
            found = await runtime.control.preflight(key, action)
            if isinstance(found, Failure):
                raise RefusedError(printable(str(found)))
            preflights.append(found)
        out = sys.stderr if arguments.json else sys.stdout
        for each in preflights:
            _say(in_ascii("\n".join(plan(each)), wanted=settings.ascii), out)
        if arguments.dry_run:
            outcomes = [_rehearsed(each) for each in preflights]
        else:
            why = await _consent(preflights, arguments, settings)
            if why:
                print(f"tuimon: {why}", file=sys.stderr)
                outcomes = [_undone(each, why) for each in preflights]
            else:
                if sys.stderr.isatty():
                    runtime.subscribe(_Teller(runtime.store))
                outcomes = await _act(preflights, runtime)
                for outcome in outcomes:
                    _say(in_ascii(verdict(outcome), wanted=settings.ascii), out)
    if arguments.json:
        told = document(action, preflights, outcomes, dry_run=arguments.dry_run)
        _say(msgspec.json.format(msgspec.json.encode(told), indent=2).decode(), sys.stdout)
    return max(_EXIT.get(each.result, 2) for each in outcomes)


async def _act(preflights: Sequence[Preflight], runtime: Runtime) -> list[Outcome]:
    ongoing: list[Preflight] = []

    async def act(preflight: Preflight) -> Outcome:
        ongoing.append(preflight)
        outcome = await runtime.control.act(preflight)
        ongoing.remove(preflight)
        return outcome

    try:
        return await batch(preflights, act)
    except asyncio.CancelledError:
        for each in ongoing:
            words = f"ended while {each.action.doing} {printable(each.key.config)}: what was begun runs on"
            _say(f"tuimon: {words}", sys.stderr)
        raise


def _say(text: str, out: TextIO) -> None:
    """Print; a reader that has gone stops no action, and changes no exit status."""
    try:
        print(text, file=out, flush=True)
    except OSError:  # a closed pipe or terminal: whatever is still to come goes nowhere
        os.dup2(os.open(os.devnull, os.O_WRONLY), out.fileno())


class _Teller:
    """Prints the steps of what goes on, for whoever waits at the terminal."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._told: dict[InstanceKey, int] = {}

    def __call__(self, _: Changes) -> None:
        for key, ongoing in self._store.actions.ongoing.items():
            for text in ongoing.steps[self._told.get(key, 0) :]:
                _say(f"  {key.config.rpartition('/')[2]}: {text}", sys.stderr)
            self._told[key] = len(ongoing.steps)


def _rehearsed(preflight: Preflight) -> Outcome:
    if preflight.refused:
        return _undone(preflight, "refused")
    return Outcome(preflight.key, preflight.action, Result.REHEARSED, "would be done")


def _undone(preflight: Preflight, why: str) -> Outcome:
    if preflight.refused:
        first = preflight.refusals[0]
        return Outcome(preflight.key, preflight.action, Result.REFUSED, first.text, first.fix)
    return Outcome(preflight.key, preflight.action, Result.NOT_DONE, why)


def run(action: Action, arguments: argparse.Namespace, settings: Settings) -> int:
    """Find, look, ask, act, prove."""
    try:
        return asyncio.run(_do(action, arguments, settings))
    except RefusedError as error:
        print(f"tuimon: {error}", file=sys.stderr)
        return 2
