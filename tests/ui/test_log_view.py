"""LogView: follows, keeps the place, folds by cells, paints only what is seen."""

import asyncio
from collections.abc import Sequence
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct
from rich.cells import cell_len
from rich.text import Text
from textual.app import App, ComposeResult
from textual.events import MouseScrollUp
from textual.geometry import Offset
from textual.pilot import Pilot
from textual.selection import Selection

from tests.ui.painted import painted, painted_in
from tuimon.ui.widgets.cells import character_at, fold, steady
from tuimon.ui.widgets.log_rows import Folds
from tuimon.ui.widgets.log_view import LogView

SIZES = [(80, 24), (120, 36)]


class Line(Struct, frozen=True):
    """A log line of these tests."""

    sequence: int
    text: str


class Shown(App[None]):
    """One log view, which counts what it paints."""

    def __init__(self, limit: int = 10_000) -> None:
        super().__init__()
        self.asked: list[int] = []
        self._limit = limit

    def compose(self) -> ComposeResult:
        yield LogView[Line](self.paint, limit=self._limit)

    def paint(self, line: Line) -> Text:
        self.asked.append(line.sequence)
        return Text(line.text)

    @property
    def log_view(self) -> LogView[Line]:
        return self.query_one(LogView)

    def texts(self) -> list[str]:
        return painted_in(self, self.log_view)


def lines(first: int, last: int, text: str = "line {}") -> list[Line]:
    return [Line(each, text.format(each)) for each in range(first, last)]


async def grow(pilot: Pilot[None], app: Shown, fresh: Sequence[Line]) -> None:
    app.log_view.extend(fresh)
    await pilot.pause()


@pytest.mark.parametrize("size", SIZES)
async def test_it_follows_the_end(size: tuple[int, int]) -> None:
    """New lines push the old ones up; the newest is at the bottom."""
    app = Shown()
    async with app.run_test(size=size) as pilot:
        for first in range(0, 300, 100):
            await grow(pilot, app, lines(first, first + 100))
            assert app.texts() == [f"line {each}" for each in range(first + 100 - size[1], first + 100)]


async def test_no_lines_and_few_lines() -> None:
    """An empty view is blank; few lines stand at the top."""
    app = Shown()
    async with app.run_test(size=(80, 24)) as pilot:
        assert set(app.texts()) == {""}
        await pilot.press("j", "k", "G", "g", "pageup", "l", "h", "w", "F")
        app.log_view.follow = True
        await grow(pilot, app, lines(0, 3))
        assert app.texts()[:4] == ["line 0", "line 1", "line 2", ""]
        app.log_view.replace(())
        await pilot.pause()
        assert set(app.texts()) == {""}


async def test_only_visible_lines_are_painted() -> None:
    """Of 10,000 lines just a screenful is ever asked for, and once."""
    app = Shown()
    async with app.run_test(size=(80, 24)) as pilot:
        await grow(pilot, app, lines(0, 10_000))
        assert app.asked == list(range(9_976, 10_000))
        await pilot.press("k", "j")
        await grow(pilot, app, lines(10_000, 10_001))
        assert sorted(app.asked) == list(range(9_975, 10_000))


async def test_scrolling_up_ends_following_and_keeps_the_place() -> None:
    """Lines arrive and old ones fall out in front: the same lines stay where they are."""
    app = Shown(limit=200)
    async with app.run_test(size=(80, 24)) as pilot:
        await grow(pilot, app, lines(0, 200))
        await pilot.press("k", "pageup")
        assert not app.log_view.follow
        before = app.texts()
        for first in range(200, 300, 10):
            await grow(pilot, app, lines(first, first + 10))
            assert app.texts() == before
        await grow(pilot, app, lines(300, 700))
        assert app.texts()[0] == "line 500"


async def test_lines_that_are_held_no_more_go_unless_somebody_reads_them() -> None:
    """What the owner has let go is let go at the end of the view, and not under a reader."""
    app = Shown()
    async with app.run_test(size=(80, 24)) as pilot:
        await grow(pilot, app, lines(0, 100))
        app.log_view.extend(lines(100, 110), oldest=60)
        await pilot.pause()
        assert [app.log_view.items[at].sequence for at in (0, -1)] == [60, 109]
        assert app.texts()[-1] == "line 109"
        await pilot.press("g")
        app.log_view.extend(lines(110, 120), oldest=100)
        await pilot.pause()
        assert app.texts()[0] == "line 60"
        await pilot.press("F")
        app.log_view.extend(lines(120, 121), oldest=100)
        await pilot.pause()
        assert [app.log_view.items[at].sequence for at in (0, -1)] == [100, 120]


@pytest.mark.parametrize("key", ["end", "G", "F"])
async def test_keys_that_follow_again(key: str) -> None:
    """End, G and F go to the end and follow."""
    app = Shown()
    async with app.run_test(size=(80, 24)) as pilot:
        await grow(pilot, app, lines(0, 100))
        await pilot.press("g")
        assert app.texts()[0] == "line 0"
        await pilot.press(key)
        await grow(pilot, app, lines(100, 110))
        assert app.log_view.follow
        assert app.texts()[-1] == "line 109"


async def test_the_wheel_jumps_and_ends_following() -> None:
    """A turn of the wheel needs no animation to arrive."""
    app = Shown()
    async with app.run_test(size=(80, 24)) as pilot:
        await grow(pilot, app, lines(0, 100))
        await pilot._post_mouse_events([MouseScrollUp], LogView)
        assert not app.log_view.follow
        assert app.texts()[0] < "line 76"
        app.log_view.scroll_page_up()
        assert app.log_view.scroll_offset.y < 52


@pytest.mark.parametrize("size", SIZES)
async def test_long_lines_fold_by_cells(size: tuple[int, int]) -> None:
    """Wide characters are never cut in two, and nothing is lost."""
    app = Shown()
    text = "{:03} " + "漢字かな🦊 abc " * 30
    async with app.run_test(size=size) as pilot:
        app.log_view.wrap = True
        await grow(pilot, app, lines(0, 50, text))
        shown = app.texts()
        assert "�" not in "".join(shown)
        whole = "".join(line.text for line in lines(0, 50, text)).replace(" ", "")
        assert whole.endswith("".join(shown).replace(" ", ""))
        assert max(app.asked) - min(app.asked) < 3 * size[1]


async def test_folding_and_resizing_keep_the_line_at_the_top() -> None:
    """The place survives w and every width."""
    app = Shown()
    async with app.run_test(size=(80, 24)) as pilot:
        await grow(pilot, app, lines(0, 300, "{} " + "x" * 200))
        await pilot.press("g", "pagedown", "pagedown")
        top = app.texts()[0].split()[0]
        await pilot.press("w")
        assert app.texts()[0].split()[0] == top
        assert app.texts()[1].startswith("xxx")
        for width in (120, 37, 200, 80):
            await pilot.resize_terminal(width, 24)
            await pilot.pause()
            assert app.texts()[0].split()[0] == top
        await pilot.press("w")
        assert app.texts()[0].split()[0] == top


async def test_folded_lines_that_fall_out_keep_the_place() -> None:
    """Heights leave with their lines."""
    app = Shown(limit=100)
    async with app.run_test(size=(60, 20)) as pilot:
        app.log_view.wrap = True
        await grow(pilot, app, lines(0, 100, "{} " + "y" * 150))
        await pilot.press("k", "k", "k", "k", "pageup")
        before = app.texts()
        for first in range(100, 160, 7):
            await grow(pilot, app, lines(first, first + 7, "{} " + "z" * 400))
            assert app.texts() == before


async def test_scrolling_up_through_unmeasured_folds_does_not_jump() -> None:
    """Each row up shows one new row at the top; the rest moves down by one."""
    app = Shown()
    async with app.run_test(size=(40, 10)) as pilot:
        app.log_view.wrap = True
        await grow(pilot, app, [Line(each, f"{each} " + "ab" * (each * 7 % 90)) for each in range(200)])
        before = app.texts()
        for _ in range(60):
            app.log_view.action_rows(-1)
            await pilot.pause()
            after = app.texts()
            assert after[1:] == before[:-1]
            before = after


async def test_sideways_is_independent_of_the_place() -> None:
    """Steps of eight; a wide character astride the edge leaves a blank; no further than text reaches."""
    app = Shown()
    async with app.run_test(size=(80, 10)) as pilot:
        await grow(pilot, app, lines(0, 30, "{:02} 3456漢" + "-" * 90 + "END"))
        await pilot.press("l")
        assert app.texts()[-1] == " " + "-" * 78
        assert app.log_view.follow
        await pilot.press("right", "right")
        assert app.texts()[-1].endswith("END")
        for _ in range(9):
            await pilot.press("l")
        assert app.log_view.x_offset == 24
        await pilot.press("h", "left", "h", "h")
        assert app.texts()[-1].startswith("29 3456漢")


async def test_replace_keeps_the_line_at_the_top_or_the_next_one_left() -> None:
    """A filter that takes the top line away shows the next one; when it is back, so is the place."""
    app = Shown()
    async with app.run_test(size=(80, 10)) as pilot:
        await grow(pilot, app, lines(0, 100))
        await pilot.press("g", "pagedown", "j")
        assert app.texts()[0] == "line 11"
        app.log_view.replace([line for line in lines(0, 100) if line.sequence % 3 == 0])
        await pilot.pause()
        assert app.texts()[:2] == ["line 12", "line 15"]
        app.log_view.replace(lines(0, 100, "other {}"))
        await pilot.pause()
        assert app.texts()[:2] == ["other 11", "other 12"]


@pytest.mark.parametrize("wrap", [False, True])
async def test_show_item_scrolls_to_a_line_and_highlights_it(wrap: bool) -> None:
    """A match out of sight comes into sight; one in sight stays where it is."""
    app = Shown()
    async with app.run_test(size=(80, 20)) as pilot:
        view = app.log_view
        view.wrap = wrap
        await grow(pilot, app, lines(0, 500, "line {} " + "w" * 120))
        assert view.show_item(250)
        await pilot.pause()
        at = next(y for y, text in enumerate(app.texts()) if text.startswith("line 250 "))
        assert not view.follow
        style = view.render_line(at)._segments[0].style
        assert style is not None
        assert style.bgcolor == view.get_component_rich_style("log--match").bgcolor
        top = view.scroll_offset.y
        assert view.show_item(251)
        assert view.scroll_offset.y == top
        assert not view.show_item(9_999)
        assert view.match == 251


async def test_the_mouse_selects_characters_of_lines_wherever_they_are() -> None:
    """Selected by drag across scrolled, folded and wide text; what comes out is the lines' own text."""
    app = Shown()
    async with app.run_test(size=(40, 10)) as pilot:
        view = app.log_view
        await grow(pilot, app, lines(0, 100, "{:02} 漢字tail"))
        await pilot.mouse_down(LogView, offset=(3, 2))
        await pilot.hover(LogView, offset=(7, 3))
        await pilot.mouse_up(LogView, offset=(7, 3))
        assert app.screen.get_selected_text() == "漢字tail\n93 漢字t"
        await grow(pilot, app, lines(100, 150))
        assert app.screen.get_selected_text() == "漢字tail\n93 漢字t"
        view.wrap = True
        view.replace(lines(0, 2, "{} " + "x" * 60))
        await pilot.pause()
        assert view.get_selection(Selection(Offset(1, 0), Offset(1, 1))) == (" " + "x" * 60 + "\n1", "\n")
        painted(app)


async def test_keys_can_be_given_other_keys() -> None:
    """Bindings have ids."""
    app = Shown()
    async with app.run_test(size=(80, 10)) as pilot:
        app.set_keymap({"move.up": "x", "log.follow": "t"})
        await grow(pilot, app, lines(0, 100))
        await pilot.press("x")
        assert app.texts()[-1] == "line 98"
        await pilot.press("k")
        assert app.texts()[-1] == "line 98"
        await pilot.press("t")
        assert app.log_view.follow


KEYS = ["j", "k", "g", "G", "pageup", "pagedown", "ctrl+d", "ctrl+u", "F", "w", "l", "h"]
STEPS = st.lists(st.one_of(st.sampled_from(KEYS), st.integers(1, 60)), max_size=25)


@settings(max_examples=15, deadline=None)
@given(STEPS)
def test_no_line_is_shown_twice_or_out_of_order(steps: list[str | int]) -> None:
    """Whatever arrives and whatever is pressed, rows follow each other, and following means the end."""
    asyncio.run(_walk(steps))


async def _walk(steps: list[str | int]) -> None:
    app = Shown(limit=120)
    newest = 0
    async with app.run_test(size=(48, 12)) as pilot:
        view = app.log_view
        for step in steps:
            if isinstance(step, int):
                fresh = [
                    Line(each, "".join(f"<{each}.{part}>" for part in range(1 + each % 23)))
                    for each in range(newest, newest + step)
                ]
                newest += step
                await grow(pilot, app, fresh)
            else:
                await pilot.press(step)
            app.texts()
            rows = [look for y in range(12) if (look := _row(view, y)) is not None]
            assert rows == sorted(set(rows))
            numbers = sorted({sequence for sequence, _ in rows})
            assert numbers == list(range(numbers[0], numbers[-1] + 1)) if numbers else not newest
            if view.follow and newest:
                assert numbers[-1] == newest - 1


def _row(view: LogView[Line], y: int) -> tuple[int, int] | None:
    """Line and first character of a painted row."""
    for segment in view.render_line(y):
        if segment.style is not None and "offset" in segment.style.meta:
            x, sequence = segment.style.meta["offset"]
            return sequence, x
    return None


HARD = "ab漢字🦊é\u0301\u200d\ufe0f👨👩❤"
"""Narrow, wide, without width, joined and widened."""


@given(st.text(alphabet=HARD, max_size=60), st.integers(2, 20))
def test_folding_loses_nothing(text: str, width: int) -> None:
    """Every row but the last is full, and the character at a cell is found."""
    plain = steady(Text(text)).plain
    assert len(plain) == len(text)
    starts = [*fold(plain, width), len(plain)]
    rows = [plain[start:end] for start, end in pairwise(starts)]
    assert "".join(rows) == plain
    assert all(width - 1 <= cell_len(row) <= width for row in rows[:-1])
    assert cell_len(rows[-1]) <= width
    at, pad = character_at(plain, width)
    assert cell_len(plain[:at]) == width + pad or at == len(plain)
    assert 0 <= pad <= 1


async def test_any_text_fills_exactly_the_width() -> None:
    """Whatever a stranger wrote, folded or not and from any cell on, a row is as wide as the screen."""
    app = Shown()
    dice = Random(1)  # noqa: S311 - the same hard lines every time
    async with app.run_test(size=(23, 40)) as pilot:
        for turn in range(12):
            app.log_view.wrap = turn % 2 == 0
            app.log_view.x_offset = turn
            app.log_view.replace(
                [Line(each, "".join(dice.choices(HARD, k=dice.randrange(70)))) for each in range(60)]
            )
            await pilot.pause()
            painted(app)


@given(st.lists(st.integers(1, 5), min_size=1, max_size=30), st.integers(0, 5), st.data())
def test_heights_agree_with_plain_counting(heights: list[int], gone: int, data: st.DataObject) -> None:
    """Rows are found like in a list of all rows."""
    folds = Folds()
    folds.append(len(heights))
    known = [data.draw(st.booleans()) for _ in heights]
    for index, height in enumerate(heights):
        if known[index]:
            folds.measure(index, height)
    gone = min(gone, len(heights) - 1)
    folds.drop(gone)
    taken = [height if known[index] else 1 for index, height in enumerate(heights)][gone:]
    rows = [(index, part) for index, height in enumerate(taken) for part in range(height)]
    assert folds.total == len(rows)
    assert [folds.at(row) for row in range(folds.total)] == rows
