"""A gateway whose clock can be set, with two real stunnels and those who visit them.

Rule: the clock is libfaketime's, and all that runs on that machine has it, stunnel too; who tests it measures
with the true one.
"""

import os
import signal
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest

from tests.fixtures import PATIENCE, Backend, Pki, Stunnel, free_port

SERVERS = 6
SERVICES = SERVERS + 1
"""Services that are probed: the servers, and a client service that has the first of them as its remote."""

_LIBRARY = "faketime/libfaketimeMT.so.1"
_CALLS, _EVERY, _LAST = 12, 300, 60  # of a partner that came like clockwork until a minute ago


class Clock:
    """The clock of everybody who was started in its `environment`; true to begin with."""

    def __init__(self, folder: Path) -> None:
        self._file, self.slept = folder / "clock", folder / "slept"
        self.ahead = self._asleep = 0
        self.set(0)
        self.environment = {
            "LD_PRELOAD": f"/usr/$LIB/{_LIBRARY}",
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",  # files keep their times when a clock is set
        }

    def set(self, ahead: int) -> None:
        """Set it so many seconds ahead of the true time."""
        _put(self._file, f"{ahead:+d}\n")
        self.ahead = ahead

    def sleep(self, seconds: int, pids: tuple[int, ...]) -> None:
        """Suspend these processes, and wake them so much later."""
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        self._asleep += seconds
        _put(self.slept, str(self._asleep))
        self.set(self.ahead + seconds)
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def _put(path: Path, text: str) -> None:
    """Whole or not at all: it is read all the time."""
    fresh = path.with_suffix(".new")
    fresh.write_text(text)
    fresh.replace(path)


class Gateway:
    """The stunnels and their log."""

    def __init__(self, folder: Path, pki: Pki) -> None:
        self._stack, self._pki = ExitStack(), pki
        self.clock, self.conf = Clock(folder), folder / "conf"
        self.conf.mkdir()
        self._echo = Backend(b"hello")
        self._stack.callback(self._echo.close)
        self._ports = [free_port() for _ in range(SERVERS)]
        self._visits = 0
        self._remember()
        servers = (self._server(f"s{number}", port) for number, port in enumerate(self._ports))
        self._near = self._start("near", "".join(servers))
        self._far = self._start("far", self._client())
        self._held = self._connect(self._ports[2])

    def _start(self, name: str, text: str) -> Stunnel:
        by = ("env", *(f"{name}={value}" for name, value in self.clock.environment.items()), "stunnel")
        program = Stunnel(self.conf, text, name=name, by=by)
        self._stack.callback(program.close)
        return program

    def _server(self, name: str, port: int) -> str:
        own = (
            f"{kind} = {self._pki.path(f'server.{end}')}" for kind, end in (("cert", "pem"), ("key", "key"))
        )
        doors = f"accept = 127.0.0.1:{port}", f"connect = 127.0.0.1:{self._echo.port}"
        return "\n".join((f"[{name}]", *doors, *own, ""))

    def _client(self) -> str:
        doors = f"accept = 127.0.0.1:{free_port()}", f"connect = 127.0.0.1:{self._ports[0]}"
        trust = f"CAfile = {self._pki.path('ca.pem')}", "verifyChain = yes"
        return "\n".join(("[out]", "client = yes", *doors, *trust, ""))

    def _remember(self) -> None:
        """What the log says of a partner that came every few minutes."""
        with open(self.conf / "near.log", "w", encoding="ascii") as log:
            for number in range(_CALLS):
                at = time.time() - _LAST - _EVERY * (_CALLS - number)
                head = time.strftime(f"%Y.%m.%d %H:%M:%S LOG5[{number + 900}]: ", time.localtime(at))
                log.write(f"{head}Service [s1] accepted connection from 192.0.2.7:{40000 + number}\n")
                log.write(f"{head}s_connect: connected 127.0.0.1:{self._echo.port}\n")
                log.write(f"{head}Connection closed: 9 byte(s) sent to TLS, 9 byte(s) sent to socket\n")

    @property
    def pids(self) -> tuple[int, ...]:
        """Of the stunnels."""
        return self._near.pid, self._far.pid

    def _connect(self, port: int) -> ssl.SSLSocket:
        anybody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE
        self._visits += 1
        return anybody.wrap_socket(socket.create_connection(("127.0.0.1", port), PATIENCE))

    def visit(self) -> str:
        """Somebody comes and goes; the address that the log will name."""
        with closing(self._connect(self._ports[1])) as visitor:
            assert visitor.recv(5) == b"hello"
            host, port = visitor.getsockname()
            return f"{host}:{port}"

    def handshakes(self) -> int:
        """How many connections the servers have accepted that are no visits: tuimon's."""
        return self._near.text().count(" accepted connection from ") - _CALLS - self._visits

    def close(self) -> None:
        """End it all."""
        self._held.close()
        self._stack.close()


@contextmanager
def gateway(folder: Path, pki: Pki) -> Iterator[Gateway]:
    """A gateway while it is needed; where its clock cannot be set there is none."""
    if not any(Path("/usr").glob(f"lib*/**/{_LIBRARY}")):
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)("needs libfaketime")
    one = Gateway(folder, pki)
    try:
        yield one
    finally:
        one.close()
