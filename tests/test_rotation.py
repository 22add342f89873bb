"""A log that is renamed while its process goes on writing to it, as logrotate does before the reopening."""

import asyncio
import contextlib
import socket
from collections.abc import Callable
from pathlib import Path

from msgspec.structs import replace

from tests.fixtures import Backend, Stunnel, eventually, free_port
from tuimon.host.local import LocalHost
from tuimon.runtime import Runtime
from tuimon.settings import Settings


async def test_a_rotated_log_is_the_same_log(
    start_stunnel: Callable[..., Stunnel], backend: Callable[..., Backend]
) -> None:
    """Processes are looked at while the file has its second name: no line is told twice, none is lost."""
    port = free_port()
    program = start_stunnel(f"[web]\naccept = 127.0.0.1:{port}\nconnect = {backend().port}\n")
    settings = Settings()
    settings = replace(settings, intervals=replace(settings.intervals, processes=0.2))
    runtime = Runtime(LocalHost(poll=0.2), settings, (str(program.config),))
    store, name, second = runtime.store, str(program.log), Path(f"{program.log}.1")

    def speak(log: Path, count: int) -> None:
        with socket.create_connection(("127.0.0.1", port)):
            pass
        program.log = log
        program.wait_for("accepted connection", count)

    def told() -> list[str]:
        return [line.record.message for line in store.logbook.lines]

    def written() -> list[str]:
        files = (each for each in (second, Path(name)) if each.exists())
        return [line.partition(": ")[2] for each in files for line in each.read_text().splitlines()]

    def held() -> list[str]:
        process = store.instances()[0].instance.process
        return [each.path for each in process.logs] if process else []

    task = asyncio.create_task(runtime.run())
    try:
        await asyncio.wait_for(runtime.settle(), 15)
        program.log.rename(second)
        await eventually(lambda: held() == [str(second)])
        speak(second, second.read_text().count("accepted connection") + 1)
        await eventually(lambda: told() == written())
        assert store.instances()[0].instance.log == name
        program.reopen_log()
        await eventually(lambda: held() == [name])
        speak(Path(name), 1)
        await eventually(lambda: told() == written())
        assert list(store.logbook.sources) == [name]
        assert store.instances()[0].instance.log == name
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
