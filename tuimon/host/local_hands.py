"""The hands on this machine.

Rule: a command is found on the system's own PATH, never on a user's; it gets a session of its own and
files for its output, so that neither our end nor a closed terminal or pipe ends it half-way.
"""

import asyncio
import contextlib
import fcntl
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

from tuimon.host.base import Completed
from tuimon.host.failures import failure_of
from tuimon.host.hands import Launched, Lock
from tuimon.model.failure import Failure, Reason
from tuimon.model.origin import Actor, Guard, Launch, Origin
from tuimon.model.process import ProcessId
from tuimon.patience import patiently
from tuimon.text import printable

T = TypeVar("T")

PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
"""Where commands are looked for; only root can write there."""

_PATIENCE = 10.0  # seconds for a process to end
_RELAUNCH = 40.0  # seconds for ending, starting and going to the background
_OUTPUT = 1 << 16
_LINKS = 40  # as the kernel
_CARRIED = ("XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS")  # what `systemctl --user` needs
_HELPER = str(Path(__file__).with_name("relaunch.py"))

_left: list["subprocess.Popen[bytes]"] = []  # commands that run on without us


class FileLock:
    """Locks that the kernel lets go of when their holder ends."""

    def __init__(self, *fds: int) -> None:
        self.fds = fds

    def release(self) -> None:
        """Let the next one in; harmless when repeated."""
        fds, self.fds = self.fds, ()
        for fd in fds:
            os.close(fd)


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
        return await self._blocking(lambda: patiently(lambda: _guards(path)), path)

    async def signal(self, process: ProcessId, number: int) -> Failure | None:
        """Send a signal to that very process, never to one that has got its pid since."""
        return await self._blocking(lambda: _signal(process, number))

    async def perform(self, argv: tuple[str, ...], timeout: float) -> Completed | Failure:
        """Run a command of the system's own PATH to its end; it runs on when we end or give up."""
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            started = await self._blocking(lambda: _spawn(argv, subprocess.DEVNULL, out, err))
            if isinstance(started, Failure):
                return Failure(started.reason, f"{printable(argv[0])}: {started}")
            status = await _ended(started, timeout)
            if status is None:
                return Failure(Reason.TIMEOUT, f"{printable(argv[0])} has not ended within {timeout:.0f} s")
            return Completed(status, _content(out), _content(err))

    async def relaunch(self, launch: Launch, ending: ProcessId | None) -> Launched | Failure:
        """End a process if one is given, and start a program in its place once it has ended."""
        with tempfile.TemporaryFile() as order, tempfile.TemporaryFile() as answer:
            written = await self._blocking(lambda: _write_order(order, launch, ending))
            if isinstance(written, Failure):
                return written
            argv = (sys.executable, "-I", "-S", _HELPER)
            started = await self._blocking(lambda: _spawn(argv, order, answer, subprocess.DEVNULL))
            if isinstance(started, Failure):
                return started
            status = await _ended(started, _RELAUNCH)
            try:
                said: dict[str, Any] = json.loads(_content(answer))
            except ValueError:
                return Failure(Reason.OTHER, f"the start was not reported (status {status})")
        if said.get("error"):
            return Failure(Reason.OTHER, printable(str(said["error"])))
        return Launched(int(said["pid"]), said["status"], str(said["said"]))

    async def lock(self, name: str, holder: str, shared: str = "") -> Lock | Failure:
        """Take the lock of this name, or say who holds it; `shared` is a file that other users lock too."""
        return await self._blocking(lambda: patiently(lambda: _lock(name, holder, shared)))

    async def append(self, path: str, line: bytes) -> Failure | None:
        """Add to a file of our own, which nobody else may read; its folder is made."""
        return await self._blocking(lambda: patiently(lambda: _append(path, line)), path)


def _spawn(
    argv: tuple[str, ...], stdin: int | BinaryIO, out: BinaryIO, err: int | BinaryIO
) -> "subprocess.Popen[bytes]":
    carried = {name: os.environ[name] for name in _CARRIED if name in os.environ}
    environment = {"PATH": PATH, "LC_ALL": "C.UTF-8", **carried}
    program = argv[0] if "/" in argv[0] else _found(argv[0])
    return subprocess.Popen(
        argv,
        executable=program,
        stdin=stdin,
        stdout=out,
        stderr=err,
        env=environment,
        cwd="/",
        start_new_session=True,
    )


def _found(name: str) -> str:
    for folder in PATH.split(":"):
        if os.access(f"{folder}/{name}", os.X_OK):
            return f"{folder}/{name}"
    raise FileNotFoundError(2, f"no such command on {PATH}")


async def _ended(process: "subprocess.Popen[bytes]", timeout: float) -> int | None:
    """Its exit status, None where it runs on; when we are cancelled it runs on as well."""
    loop, over = asyncio.get_running_loop(), asyncio.Event()
    fd = os.pidfd_open(process.pid)
    loop.add_reader(fd, over.set)
    try:
        async with asyncio.timeout(timeout):
            await over.wait()
        return process.wait()
    except TimeoutError:
        return None
    finally:
        loop.remove_reader(fd)
        os.close(fd)
        if process.returncode is None:
            _left.append(process)


def _content(file: BinaryIO) -> bytes:
    return os.pread(file.fileno(), _OUTPUT, 0)


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


def _guards(path: str) -> tuple[Guard, ...] | Failure:
    found: dict[str, Guard] = {}
    parts, here, links = [each for each in path.split("/") if each][::-1], "", 0
    try:
        found["/"] = _guard("/")
        while parts:
            name = parts.pop()
            if name == "..":
                here = here.rpartition("/")[0]
                continue
            place = f"{here}/{name}"
            found[place] = _guard(place)
            if not stat.S_ISLNK(os.lstat(place).st_mode):
                here = place
                continue
            links += 1
            if links > _LINKS:
                return Failure(Reason.OTHER, f"{printable(path)}: too many symbolic links")
            target = os.readlink(place)
            here = "" if target.startswith("/") else here
            parts += [each for each in target.split("/") if each not in {"", "."}][::-1]
    except OSError as error:
        reason = Reason.DENIED if isinstance(error, PermissionError) else Reason.MISSING
        return Failure(reason, f"{printable(path)}: {printable(error.strerror or '?')}")
    return tuple(found.values())


def _guard(path: str) -> Guard:
    status = os.lstat(path)
    mode = stat.S_IMODE(status.st_mode)
    if stat.S_ISLNK(status.st_mode):
        mode = 0o755  # a link's own mode means nothing; its owner does in a sticky folder
    elif stat.S_ISDIR(status.st_mode) and mode & stat.S_ISVTX:
        mode &= ~0o022  # nobody may replace there what is somebody else's
    gid = status.st_gid
    with contextlib.suppress(OSError):
        if "system.posix_acl_access" in os.listxattr(path, follow_symlinks=False):
            gid = -1  # the group's bits are the mask of a list of anybody
    return Guard(printable(path), status.st_uid, gid, mode)


def _lock(name: str, holder: str, shared: str) -> Lock | Failure:
    folder = _runtime_folder()
    os.makedirs(folder, mode=0o755, exist_ok=True)
    status = os.lstat(folder)
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():
        return Failure(Reason.OTHER, f"{folder} is not ours")
    fd = os.open(f"{folder}/{name}", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        said = printable(os.pread(fd, 300, 0)) or "another tuimon"
        os.close(fd)
        return Failure(Reason.REFUSED, said)
    among = _lock_among_users(shared)
    if among is None:
        os.close(fd)
        return Failure(Reason.REFUSED, "another user's tuimon")
    os.ftruncate(fd, 0)
    os.pwrite(fd, os.fsencode(holder)[:300], 0)
    return FileLock(fd, *among)


def _lock_among_users(path: str) -> tuple[int, ...] | None:
    """Lock a file that everybody has who may act on it: each user's own folder is closed to the others.
    Nothing where it cannot be read, None where somebody holds it."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC) if path else -1
    except OSError:
        return ()
    if fd < 0:
        return ()
    try:
        if stat.S_ISREG(os.fstat(fd).st_mode):
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        return None
    except OSError:  # a file system that knows no locks
        os.close(fd)
        return ()
    return (fd,)


def _runtime_folder() -> str:
    if os.geteuid() == 0:
        return "/run/tuimon"
    base = os.environ.get("XDG_RUNTIME_DIR")
    return f"{base}/tuimon" if base else f"{tempfile.gettempdir()}/tuimon-{os.geteuid()}"


def _append(path: str, line: bytes) -> Failure | None:
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    fd = os.open(path, flags, 0o600)
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            return Failure(Reason.NOT_REGULAR, f"{printable(path)} is not a regular file")
        os.write(fd, line)
    finally:
        os.close(fd)
    return None
