"""How the screen is arranged outlasts it, in a real terminal; and nothing that was kept can do harm."""

import json
import time
from pathlib import Path

import pytest
from rich.text import Text

from tests.facts import HOST
from tests.fixtures import Pki
from tests.ui.fed import FedWorld
from tests.ui.terminal import Terminal
from tuimon.events import LogAppended
from tuimon.parse.stunnel_connections import LogReader
from tuimon.ui import view
from tuimon.ui.filtering import Filter
from tuimon.ui.moments import moment
from tuimon.ui.palette import Palette
from tuimon.ui.screens.log import LogScreen
from tuimon.ui.sheets import Sheet

GATEWAY = "tests.ui.gateway"


@pytest.fixture
def state(tmp_path: Path) -> dict[str, str]:
    """A state folder of its own, not the first visit to it."""
    (tmp_path / "tuimon").mkdir()
    return {"XDG_STATE_HOME": str(tmp_path), "TZ": "UTC"}


@pytest.mark.pty
def test_filter_order_columns_zoom_and_marks_are_as_they_were_left(state: dict[str, str]) -> None:
    """Left with q, and come back to."""
    with Terminal(module=GATEWAY, size=(120, 36), environment=state) as terminal:
        terminal.sees(r"DOWN pgsql-eu", r"─ log ─")
        terminal.press(" ", "+", "z", ">")
        terminal.until(lambda: not terminal.line("─ log ─"))
        terminal.sees(r"SERVICE▲", r"^\*. DOWN pgsql-eu|^\*✖ DOWN pgsql-eu", "5 hidden")
        terminal.press("c")
        terminal.sees("columns", r"\[x\] SESS", r"\[ \] SINCE")
        terminal.press(*"jjjj", " ", "enter")  # SESS goes
        terminal.until(lambda: not terminal.line(r"STATE.*SESS|╭─ columns"))
        terminal.press("/", *"edi", "enter")
        terminal.sees("7 hidden, 1 of them down or critical")
        terminal.press("q")
        assert terminal.ended() == 0
    with Terminal(module=GATEWAY, size=(120, 36), environment=state, as_left=True) as terminal:
        terminal.sees("7 hidden, 1 of them down or critical", r"SERVICE▲", r"CRIT edi-in")
        assert not terminal.line("─ log ─")
        assert not terminal.line(r"STATE.*SESS")
        terminal.press("esc")
        terminal.sees(r"^\*✖ DOWN pgsql-eu")


@pytest.mark.pty
def test_slash_recalls_what_was_looked_for_and_n_goes_to_it(state: dict[str, str]) -> None:
    """After esc everything is shown again, and the words are not forgotten."""
    with Terminal(module=GATEWAY, size=(120, 36), environment=state) as terminal:
        terminal.sees(r"DOWN pgsql-eu")
        terminal.press("/", *"warehouse", "enter")
        terminal.sees("7 hidden")
        terminal.press("esc")
        terminal.until(lambda: not terminal.line("hidden"))
        terminal.press("n")
        terminal.sees(r"^ postgresql-warehouse-west-2-reporting ")
        terminal.press("/", "enter")
        terminal.sees("7 hidden")


@pytest.mark.pty
def test_the_palette_goes_anywhere(state: dict[str, str]) -> None:
    """A service, a certificate, an action: words in any order, and enter."""
    with Terminal(module=GATEWAY, size=(80, 24), environment=state) as terminal:
        terminal.sees(r"DOWN pgsql-eu")
        terminal.press(":", *"redis serv")  # however fast
        terminal.sees(r"^│ +go to service redis  web.conf")
        terminal.press("enter")
        terminal.sees(r"^ +redis ─+", "Layers")
        terminal.press(":", *"ldap-old cert")
        terminal.sees(r"^│ +go to certificate ldap-old")
        terminal.press("enter")
        terminal.sees(r"^ +ldap-old ─+", "Names")
        terminal.press(":", *"log merged", "enter")  # in one burst: the first line of all is another
        terminal.sees(r"─ log ─ all ─ following")


def to_connections(terminal: Terminal) -> None:
    """From the first screen to the log, put together to connections."""
    terminal.sees(r"DOWN pgsql-eu")
    terminal.press("2")
    terminal.sees(r"─ log ─ all ─ following")
    terminal.press("v")
    terminal.sees("─ 4 connections")


@pytest.mark.pty
def test_the_log_as_connections_and_back_to_the_lines_of_one(state: dict[str, str]) -> None:
    """`v`, a connection, enter; `t` goes to a time and says what is none."""
    with Terminal(module=GATEWAY, size=(120, 36), environment=state) as terminal:
        to_connections(terminal)
        terminal.sees(
            r"─ connections ─ all ─ open, then last ended ─ 4 connections",
            r"03:12:16 pgsql-eu +10\.0\.0\.7:40114 +reset +2 .* 10\.1\.4\.7:5432 +.*refused",
            r"03:12:04 ldap +10\.0\.0\.12:33018 +closed +2 +ok +901 +4.02k",
        )
        terminal.press("/", *"pgsql", "enter")
        terminal.sees("─ 2 connections")
        for back in ("esc", "v"):
            terminal.press("j", "enter")
            terminal.sees(r"#88 accepted 10\.0\.0\.7:40112", r"\d lines? hidden")
            assert not terminal.line("#89")
            terminal.press(back)
            terminal.sees("─ 2 connections")
        terminal.press("enter")  # the cursor is where it was
        terminal.sees(r"#88 accepted 10\.0\.0\.7:40112", r"\d lines? hidden")
        terminal.press("/", *"ldap", "enter")  # from another filter there is no way back to the list
        terminal.sees("#89 accepted", "─ 12 lines hidden")
        terminal.until(lambda: not terminal.line("#90"))  # painted to its end: escape is heard by itself then
        terminal.press("esc")
        terminal.sees("#89 accepted", "#90 accepted")
        terminal.press("t")
        terminal.sees("go to a time")
        terminal.press(*"soon", "enter")
        terminal.sees("not a time")
        terminal.press("esc")
        terminal.until(lambda: not terminal.line("not a time"))
        terminal.press("t", *"3:12:04")
        terminal.sees(r"│ +3:12:04 ")
        terminal.press("enter")
        terminal.sees("standing still")


@pytest.mark.pty
def test_what_is_filtered_for_behind_a_connection_is_not_lost(state: dict[str, str]) -> None:
    """Enter on a connection and another filter in one packet: the last word counts."""
    with Terminal(module=GATEWAY, size=(120, 36), environment=state) as terminal:
        to_connections(terminal)
        terminal.press("\r/ldap\r")
        terminal.sees("#89 accepted", "─ 12 lines hidden")


@pytest.mark.pty
@pytest.mark.parametrize("size", [(39, 9), (20, 5), (3, 1), (1, 1)], ids=lambda size: f"{size[0]}x{size[1]}")
def test_a_terminal_of_no_size_tells_the_worst(size: tuple[int, int], state: dict[str, str]) -> None:
    """As much of it as there is room for; nothing breaks."""
    with Terminal(module=GATEWAY, size=size, environment=state) as terminal:
        if size[1] > 4:
            terminal.sees("DOWN pgsql-eu")
        terminal.press("2", "3", "1", "j", "q")
        assert terminal.ended() == 0


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b'{"services": 3}', b"\xff" * 4000, b'{"marks": [{"host": 1}]}', b"[" * 9999],
)
def test_a_file_that_is_broken_is_as_good_as_none(content: bytes, tmp_path: Path) -> None:
    """Whoever wrote it."""
    (tmp_path / "view.json").write_bytes(content)
    assert view.load(str(tmp_path / "view.json")) == view.View()


def test_what_is_kept_is_read_again_and_nobody_elses(tmp_path: Path) -> None:
    """0600, whole or not at all; a folder that cannot be written is let be."""
    arranged = view.View()
    arranged.services.filter, arranged.reading.level = "edi", 4
    path = tmp_path / "tuimon" / "view.json"
    view.save(str(path), arranged)
    assert view.load(str(path)) == arranged
    assert path.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in path.parent.iterdir()] == ["view.json"]
    view.save("/proc/nowhere/view.json", arranged)


@pytest.mark.parametrize(
    ("typed", "text", "passes"),
    [
        ("", "anything", True),
        ("edi 443", "0.0.0.0:443 EDI-in", True),
        ("edi 443", "edi-in :8443x44", True),
        ("edi 80", "edi-in :8443", False),
        ("!edi", "edi-in", False),
        ("down !edi", "DOWN pgsql", True),
        ("down !edi", "DOWN edi", False),
        ("!", "anything", True),
        ("[/x]", "name[/x]", True),
        ("#13", "web #13 accepted", True),
        ("#13", "web #134 accepted", False),
        ("#13", "web #134 after #13", True),
        ("!#13", "web #134 accepted", True),
        ("!#13", "web #13: accepted", False),
        ("13", "web #134 accepted", True),
    ],
)
def test_words_in_any_order(typed: str, text: str, *, passes: bool) -> None:
    """Case does not matter, nothing is special but the first `!` of a word and a connection's number."""
    assert Filter(typed).passes(text) is passes


def test_of_a_number_no_part_stands_out() -> None:
    """Nor is a word anything but itself."""
    marked = Filter("#13 a.c").highlight(Text("#134 #13 abc A.C"), Palette(match="bold"))
    assert [marked.plain[each.start : each.end] for each in marked.spans] == ["#13", "A.C"]
    assert marked.spans[0].start == 5


NOW = 1_795_662_760.0  # 2026-11-26 03:12:40 UTC


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("03:12", "2026-11-26 03:12:00"),
        ("3:12:30", "2026-11-26 03:12:30"),
        ("23:50", "2026-11-25 23:50:00"),
        ("yesterday 22:00", "2026-11-25 22:00:00"),
        ("yesterday", "2026-11-25 00:00:00"),
        ("25 nov 03:00", "2026-11-25 03:00:00"),
        ("30 Nov", "2025-11-30 00:00:00"),
        ("2026-11-25 03:00", "2026-11-25 03:00:00"),
        ("-15m", "2026-11-26 02:57:40"),
        ("soon", ""),
        ("25:00", ""),
        ("3:99", ""),
        ("31 feb 3:00", ""),
        ("", ""),
    ],
)
def test_times_as_people_type_them(typed: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not a time is none; the nearest such time before now is meant."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    found = moment(typed, NOW)
    assert (time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(found)) if found is not None else "") == said


def test_a_table_for_other_programs_holds_no_formula() -> None:
    """CSV has plain cells and an apostrophe before what a spreadsheet would run; JSON has everything."""
    whole = [{"name": "=HYPERLINK(1)", "san": ["a", "b"], "days_left": -2.0, "deep": {"x": 1}, "none": None}]
    sheet = Sheet("certificates", [{"to_do": "renew"}], whole)
    assert sheet.csv().splitlines() == ["to_do,name,san,days_left,none", "renew,'=HYPERLINK(1),a b,-2.0,"]
    assert json.loads(sheet.json()) == whole


@pytest.mark.pty
def test_the_log_of_one_service_is_one_key_away(state: dict[str, str]) -> None:
    """From its row and from its details; `esc` leads back, and `2` shows all again."""
    with Terminal(module=GATEWAY, size=(80, 24), environment=state) as terminal:
        terminal.sees(r"DOWN pgsql-eu")
        terminal.press("L")
        terminal.sees(r"─ log ─ pgsql-eu ─ following", r"pgsql-eu +#88 accepted")
        terminal.until(lambda: not terminal.line(r" ldap "))
        terminal.press("esc")
        terminal.sees(r"DOWN pgsql-eu", r"STATE")
        terminal.press("2")
        terminal.sees(r"─ log ─ all ─ following", r" ldap +#89 accepted")
        terminal.press("1", "enter")
        terminal.sees(r"^ +pgsql-eu ─+ services", "Layers")
        terminal.press("L")
        terminal.sees(r"─ log ─ pgsql-eu ─ following")
        terminal.press("2")
        terminal.sees(r"─ log ─ all ─ following")


@pytest.mark.timeout(60)
async def test_the_next_error_is_none_that_every_sound_service_has(pki: Pki) -> None:
    """Back over all errors, the gravest level too, to the first; the noise of a start is none."""
    world = FedWorld(pki)
    world.healthy()
    noise = "No trusted certificates found"
    told = ((noise, 3), ("Binding failed", 3), (noise, 3), ("all is lost", 0), ("beware", 4), (noise, 3))
    world.log(*(world.line(words, level=level) for words, level in told))
    app = world.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("2")
        await pilot.pause()
        assert isinstance(app.screen, LogScreen)
        feed = app.screen.feed
        found = []
        while feed.next_error(-1):
            assert feed.here is not None
            found.append(feed.here.record.message)
        assert found == ["all is lost", "Binding failed"]


@pytest.mark.timeout(60)
async def test_the_next_error_is_the_next_from_what_is_seen(pki: Pki) -> None:
    """At the end there is none ahead; above, the one below what is on the screen."""
    world = FedWorld(pki)
    world.healthy()
    for number in range(200):
        world.log(
            world.line(f"trouble {number}", level=3) if number % 50 == 9 else world.line(f"fine {number}")
        )
    world.log(*[world.line(f"sound {number}") for number in range(40)])
    app = world.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("2")
        await pilot.pause()
        assert isinstance(app.screen, LogScreen)
        feed = app.screen.feed
        assert not feed.next_error(1)
        feed.view.action_start()
        await pilot.pause()
        found = []
        for step in (1, 1, -1):
            assert feed.next_error(step)
            await pilot.pause()
            assert feed.here is not None
            found.append(feed.here.record.message)
        assert found == ["trouble 9", "trouble 59", "trouble 9"]
        feed.view.action_end()
        await pilot.pause()
        assert feed.next_error(-1)
        assert feed.here is not None
        assert feed.here.record.message == "trouble 159"


@pytest.mark.timeout(60)
async def test_the_lines_of_one_connection_are_of_its_log_alone(pki: Pki) -> None:
    """Another process has the same id; back in the list, and with another filter, both logs are there."""
    world = FedWorld(pki)
    world.healthy()
    accepted = "Service [web] accepted connection from 10.0.0.9:4000"
    world.log(world.line(f"{accepted}1", log_id="7", at=world.now - 9))
    other = LogReader().feed([world.line(f"{accepted}2", log_id="7")])
    world.tell(LogAppended(HOST, "/var/log/other.log", tuple(other)))
    app = world.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("2", "v")
        screen = app.screen
        assert isinstance(screen, LogScreen)

        def shown() -> list[str]:
            return [each.line.record.peer[-1] for each in screen.feed.view.items if each.line]

        await pilot.press("enter")
        assert shown() == ["2"]
        await pilot.press("escape", "j", "enter")
        assert shown() == ["1"]
        await pilot.press("slash", *"accepted", "enter")
        assert shown() == ["1", "2"]
