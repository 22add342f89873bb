"""The hands on this machine.

Rule: whatever may block is done on threads of their own; what was begun goes on when we end.
"""

import asyncio
import json
import os
import pwd
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from tuimon.host import detached
from tuimon.host.base import Completed
from tuimon.host.failures import failure_of
from tuimon.host.guards import guards
from tuimon.host.hands import Launched, Lock
from tuimon.host.locks import lock
from tuimon.model.failure import Failure, Reason
from tuimon.model.origin import Actor, Guard, Launch, Origin
from tuimon.model.process import ProcessId
from tuimon.patience import patiently
from tuimon.text import printable

T = TypeVar("T")

_PATIENCE = 10.0  # seconds for a process to end
_RELAUNCH = 40.0  # seconds for ending, starting and going to the background
_HELPER = str(Path(__file__).with_name("relaunch.py"))


class LocalHands:
    """What acts on this machine."""

    def __init__(self) -> None:
        # Its own: the last line of the action log is written while everything else is being closed.
        self._threads = ThreadPoolExecutor(max_workers=4, thread_name_prefix="hands")

    async def _blocking(self, call: Callable[[], T], about: str = "it") -> T | Failure:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, call)
        except OSError as error:
            return failure_of(error, error.filename or about)

    def actor(self) -> Actor:
        """Who we are."""
        uid = os.geteuid()
        try:
            user = pwd.getpwuid(uid).pw_name
        except KeyError:
            user = str(uid)
        return Actor(uid, printable(user), printable(os.environ.get("SUDO_USER", "")))

    async def origin(self, process: ProcessId) -> Origin | Failure:
        """How a process came to be; `Failure` where that process is no more."""
        from tuimon.host import origin  # noqa: PLC0415 - psutil is for those who act

        return await self._blocking(lambda: origin.look(process))

    async def guards(self, path: str) -> tuple[Guard, ...] | Failure:
        """Everything on the way to a file, symbolic links followed, whose owner could replace it."""
        return await self._blocking(lambda: patiently(lambda: guards(path)), path)

    async def signal(self, process: ProcessId, number: int) -> Failure | None:
        """Send a signal to that very process, never to one that has got its pid since."""
        return await self._blocking(lambda: _signal(process, number))

    async def perform(self, argv: tuple[str, ...], timeout: float) -> Completed | Failure:
        """Run a command of the system's own PATH to its end; it runs on when we end or give up."""
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            started = await self._blocking(lambda: detached.spawn(argv, subprocess.DEVNULL, out, err))
            if isinstance(started, Failure):
                return Failure(started.reason, f"{printable(argv[0])}: {started}")
            status = await detached.ended(started, timeout)
            if status is None:
                return Failure(Reason.TIMEOUT, f"{printable(argv[0])} has not ended within {timeout:.0f} s")
            return Completed(status, detached.content(out), detached.content(err))

    async def relaunch(self, launch: Launch, ending: ProcessId | None) -> Launched | Failure:
        """End a process if one is given, and start a program in its place once it has ended."""
        with tempfile.TemporaryFile() as order, tempfile.TemporaryFile() as answer:
            written = await self._blocking(lambda: _write_order(order, launch, ending))
            if isinstance(written, Failure):
                return written
            argv = (sys.executable, "-I", "-S", _HELPER)
            started = await self._blocking(lambda: detached.spawn(argv, order, answer, subprocess.DEVNULL))
            if isinstance(started, Failure):
                return started
            status = await detached.ended(started, _RELAUNCH)
            try:
                said: dict[str, Any] = json.loads(detached.content(answer))
            except ValueError:
                return Failure(Reason.OTHER, f"the start was not reported (status {status})")
        if said.get("error"):
            return Failure(Reason.OTHER, printable(str(said["error"])))
        return Launched(int(said["pid"]), said["status"], str(said["said"]))

    async def lock(self, name: str, holder: str, shared: str = "") -> Lock | Failure:
        """Take the lock of this name, or say who holds it; `shared` is a file that other users lock too."""
        return await self._blocking(lambda: patiently(lambda: lock(name, holder, shared)))

    async def append(self, path: str, line: bytes) -> Failure | None:
        """Add to a file of our own, which nobody else may read; its folder is made."""
        return await self._blocking(lambda: patiently(lambda: _append(path, line)), path)


def _write_order(file: BinaryIO, launch: Launch, ending: ProcessId | None) -> Failure | None:
    from tuimon.host import origin  # noqa: PLC0415

    target: tuple[int, str] | None = None
    if ending is not None:
        if not origin.same(ending):
            return origin.gone(ending)
        with open(f"/proc/{ending.pid}/stat", "rb") as stat_file:
            ticks = stat_file.read(4096).rpartition(b")")[2].split()[19].decode()
        target = (ending.pid, ticks)
    order = {
        "argv": launch.argv,
        "exe": launch.exe,
        "cwd": launch.cwd,
        "environment": launch.environment,
        "umask": launch.umask,
        "limits": launch.limits,
        "uid": launch.uid,
        "gid": launch.gid,
        "groups": launch.groups,
        "outputs": launch.outputs,
        "cgroup": launch.cgroup,
        "daemon": launch.daemon,
        "ending": target,
        "patience": _PATIENCE,
        "folder": tempfile.gettempdir(),
    }
    file.write(json.dumps(order).encode())
    file.seek(0)
    return None


def _signal(process: ProcessId, number: int) -> Failure | None:
    from tuimon.host import origin  # noqa: PLC0415

    try:
        fd = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return origin.gone(process)
    try:
        if not origin.same(process):
            return origin.gone(process)
        signal.pidfd_send_signal(fd, number)
    except ProcessLookupError:
        return origin.gone(process)
    except PermissionError:
        return Failure(Reason.DENIED, f"no permission to send a signal to pid {process.pid}", "root")
    finally:
        os.close(fd)
    return None


def _append(path: str, line: bytes) -> Failure | None:
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    fd = os.open(path, flags, 0o600)
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            return Failure(Reason.NOT_REGULAR, f"{printable(path)}: it is no regular file")
        os.write(fd, line)
    finally:
        os.close(fd)
    return None
