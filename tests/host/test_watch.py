"""The watcher against a real file system: every way in which what a path leads to can change."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tuimon.host.local import LocalHost
from tuimon.host.watch import spots

DEADLINE = 5.0
QUIET = 0.4  # longer than the survey after a rebuild, and than the debounce of a notification


class Watched:
    """A subscription of `LocalHost` with a deadline."""

    def __init__(self, host: LocalHost) -> None:
        self.watch = host.watch()

    async def next(self) -> frozenset[str]:
        return await asyncio.wait_for(self.watch.changes(), DEADLINE)

    async def settle(self) -> None:
        """Take what comes until it is quiet: the first look, and the survey after the watch was built."""
        while True:
            try:
                await asyncio.wait_for(self.watch.changes(), QUIET)
            except TimeoutError:
                return


@pytest.fixture
async def watched(host: LocalHost) -> AsyncIterator[Watched]:
    """A subscription on a host whose poll is far too slow to help."""
    subscription = Watched(host)
    yield subscription
    subscription.watch.close()


async def follow(watched: Watched, *paths: Path) -> None:
    watched.watch.want(map(str, paths))
    assert await watched.next() == {str(path) for path in paths}
    await watched.settle()


def replace(path: Path, text: str) -> None:
    """Put a new file in place of `path`, as editors and renewals do."""
    new = path.with_name(path.name + ".new")
    new.write_text(text)
    new.replace(path)


async def test_what_is_newly_wanted_counts_as_changed_once(watched: Watched, tmp_path: Path) -> None:
    """Missing files too: somebody has to find out that they are missing."""
    there, missing = tmp_path / "there", tmp_path / "missing"
    there.write_text("1")
    await follow(watched, there, missing)


async def test_appending_is_noticed(watched: Watched, tmp_path: Path) -> None:
    """A log that grows."""
    log = tmp_path / "log"
    log.write_text("one\n")
    await follow(watched, log)
    with log.open("a") as file:
        file.write("two\n")
    assert await watched.next() == {str(log)}


async def test_a_file_replaced_by_rename_is_noticed_again_and_again(watched: Watched, tmp_path: Path) -> None:
    """A watch on the file itself would be blind after the first time."""
    path, other = tmp_path / "cert.pem", tmp_path / "other.pem"
    path.write_text("0")
    other.write_text("0")
    await follow(watched, path, other)
    for text in ("1", "2", "3"):
        replace(path, text)
        assert await watched.next() == {str(path)}
        await watched.settle()


async def test_a_swapped_symlink_is_noticed_as_is_its_new_target(watched: Watched, tmp_path: Path) -> None:
    """certbot: live/cert.pem leads from archive/cert1.pem to archive/cert2.pem."""
    archive, live = tmp_path / "archive", tmp_path / "live"
    archive.mkdir()
    live.mkdir()
    for number in (1, 2):
        (archive / f"cert{number}.pem").write_text(str(number))
    path = live / "cert.pem"
    path.symlink_to("../archive/cert1.pem")
    await follow(watched, path)
    (live / "new").symlink_to("../archive/cert2.pem")
    (live / "new").replace(path)
    assert await watched.next() == {str(path)}
    await watched.settle()
    (archive / "cert2.pem").write_text("2, mended")
    assert await watched.next() == {str(path)}


async def test_the_target_of_a_symlink_is_watched_where_it_is(watched: Watched, tmp_path: Path) -> None:
    """Nothing changes in the folder that is named."""
    store, live = tmp_path / "store", tmp_path / "live"
    store.mkdir()
    live.mkdir()
    (store / "cert.pem").write_text("1")
    path = live / "cert.pem"
    path.symlink_to(store / "cert.pem")
    await follow(watched, path)
    replace(store / "cert.pem", "2")
    assert await watched.next() == {str(path)}


async def test_a_folder_symlink_that_is_swapped_is_noticed(watched: Watched, tmp_path: Path) -> None:
    """Kubernetes: cert.pem → ..data/cert.pem, and ..data is swapped."""
    for number in ("1", "2", "3"):
        (tmp_path / f"..v{number}").mkdir()
        (tmp_path / f"..v{number}" / "cert.pem").write_text(number)
    (tmp_path / "..data").symlink_to("..v1")
    path = tmp_path / "cert.pem"
    path.symlink_to("..data/cert.pem")
    await follow(watched, path)
    for number in ("2", "3"):
        (tmp_path / "..new").symlink_to(f"..v{number}")
        (tmp_path / "..new").replace(tmp_path / "..data")
        assert await watched.next() == {str(path)}
        await watched.settle()


async def test_deletion_and_return_are_both_noticed(watched: Watched, tmp_path: Path) -> None:
    """The file is gone for a while."""
    path = tmp_path / "stunnel.log"
    path.write_text("1")
    await follow(watched, path)
    path.unlink()
    assert await watched.next() == {str(path)}
    await watched.settle()
    path.write_text("2")
    assert await watched.next() == {str(path)}


async def test_a_symlink_to_a_folder_is_watched_in_its_own_folder(watched: Watched, tmp_path: Path) -> None:
    """releases/current → v1, and the configuration is current/stunnel.conf."""
    for number in ("v1", "v2"):
        (tmp_path / number).mkdir()
        (tmp_path / number / "stunnel.conf").write_text(number)
    (tmp_path / "current").symlink_to("v1")
    path = tmp_path / "current" / "stunnel.conf"
    await follow(watched, path)
    (tmp_path / "new").symlink_to("v2")
    (tmp_path / "new").replace(tmp_path / "current")
    assert await watched.next() == {str(path)}
    await watched.settle()
    (tmp_path / "v2" / "stunnel.conf").write_text("v2, mended")
    assert await watched.next() == {str(path)}


async def test_folders_that_appear_later_are_watched_from_then_on(watched: Watched, tmp_path: Path) -> None:
    """What is missing is awaited in the nearest folder that is there."""
    path = tmp_path / "later" / "still" / "stunnel.conf"
    await follow(watched, path)
    path.parent.mkdir(parents=True)
    path.write_text("1")
    assert await watched.next() == {str(path)}
    await watched.settle()
    path.write_text("2, longer")
    assert await watched.next() == {str(path)}


async def test_a_folder_that_was_replaced_is_watched_again(watched: Watched, tmp_path: Path) -> None:
    """Deleted and made anew: the kernel's watch died with the old one."""
    path = tmp_path / "logs" / "stunnel.log"
    path.parent.mkdir()
    path.write_text("1")
    await follow(watched, path)
    shutil.rmtree(path.parent)
    path.parent.mkdir()
    path.write_text("2")
    assert await watched.next() == {str(path)}
    await watched.settle()
    path.write_text("3, longer")
    assert await watched.next() == {str(path)}


async def test_a_folder_that_was_swapped_by_rename_is_watched_again(watched: Watched, tmp_path: Path) -> None:
    """The old one lives on under another name; what happens there is not ours."""
    path = tmp_path / "conf" / "stunnel.conf"
    for name in ("conf", "next"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "stunnel.conf").write_text(name)
    await follow(watched, path)
    (tmp_path / "conf").rename(tmp_path / "old")
    (tmp_path / "next").rename(tmp_path / "conf")
    assert await watched.next() == {str(path)}
    await watched.settle()
    path.write_text("conf, mended")
    assert await watched.next() == {str(path)}


async def test_a_wanted_folder_changes_with_its_entries(watched: Watched, tmp_path: Path) -> None:
    """`include = DIR`: a file more, a file less."""
    await follow(watched, tmp_path)
    (tmp_path / "10-a.conf").write_text("")
    assert await watched.next() == {str(tmp_path)}
    await watched.settle()
    (tmp_path / "10-a.conf").unlink()
    assert await watched.next() == {str(tmp_path)}


async def test_the_wanted_set_can_change(watched: Watched, tmp_path: Path) -> None:
    """Other folders come in, what is no longer wanted is no longer told."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first, second = tmp_path / "a" / "1", tmp_path / "b" / "2"
    first.write_text("1")
    second.write_text("2")
    await follow(watched, first)
    watched.watch.want([str(second)])
    assert await watched.next() == {str(second)}
    await watched.settle()
    replace(first, "not wanted")
    replace(second, "wanted")
    assert await watched.next() == {str(second)}


async def test_subscriptions_share_the_watcher_and_not_their_changes(host: LocalHost, tmp_path: Path) -> None:
    """A certificate of one collector is no business of another's."""
    mine, yours = Watched(host), Watched(host)
    (tmp_path / "mine").write_text("")
    (tmp_path / "yours").write_text("")
    await follow(mine, tmp_path / "mine")
    await follow(yours, tmp_path / "yours")
    (tmp_path / "mine").write_text("1")
    assert await mine.next() == {str(tmp_path / "mine")}
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(yours.watch.changes(), QUIET)


async def test_closing_wakes_the_reader(watched: Watched, tmp_path: Path) -> None:
    """An empty set says that it is over."""
    await follow(watched, tmp_path / "x")
    reader = asyncio.create_task(watched.watch.changes())
    await asyncio.sleep(0)
    watched.watch.close()
    assert await asyncio.wait_for(reader, DEADLINE) == frozenset()


async def test_nothing_watches_after_the_end(tmp_path: Path) -> None:
    """A survey that was put off until after the end finds no threads any more, and must not be tried."""
    host = LocalHost(poll=60, name="here")
    watched = Watched(host)
    await follow(watched, tmp_path / "x")
    await host.close()
    watched.watch.want(set())
    ours = asyncio.current_task()
    await asyncio.sleep(0)
    assert [each for each in asyncio.all_tasks() if each is not ours] == []


def test_spots_are_the_links_on_the_way_and_the_target(tmp_path: Path) -> None:
    """Every name whose change can change what the path leads to."""
    (tmp_path / "v1").mkdir()
    (tmp_path / "v1" / "cert").write_text("")
    (tmp_path / "data").symlink_to("v1")
    (tmp_path / "cert").symlink_to("data/cert")
    base = str(tmp_path)
    assert spots(f"{base}/cert") == {f"{base}/cert", f"{base}/data", f"{base}/v1/cert"}


def test_a_ring_of_symlinks_ends(tmp_path: Path) -> None:
    """ELOOP, and not an endless walk."""
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    assert {f"{tmp_path}/a", f"{tmp_path}/b"} <= spots(f"{tmp_path}/a")
