"""Commands that this machine runs for us, to their end or on and on.

Rule: no shell, no input, and no child outlives its caller: whoever is cancelled, even while the child is
being started, waits until it is gone.  Only the loop's own watcher may take a child's exit status, so
that nothing here may poll.
"""

import asyncio
import contextlib
import os
import shutil
import signal

from tuimon.host.base import Completed, Pipe
from tuimon.host.failures import failure_of
from tuimon.model.failure import Failure, Reason

_OUTPUT = 1 << 20  # bytes kept of what a command prints


async def _start(argv: tuple[str, ...], *, stderr: int) -> asyncio.subprocess.Process:
    starting = asyncio.ensure_future(
        asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=stderr,
            env={**os.environ, "LC_ALL": "C.UTF-8"},
        )
    )
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        with contextlib.suppress(OSError):
            await _end(await starting)
        raise


async def _end(process: asyncio.subprocess.Process) -> None:
    """Kill it, if it has not ended yet.  `Process.kill` polls first, and the watcher would miss the end."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
        await process.wait()


async def run(argv: tuple[str, ...], timeout: float) -> Completed | Failure:
    """Run a command to its end."""
    try:
        process = await _start(argv, stderr=asyncio.subprocess.PIPE)
    except OSError as error:
        return failure_of(error, argv[0])
    try:
        async with asyncio.timeout(timeout):
            out, err = await process.communicate()
    except TimeoutError:
        return Failure(Reason.TIMEOUT, f"{argv[0]} did not end within {timeout:.0f} s")
    finally:
        await _end(process)
    return Completed(process.returncode or 0, out[:_OUTPUT], err[:_OUTPUT])


async def stream(argv: tuple[str, ...]) -> Pipe | Failure:
    """Start a command that runs on; it ends with us, however we end."""
    tie = shutil.which("setpriv")
    tied = (tie, "--pdeathsig", "TERM", "--", *argv) if tie else argv
    try:
        process = await _start(tied, stderr=asyncio.subprocess.DEVNULL)
    except OSError as error:
        return failure_of(error, argv[0])
    return LocalPipe(process)


class LocalPipe:
    """A child process whose output is read as it comes."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def read(self, limit: int) -> bytes:
        """Up to `limit` bytes as soon as there are any; empty when the command ended."""
        return b"" if self._process.stdout is None else await self._process.stdout.read(limit)

    async def close(self) -> None:
        """End the command."""
        await _end(self._process)
