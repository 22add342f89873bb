"""What is held follows from what is there, and not from what there was."""

from collections import deque
from collections.abc import Iterable, Mapping

import pytest
from msgspec import Struct
from msgspec.structs import replace

from tests.facts import CONFIG, HOST, World
from tests.fixtures import Pki
from tuimon import events
from tuimon.model.process import ProcessId
from tuimon.settings import Settings
from tuimon.store import bounded, clientele

LIVES = 100  # more than anything bounded holds of one service
CLIENT = (
    "Service [web] accepted connection from 192.0.2.7:4711",
    "s_connect: connected 127.0.0.1:8080",
    "Connection closed: 100 byte(s) sent to TLS, 100 byte(s) sent to socket",
)


def parts(thing: object) -> list[object]:
    """What a thing of ours holds, or a container."""
    if isinstance(thing, Mapping):
        return [*thing.keys(), *thing.values()]
    if isinstance(thing, tuple | list | set | frozenset | deque):
        return list(thing)
    if isinstance(thing, Struct):
        return [getattr(thing, name) for name in thing.__struct_fields__]
    if not type(thing).__module__.startswith("tuimon"):
        return []
    slots = (name for kind in type(thing).__mro__ for name in getattr(kind, "__slots__", ()))
    return [*(getattr(thing, name, None) for name in slots), *getattr(thing, "__dict__", {}).values()]


def held(root: object) -> int:
    """How many things are held, each as often as it is."""
    seen: dict[int, list[object]] = {}
    waiting = [root]
    while waiting:
        thing = waiting.pop()
        if id(thing) not in seen:
            seen[id(thing)] = found = parts(thing)
            waiting += found
    return sum(map(len, seen.values()))


def live(world: World, lives: Iterable[int]) -> None:
    """One process after the other, each with a client, and looked at in every way."""
    for life in lives:
        world.tick(10)
        started = world.now
        world.process = replace(world.process, id=ProcessId(5000 + life, started, "/usr/bin/stunnel4"))
        world.processes(world.process)
        world.sockets()
        world.log(*map(world.line, ("stunnel 5.68 on x86_64", "Configuration successful", *CLIENT)))
        world.outputs()
        recall = world.store.interest().recall
        world.tell(*(events.LoadedRead(HOST, CONFIG, process, None) for _, process in recall))
        world.kept()
        world.checked()
        world.probed(world.good())
        world.processes()
        world.log(world.line("Terminated", level=3))


@pytest.mark.parametrize("edited", [False, True])
def test_a_process_that_comes_and_goes_leaves_nothing_behind(pki: Pki, *, edited: bool) -> None:
    """After two hundred lives as much is held as after one hundred; also where the file was edited since,
    so that what was loaded is asked of what was kept."""
    world = World(pki, settings=Settings(log_lines=20)).begin()
    if edited:
        world.started += 1e6
        world.configs()
    live(world, range(LIVES))
    before = held(world.store)
    live(world, range(LIVES, 2 * LIVES))
    assert held(world.store) == before


FAILS = (
    "Service [{0}] accepted connection from 192.0.2.7:{1}",
    "s_connect: connect 127.0.0.1:8080: Connection refused (111)",
    "No more addresses to connect",
    "Connection reset: 0 byte(s) sent to TLS, 0 byte(s) sent to socket",
)
WORKS = (
    "Service [{0}] accepted connection from 192.0.2.7:{1}",
    "s_connect: connected 127.0.0.1:8080",
    "Service [{0}] connected remote server from 127.0.0.1:4{1}",
)  # and is never heard of again


def told_of(world: World, names: Iterable[int]) -> None:
    """A log that speaks of so many services that nobody has."""
    for number in names:
        for lines in (FAILS, WORKS):
            world.tick(1)
            world.log(*(world.line(line.format(f"svc-{number}", 10_000 + number)) for line in lines))


def test_services_that_a_log_speaks_of_are_bounded(pki: Pki, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever writes to a log may write any name."""
    monkeypatch.setattr(bounded, "NAMES", 20)
    monkeypatch.setattr(clientele, "_OPEN", 20)
    world = World(pki, settings=Settings(log_lines=20)).begin()
    told_of(world, range(50))
    before = held(world.store)
    told_of(world, range(50, 100))
    assert held(world.store) == before
