"""Processes that come back as something else, that may not be seen, that are many; clocks that jump."""

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.facts import World
from tests.fixtures import PATIENCE, Pki, Stunnel
from tests.robust.alone import alone, open_folder
from tests.robust.conftest import Note
from tests.robust.herd import report, watch
from tuimon.diagnose.finding import State
from tuimon.host.procs import ProcessTable

pytestmark = pytest.mark.timeout(120)

Start = Callable[..., Stunnel]
HERD = 1000
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, for namespaces of its own")


@needs_root
@pytest.mark.parametrize("hide", ["0", "1", "2"])
def test_what_may_not_be_seen_is_no_alarm(note: Note, hide: str) -> None:
    """Whoever may not see whether stunnel runs does not say that it does not, nor that its port is taken."""
    with open_folder() as folder:
        said = json.loads(alone("hidden", folder, hide))
    (service,), (instance,) = said["services"], said["instances"]
    codes = [each["code"] for each in (*service["findings"], *instance["findings"])]
    assert not {"not-running", "accept-taken", "accept-refused"} & set(codes)
    assert "not-permitted" in codes
    assert instance["running"] is (hide == "0")
    if hide != "0":
        assert (service["state"], service["listen"]) == ("unknown", "unknown")
        assert any("cannot be seen" in each["text"] for each in service["findings"])
    note("processes", f"hidepid={hide}: {service['state']}, {', '.join(dict.fromkeys(codes))}")


@needs_root
def test_a_pid_that_comes_back_is_another_process(note: Note, tmp_path: Path) -> None:
    """As another program it is none of ours, as another stunnel a new one."""
    seen = json.loads(alone("reused", tmp_path))
    (pid,) = seen["pids"]
    (first,), other, (second,) = seen["said"]
    assert other == []
    assert (first[0], second[0]) == (pid, pid)
    assert first[1] < second[1]
    assert [os.path.basename(each[3]) for each in (first, second)] == ["first.conf", "second.conf"]
    note("processes", f"pid {pid} three times: stunnel, sleep, another stunnel")


@needs_root
@pytest.mark.parametrize("seconds", [-3600, 1, 3600])
def test_a_process_stays_what_it_is_when_the_clock_is_set(note: Note, tmp_path: Path, seconds: int) -> None:
    """Nobody who would act on it is told that it is another; the time of its start is the clock's."""
    told = json.loads(alone("stepped", tmp_path, str(seconds)))
    assert told == {"same": True, "known": True, "moved": seconds, "gone": True}
    note("processes", f"clock set by {seconds:+} s: the same process, and none once it has ended")


@needs_root
def test_what_is_due_after_a_sleep_is_due_at_once(tmp_path: Path) -> None:
    """The time that the machine was suspended counts, or a look that is due would come hours late."""
    ahead = alone("slept", tmp_path, by=("unshare", "--time", "--boottime", "7200", "--fork"))
    assert float(ahead) > 7000


def test_a_zombie_is_gone(start_stunnel: Start) -> None:
    """Dead, though its parent has not noticed."""
    table = ProcessTable()
    program = start_stunnel("[web]\nclient = yes\naccept = 127.0.0.1:0\nconnect = 127.0.0.1:9\n")
    assert program.pid in {each.pid for each in table.scan()}
    os.kill(program.pid, signal.SIGKILL)
    _wait(lambda: psutil.Process(program.pid).status() == psutil.STATUS_ZOMBIE)
    assert program.pid not in {each.pid for each in table.scan()}


def test_a_stunnel_that_becomes_another_program_is_none_any_more(tmp_path: Path) -> None:
    """The same process, by exec: known by what it runs now."""
    shell, script = tmp_path / "stunnel", tmp_path / "x.conf"
    shutil.copy(shutil.which("dash") or "/bin/sh", shell)
    script.write_text("read line\nexec sleep 60\n")
    table = ProcessTable()
    with subprocess.Popen([shell, script], stdin=subprocess.PIPE) as process:
        _wait(lambda: process.pid in {each.pid for each in table.scan()})
        assert process.stdin
        process.stdin.write(b"go\n")
        process.stdin.flush()
        _wait(lambda: process.pid not in {each.pid for each in table.scan()})
        assert psutil.Process(process.pid).name() == "sleep"
        process.kill()


def _wait(fact: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not fact():
        assert time.monotonic() < deadline, "did not come true in time"
        time.sleep(0.01)


@pytest.mark.parametrize("seconds", [-86_400, -3600, -1, 3600, 43_200])
def test_a_clock_that_jumps_is_no_alarm(pki: Pki, seconds: int) -> None:
    """Set back or forth, or a laptop that slept: nothing is wrong by that, and what comes next is judged by
    itself."""
    world = World(pki).healthy()
    before = [(row.state, row.why) for row in world.store.rows()]
    assert {state for state, _ in before} == {State.OK}
    world.tick(seconds)
    assert [(row.state, row.why) for row in world.store.rows()] == before
    for _ in range(3):
        world.tick(1)
        world.sockets()
        world.processes(world.process)
    assert [(row.state, row.why) for row in world.store.rows()] == before
    world.processes()
    assert "not-running" in world.codes()


@pytest.mark.timeout(240)
def test_a_herd_is_found_and_cheap_to_look_at_again(note: Note, tmp_path: Path) -> None:
    """Every one of a thousand, each time; what does not change is not asked for again."""
    looks = watch(tmp_path, HERD)
    assert len(looks.found) == len(looks.again) == HERD
    assert {each.id for each in looks.found} == {each.id for each in looks.again}
    assert looks.next < looks.first
    note("processes", report(HERD, looks))
