"""Ends a process and starts a program in its place; run as a program of its own, in its own session.

Rule: standard library only, and complete in itself: whoever started it may be killed at any moment, and
the program is started all the same.  What can be seen to fail is found before anything is ended.
Standard input holds the order as JSON, standard output gets one JSON document.
"""

import contextlib
import json
import os
import resource
import select
import signal
import sys
import time
from typing import Any, NoReturn

_GRACE = 0.5  # seconds in which a program that fails at once, or goes to the background, has ended
_DAEMON = 15.0  # seconds for one that is expected to go to the background


def _started(pid: int) -> str:
    with open(f"/proc/{pid}/stat", "rb") as file:
        return file.read(4096).rpartition(b")")[2].split()[19].decode()


def _wait(fd: int, seconds: float) -> bool:
    return bool(select.select([fd], [], [], seconds)[0])


def obstacle(order: dict[str, Any]) -> str:
    """Why the program could not be started as it was, or empty."""
    if not os.access(order["exe"], os.X_OK):
        return f"{order['exe']} cannot be executed"
    if not os.path.isdir(order["cwd"]):
        return f"its folder {order['cwd']} is gone"
    root = os.geteuid() == 0
    if order["uid"] is not None and not root and order["uid"] != os.geteuid():
        return "it runs as another user"
    for number, _, hard in order["limits"]:
        own = resource.getrlimit(number)[1]
        if not root and own != -1 and (hard == -1 or hard > own):
            return "its resource limits are higher than ours may be"
    return ""


def end(pid: int, started: str, patience: float) -> str:
    """End exactly this process and wait for it; why it could not be done, or empty.

    One that has ended in the meantime is what was wanted: the start is still to come.
    """
    try:
        fd = os.pidfd_open(pid)
        if _started(pid) != started:
            return ""
        signal.pidfd_send_signal(fd, signal.SIGTERM)
        signal.pidfd_send_signal(fd, signal.SIGCONT)  # a stopped process takes it only when it goes on
    except (ProcessLookupError, FileNotFoundError):
        return ""
    except PermissionError:
        return f"no permission to end pid {pid}"
    if _wait(fd, patience):
        return ""
    return f"pid {pid} did not end within {patience:.0f} s; it may yet, and is not started again then"


def _join(group: str) -> None:
    """Enter the control group, where there is one and we may."""
    for base in ("", "/unified", "/systemd"):
        with contextlib.suppress(OSError), open(f"/sys/fs/cgroup{base}{group}/cgroup.procs", "w") as file:
            file.write(str(os.getpid()))


def _output(path: str, kept: int) -> int:
    """Open what it wrote to, with the rights that it has itself; nothing there is worth its start."""
    flags = (
        os.O_WRONLY | os.O_APPEND | os.O_NOCTTY | os.O_NOFOLLOW | os.O_NONBLOCK
    )  # a FIFO may have no reader
    try:
        fd = os.open(path, flags) if path else kept
        os.set_blocking(fd, True)
    except OSError:
        return kept
    return fd


def _become(order: dict[str, Any], kept: int) -> NoReturn:
    """In the child: everything as it was, then the program."""
    os.setsid()
    for number, soft, hard in order["limits"]:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(number, (soft, hard))
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    if order["uid"] is not None and os.geteuid() == 0:
        os.setgroups(order["groups"])
        os.setgid(order["gid"])
        os.setuid(order["uid"])
    for fd, path in zip((1, 2), order["outputs"], strict=True):
        os.dup2(_output(path, kept), fd)
    os.umask(order["umask"])
    os.chdir(order["cwd"])
    for number in range(1, signal.NSIG):
        with contextlib.suppress(OSError, ValueError):
            signal.signal(number, signal.SIG_DFL)
    environment = dict(os.environ) if order["environment"] is None else dict(order["environment"])
    os.execve(order["exe"], order["argv"], environment)  # noqa: S606 - an argument vector


def start(order: dict[str, Any]) -> dict[str, Any]:
    """Start the program; its pid, its exit status if it has ended, what it said."""
    kept = os.open(order["folder"], os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
    pid = os.fork()
    if pid == 0:
        try:
            _become(order, kept)
        except BaseException as error:  # the child ends here whatever happens
            os.write(kept, f"cannot start it: {error}".encode())
            os._exit(127)
    fd = os.pidfd_open(pid)
    status = None
    if _wait(fd, _DAEMON if order["daemon"] else _GRACE):
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    said = os.pread(kept, 65536, 0).decode("utf-8", "replace")
    return {"pid": pid, "status": status, "said": said}


def main() -> int:
    """Do what standard input orders."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # to end between the end and the start is the worst
    began = time.monotonic()
    order = json.load(sys.stdin)
    error = obstacle(order)
    if not error:
        _join(order["cgroup"])
        if order["ending"]:
            pid, ticks = order["ending"]
            error = end(pid, ticks, order["patience"])
    answer = {"error": error} if error else start(order)
    json.dump(answer | {"seconds": time.monotonic() - began}, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
