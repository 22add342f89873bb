"""`tuimon demo`: a throwaway fleet of real stunnel processes on loopback, gone when its starter is gone.

Rule: the fleet is only started and ended here; what the screen says about it is read from the processes
and files like any other fleet's, and `folder` is all that is handed over.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from queue import SimpleQueue
from types import TracebackType
from typing import Self

from tuimon.demo import backends, configs, lifeline
from tuimon.demo.pki import RENEWED, Pki
from tuimon.text import printable

_PATIENCE = 10.0  # seconds until everything must listen; it takes a fraction of one
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_TCP_LISTEN = "0A"  # as /proc/net/tcp writes it


class CannotStart(Exception):  # noqa: N818 - reads as the sentence that it carries
    """The fleet cannot be started; the message is one sentence that says why."""


class Fleet:
    """The demo's fleet: a context manager that starts it, and ends it without a trace.

    `folder` (absolute; empty before the start) holds the `*.conf` and, below it, `pki/`, `log/` and `www/`.
    """

    def __init__(self) -> None:
        self.folder = ""
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._held = ExitStack()
        self._bell: SimpleQueue[None] = SimpleQueue()

    def __enter__(self) -> Self:
        if not self.folder:
            self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def processes(self) -> tuple[tuple[str, int], ...]:
        """(config path, pid) of every stunnel started here that still runs."""
        return tuple((path, child.pid) for path, child in self._stunnels() if child.poll() is None)

    @property
    def exits(self) -> tuple[tuple[str, int], ...]:
        """(config path, exit status) of every stunnel started here that has ended; -N means by signal N."""
        ended = ((path, child.poll()) for path, child in self._stunnels())
        return tuple((path, status) for path, status in ended if status is not None)

    def start(self) -> None:
        """Start everything and return when all of it listens.  Raises CannotStart, and then leaves nothing.

        To be called once, in the main thread: the kernel ties the processes to the thread that starts them.
        """
        if threading.current_thread() is not threading.main_thread():
            raise RuntimeError("the fleet would end with this thread: start it in the main thread")
        stunnel = find_stunnel()
        try:
            self._start(stunnel)
        except OSError as error:
            self.stop()
            raise CannotStart(f"the demo fleet cannot be started: {error}") from error
        except BaseException:
            self.stop()
            raise

    def wait(self, ready: Callable[[], object] = lambda: None) -> None:
        """Block until SIGINT, SIGTERM or SIGHUP comes, or until `stop` is called.  Main thread only.

        `ready` is called once those signals are listened to: whoever is told then that the fleet is up
        may send one at once.
        """
        # SimpleQueue.put is reentrant, the only one of the standard queues fit for a signal handler.
        former = {number: signal.signal(number, lambda *_: self._bell.put(None)) for number in _ENDING}
        try:
            ready()
            self._bell.get()
        finally:
            for number, handler in former.items():
                signal.signal(number, handler)

    def stop(self) -> None:
        """End every process on a configuration in `folder`, whoever started it, and remove the folder."""
        self._bell.put(None)
        keeper = self._children.get("")
        if keeper:  # it clears away; what follows is for the case that it cannot
            keeper.terminate()
            with suppress(subprocess.TimeoutExpired):
                keeper.wait(_PATIENCE)
        if self.folder:
            lifeline.clear(self.folder)
        for child in self._children.values():
            with suppress(subprocess.TimeoutExpired):
                child.wait(_PATIENCE)
        self._held.close()

    def _start(self, stunnel: str) -> None:
        self.folder = os.path.realpath(tempfile.mkdtemp(prefix=lifeline.PREFIX))
        folder = Path(self.folder)
        ports = self._reserve()
        pki = Pki(folder / "pki")
        configs.write_configs(folder, ports)
        targets = {name: port for name, port in ports.target.items() if name not in configs.DOWN}
        (folder / backends.PLAN).write_text(json.dumps({"accept": ports.accept, "target": targets}))
        keeper = [sys.executable, "-m", "tuimon.demo.backends", self.folder, str(os.getpid())]
        self._spawn("", keeper)  # first: from here on the folder goes when this process goes
        pki.write()
        for name in (*configs.RUNNING, configs.REFUSED):
            path = str(folder / f"{name}.conf")
            self._spawn(path, lifeline.tied([stunnel, path]))
        self._await_listening(ports, set(targets.values()))
        pki.issue(RENEWED)

    def _stunnels(self) -> tuple[tuple[str, subprocess.Popen[bytes]], ...]:
        return tuple((path, child) for path, child in self._children.items() if path)

    def _reserve(self) -> configs.Ports:
        """Find free ports and hold them, without listening, until the fleet ends.

        stunnel and the back ends bind them all the same, as both sides set SO_REUSEADDR; nobody else
        is given one of them meanwhile, so neither a start nor a later restart can lose its port, and
        a back end that is meant to be down stays down.
        """

        def free() -> int:
            holder = self._held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            holder.bind(("127.0.0.1", 0))
            return int(holder.getsockname()[1])

        return configs.Ports(
            accept={name: free() for name in configs.wanted("accept")},
            target={name: free() for name in configs.wanted("target")},
        )

    def _spawn(self, path: str, command: list[str]) -> None:
        """Start `command` for the configuration `path` (empty: the back ends) away from the terminal."""
        with self._stderr(path).open("wb") as stderr:
            child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=stderr,
                stderr=stderr,
                cwd="/",
                env=lifeline.child_environment(),
                start_new_session=True,  # ctrl-c and a hang-up are the starter's to answer
            )
        self._children[path] = child
        # The screen runs in this very process: a stunnel that it ends must not stay as a zombie.
        threading.Thread(target=child.wait, name=f"reap {child.pid}", daemon=True).start()

    def _stderr(self, path: str) -> Path:
        return Path(self.folder, "log", f"{Path(path).stem or 'backends'}.stderr")

    def _await_listening(self, ports: configs.Ports, targets: set[int]) -> None:
        """Return when each process listens on all of its ports and the refused one has ended."""
        wanted = targets | {ports.accept[name] for file in configs.RUNNING for name in configs.bound_by(file)}
        refused = self._children[str(Path(self.folder, f"{configs.REFUSED}.conf"))]
        deadline = time.monotonic() + _PATIENCE
        while not wanted <= _listening() or refused.poll() is None:
            for path, child in self._children.items():
                if child.poll() is not None and child is not refused:
                    raise CannotStart(self._last_words(path))
            if time.monotonic() > deadline:
                raise CannotStart(f"the demo fleet was not ready within {_PATIENCE:.0f} seconds")
            time.sleep(0.005)

    def _last_words(self, path: str) -> str:
        """Why the process of `path` ended, in one sentence, from what it wrote to stderr."""
        lines = self._stderr(path).read_bytes().splitlines()
        errors = [
            line[4:] for line in lines if line.startswith(b"[!] ") and b"Configuration failed" not in line
        ]
        reason = printable((errors or lines or [b"no reason given"])[-1])
        return f"{Path(path).name or 'the back ends'} did not start: {reason}"


def find_stunnel() -> str:
    """Absolute path of the stunnel program.  Raises CannotStart if there is none."""
    # An unprivileged user's PATH often lacks the administrator's folders.
    folders = [
        os.environ.get("PATH", os.defpath),
        "/usr/bin",
        "/usr/sbin",
        "/usr/local/bin",
        "/usr/local/sbin",
    ]
    for name in ("stunnel4", "stunnel"):
        if found := shutil.which(name, path=os.pathsep.join(folders)):
            return os.path.abspath(found)
    raise CannotStart("stunnel is not installed: apt-get install stunnel4")


def start_fleet() -> Fleet:
    """A fleet that is up; leave its `with` block or call `stop` to end it.  Raises CannotStart."""
    fleet = Fleet()
    fleet.start()
    return fleet


def _listening() -> set[int]:
    """TCP ports on which something listens on IPv4."""
    rows = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
    return {int(row[1].rpartition(":")[2], 16) for row in rows if row[3] == _TCP_LISTEN}
