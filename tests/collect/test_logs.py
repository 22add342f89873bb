"""Following logs on a real file system: every line once and in order, whatever becomes of the file."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from types import TracebackType

import pytest

from tests.fixtures import Recorder, Stunnel, eventually, running
from tuimon.collect.logs import HISTORY, Logs
from tuimon.events import LogAppended
from tuimon.host.local import LocalHost
from tuimon.model.failure import Reason
from tuimon.model.tunnel import Interest


class Writer:
    """Writes numbered lines the way stunnel does: it keeps its file open until told to reopen."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("ab", buffering=0)
        self.written: list[str] = []

    def __enter__(self) -> "Writer":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def line(self, count: int = 1) -> None:
        for _ in range(count):
            message = f"line {len(self.written)}"
            self.written.append(message)
            self._file.write(f"2026.11.24 03:12:37 LOG5[ui]: {message}\n".encode())

    def raw(self, data: bytes) -> None:
        self._file.write(data)

    def reopen(self) -> None:
        self._file.close()
        self._file = self.path.open("ab", buffering=0)


class Follower:
    """The collector with what it has told."""

    def __init__(self, host: LocalHost) -> None:
        self.collector = Logs(host)
        self.told = Recorder()

    def follow(self, *paths: Path) -> None:
        self.collector.want(Interest(logs=frozenset(map(str, paths))))

    def messages(self, path: Path | None = None) -> list[str]:
        return [
            record.message
            for event in self.told.of(LogAppended)
            for record in event.records
            if path is None or event.source == str(path)
        ]

    async def has(self, messages: list[str]) -> None:
        """Wait until as many lines were told as expected; they must be these, in this order."""
        await self.told.until(lambda: len(self.messages()) >= len(messages))
        assert self.messages() == messages


@pytest.fixture
async def follower(host: LocalHost) -> AsyncIterator[Follower]:
    """A running collector."""
    one = Follower(host)
    async with running(one.collector, one.told):
        yield one


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "stunnel.log"


async def test_what_is_there_is_history_and_what_comes_is_news(follower: Follower, log: Path) -> None:
    """`first` marks what was there before tuimon looked."""
    with Writer(log) as writer:
        writer.line(3)
        follower.follow(log)
        await follower.has(writer.written)
        told = follower.told.of(LogAppended)
        assert all(event.first for event in told)
        while follower.told.of(LogAppended)[-1].first:  # what came during the first read is history, too
            writer.line(1)
            await follower.has(writer.written)
    told = follower.told.of(LogAppended)
    assert not told[-1].first
    assert all(event.source == str(log) and event.host == "here" for event in told)


async def test_an_empty_log_is_told_of_once(follower: Follower, log: Path) -> None:
    """So that the first sweep knows it was looked at."""
    log.touch()
    follower.follow(log)
    (event,) = await follower.told.until(lambda: follower.told.of(LogAppended))
    assert (event.records, event.first, event.failure) == ((), True, None)


async def test_a_rotated_log_is_read_on_while_stunnel_writes_to_it(follower: Follower, log: Path) -> None:
    """Renamed, a new file made, and stunnel writes to the old one until SIGUSR1."""
    with Writer(log) as writer:
        writer.line(2)
        follower.follow(log)
        await follower.has(writer.written)
        log.rename(log.with_suffix(".log.1"))
        log.touch()
        for _ in range(3):
            writer.line(2)
            await follower.has(writer.written)
        writer.line(5)
        writer.reopen()
        writer.line(3)
        await follower.has(writer.written)
        writer.line(1)
        await follower.has(writer.written)


async def test_two_rotations_before_stunnel_reopens_lose_nothing(follower: Follower, log: Path) -> None:
    """An instance without a pid file is never told to reopen: its file is two names back."""
    with Writer(log) as writer:
        writer.line(1)
        follower.follow(log)
        await follower.has(writer.written)
        for older, newer in ((".1", ""), (".2", ".1")):
            if newer:
                Path(f"{log}{newer}").rename(f"{log}{older}")
            log.rename(f"{log}.1")
            log.touch()
            writer.line(2)
            await follower.has(writer.written)
        writer.reopen()
        writer.line(2)
        await follower.has(writer.written)


async def test_a_real_stunnel_through_a_rotation(
    host: LocalHost, tmp_path: Path, start_stunnel: object
) -> None:
    """logrotate's rename, connections meanwhile, then SIGUSR1."""
    assert callable(start_stunnel)
    program: Stunnel = start_stunnel("[web]\naccept = 127.0.0.1:0\nconnect = 127.0.0.1:1\n")
    one = Follower(host)
    old = tmp_path / "stunnel.log.1"
    async with running(one.collector, one.told):
        one.follow(program.log)
        await one.told.until(lambda: "Configuration successful" in "".join(one.messages()))
        program.log.rename(old)
        os.kill(program.pid, signal.SIGHUP)
        await eventually(lambda: old.read_text().count("Configuration successful") == 2)
        program.reopen_log()
        await eventually(program.log.exists)
        program.reload()
        lines = [line for path in (old, program.log) for line in path.read_text().splitlines()]
        await one.told.until(lambda: len(one.messages()) >= len(lines))
        assert [line.split("]: ", 1)[1] for line in lines] == one.messages()


async def test_a_truncated_log_starts_over(follower: Follower, log: Path) -> None:
    """copytruncate, and `log = overwrite`."""
    with Writer(log) as writer:
        writer.line(20)
        follower.follow(log)
        await follower.has(writer.written)
        os.truncate(log, 0)
        writer.line(3)
        await follower.has(writer.written)
        writer.line(2)
        await follower.has(writer.written)


async def test_a_deleted_log_is_read_on_and_its_heir_from_the_start(follower: Follower, log: Path) -> None:
    """stunnel does not notice that its file was deleted; we do, and say so."""
    with Writer(log) as writer:
        writer.line(2)
        follower.follow(log)
        await follower.has(writer.written)
        log.unlink()
        writer.line(2)
        await follower.has(writer.written)
        gone = await follower.told.until(lambda: [e for e in follower.told.of(LogAppended) if e.failure])
        assert gone[0].failure is not None
        assert gone[0].failure.reason is Reason.MISSING
        writer.reopen()
        writer.line(2)
        await follower.has(writer.written)
    assert follower.told.of(LogAppended)[-1].failure is None


async def test_a_symlink_that_is_switched_is_followed(follower: Follower, tmp_path: Path, log: Path) -> None:
    """`stunnel.log` → today's file."""
    monday, tuesday = tmp_path / "monday", tmp_path / "tuesday"
    with Writer(monday) as writer:
        writer.line(2)
        log.symlink_to(monday)
        follower.follow(log)
        await follower.has(writer.written)
        tuesday.touch()
        (tmp_path / "new").symlink_to(tuesday)
        (tmp_path / "new").replace(log)
        writer.line(2)
        writer.path = tuesday
        writer.reopen()
        writer.line(2)
        await follower.has(writer.written)


async def test_a_line_that_comes_in_pieces_is_one_line(follower: Follower, log: Path) -> None:
    """Even when the cut is in the middle of a character."""
    text = "2026.11.24 03:12:37 LOG5[ui]: größer\n".encode()
    with Writer(log) as writer:
        log.touch()
        follower.follow(log)
        await follower.told.until(lambda: follower.told.of(LogAppended))
        for part in (text[:25], text[25:33], text[33:-1]):
            writer.raw(part)
            size = log.stat().st_size
            current = follower.collector._logs[str(log)].current
            assert current is not None
            await eventually(lambda current=current, size=size: current.tail.offset == size)
            assert follower.messages() == []
        writer.raw(text[-1:])
        await follower.has(["größer"])


async def test_a_log_that_appears_later_is_read_from_its_start(follower: Follower, log: Path) -> None:
    """Its absence is said first."""
    follower.follow(log)
    (event,) = await follower.told.until(lambda: follower.told.of(LogAppended))
    assert event.failure is not None
    assert event.failure.reason is Reason.MISSING
    with Writer(log) as writer:
        writer.line(3)
        await follower.has(writer.written)
    assert follower.told.of(LogAppended)[-1].failure is None


async def test_a_fifo_is_never_read(follower: Follower, log: Path) -> None:
    """Reading it would steal the records from whoever it is for."""
    os.mkfifo(log)
    follower.follow(log)
    (event,) = await follower.told.until(lambda: follower.told.of(LogAppended))
    assert event.failure is not None
    assert event.failure.reason is Reason.NOT_REGULAR


async def test_history_is_the_end_of_a_long_log_in_whole_lines(follower: Follower, log: Path) -> None:
    """At most 256 KiB of it, starting where a line starts."""
    with Writer(log) as writer:
        writer.line(14_000)
        assert log.stat().st_size > 2 * HISTORY
        follower.follow(log)
        await follower.told.until(lambda: follower.messages()[-1:] == writer.written[-1:])
        told = follower.messages()
        assert told == writer.written[-len(told) :]
        whole = log.read_bytes().splitlines(keepends=True)[-len(told) - 1 :]
        assert sum(map(len, whole[1:])) <= HISTORY < sum(map(len, whole)) + 1
        writer.line(2)
        await follower.told.until(lambda: len(follower.messages()) == len(told) + 2)
        assert follower.messages() == writer.written[-len(told) - 2 :]


async def test_a_flood_is_told_in_order_and_others_get_their_turn(
    follower: Follower, tmp_path: Path, log: Path
) -> None:
    """One busy log does not starve a quiet one."""
    quiet = tmp_path / "quiet.log"
    with Writer(log) as busy, Writer(quiet) as calm:
        follower.follow(log, quiet)
        await follower.told.until(lambda: len(follower.told.of(LogAppended)) >= 2)
        busy.line(40_000)
        calm.line(2)
        await follower.told.until(lambda: len(follower.messages(log)) == 40_000)
        await follower.told.until(lambda: len(follower.messages(quiet)) == 2)
        assert follower.messages(log) == busy.written


async def test_what_is_no_longer_wanted_is_let_go(follower: Follower, tmp_path: Path, log: Path) -> None:
    """Its file is closed and its lines are no longer told."""
    other = tmp_path / "other.log"
    with Writer(log) as writer, Writer(other) as second:
        follower.follow(log)
        writer.line(1)
        await follower.has(writer.written)
        follower.follow(other)
        second.line(1)
        await follower.told.until(lambda: len(follower.messages(other)) == 1)
        writer.line(1)
        second.line(1)
        await follower.told.until(lambda: len(follower.messages(other)) == 2)
        assert len(follower.messages(log)) == 1
        held = {os.path.realpath(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd")}
        assert len([path for path in held if path == str(log)]) == 1  # the writer's own, seen once
        assert set(follower.collector._logs) == {str(other)}


async def test_lines_written_before_and_after_a_rotation_that_nobody_saw(
    follower: Follower, log: Path
) -> None:
    """Rename, new file and new lines between two looks."""
    with Writer(log) as writer:
        writer.line(1)
        follower.follow(log)
        await follower.has(writer.written)
        writer.line(3)
        log.rename(f"{log}.1")
        writer.line(3)
        writer.reopen()
        writer.line(3)
        await asyncio.sleep(0)
        await follower.has(writer.written)
