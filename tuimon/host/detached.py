"""Commands that go on without us.

Rule: a command is found on the system's own PATH, never on a user's; it gets a session of its own and
files for its output, so that neither our end nor a closed terminal or pipe ends it half-way.
"""

import asyncio
import os
import subprocess
from typing import BinaryIO

PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
"""Where commands are looked for; only root can write there."""

_OUTPUT = 1 << 16
_CARRIED = ("XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS")  # what `systemctl --user` needs

_left: list["subprocess.Popen[bytes]"] = []  # commands that run on without us


def spawn(
    argv: tuple[str, ...], stdin: int | BinaryIO, out: BinaryIO, err: int | BinaryIO
) -> "subprocess.Popen[bytes]":
    """Start a command; an `OSError` where it cannot be."""
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


async def ended(process: "subprocess.Popen[bytes]", timeout: float) -> int | None:
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


def content(file: BinaryIO) -> bytes:
    """What a command wrote into its file, from the start."""
    return os.pread(file.fileno(), _OUTPUT, 0)
