"""`python -m tests.robust.soak_screen [--minutes N] [--seed N] [--quiet N]`: the screen over such a fleet.

Rule: as `soak`, but it is `tuimon` on a terminal that is weighed, while somebody types without end: what is
painted, opened, filtered, sorted and left again must not add up either.  It is read-only: nothing that is
typed acts on the fleet.
"""

import argparse
import asyncio
import contextlib
import json
import os
import random
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pyte

from tests.bench.field import held_ports
from tests.bench.tube import Tube
from tests.fixtures import Backend, Pki, Stunnel
from tests.robust.measure import resident
from tests.robust.soak import SETTINGS, WARM_UP, torment
from tests.robust.soaked import Member

ROOT = Path(__file__).resolve().parents[2]
KEYS = (
    *(["j", "k", "g", "G", "\r", "\x1b", "1", "2", "3", "?", "f", "z", "n", "N", "v", "L", "/sv", "/", "y"]),
    *(
        [
            "\x1b[A",
            "\x1b[B",
            "\x1b[5~",
            "\x1b[6~",
            "\t",
            "e",
            "E",
            "w",
            ":go to service svc-1\r",
            ":theme\x1b",
            "c",
            "+",
            ">",
            "<",
        ]
    ),
    " ",
)
"""What is typed: moving, panes, details, filters, sorting, marks, the palette, copies."""

_GOES = 10.0  # seconds in which it has ended, once the key was taken
_LAST = 20  # keys that are told of, should it end
_WELL = 60.0  # seconds within which a fleet that was mended is seen to be well


class Weight(NamedTuple):
    """What the process of the screen holds: MB, descriptors, threads."""

    memory: float
    descriptors: int
    threads: int


class Report(NamedTuple):
    """What it held after the warm-up and at the end, how often a key was pressed, how much was
    painted (MB), how it ended, and what it said then."""

    early: Weight
    late: Weight
    keys: int
    painted: float
    status: int
    said: str


class _Hands(threading.Thread):
    """Reads what is painted, and types."""

    def __init__(self, tube: Tube, dice: random.Random) -> None:
        super().__init__(daemon=True)
        self._tube, self._dice, self._over = tube, dice, threading.Event()
        self.keys, self.painted = 0, 0
        self.last: deque[tuple[str, bytes]] = deque(maxlen=_LAST)  # what was typed, and painted after it

    def run(self) -> None:
        while self._tube.running and not self._over.is_set():
            self._tube.raw.clear()
            key = self._dice.choice(KEYS)
            self._tube.press(key)
            self.keys += 1
            self._tube.watch(self._dice.uniform(0.02, 0.2))
            self.painted += len(self._tube.raw)
            self.last.append((key, bytes(self._tube.raw)))

    def rest(self) -> None:
        """Type no more."""
        self._over.set()
        self.join()


def _settings(folder: Path) -> Path:
    """A file that says what `soak` says of intervals."""
    path = folder / "settings.toml"
    sections = {"intervals": SETTINGS.intervals, "probes": SETTINGS.probes}
    lines = [f"log_lines = {SETTINGS.log_lines}", "mouse = false"]
    for name, section in sections.items():
        lines.append(f"[{name}]")
        lines += [f"{field} = {getattr(section, field)}" for field in section.__struct_fields__]
    path.write_text("\n".join(lines) + "\n")
    return path


def _weigh(pid: int) -> Weight:
    """The least of each within a while: what is under way at a moment is not held."""
    seen = []
    for _ in range(40):
        status = Path(f"/proc/{pid}/status").read_text()
        threads = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("Threads:"))
        seen.append(Weight(resident(pid), len(os.listdir(f"/proc/{pid}/fd")), threads))
        time.sleep(0.03)
    return Weight(*(min(each) for each in zip(*seen, strict=True)))


def shown(tube: Tube) -> list[str]:
    """The screen as the last full paint left it."""
    screen = pyte.Screen(120, 36)
    pyte.ByteStream(screen).feed(bytes(tube.raw))
    return [line.rstrip() for line in screen.display]


def _there(tube: Tube, hands: _Hands) -> None:
    if not tube.running:
        said = [f"{key!r} → {painted[-1500:]!r}" for key, painted in hands.last]
        raise AssertionError("\n".join(["it has ended; what was typed and painted last:", *said]))


def _seen_well(tube: Tube, hands: _Hands, count: int) -> None:
    """Leave whatever is open, and wait for the first screen to say that all are well."""
    _there(tube, hands)
    tube.raw.clear()
    for key in ("\x1b", "\x1b", "\x1b", "1", "\x1b"):
        tube.press(key)
        tube.watch(0.3)
    deadline = time.monotonic() + _WELL
    words = f"{count} ok".encode()
    while words not in tube.raw:
        _there(tube, hands)
        if time.monotonic() > deadline:
            tube.press("n")  # to what is wrong
            _painted(tube)
            raise AssertionError("\n".join(["mended, and still said to be wrong:", *shown(tube)]))
        _painted(tube)


def _painted(tube: Tube) -> None:
    """Have all painted anew, not what differs alone."""
    for columns in (119, 120):
        tube.resize(columns)
        tube.watch(0.5)


def _left(tube: Tube) -> tuple[int, str]:
    """Leave it.  Where keys are still on their way a dialog may open yet, and take the q: so once more."""
    deadline = time.monotonic() + _WELL
    while tube.running and time.monotonic() < deadline:
        tube.press("\x1b")
        tube.watch(0.5)
        tube.press("q")
        patience = time.monotonic() + _GOES
        while tube.running and time.monotonic() < patience:
            tube.watch(0.1)
    return tube.leave("")


@contextlib.contextmanager
def _quiet(folder: Path, pki: Pki, count: int) -> Iterator[None]:
    """One more stunnel, with so many services that nothing happens to."""
    if not count:
        yield
        return
    backend = Backend()
    with held_ports(count) as ports:
        sections = (
            f"[quiet-{port}]\naccept = 127.0.0.1:{port}\nconnect = 127.0.0.1:{backend.port}\n"
            f"cert = {pki.path('server.pem')}\nkey = {pki.path('server.key')}\n"
            for port in ports
        )
        running = Stunnel(folder, "".join(sections), name="quiet")
    try:
        yield
    finally:
        running.close()
        backend.close()


async def soak(folder: Path, seconds: float, seed: int, quiet: int = 0) -> Report:
    """Torment and type for a minute (of less than three: for a third), weigh, go on, weigh again, leave."""
    dice = random.Random(seed)  # noqa: S311
    pki, conf = Pki(folder), folder / "conf"
    conf.mkdir()
    argv = (sys.executable, "-m", "tuimon", "--config", str(_settings(folder)), "--read-only", str(conf))
    environment = os.environ | {
        "XDG_STATE_HOME": str(folder / "state"),
        "PYTHONPATH": str(ROOT),
        "TERM": "xterm-256color",
        "LANG": "C.UTF-8",
    }
    keys, painted, weights = 0, 0, []
    with contextlib.ExitStack() as stack:
        members = [Member(conf, pki, f"svc-{number}") for number in range(6)]
        for member in members:
            stack.callback(member.close)
        stack.enter_context(_quiet(conf, pki, quiet))
        tube = stack.enter_context(Tube(argv, environment))
        tube.until(f"{len(members) + quiet} ok")
        first = min(WARM_UP, seconds / 3)
        for share in (first, seconds - first):
            hands = _Hands(tube, dice)
            hands.start()
            await torment(members, dice, share)
            hands.rest()
            keys, painted = keys + hands.keys, painted + hands.painted
            _seen_well(tube, hands, len(members) + quiet)
            weights.append(_weigh(tube.pid))
        status, said = _left(tube)
    early, late = weights
    return Report(early, late, keys, painted / 1e6, status, said)


def table(report: Report) -> list[str]:
    """Rows as they are printed."""
    lines = [f"{'':<10}{'MB':>8}{'fds':>6}{'threads':>9}"]
    for when, held in (("warmed up", report.early), ("at the end", report.late)):
        lines.append(f"{when:<10}{held.memory:>8.1f}{held.descriptors:>6}{held.threads:>9}")
    return [*lines, f"{report.keys:,} keys, {report.painted:.1f} MB painted, ended with {report.status}"]


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.robust.soak_screen", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--quiet", type=int, default=0, metavar="N", help="services more, left in peace")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tuimon-soak-") as folder:
        report = asyncio.run(soak(Path(folder), asked.minutes * 60, asked.seed, asked.quiet))
    print(json.dumps(report) if asked.json else "\n".join([*table(report), report.said]))
    return report.status


if __name__ == "__main__":
    sys.exit(main())
