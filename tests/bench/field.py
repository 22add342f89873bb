"""Where benchmarks run: a folder, certificates, a back end, and fleets of real stunnel services.

Rule: a fleet is what a large gateway has, one stunnel process with many sections; what was started is
ended by whoever started it, and the user's own state is not touched.
"""

import contextlib
import os
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.fixtures import Backend, Pki, Stunnel

ROOT = Path(__file__).resolve().parents[2]
TUIMON = (sys.executable, "-m", "tuimon")


def name_of(number: int) -> str:
    """The name of a service of a fleet."""
    return f"svc-{number:05}"


class Field:
    """What all benchmarks share."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pki = Pki(folder)
        self.backend = Backend()
        self.environment = os.environ | {
            "XDG_STATE_HOME": str(folder / "state"),
            "XDG_CONFIG_HOME": str(folder / "settings"),
            "PYTHONPATH": str(ROOT),
            "TERM": "xterm-256color",
            "LANG": "C.UTF-8",
        }
        # As installed: compiled.  Without this every start of ours would compile what Textual has compiled.
        self.environment.pop("PYTHONDONTWRITEBYTECODE", None)

    def close(self) -> None:
        """End the back end."""
        self.backend.close()

    def sections(self, ports: Sequence[int]) -> str:
        """A server section for each port."""
        return "".join(
            f"[{name_of(number)}]\naccept = 127.0.0.1:{port}\nconnect = 127.0.0.1:{self.backend.port}\n"
            f"cert = {self.pki.path('server.pem')}\nkey = {self.pki.path('server.key')}\n"
            for number, port in enumerate(ports)
        )

    def written(self, name: str, count: int, *, log: str = "", last: str = "") -> Path:
        """A configuration of `count` services that nobody runs; `last` stands at its end."""
        path = self.folder / f"{name}.conf"
        head = f"foreground = quiet\nsyslog = no\npid =\noutput = {log or self.folder / f'{name}.log'}\n"
        path.write_text(head + self.sections(range(10_000, 10_000 + count)) + last)
        return path

    @contextlib.contextmanager
    def fleet(self, name: str, count: int) -> Iterator[Stunnel]:
        """A running stunnel with `count` services; give its ports with `ports_of`."""
        with held_ports(count) as ports:
            running = Stunnel(self.folder, self.sections(ports), name=name)
        try:
            yield running
        finally:
            running.close()


def ports_of(config: Path) -> list[int]:
    """The accept ports of a fleet's configuration."""
    lines = config.read_text().splitlines()
    return [int(line.rpartition(":")[2]) for line in lines if line.startswith("accept")]


@contextlib.contextmanager
def held_ports(count: int) -> Iterator[list[int]]:
    """Ports that nobody else gets meanwhile; stunnel can still bind them.

    They are below those from which connections are made, as the ports of services are: among these the kernel
    would look the longer for a free one the more services there are.
    """
    first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    candidates = iter(range(min(first, 32_768) - 1, 1024, -1))
    with contextlib.ExitStack() as held:
        ports: list[int] = []
        while len(ports) < count:
            holder = held.enter_context(socket.socket())
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):  # somebody has it
                holder.bind(("127.0.0.1", port := next(candidates)))
                ports.append(port)
        yield ports


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on."""
    with held_ports(count) as ports:
        return ports


class Ended:
    """A child that has ended: its wall time and CPU time (user + sys, its own children's too)."""

    def __init__(self, argv: Sequence[str], environment: dict[str, str], *, expect: tuple[int, ...] = (0,)):
        began = time.monotonic()
        child = subprocess.Popen(
            argv,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        assert child.stdout is not None
        self.output = child.stdout.read().decode(errors="replace")
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        child.stdout.close()
        self.wall = time.monotonic() - began
        self.cpu = usage.ru_utime + usage.ru_stime
        assert child.returncode in expect, f"{argv} gave {child.returncode}: {self.output[-2000:]}"


def allow_many_files() -> None:
    """A fleet of thousands needs as many descriptors as this user may have."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
