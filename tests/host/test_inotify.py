"""inotify: the kernel's bytes taken apart, and what a folder's watch tells."""

import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from tuimon.host.inotify import CREATE, LOST, MODIFY, NAMES, Inotify, Noticed, noticed


def event(watch: int, mask: int, name: bytes = b"") -> bytes:
    """As the kernel writes it: the name filled up with zeros to whole words."""
    padded = name + b"\0" * (-len(name) % 16 or 16) if name else b""
    return struct.pack("iIII", watch, mask, 0, len(padded)) + padded


@pytest.fixture
def inotify() -> Iterator[Inotify]:
    """A descriptor that is closed afterwards."""
    made = Inotify()
    yield made
    made.close()


def test_events_are_told_apart() -> None:
    """Several in one read, with names and without, also with one that is no UTF-8."""
    data = event(1, CREATE, b"stunnel.log") + event(2, MODIFY) + event(1, MODIFY, b"\xff.log")
    assert list(noticed(data)) == [
        Noticed(1, CREATE, "stunnel.log"),
        Noticed(2, MODIFY, ""),
        Noticed(1, MODIFY, "\udcff.log"),
    ]
    assert list(noticed(b"")) == []


def test_what_happens_in_a_folder_is_told_in_order(inotify: Inotify, tmp_path: Path) -> None:
    """And nothing where nothing happens: a read never waits."""
    watch = inotify.watch(str(tmp_path))
    assert inotify.read() == []
    (tmp_path / "a").write_text("1")
    (tmp_path / "a").rename(tmp_path / "b")
    told = inotify.read()
    assert {each.watch for each in told} == {watch}
    assert [each.name for each in told if each.mask & NAMES] == ["a", "a", "b"]
    assert inotify.read() == []


def test_a_folder_has_one_watch_under_all_its_names(inotify: Inotify, tmp_path: Path) -> None:
    """Asking again costs nothing, and a folder that was replaced is another one."""
    folder, link = tmp_path / "folder", tmp_path / "link"
    folder.mkdir()
    link.symlink_to(folder)
    watch = inotify.watch(str(folder))
    assert inotify.watch(str(link)) == inotify.watch(str(folder)) == watch
    folder.rmdir()
    assert any(each.mask & LOST for each in inotify.read())
    folder.mkdir()
    assert inotify.watch(str(folder)) != watch


def test_only_folders_are_watched(inotify: Inotify, tmp_path: Path) -> None:
    """A watch on a file goes blind when it is replaced."""
    (tmp_path / "file").write_text("")
    with pytest.raises(NotADirectoryError):
        inotify.watch(str(tmp_path / "file"))
