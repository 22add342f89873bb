"""Configuration files on a real disk: which there are, and what they say now."""

from pathlib import Path

import pytest

from tests.fixtures import Recorder, running
from tuimon.collect.configs import Configs
from tuimon.events import ConfigRead, ConfigsFound
from tuimon.host.local import LocalHost
from tuimon.model.failure import Reason
from tuimon.model.service import Config
from tuimon.model.tunnel import Interest
from tuimon.settings import Settings


class Reader:
    """The collector with what it has told."""

    def __init__(self, host: LocalHost, folder: Path, *paths: Path) -> None:
        settings = Settings(config_folder=str(folder))
        self.collector = Configs(host, settings, tuple(map(str, paths)))
        self.told = Recorder()

    def last(self, path: Path) -> Config | None:
        configs = [each.config for each in self.told.of(ConfigRead) if each.config.path == str(path)]
        return configs[-1] if configs else None

    async def found(self, *paths: Path) -> None:
        expected = tuple(map(str, paths))
        await self.told.until(lambda: [each.paths for each in self.told.of(ConfigsFound)][-1:] == [expected])

    async def services(self, path: Path, *names: str) -> Config:
        """Wait until the file was read with these services."""

        def said() -> Config | None:
            config = self.last(path)
            return config if config and tuple(each.name for each in config.services) == names else None

        config = await self.told.until(said)
        assert config is not None
        return config


def section(*names: str) -> str:
    return "".join(f"[{name}]\nclient = yes\naccept = 127.0.0.1:1\nconnect = 127.0.0.1:2\n" for name in names)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "stunnel"
    path.mkdir()
    return path


async def test_the_folder_is_followed(host: LocalHost, folder: Path) -> None:
    """Found, changed, one more, one less; other names are not meant."""
    reader = Reader(host, folder)
    (folder / "b.conf").write_text(section("b"))
    (folder / "README").write_text("no configuration")
    async with running(reader.collector, reader.told):
        await reader.found(folder / "b.conf")
        config = await reader.services(folder / "b.conf", "b")
        assert config.stamp is not None
        (folder / "b.conf").write_text(section("b", "b2"))
        await reader.services(folder / "b.conf", "b", "b2")
        (folder / "a.conf").write_text(section("a"))
        await reader.found(folder / "a.conf", folder / "b.conf")
        await reader.services(folder / "a.conf", "a")
        (folder / "b.conf").unlink()
        await reader.found(folder / "a.conf")


async def test_an_included_file_counts_as_part(host: LocalHost, folder: Path, tmp_path: Path) -> None:
    """So does a file that appears in the included folder."""
    parts = tmp_path / "parts"
    parts.mkdir()
    (parts / "1").write_text(section("one"))
    main = folder / "main.conf"
    main.write_text(f"include = {parts}\n")
    reader = Reader(host, folder)
    async with running(reader.collector, reader.told):
        await reader.services(main, "one")
        (parts / "1").write_text(section("uno"))
        await reader.services(main, "uno")
        (parts / "2").write_text(section("due"))
        await reader.services(main, "uno", "due")


async def test_what_processes_and_units_name_is_read_too(
    host: LocalHost, folder: Path, tmp_path: Path
) -> None:
    """Until they name it no more."""
    other = tmp_path / "other.conf"
    other.write_text(section("other"))
    reader = Reader(host, folder)
    async with running(reader.collector, reader.told):
        await reader.found()
        reader.collector.want(Interest(configs=frozenset({str(other)})))
        await reader.found(other)
        await reader.services(other, "other")
        reader.collector.want(Interest())
        (folder / "x.conf").write_text(section("x"))
        await reader.found(folder / "x.conf")


async def test_with_paths_nothing_else_is_looked_at(host: LocalHost, folder: Path, tmp_path: Path) -> None:
    """A file, a folder, and one that is not there: that is said of it."""
    one, missing = tmp_path / "one.cfg", tmp_path / "missing.conf"
    one.write_text(section("one"))
    (folder / "x.conf").write_text(section("x"))
    (tmp_path / "other.conf").write_text(section("other"))
    reader = Reader(host, tmp_path, one, folder, missing)
    async with running(reader.collector, reader.told):
        reader.collector.want(Interest(configs=frozenset({str(tmp_path / "other.conf")})))
        await reader.found(one, folder / "x.conf", missing)
        await reader.services(one, "one")
        gone = await reader.told.until(lambda: reader.last(missing))
        assert gone is not None
        assert gone.failure is not None
        assert gone.failure.reason is Reason.MISSING
        missing.write_text(section("there"))
        await reader.services(missing, "there")


async def test_a_folder_that_is_not_there_is_no_configuration(host: LocalHost, tmp_path: Path) -> None:
    """No stunnel on this machine: said, and found when it is installed."""
    folder = tmp_path / "etc" / "stunnel"
    reader = Reader(host, folder)
    async with running(reader.collector, reader.told):
        await reader.found()
        ((root, failure),) = reader.told.of(ConfigsFound)[0].failures
        assert (root, failure.reason) == (str(folder), Reason.MISSING)
        folder.mkdir(parents=True)
        (folder / "x.conf").write_text(section("x"))
        await reader.found(folder / "x.conf")
        await reader.services(folder / "x.conf", "x")


async def test_what_says_the_same_is_told_once(host: LocalHost, folder: Path) -> None:
    """A new watch says that everything changed, and so does a file that is touched."""
    kept, other = folder / "a.conf", folder / "b.conf"
    kept.write_text(section("a"))
    other.write_text(section("b"))
    reader = Reader(host, folder)
    async with running(reader.collector, reader.told):
        before = await reader.services(kept, "a")
        other.write_text(section("b", "c"))
        await reader.services(other, "b", "c")  # by now the watch has said its say
        assert [each.config for each in reader.told.of(ConfigRead) if each.config.path == str(kept)] == [
            before
        ]
        kept.touch()
        await reader.told.until(lambda: reader.last(kept) != before)
        after = reader.last(kept)
    assert after is not None
    assert after.services is before.services  # nothing was parsed
    assert after.changed_at > before.changed_at


async def test_a_file_of_the_folder_that_is_gone_and_served_is_missed(
    host: LocalHost, folder: Path, tmp_path: Path
) -> None:
    """A process names it; with PATHs, too, but never what stands elsewhere."""
    (folder / "a.conf").write_text(section("a"))
    (folder / "gone.conf").write_text(section("gone"))
    reader = Reader(host, tmp_path, folder)
    named = frozenset(map(str, (folder / "gone.conf", folder / "x", tmp_path / "elsewhere.conf")))
    async with running(reader.collector, reader.told):
        reader.collector.want(Interest(configs=named))
        await reader.services(folder / "gone.conf", "gone")
        (folder / "gone.conf").unlink()
        await reader.services(folder / "gone.conf")
        await reader.found(folder / "a.conf", folder / "gone.conf")
        config = reader.last(folder / "gone.conf")
        assert config is not None
        assert config.failure is not None
        assert config.failure.reason is Reason.MISSING
