"""Pid files on this machine: read when they are asked for, and again when a process came or went."""

import asyncio
import os
from pathlib import Path

from tuimon.collect.pid_files import PidFiles
from tuimon.events import Event, PidFileRead
from tuimon.host.local import LocalHost
from tuimon.model.pid_file import PidFile
from tuimon.model.process import ProcessId
from tuimon.model.tunnel import Interest
from tuimon.settings import Settings


async def test_a_pid_file_is_read_and_read_again_with_the_processes(host: LocalHost, tmp_path: Path) -> None:
    """A living process, none that exists, no number at all; a change is seen when the processes changed."""
    files = {name: str(tmp_path / name) for name in ("mine", "dead", "words", "missing")}
    Path(files["mine"]).write_text(f"{os.getpid()}\n")
    Path(files["dead"]).write_text("4194303\n")
    Path(files["words"]).write_text("pid \x1b[31m\n")
    told: asyncio.Queue[Event] = asyncio.Queue()
    collector = PidFiles(host, Settings())
    wanted = Interest(pid_files=frozenset(files.values()))
    collector.want(wanted)
    running = asyncio.create_task(collector.run(told.put_nowait))

    async def heard() -> PidFile:
        event = await told.get()
        assert isinstance(event, PidFileRead)
        return event.file

    first = {file.path: file for file in [await heard() for _ in files]}
    said = {name: (first[path].pid, first[path].alive) for name, path in files.items()}
    assert said == {
        "mine": (os.getpid(), True),
        "dead": (4194303, False),
        "words": (0, False),
        "missing": (0, False),
    }
    assert [name for name, path in files.items() if first[path].failure] == ["missing"]
    Path(files["mine"]).write_text("1\n")
    one = frozenset((ProcessId(1, 0.0, "/usr/bin/stunnel"),))
    collector.want(Interest(pid_files=wanted.pid_files, running=one))
    assert await heard() == PidFile(files["mine"], 1, True, Path(files["mine"]).stat().st_mtime_ns / 1e9)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
