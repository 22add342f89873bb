"""The past on the screen: pictures, words, the first screen, the page of a service, and a real terminal."""

import os
import re
import signal
import subprocess
import time

import pytest
from msgspec.structs import replace
from rich.text import Text

from tests.facts import SECTIONS
from tests.fixtures import Pki
from tests.ui import hostile
from tests.ui.fed import FedWorld
from tests.ui.painted import painted
from tests.ui.terminal import Terminal
from tuimon.demo.fleet import find_stunnel, start_fleet
from tuimon.diagnose.finding import Finding, Severity, State
from tuimon.model.endpoint import Socket, SocketState
from tuimon.model.handshake import Handshake, Verdict
from tuimon.model.process import SocketTable
from tuimon.settings import Settings
from tuimon.store import Change
from tuimon.ui import past_words, service_page
from tuimon.ui.document import Document
from tuimon.ui.palette import Palette
from tuimon.ui.pictures import columns, most_of, spark, waterfall

SIZES = [(120, 36), (80, 24), (60, 20)]
PLAIN = Palette()
ASCII = Palette(ascii=True)


class Story(FedWorld):
    """One server service with a past; its day began at noon, so that no test meets midnight."""

    def __init__(self, pki: Pki, sections: str = SECTIONS, settings: Settings | None = None) -> None:
        super().__init__(pki, sections, settings)
        today = time.localtime(self.now)
        self.now = time.mktime((*today[:3], 12, 0, 0, *today[6:]))
        self.started = self.now - 3600
        self.process = replace(self.process, id=self.process.id._replace(started=self.started))

    def took(self, milliseconds: float) -> Handshake:
        return Handshake(
            "127.0.0.1:8443",
            Verdict.OK,
            connect_ms=milliseconds / 8,
            first_byte_ms=milliseconds / 2,
            flight_ms=milliseconds * 3 / 4,
            handshake_ms=milliseconds,
            chain=(self.certificate("server"),),
        )

    def crowd(self, count: int) -> None:
        busy = (
            Socket(SocketState.ESTABLISHED, "127.0.0.1", 8443, "10.0.0.9", 40000 + index, 0, 100 + index)
            for index in range(count)
        )
        self.sockets(SocketTable(listening=self.listening().listening, established=tuple(busy)))

    def fall(self) -> None:
        self.processes()
        self.sockets(SocketTable())

    def rise(self) -> None:
        self.processes(self.process)
        self.sockets()
        self.probed(self.took(4.0))

    def outage(self, seconds: float, after: float = 60.0) -> None:
        self.tick(after)
        self.fall()
        self.tick(seconds)
        self.rise()

    def page(self, width: int = 80, palette: Palette = PLAIN) -> str:
        store, key = self.store, self.key()
        document = Document(palette, width, now=store.now, settings=store.settings)
        chronicle = store.logbook.chronicle
        return service_page.page(document, self.row(), [], store.past(key), chronicle).plain


@pytest.fixture
def story(pki: Pki) -> Story:
    world = Story(pki)
    world.healthy()
    return world


def section(page: str, title: str) -> list[str]:
    """The lines of one section."""
    found = re.search(rf"^{title} ─+\n(.*?)(?:\n\n|\Z)", page, re.MULTILINE | re.DOTALL)
    return found[1].splitlines() if found else []


# -- pictures -----------------------------------------------------------------------------------


def test_a_sparkline_starts_at_zero() -> None:
    """Twice as much looks twice as high; only nothing is lowest; a failure has its own sign."""
    assert spark([0, 2, 4, 8, None], PLAIN, gap="✖").plain == "▁▄▅█✖"
    assert spark([0, 0.01, 100], PLAIN).plain == "▁▂█"
    assert spark([4, 2, 0, None], ASCII, gap="✖").plain == "#=_x"
    assert spark([1, 2], PLAIN, least=8).plain != spark([1, 2], PLAIN).plain
    assert spark([], PLAIN).plain == ""


def test_columns_are_higher_where_more_is() -> None:
    """Three rows, the foot last; whatever there was at all is seen at the foot."""
    assert [line.plain for line in columns([3, 1.5, 0.01, None], 3, PLAIN)] == ["█   ", "█▄  ", "██▁✖"]
    assert [line.plain for line in columns([2, 1], 2, ASCII)] == ["# ", "##"]


def test_a_waterfall_goes_on_where_it_ended() -> None:
    """Each time begins where the one before it ended, and has a cell at least."""
    assert [line.plain for line in waterfall([1, 5, 5, 10], 10, PLAIN)] == [
        "━",
        " ━━━━",
        "     ━",
        "     ━━━━━",
    ]


def test_the_most_of_each_share_is_kept() -> None:
    """A peak is never averaged away, and what nobody saw stays unseen."""
    assert most_of([None, None, 1, 9, 0, None], 3) == [None, 9, 0]


@pytest.mark.parametrize(
    ("milliseconds", "said"),
    [
        (0.04, "0.0 ms"),
        (9.94, "9.9 ms"),
        (9.96, "10 ms"),
        (999.4, "999 ms"),
        (999.6, "1.0 s"),
        (12000, "12 s"),
    ],
)
def test_a_time_has_at_most_six_cells(milliseconds: float, said: str) -> None:
    """And keeps its unit."""
    assert past_words.millis(milliseconds) == said
    assert len(said) <= 6


# -- words --------------------------------------------------------------------------------------


def test_how_often_is_said_with_since_when_it_was_looked(story: Story) -> None:
    """Nothing of what has been once; ordinals of what is down; nothing that nobody saw."""
    past = story.store.past(story.key())
    assert past_words.often(past, story.now) == ""
    story.outage(40)
    assert past_words.often(past, story.now) == "down once since 12:00"
    story.tick(60)
    story.fall()
    assert past_words.often(past, story.now) == "2nd time since 12:00"
    for _ in range(9):
        story.rise()
        story.tick(60)
        story.fall()
    assert past_words.often(past, story.now) == "11th time since 12:00"
    story.tick(90000)
    assert past_words.often(past, story.now) == "", "the others are more than a day ago"


@pytest.mark.parametrize(
    ("cause", "said"),
    [
        ("stunnel is not running", " since 12:01"),
        ("connect 10.1.4.7:5432 refused", " since 12:01"),
        ("ca.pem changed just now, not loaded: reload", " (since 12:01)"),
        ("connect 10.1.4.7:5432 refused since 11:59", ""),
    ],
)
def test_since_when_is_said_so_that_it_reads(story: Story, cause: str, said: str) -> None:
    """Nobody reloads since a minute past twelve."""
    story.tick(60)
    story.fall()
    row = replace(story.row(), findings=(Finding("down", Severity.CRITICAL, cause, down=True),))
    assert past_words.since(row, story.now) == said


def test_what_came_back_says_so_for_an_hour(story: Story) -> None:
    """How long it was away and why; later the row is as quiet as before."""
    past = story.store.past(story.key())
    story.outage(200)
    assert past_words.back(past, story.now) == "was down for 3 min until 12:04: stunnel is not running"
    story.outage(10)
    twice = "was down twice since 12:00, last until 12:05: stunnel is not running"
    assert past_words.back(past, story.now) == twice
    story.tick(past_words.HOUR + 1)
    assert past_words.back(past, story.now) == ""


def test_the_news_are_on_one_line_newest_first(story: Story) -> None:
    """Several services that fall together are one piece of news; what does not fit is left out."""
    story.outage(40)
    changes = story.store.changes(0.0)
    wide = past_words.happened(changes, 200, story.now, PLAIN).plain
    assert wide == "12:01 ● web OK · 12:01 ✖ web DOWN stunnel is not running"
    assert past_words.happened(changes, 30, story.now, PLAIN).plain == "12:01 ● web OK"
    twice = [*changes, *((row, change) for row, change in changes)]
    assert "web +1 DOWN" in past_words.happened(twice, 200, story.now, PLAIN).plain
    assert past_words.happened([], 80, story.now, PLAIN) == Text()


# -- the first screen ---------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_the_first_screen_says_what_happened_just_now(story: Story, size: tuple[int, int]) -> None:
    """In the row, in full beneath the table, and as news of the fleet; nothing of it before."""
    app = story.app()
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        assert not any("12:00 " in line or "was down" in line for line in painted(app))
        story.tick(60)
        story.fall()
        await pilot.pause()
        lines = painted(app)
        assert any(re.search(r"DOWN web +stunnel is not running since 12:01", line) for line in lines)
        assert any(line.startswith(" 12:01 ✖ web DOWN stunnel is not running") for line in lines)
        story.tick(40)
        story.rise()
        await pilot.pause()
        text = " ".join(" ".join(painted(app)).split())
        assert "web was down for 40 s until 12:01: stunnel is not running" in text
        assert "12:01 ● web OK · 12:01 ✖ web DOWN" in text


@pytest.mark.parametrize(("width", "shown"), [(160, True), (149, False)])
async def test_a_wide_terminal_shows_the_columns_of_the_past(story: Story, width: int, shown: bool) -> None:
    """Handshakes and sessions as sparklines, and since when; elsewhere the reason has the room."""
    app = story.app()
    story.tick(30)
    story.probed(story.took(1.0))
    story.tick(30)
    story.crowd(8)
    async with app.run_test(size=(width, 30)) as pilot:
        await pilot.pause()
        lines = painted(app)
        row = next(line for line in lines if " web " in line)
        assert ("SINCE" in lines[1] and "HANDSHAKE" in lines[1] and "SESSIONS 1 H" in lines[1]) == shown
        assert bool(re.search(r"1\.0 ms {7}█▅", row)) == shown
        assert ("▁█" in row or " █ " in row) == shown


async def test_columns_of_the_past_that_were_chosen_are_shown(pki: Pki) -> None:
    """On any terminal: who chose them has given up others."""
    story = Story(pki, settings=Settings(columns=("state", "service", "since", "hs")))
    story.healthy()
    story.outage(40)
    app = story.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        row = next(line for line in painted(app) if "OK   web" in line)
        assert re.search(r"web +12:01 +4\.0 ms {7}▅█", row), row


def test_what_happened_close_together_keeps_its_order(story: Story) -> None:
    """Within seconds, whatever the states are called."""
    (row,) = story.store.rows()
    down = Change(story.now - 1, State.OK, State.DOWN, "it is gone", meant=False)
    back = Change(story.now, State.DOWN, State.OK, "", meant=False)
    line = past_words.happened([(row, down), (row, back)], 80, story.now, PLAIN).plain
    assert re.findall(r"OK|DOWN", line) == ["OK", "DOWN"]


def test_what_went_down_because_it_was_meant_to_is_told_by_what_became_of_it(story: Story) -> None:
    """Nobody who has stopped a service is told in red that it is down."""
    (row,) = story.store.rows()
    stopping = Change(story.now - 1, State.OK, State.DOWN, "stopping, by root", meant=True)
    off = Change(story.now, State.DOWN, State.OFF, "stopped at 12:00 by root", meant=False)
    line = past_words.happened([(row, stopping), (row, off)], 80, story.now, PLAIN).plain
    assert line == "12:00 ○ web OFF stopped at 12:00 by root"


# -- the page -----------------------------------------------------------------------------------


def test_the_page_tells_what_happened_with_the_logs_own_words(story: Story) -> None:
    """Changes that were seen and what the log says of the process, the newest first."""
    assert section(story.page(), "What happened") == [
        "no change since 12:00, the first look",
        "11:00:00  log     configuration loaded",
    ]
    story.tick(60)
    story.log(story.line("Terminated", log_id="main"))
    story.tick(1)
    story.fall()
    story.tick(40)
    story.log(
        story.line("stunnel 5.72 on x86_64-pc-linux-gnu platform"), story.line("Configuration successful")
    )
    story.tick(1)
    story.rise()
    page = story.page()
    assert section(page, "What happened") == [
        "down once since 12:00",
        "12:01:42  ● OK    after 41 s",
        "12:01:41  log     stunnel started: stunnel 5.72",
        "12:01:01  ✖ DOWN  stunnel is not running, ended at 12:01",
        "12:01:00  log     stunnel ended",
        "12:00:00  ● OK    so at the first look",
        "11:00:00  log     configuration loaded",
    ]
    assert "● OK  since 12:01  proved by a handshake at 12:01:42" in page


def test_what_happened_within_a_second_is_the_newest_first_too(story: Story) -> None:
    """A restart: the log has the end before the start, though both have one time."""
    story.tick(60)
    story.log(
        story.line("Terminated", log_id="main"), story.line("stunnel 5.72 on x86_64-pc-linux-gnu platform")
    )
    assert [line.split("log")[-1].strip() for line in section(story.page(), "What happened")][-3:] == [
        "stunnel started: stunnel 5.72",
        "stunnel ended",
        "configuration loaded",
    ]


def test_the_log_tells_of_a_target_that_was_away_before(pki: Pki) -> None:
    """What nobody watched is the log's word, and said to be; what was watched is not told twice."""
    world = Story(pki)
    world.healthy()
    told = (
        ("Service [web] accepted connection from 10.0.0.9:40000", "0", 7200),
        ("s_connect: connect 127.0.0.1:8080: Connection refused (111)", "0", 7200),
        ("No more addresses to connect", "0", 7200),
        ("Service [web] accepted connection from 10.0.0.9:40001", "1", 3600),
        ("s_connect: connected 127.0.0.1:8080", "1", 3600),
        ("Service [web] connected remote server from 127.0.0.1:40002", "1", 3600),
    )
    world.log(*(world.line(words, log_id=which, at=world.now - ago) for words, which, ago in told))
    refused = "s_connect: connect 127.0.0.1:8080: Connection refused (111)"
    said = f"10:00:00  log     target away for 60 min: {refused}"
    assert said in " ".join(section(world.page(width=140), "What happened"))
    world.tick(60)
    world.log(
        *(world.line(words, log_id=f"{which}1", at=world.now + 30 * int(which)) for words, which, _ in told)
    )
    assert " ".join(section(world.page(width=140), "What happened")).count("target away") == 1


def test_the_page_draws_the_times_of_handshakes(story: Story) -> None:
    """The last one as a waterfall, the last ones as columns with the least, the median and the most."""
    for milliseconds in (8.0, 4.0):
        story.tick(300)
        story.probed(story.took(milliseconds))
    story.tick(300)
    story.probed(story.bad(Verdict.TIMEOUT, "tls", "no answer"))
    story.tick(300)
    story.probed(story.took(4.0))
    lines = section(story.page(), "Handshake")
    at = next(index for index, line in enumerate(lines) if line.startswith("connect "))
    assert lines[at : at + 8] == [
        "connect           0.5 ms  ━━━━━━",
        "first byte        2.0 ms        ━━━━━━━━━━━━━━━━━━",
        "end of flight     3.0 ms                          ━━━━━━━━━━━━",
        "finished          4.0 ms                                      ━━━━━━━━━━━━",
        "last handshakes  █     8.0 ms most",
        "                 █▄ ▄  4.0 ms median",
        "                ▆██✖█  2.0 ms least",
        "                5 since 12:00, 1 failed",
    ]


def test_the_page_counts_sessions_over_the_hour(story: Story) -> None:
    """Now, a sparkline, and when there were most; nothing before the first look."""
    for count in (2, 9, 4):
        story.crowd(count)
        story.tick(120)
    (line,) = (line for line in section(story.page(), "Layers") if line.startswith("sessions"))
    assert re.fullmatch(r"sessions {8}4 now  [▁-█]{3,4}  most 9 at 12:02", line), line


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("ascii_only", [False, True], ids=["signs", "ascii"])
async def test_the_page_fits_and_follows(pki: Pki, size: tuple[int, int], ascii_only: bool) -> None:
    """On each terminal; a change is on the page as soon as it is seen."""
    story = Story(pki, settings=Settings(ascii=ascii_only))
    story.healthy()
    app = story.app()
    async with app.run_test(size=size) as pilot:
        await pilot.press("enter")
        await pilot.pause()
        story.outage(40)
        await pilot.pause()
        seen: list[str] = []
        page = app.screen.query_one("#page")
        for top in range(0, page.max_scroll_y + 1, page.size.height):
            page.scroll_to(y=top, animate=False, immediate=True)
            await pilot.pause()
            seen += painted(app)  # fails where a line is not as wide as the terminal
        text = "\n".join(seen)
        assert re.search(r"12:01:40 +[●*] OK +after 40 s", text)
        assert re.search(r"12:01:00 +[✖x] DOWN +stunnel is not running", text)
        assert not ascii_only or text.isascii()


async def test_hostile_words_do_nothing_in_the_past(pki: Pki) -> None:
    """Names of services, causes and log lines of strangers in rows, news and on the page."""
    name = f"web{hostile.MARKUP}"
    world = Story(
        pki, f"[{name}]\naccept = 127.0.0.1:8443\nconnect = 127.0.0.1:8080\ncert = {{pki}}/server.pem\n"
    )
    world.healthy()
    world.outage(40)
    world.log(
        world.line("Failed to reload the configuration file ").replace(b"\n", b"") + hostile.RAW, first=True
    )
    app = world.app()
    async with app.run_test(size=(160, 60)) as pilot:
        await pilot.pause()
        text = "\n".join(painted(app))
        assert f"12:01 ✖ {name} " in text
        await pilot.press("enter")
        await pilot.pause()
        page = "\n".join(painted(app))
        assert hostile.SHOWN[:20] in page
        assert f"{name} ─" in page


# -- a real terminal ----------------------------------------------------------------------------


@pytest.mark.pty
def test_a_service_that_was_killed_and_started_tells_its_story() -> None:
    """News and the row on the first screen; one key further the page, with the times of both."""
    with start_fleet() as fleet, Terminal(fleet.folder, size=(120, 44)) as terminal:
        terminal.sees(r"OK +as2 ", r"OK +cache ")
        path, pid = next(entry for entry in fleet.processes if entry[0].endswith("edi.conf"))
        os.kill(pid, signal.SIGKILL)
        terminal.sees(
            r"^ \d\d:\d\d ✖ \S+( \+1)? DOWN stunnel is not running", r"DOWN as2 .*running since \d\d:\d\d"
        )
        with subprocess.Popen([find_stunnel(), path], cwd="/") as again:
            try:
                terminal.sees(r"OK +as2 +was down for \d+ s until \d\d:\d\d")
                terminal.press("/", *"as2", "enter")
                terminal.until(lambda: not terminal.line(r"(OK|DOWN) +cache "))
                terminal.press("enter")
                terminal.sees(
                    r"What happened ─",
                    r"down once since \d\d:\d\d",
                    r"\d\d:\d\d:\d\d  ● OK +after \d+ s",
                    r"\d\d:\d\d:\d\d  ✖ DOWN  stunnel is not running",
                    r"log +stunnel started",
                )
            finally:
                again.terminate()
