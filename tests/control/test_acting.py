"""The moment of acting: what has changed since the preflight, who acts too, who dies in the middle."""

import asyncio
import fcntl
import json
import os
import select
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.control.bench import Bench, Field
from tests.fixtures import PATIENCE, Pki, eventually
from tests.hosts.systemd_host import PROJECT
from tuimon.control import record
from tuimon.control.act import lock_name
from tuimon.control.batch import batch
from tuimon.host.local import LocalHost
from tuimon.host.local_hands import LocalHands
from tuimon.model.action import Action, Preflight, Result
from tuimon.model.failure import Failure, Reason
from tuimon.model.origin import Launch
from tuimon.model.process import ProcessId
from tuimon.model.service import InstanceKey
from tuimon.runtime import Runtime
from tuimon.settings import Settings

Make = Callable[[str], Bench]


@pytest.fixture
def make(pki: Pki) -> Iterator[Make]:
    """Benches, ended with the test."""
    with tempfile.TemporaryDirectory(prefix="acting-") as folder:
        field, benches = Field(Path(folder), pki), list[Bench]()

        def bench(name: str) -> Bench:
            benches.append(Bench(field, name))
            return benches[-1]

        yield bench
        for each in benches:
            each.end()
        field.close()


@asynccontextmanager
async def watching(*benches: Bench, settings: Settings | None = None) -> AsyncIterator[Runtime]:
    """A tuimon that has seen these."""
    host = LocalHost(poll=1)
    paths = tuple(str(bench.config) for bench in benches)
    runtime = Runtime(host, settings or Settings(), paths, LocalHands)
    running = asyncio.create_task(runtime.run())
    await runtime.settle()
    yield runtime
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def looked(runtime: Runtime, bench: Bench, action: Action) -> Preflight:
    """The preflight, which is not refused."""
    found = await runtime.control.preflight(InstanceKey(runtime.store.host, str(bench.config)), action)
    assert isinstance(found, Preflight)
    assert found.refusals == ()
    return found


async def test_process_that_has_changed_hands(make: Make) -> None:
    """Somebody restarted it after the look: whom it serves now nobody has been told."""
    bench = make("hands")
    bench.start()
    async with watching(bench) as runtime:
        found = await looked(runtime, bench, Action.RESTART)
        bench.tell(signal.SIGTERM)
        bench.until(lambda: not bench.pids)
        bench.launch()
        new = bench.pids
        await eventually(lambda: _pid(runtime) == new[0])
        outcome = await runtime.control.act(found)
    assert outcome.result is Result.REFUSED
    assert outcome.text == "the process has changed since the preflight"
    assert bench.pids == new


def _pid(runtime: Runtime) -> int:
    process = runtime.store.instances()[0].instance.process
    return process.pid if process else 0


async def test_pid_that_is_another_process_now(make: Make) -> None:
    """A signal goes to the process that was meant, or to nobody."""
    bench = make("reused")
    bench.start()
    host = LocalHost()
    hands = LocalHands()
    pid = bench.pids[0]
    (process,) = [each for each in await _seen(host) if each.pid == pid]
    other = ProcessId(process.pid, process.started - 100, process.exe)
    for told in (
        await hands.signal(other, signal.SIGTERM),
        await hands.origin(other),
        await hands.relaunch(Launch(("/bin/true",), "/bin/true"), other),
    ):
        assert isinstance(told, Failure)
        assert "not the process any more" in str(told)
    await host.close()
    assert bench.serves()


async def _seen(host: LocalHost) -> list[ProcessId]:
    found = await host.processes()
    assert not isinstance(found, Failure)
    return [each.id for each in found]


async def test_file_that_has_changed(make: Make) -> None:
    """What was found to be sound is not what would be loaded."""
    bench = make("file")
    bench.start()
    async with watching(bench) as runtime:
        found = await looked(runtime, bench, Action.RELOAD)
        bench.write(options="# another text\n")
        row = runtime.store.instances()[0].instance
        await eventually(lambda: runtime.store.instances()[0].instance.config != row.config)
        outcome = await runtime.control.act(found)
    assert (outcome.result, outcome.text) == (
        Result.REFUSED,
        "the configuration has changed since the preflight",
    )


async def test_what_of_the_text_is_not_loaded(make: Make) -> None:
    """By section and option, with what only a restart applies, and no secret in the diff."""
    bench = make("text")
    second = bench.section(name="second", accept=f"127.0.0.1:{bench.free()}")
    bench.start(bench.section(), second)
    async with watching(bench) as runtime:
        await asyncio.sleep(1.1)  # the log's clock has seconds: until then the text may be the loaded one
        third = bench.section("protocolPassword = hunter2", name="third", accept=f"127.0.0.1:{bench.free()}")
        bench.write(bench.section("TIMEOUTidle = 77"), third, options=f"pid = {bench.folder}/pid")
        await eventually(lambda: runtime.store.instances()[0].instance.change)
        found = await looked(runtime, bench, Action.RELOAD)
        outcome = await runtime.control.act(found)
    assert {*map(str, found.changes)} >= {
        "options above the sections: pid changed",
        "options of [text]: TIMEOUTidle changed",
        "section [second]: served → removed",
        "section [third]: added",
    }
    assert "+TIMEOUTidle = 77" in found.diff
    assert "hunter2" not in repr(found)
    needed = [note.text for note in found.warnings if note.code == "restart-needed"]
    assert needed == [
        f"a reload does not apply it: the pid file {bench.folder}/pid is written at a start only"
    ]
    assert outcome.result is Result.VERIFIED, outcome.text
    assert outcome.text.endswith("2 of 2 services answer")


async def test_two_at_one_instance(make: Make) -> None:
    """The second is told who acts, and does nothing."""
    bench = make("two")
    bench.start()
    before = bench.pids
    async with watching(bench) as runtime:
        found = await looked(runtime, bench, Action.RESTART)
        hands = LocalHands()
        lock = await hands.lock(lock_name(found.key), "reloading by bert")
        assert not isinstance(lock, Failure)
        outcome = await runtime.control.act(found)
        assert (outcome.result, outcome.text) == (
            Result.REFUSED,
            "another tuimon acts on it: reloading by bert",
        )
        assert bench.pids == before
        lock.release()
        with bench.config.open() as others:  # root and a plain user have no folder in common
            fcntl.flock(others, fcntl.LOCK_EX)
            outcome = await runtime.control.act(found)
        assert (outcome.result, outcome.text) == (
            Result.REFUSED,
            "another tuimon acts on it: another user's tuimon",
        )
        assert (await runtime.control.act(found)).result is Result.VERIFIED


class Deadly(LocalHands):
    """Hands under which the process dies in the very moment."""

    async def signal(self, process: ProcessId, number: int) -> Failure | None:
        """It dies of something else."""
        return await super().signal(process, signal.SIGKILL)


async def test_process_that_dies_in_the_middle(make: Make) -> None:
    """It is said at once that it ended."""
    bench = make("dies")
    bench.start()
    host = LocalHost(poll=1)
    runtime = Runtime(host, Settings(), (str(bench.config),), Deadly)
    running = asyncio.create_task(runtime.run())
    await runtime.settle()
    outcome = await runtime.control.act(await looked(runtime, bench, Action.RELOAD))
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert (outcome.result, outcome.text) == (Result.FAILED, "the process ended during the reload")
    assert outcome.fix == "start it"


async def test_what_cannot_be_started_is_not_ended(make: Make) -> None:
    """Its folder is gone: seen before anything is done, not after."""
    bench = make("folder")
    place = bench.folder / "place"
    place.mkdir()
    bench.start(cwd=str(place))
    place.rmdir()
    before = bench.pids
    async with watching(bench) as runtime:
        outcome = await runtime.control.act(await looked(runtime, bench, Action.RESTART))
    assert outcome.result is Result.FAILED
    assert "is gone" in outcome.text
    assert bench.pids == before
    assert bench.serves()


async def test_many_stop_at_the_first_that_goes_wrong(make: Make) -> None:
    """One first, then the others; what was not begun is told."""
    benches = [make(f"many{index}") for index in range(4)]
    for bench in benches:
        bench.start()
    port = benches[1].hold(listen=False)
    benches[1].write(benches[1].section(), benches[1].section(name="more", accept=f"127.0.0.1:{port}"))
    async with watching(*benches) as runtime:
        found = [await looked(runtime, bench, Action.RELOAD) for bench in benches]
        outcomes = await batch(found, runtime.control.act, at_once=1)
    kinds = [outcome.result for outcome in outcomes]
    assert kinds == [Result.VERIFIED, Result.FAILED, Result.NOT_DONE, Result.NOT_DONE]
    assert benches[3].said().count("Configuration successful") == 1


async def test_rows_and_action_log_tell_it(make: Make) -> None:
    """A row says what is being done, the store how it ended, the file who did it."""
    bench = make("told")
    bench.start()
    said: set[str] = set()
    async with watching(bench) as runtime:
        runtime.subscribe(lambda _: said.update(row.why for row in runtime.store.rows()))
        outcome = await runtime.control.act(await looked(runtime, bench, Action.RELOAD))
        await eventually(lambda: not runtime.store.actions.ongoing)
        assert runtime.store.actions.done[-1].outcome == outcome
        await eventually(lambda: not runtime.store.rows()[0].acting)
    assert any(each.startswith("reloading: ") for each in said)
    path = Path(Settings().state_file("actions.jsonl"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    lines = [line for line in record.read(path.read_bytes()) if line.instance == str(bench.config)]
    assert [line.result for line in lines] == ["begun", "verified"]
    assert (lines[1].command, lines[1].pid) == (f"kill -HUP {bench.pids[0]}", bench.pids[0])
    assert lines[1].verdict == outcome.text


def tuimon(*words: str, **more: object) -> "subprocess.Popen[bytes]":
    """The command as a user gives it."""
    argv = [sys.executable, "-m", "tuimon", *words]
    return subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        **more,  # type: ignore[call-overload]
    )


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_tuimon_ended_in_the_middle_of_a_restart(
    make: Make, number: signal.Signals, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Killed, ended, or left by its terminal: what it began is finished, and nobody is left without."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    bench, log = make("middle"), tmp_path / "tuimon" / "actions.jsonl"
    bench.start()
    before = bench.pids
    with tuimon("restart", str(bench.config), "--yes") as command:
        bench.until(log.exists)
        bench.until(lambda: bench.pids != before)
        command.send_signal(number)
        command.communicate(timeout=PATIENCE)
    bench.until(bench.serves)
    assert len(bench.pids) == 1
    results = [json.loads(line)["result"] for line in log.read_text().splitlines()]
    assert results[0] == "begun"
    assert number is signal.SIGKILL or len(results) == 2


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-"])
def test_descriptor_that_is_closed(make: Make, closed: str) -> None:
    """Whoever starts us without one gets the same action, and the same exit status."""
    bench = make("closed")
    bench.start()
    before = bench.pids
    line = f'exec "$0" -m tuimon restart "$1" --yes {closed}'
    done = subprocess.run(
        ["sh", "-c", line, sys.executable, str(bench.config)],
        capture_output=True,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        timeout=PATIENCE,
        check=False,
    )
    assert (done.returncode, b"Traceback" in done.stderr) == (0, False), done.stderr
    assert len(bench.pids) == 1
    assert bench.pids != before


def test_reader_that_has_gone(make: Make) -> None:
    """`tuimon restart … | head`: what was asked for is done, and the exit status tells of it."""
    bench = make("gone")
    bench.start()
    before = bench.pids
    with tuimon("restart", str(bench.config), "--yes") as command:
        assert command.stdout is not None
        command.stdout.close()
        assert command.wait(PATIENCE) == 0
    assert bench.pids != before


def test_interrupted_in_the_middle(make: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What runs on is said on the terminal too."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    bench, log = make("interrupted"), tmp_path / "tuimon" / "actions.jsonl"
    bench.start()
    before = bench.pids
    with tuimon("restart", str(bench.config), "--yes") as command:
        bench.until(log.exists)
        bench.until(lambda: bench.pids != before)
        command.send_signal(signal.SIGINT)
        _, err = command.communicate(timeout=PATIENCE)
    assert command.returncode == 130
    assert f"tuimon: ended while restarting {bench.config}: what was begun runs on\n".encode() in err
    bench.until(bench.serves)


def test_nobody_to_ask(make: Make) -> None:
    """Without a terminal and without --yes nothing is done; --dry-run does nothing at any time."""
    bench = make("nobody")
    bench.start()
    before = bench.pids
    for words, status, said in (
        ((), 2, b"no terminal to ask"),
        (("--dry-run",), 0, b""),
        (("--dry-run", "--yes"), 0, b""),
        (("--yes", "--read-only"), 2, b""),
    ):
        with tuimon("restart", str(bench.config), *words) as command:
            out, err = command.communicate(timeout=PATIENCE)
        assert (command.returncode, said in err) == (status, True), (words, out, err)
        assert str(bench.config).encode() in out
    assert bench.pids == before


def heard(leader: int, until: bytes) -> bytes:
    """What a terminal shows until it shows that, or until its program has ended."""
    said = b""
    while until not in said and select.select([leader], [], [], PATIENCE)[0]:
        try:
            said += os.read(leader, 4096)
        except OSError:  # the other side is closed
            break
    return said


@pytest.mark.parametrize(("answer", "acts"), [(b"\n", False), (b"y\n", True)])
def test_question_on_a_terminal(make: Make, answer: bytes, *, acts: bool) -> None:
    """It names what is touched, stands on no, and takes no key that was typed before it was asked."""
    bench = make("asks")
    bench.start()
    bench.session()
    before = bench.pids
    leader, follower = os.openpty()
    argv = [sys.executable, "-m", "tuimon", "restart", str(bench.config)]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    with subprocess.Popen(
        argv, stdin=follower, stdout=follower, stderr=follower, env=environment, start_new_session=True
    ) as command:
        os.close(follower)
        os.write(leader, b"y\n")  # typed ahead
        said = heard(leader, b"[y/N]")
        os.write(leader, answer)
        said += heard(leader, b"\0")
        command.kill()  # in vain, unless it hangs
        status = command.wait(PATIENCE)
    os.close(leader)
    words = said.decode().replace("\r\n", "\n")
    assert "restart asks.conf on" in words
    assert "(1 service, 1 session cut)? [y/N]" in words
    assert (status, bench.pids != before) == ((0, True) if acts else (2, False)), words
    assert ("nothing was done" in words) is not acts


async def test_lock_goes_with_its_holder(tmp_path: Path) -> None:
    """Nobody has to clear up after a tuimon that was killed."""
    hands = LocalHands()
    name = f"test-{os.getpid()}"
    program = (
        "import asyncio, sys\n"
        "from tuimon.host.local import LocalHost\n"
        "from tuimon.host.local_hands import LocalHands\n"
        f"lock = asyncio.run(LocalHands().lock({name!r}, 'stopping by eve'))\n"
        "print(lock, flush=True)\n"
        "sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        told = await hands.lock(name, "x")
        assert isinstance(told, Failure)
        assert (told.reason, str(told)) == (Reason.REFUSED, "stopping by eve")
        other.kill()
    mine = await hands.lock(name, "x")
    assert not isinstance(mine, Failure)
    mine.release()
