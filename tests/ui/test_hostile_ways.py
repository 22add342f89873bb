"""What strangers wrote does nothing on the rarer ways either: dialogs, palette, greeting, files, copies."""

import csv
import gzip
import io
import json
import re
import time
import unicodedata
from pathlib import Path

import pytest
from textual.events import Paste

from tests.fixtures import Pki
from tests.ui import hostile
from tests.ui.hostile_world import SIZES, HostileWorld, Walk, assert_harmless, on_disk
from tests.ui.terminal import PATIENCE, Terminal
from tuimon.model.handshake import Depth, Handshake, Verdict
from tuimon.text import printable
from tuimon.ui.app import TuimonApp

SIZE = pytest.mark.parametrize("size", SIZES[::2], ids=lambda size: f"{size[0]}x{size[1]}")
MARKUP = hostile.MARKUP


def assert_plain(text: str) -> None:
    """Nothing in it would do something to a terminal that it is printed on."""
    assert_harmless(text.encode())
    assert "\x1b" not in text
    assert {each for each in text if unicodedata.category(each) == "Cc"} <= {"\n", "\r"}


@pytest.fixture
def world(pki: Pki) -> HostileWorld:
    return HostileWorld(pki).begin()


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current folder of its own, where files are saved, and a state folder."""
    place = tmp_path / "here"
    place.mkdir()
    monkeypatch.chdir(place)
    monkeypatch.delenv("TMUX", raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "state/tuimon").mkdir(parents=True)
    return place


@SIZE
async def test_dialogs_palette_and_connections(
    world: HostileWorld, here: Path, size: tuple[int, int]
) -> None:
    """Columns, palette, connections, a time, an action and the log of actions: all of it only text."""
    log_of_actions(here.parent / "state/tuimon/actions.jsonl")
    app = world.app()
    async with app.run_test(size=size, notifications=True) as pilot:
        walk = Walk(app, pilot)
        await walk.press("c", "j", "J", "space", "K")
        await walk.press("escape", "colon")
        assert f"go to service web{MARKUP}" in await walk.press(*"web[/foo]")
        await walk.press("enter")
        assert MARKUP in await walk.page()
        await walk.press("escape", "2", "v")
        assert MARKUP in await walk.filtered("[/foo][red]")
        await walk.press("enter", "w", "t", *"[/foo][red]")
        assert "not a time" in await walk.press("enter")
        await walk.press("escape", "O", "escape", "1", "asterisk", "R")
        await walk.until("[ Close ]")
        await walk.press("y", "escape", "u", "a")
        assert MARKUP in await walk.until("Actions", MARKUP)


def log_of_actions(path: Path) -> None:
    """Three lines that somebody else has written there."""
    line = {
        "at": time.time(),
        "host": hostile.EVIL,
        "instance": f"/etc/{hostile.EVIL}.conf",
        "action": hostile.EVIL,
        "result": hostile.EVIL,
        "user": hostile.EVIL,
        "command": hostile.EVIL,
        "verdict": hostile.EVIL,
    }
    path.write_bytes(
        json.dumps(line).encode() + b"\n" + hostile.RAW + b"\n" + json.dumps(line).encode() + b"\n"
    )


@SIZE
async def test_news_the_past_and_the_greeting(world: HostileWorld, size: tuple[int, int]) -> None:
    """What changed just now, a service's page that tells it, and somebody who was never here."""
    world.tick(60)
    for seconds in (1, 2):
        detail = printable(hostile.RAW)
        world.probed(Handshake("127.0.0.1:8443", Verdict.REFUSED, Depth.HANDSHAKE, detail, "tls"), 0)
        world.tick(seconds)
    app = TuimonApp(world.runtime, world.store.settings, greets=True)
    async with app.run_test(size=size, notifications=True) as pilot:
        walk = Walk(app, pilot)
        assert "welcome:" in await walk.press()
        await walk.press("g", "colon", *"service web[", "enter")
        page = await walk.page()
        assert "What happened" in page
        assert MARKUP in page


async def test_what_was_looked_for_comes_back_as_text(world: HostileWorld) -> None:
    """A filter made of markup is kept, recalled and gone to, on each pane."""
    app = world.app()
    async with app.run_test(size=(60, 20), notifications=True) as pilot:
        walk = Walk(app, pilot)
        for pane in "123":
            await walk.press(pane)
            await walk.filtered(MARKUP)
            await walk.press("escape", "n", "N")
            assert MARKUP in (await walk.press("slash"))
            await walk.press("enter", "escape")


async def test_the_clipboard_gets_no_control_character(world: HostileWorld, here: Path) -> None:
    """Rows, marked rows, pages, lines, PEM, fingerprint, command: whatever is copied can be pasted."""
    app = world.app()
    copied = []
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        walk = Walk(app, pilot)
        for keys in (["y"], ["asterisk", "y"], ["u", "Y"], ["enter", "y"], ["escape", "2", "y"]):
            await walk.press(*keys)
            copied.append(app.clipboard)
        for key in ["y", "Y", "f", "O"]:
            await walk.press("3", key)
            copied.append(app.clipboard)
        await walk.press("enter", "y")
        copied.append(app.clipboard)
    assert len(set(copied)) > 7
    assert sum(MARKUP in each for each in copied) > 4
    for each in copied:
        assert_plain(each)


async def test_what_is_saved_is_text_for_its_owner(world: HostileWorld, here: Path) -> None:
    """Tables as CSV and JSON, rows, pages, lines, bundles: no control character, no formula."""
    app = world.app()
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        walk = Walk(app, pilot)
        for pane in "13":
            await walk.press(pane)
            for form in ("csv", "json"):
                await walk.press("X")
                await walk.take(form)
        await walk.press("1", "g", "S", "b", "enter", "S", "b", "escape", "2", "S")
        deadline = time.monotonic() + PATIENCE
        while len(list(here.iterdir())) < 9:
            assert time.monotonic() < deadline
            await pilot.pause()
    suffixes = sorted(file.suffix for file in here.iterdir())
    assert suffixes == [".csv", ".csv", ".json", ".json", ".md", ".md", ".txt", ".txt", ".txt"]
    for file in here.iterdir():
        assert file.stat().st_mode & 0o777 == 0o600
        assert file.name.isascii()
        text = file.read_text(encoding="utf-8")
        assert_plain(text)
        assert MARKUP in text, file.name
        if file.suffix == ".json":
            assert json.loads(text)
        if file.suffix == ".csv":
            cells = [cell for line in csv.reader(io.StringIO(text)) for cell in line]
            assert not [cell for cell in cells if cell.startswith(("=", "+", "@", "\t")) or cell[:1] == "-"]


@pytest.mark.pty
def test_a_real_terminal_gets_nothing_of_a_stranger_on_the_rarer_ways(tmp_path: Path) -> None:
    """Older and packed lines, connections, a time, a refused start, the palette; an arrangement not ours."""
    folder = on_disk(tmp_path / "etc")
    yesterday = time.strftime("%Y.%m.%d %H:%M:%S", time.localtime(time.time() - 90000)).encode()
    older = b"\n".join(hostile.log(yesterday, b"yesterday" + hostile.RAW)) + b"\n"
    (folder / "evil.log.1").write_bytes(older)
    (folder / "evil.log.2.gz").write_bytes(gzip.compress(older.replace(b"yesterday", b"longago")))
    state = tmp_path / "state/tuimon"
    state.mkdir(parents=True)
    kept = {"recall": f"recalled{hostile.EVIL}"}
    arranged = {"services": kept, "log": kept, "pane": hostile.EVIL}
    (state / "view.json").write_text(json.dumps(arranged))
    log_of_actions(state / "actions.jsonl")
    environment = {"XDG_STATE_HOME": str(tmp_path / "state")}
    with Terminal(str(folder), environment=environment, as_left=True, cwd=tmp_path) as terminal:
        terminal.sees("DOWN")
        terminal.press("/")
        terminal.sees(f"^ recalled{re.escape(hostile.SHOWN)}")
        terminal.press("esc")
        terminal.until(lambda: not terminal.line("^ recalled"))
        terminal.press("2")
        terminal.sees("following", "Configuration successful")
        terminal.press("O")
        terminal.sees("older lines|nothing older|longago|yesterday")
        terminal.press("g")
        terminal.sees("longago.*accepted|yesterday.*accepted")
        terminal.press("v")
        terminal.sees("connections ─ all", re.escape(MARKUP))
        terminal.press("1", "s")
        terminal.sees(r"\[ Close \]", rf"REFUSED .*{re.escape(MARKUP)}")
        terminal.press("enter")
        terminal.until(lambda: not terminal.line("REFUSED"))
        terminal.press("a")
        terminal.sees("Actions", re.escape(MARKUP))
        terminal.press("q")
        assert terminal.ended() == 0
        assert_harmless(terminal.raw)


async def test_what_is_pasted_into_a_line_is_text(world: HostileWorld) -> None:
    """Into a filter, the palette and a time: it is shown and looked for, and does nothing."""
    app = world.app()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        walk = Walk(app, pilot)
        for keys in (["slash"], ["enter", "escape", "colon"], ["escape", "2", "t"]):
            await walk.press(*keys)
            app.post_message(Paste(hostile.EVIL))
            assert MARKUP + "\ufffd" in await walk.until(MARKUP)
