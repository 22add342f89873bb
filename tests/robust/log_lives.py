"""What may become of a log while it is written to: each life is a class, lived in a thread.

Rule: a writer does what stunnel, logrotate or an operator does, without asking the collector; it waits for
the collector only where a real one would be hours apart: between two rotations, before a calm truncation.
"""

import os
import random
import shutil
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

from tuimon.collect.logs import Logs

_PATIENCE = 120.0  # seconds
_BURST = 400  # lines of the largest single write
_HEAD = "2026.11.24 03:12:37 LOG5[ui]: line"


class Life:
    """One log, its numbered lines, and what was told of them."""

    name = ""
    share = 0.1
    turns = 10
    least = 4  # lines of a turn

    def __init__(self, folder: Path, collector: Logs, lines: int, dice: random.Random) -> None:
        self.path = folder / f"{self.name.replace(' ', '-')}.log"
        self.path.touch()
        self._collector, self.dice = collector, dice
        self.lines = max(self.turns * self.least, int(lines * self.share))
        self.seen = bytearray(self.lines)
        self.written = 0
        self.marks: dict[int, bool] = {}  # the first number after each truncation: was it a calm one
        self.wrote: list[tuple[int, float]] = []  # the first number of each burst and of each truncation
        self.looked = False
        self.told = 0
        self.disordered = self.torn = 0
        self._last: dict[str, int] = {}

    def tell(self, message: str) -> None:
        """A line was told: `line NUMBER WRITER; …`."""
        words = message.split(" ", 3)
        if len(words) < 3 or words[0] != "line" or not words[2].endswith(";"):
            self.torn += 1
            return
        number, writer = int(words[1]), words[2]
        self.told += not self.seen[number]
        self.seen[number] = min(255, self.seen[number] + 1)
        self.disordered += number <= self._last.get(writer, -1)
        self._last[writer] = number

    def live(self) -> None:
        """Write all lines; this is a thread of its own."""
        pen = self.pen()
        for turn, count in enumerate(self._portions()):
            self.turn(pen, turn, count)
        pen.close()

    def turn(self, pen: "Pen", turn: int, count: int) -> None:
        """Write `count` lines, and let something happen to the log."""
        pen.write(count)

    def at_end(self) -> bool:
        """Whether the last line that was written has been told."""
        return bool(self.seen[self.written - 1])

    def over(self) -> bool:
        """Whether all has been told that can be expected."""
        return self.at_end() if self.marks else self.told == self.lines

    def pen(self, path: Path | None = None, writer: str = "a") -> "Pen":
        """A writer with its own descriptor."""
        return Pen(self, path or self.path, writer)

    def next(self, count: int) -> range:
        """The numbers of the next lines."""
        first = self.written
        self.wrote.append((first, time.monotonic()))
        self.written += count
        return range(first, self.written)

    def line(self, number: int, writer: str) -> bytes:
        """A line as it stands in the file."""
        return f"{_HEAD} {number} {writer};\n".encode()

    def wait(self, fact: Callable[[], bool]) -> None:
        """Wait until the collector got so far."""
        deadline = time.monotonic() + _PATIENCE
        while not fact():
            assert time.monotonic() < deadline, f"{self.name}: the collector stands still"
            time.sleep(0.002)

    def caught_up(self) -> None:
        """Wait until all that was written has been told."""
        self.wait(self.at_end)

    def left(self, pen: "Pen", count: int, then: str = "") -> None:
        """Write on to the old file a quarter of a turn of `count` lines, half of which are written; then the
        last quarter, by another writer if there is one, to what the name leads to now."""
        pen.write(count // 4)
        pen.reopen()
        pen.writer = then or pen.writer
        pen.write(count - count // 2 - count // 4)
        self.noticed()

    def noticed(self) -> None:
        """Wait until the collector has opened the file that the name leads to."""
        inode = self.path.stat().st_ino

        def follows() -> bool:
            log = self._collector._logs.get(str(self.path))
            return log is not None and log.current is not None and log.current.tail.inode == inode

        self.wait(follows)

    def emptied(self, *, calm: bool) -> None:
        """The log was truncated just now."""
        self.marks[self.written] = calm
        self.wrote.append((self.written, time.monotonic()))

    def window(self, lost: set[int]) -> float:
        """Seconds from the first write of a lost line to the truncation that took it, at most."""
        ends = [(number, at) for number, at in self.wrote if number in self.marks]
        began = [(number, at) for number, at in self.wrote if number in lost]
        ages = (min(at for mark, at in ends if mark > number) - when for number, when in began)
        return max(ages, default=0.0)

    def excused(self, missing: list[int]) -> set[int]:
        """Those of the missing that stood right before a truncation which came before they were read."""
        found: set[int] = set()
        gone = set(missing)
        for mark, calm in self.marks.items():
            number = mark - 1
            while not calm and number in gone:
                found.add(number)
                number -= 1
        return found

    def _portions(self) -> Iterator[int]:
        least = self.lines // (2 * self.turns)
        spare = self.lines - least * self.turns
        cuts = sorted(self.dice.choices(range(spare + 1), k=self.turns - 1))
        yield from (least + after - before for before, after in pairwise((0, *cuts, spare)))


class Pen:
    """A descriptor that appends, as stunnel's does."""

    def __init__(self, life: Life, path: Path, writer: str) -> None:
        self._life, self.writer = life, writer
        self._file = path.open("ab", buffering=0)

    def write(self, count: int) -> None:
        """Write so many lines, in bursts of any size."""
        while count:
            burst = min(count, self._life.dice.randint(1, _BURST))
            self.raw(b"".join(self._life.line(each, self.writer) for each in self._life.next(burst)))
            count -= burst

    def raw(self, data: bytes) -> None:
        """Append these bytes."""
        while data:
            data = data[self._file.write(data) or 0 :]

    def reopen(self, path: Path | None = None, *, overwrite: bool = False) -> None:
        """SIGUSR1: write to whatever the name leads to now."""
        self._file.close()
        name = path or self._life.path
        if overwrite:
            name.open("wb").close()
        self._file = name.open("ab", buffering=0)

    def close(self) -> None:
        """Close."""
        self._file.close()


class Renamed(Life):
    """logrotate: renamed, a new file made or not, and stunnel writes to the old one until SIGUSR1."""

    name, share, turns = "rename", 0.2, 16

    def turn(self, pen: Pen, turn: int, count: int) -> None:
        pen.write(count // 2)
        self.path.rename(f"{self.path}.{turn}")
        if turn % 2:
            self.path.touch()
        self.left(pen, count)


class Truncated(Life):
    """copytruncate, calm and in the middle of a flood, with a new text longer than the old one or not."""

    name, share, turns = "copytruncate", 0.1, 20

    def turn(self, pen: Pen, turn: int, count: int) -> None:
        pen.write(count)
        calm = bool(turn % 2)
        if calm:
            self.caught_up()
        shutil.copyfile(self.path, f"{self.path}.1")
        os.truncate(self.path, 0)
        self.emptied(calm=calm)


class Overwritten(Life):
    """`log = overwrite`: a reload empties the file and writes on."""

    name, share, turns = "overwrite", 0.1, 20

    def turn(self, pen: Pen, turn: int, count: int) -> None:
        pen.write(count)
        calm = bool(turn % 2)
        if calm:
            self.caught_up()
        pen.reopen(overwrite=True)
        self.emptied(calm=calm)


class Switched(Life):
    """`stunnel.log` is a symlink that goes round three files, which are appended to."""

    name, share, turns = "symlink", 0.1, 9

    def __init__(self, folder: Path, collector: Logs, lines: int, dice: random.Random) -> None:
        super().__init__(folder, collector, lines, dice)
        self._ring = [folder / f"{self.path.name}-{day}" for day in range(3)]
        self.path.unlink()
        self._ring[0].touch()
        self.path.symlink_to(self._ring[0])

    def turn(self, pen: Pen, turn: int, count: int) -> None:
        pen.write(count // 2)
        fresh = self.path.with_suffix(".new")
        fresh.symlink_to(self._ring[(turn + 1) % 3])
        self._ring[(turn + 1) % 3].touch()
        fresh.replace(self.path)
        # the order holds within a file: it may be back before it was left
        self.left(pen, count, then=f"a{turn + 1}")


class Deleted(Life):
    """Somebody makes room; stunnel writes on to the file without a name until it is told to reopen."""

    name, share, turns = "delete", 0.1, 12

    def turn(self, pen: Pen, turn: int, count: int) -> None:
        pen.write(count // 2)
        self.path.unlink()
        self.left(pen, count)


class Split(Life):
    """Lines that come in pieces, cut anywhere, also within a character."""

    name, share, turns = "split writes", 0.1, 10

    def line(self, number: int, writer: str) -> bytes:
        return f"{_HEAD} {number} {writer}; größer – 証明書\n".encode()

    def turn(self, pen: Pen, turn: int, count: int) -> None:
        data = b"".join(self.line(number, pen.writer) for number in self.next(count))
        while data:
            cut = self.dice.randint(1, 90)
            pen.raw(data[:cut])
            data = data[cut:]


class Binary(Life):
    """Bytes that are no text, without a line feed."""

    name, share = "binary", 0.1

    def line(self, number: int, writer: str) -> bytes:
        junk = self.dice.randbytes(self.dice.randint(0, 200)).replace(b"\n", b"\0")
        return f"{_HEAD} {number} {writer}; ".encode() + junk + b"\n"


class Long(Life):
    """Lines of a megabyte."""

    name, share = "1 MB lines", 0.0001

    def line(self, number: int, writer: str) -> bytes:
        return f"{_HEAD} {number} {writer}; ".encode() + b"x" * (1 << 20) + b"\n"

    def turn(self, pen: Pen, turn: int, count: int) -> None:
        for _ in range(count):
            pen.raw(self.line(*self.next(1), pen.writer))


class Shared(Life):
    """Two processes write to one log; after a rotation the second reopens it long after the first."""

    name, share, turns, least = "two writers", 0.2, 8, 48

    def live(self) -> None:
        one, two = self.pen(writer="a0"), self.pen(writer="b0")
        for turn, count in enumerate(self._portions()):
            for _ in range(4):
                one.write(count // 12)
                two.write(count // 12)
            self.path.rename(f"{self.path}.{turn}")
            two.write(count // 12)
            one.reopen()
            one.writer = f"a{turn + 1}"
            one.write(count // 12)
            self.noticed()
            self.caught_up()  # the new file has lines, and the old one goes on
            two.write(count // 12)
            two.reopen()
            two.writer = f"b{turn + 1}"
            two.write(count - 11 * (count // 12))
        one.close()
        two.close()


LIVES: tuple[type[Life], ...] = (
    *(Renamed, Truncated, Overwritten, Switched, Deleted, Split, Binary, Long, Shared),
)
