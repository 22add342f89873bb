"""Where real processes log to: full file systems, rotations, jails."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.fixtures import Recorder, Stunnel, eventually, free_port, running
from tuimon.collect.outputs import Outputs
from tuimon.commands.status import sweep
from tuimon.events import OutputSeen
from tuimon.host.local import LocalHost
from tuimon.host.procs import ProcessTable
from tuimon.model.output import Output, OutputWant, Room
from tuimon.model.process import Process
from tuimon.model.tunnel import Interest
from tuimon.settings import Settings

Start = Callable[..., Stunnel]
ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to mount and to chroot")


def service() -> str:
    return f"[web]\nclient = yes\naccept = 127.0.0.1:{free_port()}\nconnect = 127.0.0.1:1\n"


def process(program: Stunnel) -> Process:
    return next(each for each in ProcessTable().scan() if each.pid == program.pid)


async def codes(program: Stunnel) -> dict[str, str]:
    """What a sweep says of the log: text by code."""
    store = await sweep(Settings(), (str(program.config),))
    (row,) = store.rows()
    return {each.code: each.text for each in row.findings if each.code.startswith("log-")}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)], check=True)
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder: Path) -> None:
    with (folder / "filler").open("wb", buffering=0) as filler:
        try:
            while True:
                filler.write(bytes(4096))
        except OSError:
            return


@ROOT
async def test_a_full_disk_ends_the_log(small_disk: Path, tmp_path: Path, start_stunnel: Start) -> None:
    """stunnel says nothing and goes on; once there is room again, all is well."""
    program = start_stunnel(service(), options=f"output = {small_disk}/web.log", log=small_disk / "web.log")
    assert await codes(program) == {}
    fill(small_disk)
    assert await codes(program) == {"log-silent": "no space left for its log web.log"}
    (small_disk / "filler").unlink()
    assert await codes(program) == {}


async def test_a_rotation_is_told_only_when_it_has_stood(host: LocalHost, start_stunnel: Start) -> None:
    """A renamed log is half a rotation: with the signal that follows nothing is said of it."""
    program, recorder = start_stunnel(service()), Recorder()
    outputs = Outputs(host, Settings())

    def look() -> OutputWant:
        want = OutputWant(
            str(program.config), f"/proc/{program.pid}/root{program.log}", process(program).logs
        )
        outputs.want(Interest(outputs=frozenset({want})))
        return want

    def last() -> Output:
        return recorder.of(OutputSeen)[-1].output

    want = look()
    async with running(outputs, recorder):
        await recorder.until(lambda: recorder.of(OutputSeen))
        assert last() == Output(want, program.log.stat().st_ino, Room.ENOUGH)
        program.log.rename(program.log.with_suffix(".1"))
        look()
        program.reopen_log()
        await eventually(lambda: process(program).logs[0].path == str(program.log))
        want = look()
        await recorder.until(lambda: last().want == want)
        assert not any(each.output.astray for each in recorder.of(OutputSeen))
        program.log.unlink()
        want = look()
        await recorder.until(lambda: last().want == want)
        assert last() == replace(last(), inode=None, failure=None)
        assert last().astray


@ROOT
async def test_a_log_in_a_jail_is_where_it_should_be(tmp_path: Path, start_stunnel: Start) -> None:
    """`chroot` with a log inside, then rotated unnoticed."""
    jail = tmp_path / "jail"
    (jail / "log").mkdir(parents=True)
    log = jail / "log" / "web.log"
    program = start_stunnel(service(), options=f"chroot = {jail}\noutput = /log/web.log", log=log)
    assert await codes(program) == {}
    log.rename(log.with_suffix(".log.1"))
    log.touch()
    found = await codes(program)
    assert found == {"log-silent": "still writes to web.log.1, not to web.log: rotated unnoticed"}
