"""What the store remembers of a service: probes, changes of state, sessions; and what its log adds."""

import tracemalloc

import pytest

from tests.facts import LOG, World
from tests.fixtures import Pki
from tuimon import events
from tuimon.diagnose.finding import State
from tuimon.model.action import Action, Outcome, Result
from tuimon.model.endpoint import Socket, SocketState
from tuimon.model.handshake import DENIED, Handshake, Verdict
from tuimon.model.process import SocketTable
from tuimon.store.past import CHANGES, MINUTES, PROBES, Change, Outage, Past, Probe


@pytest.fixture
def world(pki: Pki) -> World:
    return World(pki)


def past(world: World) -> Past:
    return world.store.past(world.key())


def stop(world: World) -> None:
    world.processes()
    world.sockets(SocketTable())


def start(world: World) -> None:
    world.processes(world.process)
    world.sockets()
    world.probed(world.good())


def crowd(world: World, count: int) -> None:
    """So many clients are connected."""
    table = world.listening()
    busy = (
        Socket(SocketState.ESTABLISHED, "127.0.0.1", 8443, "10.0.0.9", 40000 + index, 0, 100 + index)
        for index in range(count)
    )
    world.sockets(SocketTable(listening=table.listening, established=tuple(busy)))


def test_before_anybody_looked_there_is_no_past(world: World) -> None:
    """Rows without a judgement have none, and neither has what does not exist."""
    world.tick()
    world.configs()
    assert past(world).seen is None
    assert not past(world).changes
    assert not past(world).probes()
    assert set(past(world).sessions(world.now)) == {None}


def test_the_first_look_is_no_change(world: World) -> None:
    """What is so at first sight has been so for longer than anybody can know."""
    world.healthy()
    assert past(world).seen == world.now
    assert past(world).since is None
    assert world.row().since is None
    assert world.store.changes(0.0) == []


def test_the_first_look_is_over_with_the_first_probe(world: World) -> None:
    """What the log alone says at the start is part of it: nothing happened when the probe knows better."""
    world.begin()
    refused = "s_connect: connect 127.0.0.1:8080: Connection refused (111)"
    said = ("Service [web] accepted connection from 10.0.0.9:40000", refused, "No more addresses to connect")
    world.log(*(world.line(each, log_id="0") for each in said))
    assert world.row().state is State.DOWN
    world.tick(1)
    world.log(*(world.line(each, log_id="1") for each in (said[0], "s_connect: connected 127.0.0.1:8080")))
    world.log(world.line("Service [web] connected remote server from 127.0.0.1:40002", log_id="1"))
    world.probed(world.good())
    assert world.row().state is State.OK
    assert world.store.changes(0.0) == []
    assert past(world).outages(0.0) == []


def test_a_change_is_told_with_its_time_and_its_cause(world: World) -> None:
    """Down and up again; the row says since when."""
    world.healthy()
    world.tick(60)
    stop(world)
    world.tick(40)
    down = world.now - 40
    assert past(world).changes[-1] == Change(down, State.OK, State.DOWN, "stunnel is not running", False)
    assert world.row().since == past(world).since == down
    start(world)
    assert past(world).outages(0.0) == [Outage(down, world.now, "stunnel is not running")]
    assert past(world).outages(0.0)[0].lasted(world.now + 500) == 40
    assert [change.after for _, change in world.store.changes(0.0)] == [State.DOWN, State.OK]
    assert world.store.changes(down)[0][0].state is State.OK


def test_a_cause_that_is_found_out_later_counts_if_it_is_soon(world: World) -> None:
    """What the first probe says may be sharpened; what an hour brings is another story."""
    world.healthy()
    world.tick(60)
    world.probed(world.bad(Verdict.TIMEOUT, "tls"))
    first = past(world).changes[-1].cause
    world.tick(2)
    stop(world)
    assert past(world).changes[-1].cause == "stunnel is not running" != first
    world.tick(3600)
    world.processes(world.process)
    world.sockets()
    world.probed(world.bad(Verdict.TIMEOUT, "tls"))
    assert past(world).changes[-1].cause == "stunnel is not running"


def test_what_was_down_at_the_first_look_may_have_been_so_before(world: World) -> None:
    """It counts, and says that its beginning was not seen."""
    world.begin()
    stop(world)
    assert past(world).outages(world.now + 5) == [
        Outage(world.now, None, "stunnel is not running", earlier=True)
    ]
    assert past(world).since is None


def test_an_action_of_ours_is_no_outage_unless_it_leaves_one(world: World) -> None:
    """A restart is meant; a service that stays away after it is not."""
    world.healthy()
    key = world.key().instance
    for comes_back in (True, False):
        world.tick(100)
        world.tell(events.ActionStarted(key, Action.RESTART, world.now, "root", "systemctl restart"))
        stop(world)
        assert past(world).changes[-1].cause == "restarting, by root"
        assert not past(world).outages(0.0)
        if comes_back:
            start(world)
        outcome = Outcome(key, Action.RESTART, Result.VERIFIED if comes_back else Result.FAILED, "ended")
        world.tell(events.ActionFinished(outcome))
        assert len(past(world).outages(0.0)) == (0 if comes_back else 1)


def test_what_has_not_been_looked_at_anew_is_no_change(world: World) -> None:
    """From DOWN over `…` to DOWN nothing has changed."""
    story = Past("web")
    for at, state in ((1.0, State.OK), (2.0, State.DOWN), (3.0, State.PENDING), (4.0, State.DOWN)):
        story.judged(state, "why", at, meant=False)
    assert story.since == 2.0
    assert len(story.changes) == 2


def test_probes_keep_their_times_and_verdicts(world: World) -> None:
    """The last ones, oldest first, bounded; failures too, but not that we may not connect."""
    world.healthy()
    assert past(world).probes() == [Probe(world.now, Verdict.OK, 0.1, 1.0, 1.2, 2.0)]
    world.tick(30)
    world.probed(world.bad(Verdict.REFUSED, "connect", "connection refused"))
    world.probed(Handshake("127.0.0.1:8443", Verdict.FAILED, detail=DENIED))
    assert past(world).probes()[-1] == Probe(world.now, Verdict.REFUSED, None, None, None, None)
    assert [each.took for each in past(world).probes()] == [2.0, None]
    for _ in range(2 * PROBES):
        world.tick(30)
        world.probed(world.good())
    kept = past(world).probes()
    assert len(kept) == PROBES
    assert kept[-1].at == world.now == kept[0].at + 30 * (PROBES - 1)
    assert past(world).probes(5) == kept[-5:]


def test_sessions_are_the_most_of_each_minute_as_far_as_seen(world: World) -> None:
    """Steps of what sockets said: nothing before the first look, the peak of a minute, what stays stays."""
    world.healthy()
    world.now -= world.now % 60
    for counts in ((2,), (5, 1), (), (0,)):
        for count in counts:
            world.tick(1)
            crowd(world, count)
        world.tick(60 - world.now % 60)
    seen = past(world).sessions(world.now)
    assert len(seen) == MINUTES
    assert seen[-5:] == [2, 5, 1, 1, 0]
    assert set(seen[:-5]) <= {None, 0}


def test_a_pause_of_the_machine_is_not_made_up(world: World) -> None:
    """Suspended for ten minutes: nobody knows how many sessions there were."""
    world.healthy()
    crowd(world, 3)
    world.tick(60)
    world.tick(600)
    seen = past(world).sessions(world.now)
    assert seen[-1] == 3
    assert seen[-9:-2] == [None] * 7
    world.tick(-7200)  # and a clock that is set back leaves nothing from the future
    assert past(world).sessions(world.now)[-1] == 3
    assert past(world).sessions(world.now)[-2] is None


def test_another_service_in_the_same_place_starts_anew(world: World) -> None:
    """The place of a section is its identity; its name tells whether it is still the same."""
    world.healthy()
    world.tick(60)
    world.text = world.text.replace("[web]", "[other]")
    world.configs()
    assert past(world).name == "other"
    assert not past(world).probes()


def test_the_log_tells_of_the_time_before(world: World) -> None:
    """Starts, loads and ends in its own words, and when the target was away."""
    hour = 3600.0
    world.begin()
    told = (
        ("stunnel 5.72 on x86_64-pc-linux-gnu platform", "ui", 5, hour * 3),
        ("Configuration successful", "ui", 5, hour * 3),
        ("Service [web] accepted connection from 10.0.0.9:40000", "0", 5, hour * 2),
        ("s_connect: connect 127.0.0.1:8080: Connection refused (111)", "0", 3, hour * 2),
        ("No more addresses to connect", "0", 3, hour * 2),
        ("Service [web] accepted connection from 10.0.0.9:40001", "1", 5, hour),
        ("s_connect: connected 127.0.0.1:8080", "1", 5, hour),
        ("Service [web] connected remote server from 127.0.0.1:40002", "1", 5, hour),
        ("Terminated", "main", 5, 60),
    )
    lines = [
        world.line(words, level=level, log_id=log_id, at=world.now - ago)
        for words, log_id, level, ago in told
    ]
    world.log(*lines)
    chronicle = world.store.logbook.chronicle
    assert [each.message for each in chronicle.milestones(LOG)][-3:] == [
        "stunnel 5.72 on x86_64-pc-linux-gnu platform",
        "Configuration successful",
        "Terminated",
    ]
    (outage,) = chronicle.outages(LOG, "web")
    assert (outage.since, outage.until) == (int(world.now - 2 * hour), int(world.now - hour))
    assert "refused" in outage.record.message


@pytest.mark.parametrize(("changes", "most"), [(2, 6e6), (3 * CHANGES, 15e6)], ids=["calm", "flapping"])
def test_the_past_of_a_thousand_services_is_small(changes: int, most: float) -> None:
    """A few megabytes where all are probed and used, and bounded whatever happens."""
    probe = Handshake("x", Verdict.OK, connect_ms=1.5, first_byte_ms=2.5, flight_ms=3.5, handshake_ms=4.5)
    tracemalloc.start()
    try:
        pasts = [Past("web") for _ in range(1000)]
        for story in pasts:
            for index in range(3 * MINUTES):
                now = 1e9 + 60.0 * index
                if index < changes:
                    story.judged(State.DOWN if index % 2 else State.OK, f"cause {index}", now, meant=False)
                story.probed(probe, now)
                story.counted(index, now)
        size = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    print(f"the past of 1,000 services takes {size / 1e6:.1f} MB")
    assert all(len(story.changes) == min(changes, CHANGES) for story in pasts)
    assert all(story.forgotten == (changes > CHANGES) for story in pasts)
    assert size < most
