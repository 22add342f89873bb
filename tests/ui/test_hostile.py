"""What strangers wrote is shown and does nothing: every pane and page, and the bytes on a real terminal."""

import re
from pathlib import Path

import pytest

from tests.fixtures import Pki
from tests.ui import hostile
from tests.ui.hostile_world import SIZES, HostileWorld, Walk, assert_harmless, on_disk
from tests.ui.terminal import Terminal


@pytest.fixture
def world(pki: Pki) -> HostileWorld:
    return HostileWorld(pki).begin()


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_panes_show_hostile_text_and_nothing_harmful(
    world: HostileWorld, size: tuple[int, int]
) -> None:
    """Services with each row's reason, the log in all its ways, certificates; filters made of markup."""
    app = world.app()
    async with app.run_test(size=size, notifications=True) as pilot:
        walk = Walk(app, pilot)
        services = await walk.press("g")
        for name in ("web", "api", "out"):
            assert f"{name}{hostile.MARKUP}\ufffd" in services
        assert "old[/foo" in services
        for _ in world.store.rows():
            reason = (await walk.press("j")).splitlines()[size[1] // 2 :]
            assert any(hostile.MARKUP in line for line in reason)
        await walk.press("greater_than_sign", "I", "space", "p", "y", "plus")
        assert f"web{hostile.MARKUP}" in await walk.filtered("[/foo]")
        assert hostile.MARKUP in await walk.press("escape", "z")
        log = await walk.press("2")
        assert hostile.MARKUP in log
        for keys in ("w", "e", "E", "F", "o", "z", "l", "g"):
            await walk.press(keys)
        assert "[red]" in await walk.filtered("[red]")
        certificates = await walk.press("3")
        assert hostile.MARKUP in certificates
        assert hostile.MARKUP in await walk.filtered("[/foo]")
        await walk.press("question_mark")
        await walk.press("escape", "ctrl+p")


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_pages_show_hostile_text_and_nothing_harmful(
    world: HostileWorld, size: tuple[int, int]
) -> None:
    """The details of every service and certificate, read to the end."""
    app = world.app()
    async with app.run_test(size=size, notifications=True) as pilot:
        walk = Walk(app, pilot)
        await walk.press("g")
        for row in world.store.rows():
            page = await walk.press("enter") + await walk.page()
            assert hostile.MARKUP in page, row.tunnel.service.name
            if row.certificate is not None:
                page = await walk.press("enter") + await walk.page()
                assert hostile.SHOWN in page.replace("\n", "")
                await walk.press("y", "Y", "escape")
            await walk.press("escape", "j")
        await walk.press("3", "enter")
        assert "http://" in await walk.page()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Hostile configurations on disk."""
    return on_disk(tmp_path / "etc")


@pytest.mark.pty
@pytest.mark.parametrize("size", SIZES[:2], ids=lambda size: f"{size[0]}x{size[1]}")
def test_a_real_terminal_gets_no_sequence_of_a_stranger(folder: Path, size: tuple[int, int]) -> None:
    """The real program over hostile files: rows, details, certificate, log, certificates."""
    mark = re.escape(hostile.MARKUP)
    with Terminal(str(folder), size=size) as terminal:
        terminal.sees(rf"web{mark}", rf"out{mark}", rf"api{mark}", "DOWN")
        terminal.press("/", *"api", "enter")
        terminal.until(lambda: not terminal.line(f"DOWN out{mark}"))
        terminal.press("enter")
        terminal.sees("Layers", mark)
        terminal.press("enter")
        terminal.sees("Names", rf"subject +CN={re.escape(hostile.MARKUP)}|subject .*\\")
        terminal.press("2")
        terminal.sees(rf"{mark}.*cHduZWQ")
        terminal.press("3")
        terminal.sees("CERTIFICATE", mark)
        terminal.press("q")
        assert terminal.ended() == 0
        assert_harmless(terminal.raw)


@pytest.mark.pty
def test_a_hostile_file_name_is_said_and_does_nothing(folder: Path) -> None:
    """A configuration whose name cannot be shown is not read, and not passed over in silence."""
    (folder / "evil.conf").rename(folder / "[red]\x1b]52;c;cHduZWQ=\x07\udcff.conf")
    with Terminal(str(folder), size=(200, 36)) as terminal:
        terminal.sees(r"not read, this name cannot be shown: .*etc/\[red\]", r"DOWN old\[/foo")
        terminal.press("enter")
        terminal.sees("Layers")
        terminal.press("q")
        assert terminal.ended() == 0
        assert_harmless(terminal.raw)
