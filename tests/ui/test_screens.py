"""The screens as plain text: what fits, what follows, what is counted, what is said when nothing is there."""

import re
from typing import get_args

import pytest
from textual.pilot import Pilot

from tests.facts import HOST
from tests.fixtures import Pki, eventually
from tests.ui.fed import FedWorld
from tests.ui.painted import painted
from tuimon import events
from tuimon.model.failure import Failure, Reason
from tuimon.model.handshake import Verdict
from tuimon.settings import ColumnName, Settings
from tuimon.ui.app import TuimonApp
from tuimon.ui.palette import ANSI, DARK, LIGHT, chosen
from tuimon.ui.screens.services import ServicesScreen
from tuimon.ui.service_rows import columns

SIZES = [(120, 36), (80, 24), (60, 20)]
REASON_AT_80 = 45
"""Cells that the reason has at least on a terminal of 80 columns."""

FLEET = "".join(
    f"[{name}]\naccept = 127.0.0.1:{8443 + index}\nconnect = 127.0.0.1:{9000 + index}\n"
    f"cert = {{pki}}/{cert}.pem\nkey = {{pki}}/{cert}.key\n"
    for index, (name, cert) in enumerate(
        [("alpha", "server"), ("beta", "server"), ("gamma", "expired"), ("delta", "server")]
    )
)
ALPHA, BETA, GAMMA, DELTA = range(4)
ROW = re.compile(r"^[ >]?(?:\S (DOWN|CRIT|WARN|OK)|(\?|…|~|–)) +(alpha|beta|gamma|delta)\b")


class Fleet(FedWorld):
    """Four server services: two sound, one whose certificate expired, one that refuses."""

    def __init__(self, pki: Pki, settings: Settings | None = None) -> None:
        super().__init__(pki, FLEET, settings)
        self.begin()
        self.probed(self.good(), ALPHA)
        self.break_down(BETA)
        self.probed(self.good("expired"), GAMMA)
        self.probed(self.good(), DELTA)

    def break_down(self, ordinal: int) -> None:
        alert = "a word that no alert of TLS is called, to make this a long reason"
        self.probed(self.bad(Verdict.TLS_ALERT, "tls", alert=alert), ordinal)


@pytest.fixture
def fleet(pki: Pki) -> Fleet:
    return Fleet(pki)


def sizes(function: object) -> object:
    """The test, at each size."""
    return pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")(function)


def rows(lines: list[str]) -> dict[str, str]:
    """Service to state word, in the order of the table."""
    found = (ROW.match(line) for line in lines)
    return {each[3]: each[1] or each[2] for each in found if each}


def table(app: TuimonApp) -> ServicesScreen:
    assert isinstance(app.screen, ServicesScreen)
    return app.screen


async def every_screen(app: TuimonApp, pilot: Pilot[int]) -> list[list[str]]:
    """What each screen paints: services, a service, its certificate, the log, certificates, help."""
    seen = []
    for keys in ("g", "enter", "enter", "2", "3", "question_mark"):
        await pilot.press(keys)
        await pilot.pause()
        seen.append(painted(app))  # fails where a line is not as wide as the terminal
    return seen


@sizes
async def test_every_line_is_as_wide_as_the_terminal(fleet: Fleet, size: tuple[int, int]) -> None:
    """On each screen, with as many lines as the terminal has."""
    app = fleet.app()
    async with app.run_test(size=size) as pilot:
        for lines in await every_screen(app, pilot):
            assert len(lines) == size[1]


@sizes
async def test_state_service_reason_and_certificate_are_never_dropped(
    fleet: Fleet, size: tuple[int, int]
) -> None:
    """The columns that matter; every service with its state, the worst first."""
    app = fleet.app()
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        lines = painted(app)
        header = next(line for line in lines if "SERVICE" in line)
        assert all(name in header for name in ("STATE", "WHY", "CERT"))
        assert list(rows(lines).items()) == [
            ("beta", "DOWN"),
            ("gamma", "CRIT"),
            ("alpha", "OK"),
            ("delta", "OK"),
        ]


@pytest.mark.parametrize("size", SIZES[:2])
async def test_the_reason_has_45_cells_from_80_columns_on(fleet: Fleet, size: tuple[int, int]) -> None:
    """At 80; at 120 there are more columns beside it."""
    app = fleet.app()
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        wanted = REASON_AT_80 if size[0] < 100 else 40
        line = next(line for line in painted(app) if "beta" in line)
        assert fleet.row(BETA).why[: wanted - 1] in line


@sizes
async def test_the_selected_rows_reason_stands_below_the_table(fleet: Fleet, size: tuple[int, int]) -> None:
    """Whole, where the column cuts it off."""
    app = fleet.app()
    async with app.run_test(size=size) as pilot:
        await pilot.press("g")
        await pilot.pause()
        lines = " ".join(line.strip() for line in painted(app))
        assert fleet.row(BETA).why in lines


async def test_the_cursor_follows_its_service_when_the_order_changes(fleet: Fleet) -> None:
    """What is selected stays selected, wherever it goes."""
    app = fleet.app()
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.press("G")
        await pilot.pause()
        assert table(app).table.cursor_key == fleet.key(DELTA)
        fleet.break_down(DELTA)
        await eventually(lambda: list(rows(painted(app)))[:2] == ["beta", "delta"])
        assert table(app).table.cursor_key == fleet.key(DELTA)
        await pilot.press("enter")
        await pilot.pause()
        assert any(re.match(r"^ +delta ─", line) for line in painted(app))


@sizes
async def test_the_header_counts_what_the_rows_say(fleet: Fleet, size: tuple[int, int]) -> None:
    """Also after something changed."""
    app = fleet.app()
    async with app.run_test(size=size) as pilot:
        for broken in (None, ALPHA):
            if broken is not None:
                fleet.break_down(broken)
            await pilot.pause()
            lines = painted(app)
            states = list(rows(lines).values())
            for sign, word in (("✖", "DOWN"), ("●", "OK")):
                found = re.search(rf"{sign} ?(\d+)", lines[0])
                assert found
                assert int(found[1]) == states.count(word)


@sizes
async def test_ascii_paints_nothing_else(pki: Pki, size: tuple[int, int]) -> None:
    """On every screen: signs, rules, bars, borders and scroll bars."""
    fleet = Fleet(pki, Settings(ascii=True))
    app = fleet.app()
    async with app.run_test(size=size) as pilot:
        for lines in await every_screen(app, pilot):
            for line in lines:
                assert line.isascii(), line


async def test_no_color_paints_no_colour(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """The terminal's own two; states are told by their words."""
    monkeypatch.setenv("NO_COLOR", "1")
    app = fleet.app()
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        assert rows(painted(app))["beta"] == "DOWN"
        for style in {segment.style for strip in app.screen._compositor.render_strips() for segment in strip}:
            for colour in (style.color, style.bgcolor) if style else ():
                assert colour is None or colour.is_default


async def test_an_empty_screen_says_where_it_looked(pki: Pki) -> None:
    """And what to try."""
    world = FedWorld(pki)
    app = world.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert "looking" in " ".join(painted(app))
        world.tick()
        world.tell(events.ConfigsFound(HOST, ()))
        world.processes()
        world.units()
        await pilot.pause()
        said = " ".join(line.strip() for line in painted(app))
        assert "no stunnel service found" in said
        assert "/etc/stunnel" in said
        assert "tuimon demo" in said


@sizes
async def test_a_fallen_collector_is_named_until_it_runs_again(fleet: Fleet, size: tuple[int, int]) -> None:
    """A banner with the reason; nothing else stops."""
    app = fleet.app()
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        assert "logs stopped" not in " ".join(painted(app))
        fleet.tell(events.CollectorFailed("logs", Failure(Reason.OTHER, "no more inotify watches"), 1.0))
        await pilot.pause()
        assert "logs stopped: no more inotify watches" in " ".join(painted(app))
        assert len(rows(painted(app))) == 4
        fleet.tell(events.CollectorStarted("logs"))
        await pilot.pause()
        assert "logs stopped" not in " ".join(painted(app))


def test_the_theme_is_the_settings_or_the_terminals_own() -> None:
    """`auto` goes by the background that the terminal names; what names none is taken for dark."""
    assert [chosen(name, "0;15").name for name in ("dark", "light", "ansi")] == [
        "tuimon-dark",
        "tuimon-light",
        "tuimon-ansi",
    ]
    for background, theme in (("15;0", DARK), ("0;15", LIGHT), ("0;default;7", LIGHT), ("15;default", DARK)):
        assert chosen("auto", background) is theme
    assert chosen("auto", "") is chosen("auto", "12;8") is DARK
    assert chosen("auto", "0;15", few=True) is ANSI
    assert chosen("light", "", few=True) is LIGHT


async def test_the_terminals_own_colours_are_the_sixteen(pki: Pki) -> None:
    """With `theme = "ansi"` nothing is painted in a colour that a terminal of sixteen would have to guess."""
    world = FedWorld(pki, settings=Settings(theme="ansi"))
    world.healthy()
    app = world.app()
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        styles = {style for strip in app.screen._compositor.render_strips() for _, style, _ in strip if style}
        colours = {colour for style in styles for colour in (style.color, style.bgcolor) if colour}
        assert len(colours) > 3
        assert not [each for each in colours if each.is_default is False and (each.number or 0) > 15]
        assert not [each for each in colours if each.triplet is not None]


async def test_the_columns_are_those_of_the_settings(pki: Pki) -> None:
    """In their order."""
    world = FedWorld(pki, settings=Settings(columns=("cert", "service", "why")))
    world.healthy()
    app = world.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert painted(app)[1].split() == ["CERT", "SERVICE", "WHY"]


def test_every_column_can_be_named_in_the_settings() -> None:
    """The settings' list is the screen's; the usual ones are all but those that one has to ask for."""
    ids = tuple(each.id for each in columns(8, 8))
    assert ids == get_args(ColumnName)
    assert tuple(each for each in ids if each not in ServicesScreen.OPTIONAL) == Settings().columns
