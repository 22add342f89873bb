"""Older lines on a real file system: backwards through what was rotated, each of them once."""

import gzip
import os
from collections.abc import Iterable
from pathlib import Path

import pytest

from tuimon.collect import older
from tuimon.collect.older import PIECE, Older
from tuimon.events import LogRecalled
from tuimon.host.local import LocalHost
from tuimon.model.failure import Failure

Began = tuple[int, int]


def lines(numbers: Iterable[int], padding: int = 0) -> bytes:
    """Lines of a log that name their number."""
    stamp, more = "2026.11.24 03:12:37 LOG5[ui]", " " + "x" * padding if padding else ""
    return "".join(f"{stamp}: line {number}{more}\n" for number in numbers).encode()


class Reader:
    """Asks for piece after piece of one log."""

    def __init__(self, host: LocalHost, log: Path, began: Began | None = None) -> None:
        self.log = log
        self.pieces: list[list[int]] = []
        self.failures: list[Failure] = []
        self._older = Older(host, lambda path: began)

    async def piece(self) -> bool:
        """Take a piece; False where nothing is older."""
        found = await self._older.piece(str(self.log))
        if isinstance(found, LogRecalled):
            messages = [record.message.split() for record in found.records]
            told = [each[1] for each in messages if each[:1] == ["line"] and len(each) > 1]
            self.pieces.append([int(each) for each in told if each.lstrip("-").isdecimal()])
        elif found is not None:
            self.failures.append(found)
        return found is not None

    async def all(self) -> list[int]:
        """Every line, oldest first."""
        while await self.piece():
            assert len(self.pieces) + len(self.failures) < 500, "it goes on for ever"
        return [number for piece in reversed(self.pieces) for number in piece]


def began_at(log: Path, offset: int | None = None) -> Began:
    """As the log collector would say of where it began to read."""
    status = log.stat()
    return status.st_ino, status.st_size if offset is None else offset


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "stunnel.log"


async def test_plain_and_packed_files_are_gone_through_backwards(host: LocalHost, log: Path) -> None:
    """What stands before the beginning, then .1, .2.gz, .10; of a log with a longer name nothing."""
    log.write_bytes(lines(range(30, 40)))
    Path(f"{log}.1").write_bytes(lines(range(20, 30)))
    Path(f"{log}.2.gz").write_bytes(gzip.compress(lines(range(10, 20))))
    Path(f"{log}.10").write_bytes(lines(range(10)))
    for other in (f"{log}x.1", f"{log}.1.bak", f"{log.parent}/other.log.1"):
        Path(other).write_bytes(lines(range(900, 910)))
    reader = Reader(host, log, began_at(log, len(lines(range(30, 35)))))
    assert await reader.all() == list(range(35))
    assert [piece[0] for piece in reader.pieces] == [30, 20, 10, 0]
    assert reader.failures == []
    assert not await reader.piece(), "and the end stays the end"


async def test_files_with_days_are_taken_newest_first(host: LocalHost, log: Path) -> None:
    """As logrotate's dateext names them."""
    log.write_bytes(b"")
    for number, day in enumerate(("20261123", "20261124", "20261125")):
        Path(f"{log}-{day}.gz").write_bytes(gzip.compress(lines([number])))
    assert await Reader(host, log, began_at(log)).all() == [0, 1, 2]


async def test_a_rotation_since_the_start_repeats_nothing(host: LocalHost, log: Path) -> None:
    """Reading began in what is .1 by now, and what was written since is known."""
    log.write_bytes(lines(range(10)))
    began = began_at(log)
    with log.open("ab") as file:
        file.write(lines(range(10, 20)))
    log.rename(f"{log}.1")
    log.write_bytes(lines(range(20, 30)))
    Path(f"{log}.2").write_bytes(lines(range(-5, 0)))
    assert await Reader(host, log, began).all() == list(range(-5, 10))


async def test_a_rotation_between_two_pieces_repeats_nothing(host: LocalHost, log: Path) -> None:
    """The file that is being gone through gets another name, and so do those before it."""
    log.write_bytes(lines(range(10, 20)))
    Path(f"{log}.1").write_bytes(lines(range(10)))
    reader = Reader(host, log, began_at(log))
    assert await reader.piece()
    Path(f"{log}.1").rename(f"{log}.2")
    log.rename(f"{log}.1")
    log.write_bytes(lines(range(20, 30)))
    found = await reader.all()
    assert len(found) == len(set(found))
    assert found[-10:] == list(range(10, 20))


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "packed"])
async def test_every_line_comes_once_wherever_the_pieces_end(
    host: LocalHost, log: Path, packed: bool
) -> None:
    """A file of several pieces, none larger than it may be; a line that no piece holds is left out."""
    content = lines(range(8000), 90) + b"y" * (PIECE + 7) + b"\n" + lines(range(8000, 16000), 90)
    log.write_bytes(b"")
    path = Path(f"{log}.1.gz" if packed else f"{log}.1")
    path.write_bytes(gzip.compress(content, 1) if packed else content)
    reader = Reader(host, log, began_at(log))
    assert await reader.all() == list(range(16000))
    assert len(reader.pieces) >= len(content) // PIECE
    assert max(map(len, reader.pieces)) * 100 <= PIECE


@pytest.mark.parametrize("damage", ["cut", "garbled", "none", "empty"])
async def test_of_a_damaged_gz_what_can_be_unpacked_counts(host: LocalHost, log: Path, damage: str) -> None:
    """And what is older is still found."""
    whole = gzip.compress(lines(range(10, 3000)))
    data = {
        "cut": whole[: len(whole) - 200],
        "garbled": whole[:-2000] + bytes(2000),
        "none": b"this was never packed\n" * 50,
        "empty": b"",
    }[damage]
    log.write_bytes(b"")
    Path(f"{log}.1.gz").write_bytes(data)
    Path(f"{log}.2").write_bytes(lines(range(10)))
    found = await Reader(host, log, began_at(log)).all()
    assert found[:10] == list(range(10))
    assert (len(found) > 10) == (damage in ("cut", "garbled"))
    sound = 1000 if damage == "garbled" else len(found) - 1  # the last one may have been cut
    assert found[10:sound] == list(range(10, sound))


async def test_of_several_packed_members_all_are_read(host: LocalHost, log: Path) -> None:
    """Files that were put together stay one log, as gunzip reads them."""
    log.write_bytes(b"")
    members = (gzip.compress(lines(range(at, at + 10))) for at in (0, 10, 20))
    Path(f"{log}.1.gz").write_bytes(b"".join(members))
    assert await Reader(host, log, began_at(log)).all() == list(range(30))


async def test_a_huge_gz_is_held_only_in_part(
    host: LocalHost, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its end is kept, whatever it unpacks to; one that is huge as it is is refused with a sentence."""
    monkeypatch.setattr(older, "_UNPACKED", 1 << 20)
    log.write_bytes(b"")
    Path(f"{log}.1.gz").write_bytes(gzip.compress(lines(range(60000), 90), 1))
    found = await Reader(host, log, began_at(log)).all()
    assert found == list(range(found[0], 60000))
    assert 1 << 20 <= len(found) * 125 <= 3 << 20
    monkeypatch.setattr(older, "_PACKED", 1000)
    refused = Reader(host, log, began_at(log))
    Path(f"{log}.2").write_bytes(lines([7]))
    assert await refused.all() == [7]
    assert [str(each) for each in refused.failures] != []


async def test_what_is_no_file_is_told_and_passed_over(host: LocalHost, log: Path) -> None:
    """A FIFO is not read: somebody's lines would be gone."""
    log.write_bytes(b"")
    os.mkfifo(f"{log}.1")
    Path(f"{log}.2").mkdir()
    Path(f"{log}.3").write_bytes(lines([1, 2]))
    reader = Reader(host, log, began_at(log))
    assert await reader.all() == [1, 2]
    assert len(reader.failures) == 2


async def test_of_a_log_that_is_gone_the_rotated_ones_are_still_there(host: LocalHost, log: Path) -> None:
    """Also where reading never began."""
    Path(f"{log}.1").write_bytes(lines([1, 2]))
    assert await Reader(host, log).all() == [1, 2]
    assert await Reader(host, log, (1, 10)).all() == [1, 2]
