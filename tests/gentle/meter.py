"""What a cycle of probes does to one service, counted at the service, its target and its remote.

Rule: nothing is believed of the prober: every number is read where the cost arises, in stunnel's own
log (debug 7), at a back end that counts, in the file that a program writes, in the kernel's tables.
"""

import re
from pathlib import Path
from typing import NamedTuple

from tests.fixtures import Backend
from tests.lab.bench import Bench, Lab, Running

_LEVEL = re.compile(r" LOG(\d)\[\d+\]")  # a connection's; others speak of the process
_CLOSE_WAIT = "08"


class Cost(NamedTuple):
    """What was caused: connections of ours, connections that stunnel accepted, lines of its log by
    level, connections to its targets, programs run, connections and error lines at the remote, and
    client slots taken at the same time."""

    opened: int = 0
    accepted: int = 0
    errors: int = 0
    warnings: int = 0
    notices: int = 0
    target: int = 0
    ran: int = 0
    remote: int = 0
    remote_errors: int = 0
    slots: int = 0

    def __str__(self) -> str:
        return "".join(f"{count or '·':>9}" for count in self)


_NAMES = ("opened", "accepted", "LOG≤3", "LOG4", "LOG5", "target", "exec", "remote", "rem.err", "slots")
HEADINGS = "".join(f"{name:>9}" for name in _NAMES)


class Log:
    """A log, read on from a mark."""

    def __init__(self, path: Path) -> None:
        self.path, self._mark = path, 0

    def mark(self) -> None:
        """Forget what stands there now."""
        self._mark = len(self._all())

    def _all(self) -> list[str]:
        return self.path.read_text().splitlines() if self.path.exists() else []

    @property
    def lines(self) -> list[str]:
        """The lines since the mark."""
        return self._all()[self._mark :]

    def count(self, words: str) -> int:
        """How many lines hold `words`."""
        return sum(words in line for line in self.lines)

    def level(self, *levels: int) -> int:
        """How many lines are of these levels."""
        found = (_LEVEL.search(line) for line in self.lines)
        return sum(each is not None and int(each[1]) in levels for each in found)

    def open(self) -> int:
        """Connections that were accepted and have not ended."""
        return self.count("accepted connection from") - self.count(" finished (")

    def slots(self) -> int:
        """The most connections that were served at the same time."""
        now = most = 0
        for line in self.lines:
            now += ("accepted connection from" in line) - (" finished (" in line)
            most = max(most, now)
        return most


class Place(Bench):
    """The bench of one kind of service, with its counters."""

    def __init__(self, lab: Lab, name: str) -> None:
        super().__init__(lab, name)
        self.here, self.there = Log(self.log), Log(lab.folder / f"{name}-far.log")
        self.output = lab.folder / f"{name}.ran"
        self.output.touch()
        self._peers: list[Backend] = []
        self._mark = (0, 0)
        self.running: Running | None = None
        self.far = 0

    def peer(self, greeting: bytes = b"") -> int:
        """The port of a back end whose connections are counted."""
        peer = Backend(greeting)
        self.lab.defer(peer.close)
        self._peers.append(peer)
        return peer.port

    def begin(self, text: str) -> None:
        """Start stunnel with a log that says everything."""
        self.running = self.start(text, "debug = 7")

    def serve(self, *options: str, connect: object = "", cert: str = "sound") -> None:
        """Start one server service, by default with a counted back end."""
        self.begin(self.server(*options, cert=cert, connect=self.peer() if connect == "" else connect))

    def afar(self, *options: str, cert: str = "sound", greeting: bytes = b"") -> int:
        """Start a far server service that nobody sweeps, with a counted back end; returns its port."""
        far = Bench(self.lab, f"{self.name}-far")
        far.config = self.lab.far / f"{far.name}.conf"
        far.start(far.server(*options, cert=cert, connect=self.peer(greeting)), "debug = 7")
        self.far = far.accept
        return far.accept

    def _outside(self) -> tuple[int, int]:
        return sum(peer.connections for peer in self._peers), len(self.output.read_text())

    def mark(self) -> None:
        """Count from here."""
        self.here.mark()
        self.there.mark()
        self._mark = self._outside()

    def cost(self, opened: int) -> Cost:
        """What has been caused since the mark, by `opened` connections of the prober."""
        target, ran = (now - then for now, then in zip(self._outside(), self._mark, strict=True))
        return Cost(
            opened,
            self.here.count("accepted connection from"),
            self.here.level(0, 1, 2, 3),
            self.here.level(4),
            self.here.level(5),
            target,
            ran,
            self.there.count("accepted connection from"),
            self.there.level(0, 1, 2, 3),
            max(self.here.slots(), self.there.slots()),
        )

    def open(self) -> int:
        """Connections that have not ended, here and at the remote."""
        return self.here.open() + self.there.open()

    @property
    def ports(self) -> set[int]:
        """The ports that the prober may reach, and those reached through it."""
        return {self.accept, self.far, *(peer.port for peer in self._peers)} - {0}


def half_closed() -> set[int]:
    """The ports of connections whose other side has gone and that nobody has closed."""
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    found = [line.split()[1:4] for line in lines]
    ends = (end for *both, state in found if state == _CLOSE_WAIT for end in both)
    return {int(end.rpartition(":")[2], 16) for end in ends}
