"""Table: fits the width, keeps cursor and marks by key, paints only what changed."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.text import Text
from textual import on
from textual.app import App, ComposeResult
from textual.strip import Strip

from tests.ui.painted import painted, painted_in
from tuimon.ui.widgets.cells import cut
from tuimon.ui.widgets.table import Column, Table, TableRow
from tuimon.ui.widgets.table_messages import TableMessage
from tuimon.ui.widgets.table_model import GUTTER, fit

SIZES = [(80, 24), (120, 36)]
COLUMNS = (
    Column("state", "STATE", 6, keep=100),
    Column("service", "SERVICE", 10, keep=100),
    Column("why", "WHY", 20, grow=1, min_width=12, keep=100),
    Column("cert", "CERT", 6, align="right", keep=90),
    Column("role", "ROLE", 6, align="center", keep=20),
    Column("accept", "ACCEPT", 16, keep=30),
)


class Counting(Table[str]):
    """A table that knows which lines it was asked to paint."""

    lines: list[int]

    def on_mount(self) -> None:
        self.lines = []

    def render_line(self, y: int) -> Strip:
        if self.is_mounted:
            self.lines.append(y)
        return super().render_line(y)


class Shown(App[None]):
    """One table, what it says, and a clock that stands still."""

    def __init__(self, *, ascii_only: bool = False) -> None:
        super().__init__()
        self.now = 100.0
        self.said: list[TableMessage[str]] = []
        self._ascii_only = ascii_only

    def compose(self) -> ComposeResult:
        yield Counting(COLUMNS, clock=lambda: self.now, ascii_only=self._ascii_only, id="it")

    @property
    def table(self) -> Counting:
        return self.query_one(Counting)

    @on(Table.CursorMoved, "#it")
    @on(Table.RowSelected)
    @on(Table.HeaderClicked)
    @on(Table.MarksChanged)
    def hear(self, message: TableMessage[str]) -> None:
        self.said.append(message)

    def texts(self) -> list[str]:
        return painted_in(self, self.table)

    def services(self) -> list[str]:
        """What the SERVICE column shows, from the top."""
        return [line.split()[1].strip("*>") for line in self.texts()[1:] if line]

    def heard(self, kind: type[TableMessage[str]]) -> list[TableMessage[str]]:
        return [each for each in self.said if isinstance(each, kind)]


def row(key: str, why: str = "fine", **cells: str) -> TableRow[str]:
    texts = {"state": "OK", "service": key, "why": why, "cert": "87d", "role": "server", "accept": ":443"}
    return TableRow(key, {name: Text(text) for name, text in {**texts, **cells}.items()})


def rows(keys: Iterable[object]) -> list[TableRow[str]]:
    return [row(f"s{key}") for key in keys]


@pytest.mark.parametrize("size", [*SIZES, (60, 10), (34, 5), (20, 3), (7, 2)])
async def test_it_fills_exactly_the_width(size: tuple[int, int]) -> None:
    """Every line is as wide as the screen (checked by `painted`), wide characters included."""
    app = Shown()
    async with app.run_test(size=size) as pilot:
        hard = [
            row("漢字かな漢字", "🦊 漢字の理由 " * 9),
            row("e\u0301te\u0301", "👨‍👩‍👧 family"),
            *rows(range(40)),
        ]
        app.table.set_rows(hard)
        await pilot.pause()
        painted(app)
        last = app.table.placed[-1]
        assert last.x + last.width == size[0] - 1  # the scrollbar has the last cell
        assert app.table.scroll_offset.x == 0


async def test_cells_are_cut_with_an_ellipsis_by_cell_width() -> None:
    """A wide character that does not fit leaves a blank before the ellipsis."""
    app = Shown()
    async with app.run_test(size=(60, 6)) as pilot:
        app.table.set_rows([row("漢字かな漢字", cert="漢字漢")])
        await pilot.pause()
        assert app.texts()[1].startswith(" OK     漢字かな … fine")
        assert app.texts()[1].split()[-1] != "漢字漢…"
        assert "漢字漢" in app.texts()[1]


async def test_columns_drop_from_the_right_with_the_lowest_keep_first() -> None:
    """Room goes; the columns that must stay, stay."""
    names = {width: [each.column.id for each in fit(COLUMNS, width)] for width in (80, 61, 50, 40, 20)}
    assert names[80] == ["state", "service", "why", "cert", "role", "accept"]
    assert names[61] == ["state", "service", "why", "cert", "accept"]
    assert names[50] == ["state", "service", "why", "cert"]
    assert names[40] == ["state", "service", "why", "cert"]
    assert names[20] == ["state", "service", "why"]


async def test_after_a_resize_the_columns_fit_again() -> None:
    """What was dropped comes back."""
    app = Shown()
    async with app.run_test(size=(120, 36)) as pilot:
        app.table.set_rows(rows(range(5)))
        for width, shown in ((80, True), (45, False), (120, True)):
            await pilot.resize_terminal(width, 24)
            await pilot.pause()
            assert ("ACCEPT" in app.texts()[0]) is shown
            painted(app)


_ANY_COLUMN = st.builds(
    lambda width, grow, least, keep: Column("x", "X", width, grow=grow, min_width=least, keep=keep),
    st.integers(1, 30),
    st.integers(0, 3),
    st.integers(0, 10),
    st.sampled_from([0, 1, 5, 100]),
)


@given(st.lists(_ANY_COLUMN, max_size=12), st.integers(0, 200))
def test_any_columns_fit_any_width(columns: list[Column], width: int) -> None:
    """Columns never overlap nor leave the table; one that grows leaves nothing over."""
    placed = fit(columns, width)
    x = GUTTER
    for _, start, cells in placed:
        assert start == x
        assert cells > 0
        x += cells + 1
    assert not placed or x - 1 <= width
    if any(column.grow for column, _, _ in placed):
        assert x - 1 == width


@given(st.text(alphabet="ab漢🦊é\u0301", max_size=20), st.integers(1, 12))
def test_cutting_never_makes_wider(plain: str, width: int) -> None:
    """At most the width, and untouched if it fits."""
    text = cut(Text(plain), width)
    assert cell_len(text.plain) <= width
    assert text.plain == plain or text.plain.endswith("…")


async def test_no_rows_show_the_empty_text_in_the_middle() -> None:
    """Centred, several lines, replaced when there is something to show."""
    app = Shown()
    async with app.run_test(size=(80, 12)) as pilot:
        app.table.empty = Text("no service\ntry `tuimon demo`")
        await pilot.press("j", "k", "G", "g", "space", "asterisk", "u", "enter", "pageup")
        shown = app.texts()
        assert [line.strip() for line in shown[5:7]] == ["no service", "try `tuimon demo`"]
        assert shown[5].index("no") == 35
        assert app.said == []
        app.table.set_rows(rows("a"))
        await pilot.pause()
        assert app.services() == ["sa"]


async def test_keys_move_the_cursor_and_the_rows_follow() -> None:
    """Every key of the list, and what it says."""
    app = Shown()
    async with app.run_test(size=(80, 11)) as pilot:
        app.table.set_rows(rows(range(100)))
        place = 0
        moves = {
            "j": 1,
            "down": 1,
            "k": -1,
            "pagedown": 10,
            "ctrl+d": 5,
            "ctrl+u": -5,
            "pageup": -10,
            "up": -1,
        }
        for key, by in moves.items():
            await pilot.press(key)
            place += by
            assert app.table.cursor_key == f"s{place}", key
            assert f"s{place}" in app.services()
        for key, at in {"G": 99, "g": 0, "end": 99, "home": 0}.items():
            await pilot.press(key)
            assert app.table.cursor_key == f"s{at}"
            assert f"s{at}" in app.services()
        moved = [each.key for each in app.said if isinstance(each, Table.CursorMoved)]
        assert moved[:4] == ["s0", "s1", "s2", "s1"]
        await pilot.press("enter")
        assert [each.key for each in app.said if isinstance(each, Table.RowSelected)] == ["s0"]


async def test_keys_can_be_given_other_keys() -> None:
    """Bindings have ids."""
    app = Shown()
    async with app.run_test(size=(80, 11)) as pilot:
        app.set_keymap({"table.down": "n,x"})
        app.table.set_rows(rows(range(9)))
        await pilot.press("x", "n", "j", "down")
        assert app.table.cursor_key == "s2"


async def test_the_cursor_stays_on_its_key_and_on_its_line() -> None:
    """Rows appear above, vanish above and change places: the eye need not search."""
    app = Shown()
    async with app.run_test(size=(80, 11)) as pilot:
        app.table.set_rows(rows(range(50)))
        await pilot.press("pagedown", "pagedown", "k", "k")
        line = app.services().index("s18")
        app.now += 10
        for keys in (["new", *range(50)], range(7, 50), [*range(30, 50), *range(30)]):
            app.table.set_rows(rows(keys))
            await pilot.pause()
            assert app.table.cursor_key == "s18"
            assert app.services().index("s18") == line


async def test_when_the_cursors_row_goes_the_cursor_stays_at_its_place() -> None:
    """And it says so; with no rows left the key is None."""
    app = Shown()
    async with app.run_test(size=(80, 11)) as pilot:
        app.table.set_rows(rows("abcd"))
        await pilot.press("j", "j")
        app.table.set_rows(rows("abd"))
        assert app.table.cursor_key == "sd"
        app.table.set_rows(rows("a"))
        assert app.table.cursor_key == "sa"
        app.table.set_rows([])
        await pilot.pause()
        assert app.table.cursor_key is None
        moved = [each.key for each in app.said if isinstance(each, Table.CursorMoved)]
        assert moved == ["sa", "sb", "sc", "sd", "sa", None]


async def test_a_cursor_nobody_touched_rests_on_the_first_row() -> None:
    """While a fleet is discovered the worst stays in sight."""
    app = Shown()
    async with app.run_test(size=(80, 11)) as pilot:
        for keys in ("c", "bc", "abc"):
            app.table.set_rows(rows(keys))
            await pilot.pause()
        assert app.table.cursor_key == "sa"
        await pilot.press("k")
        app.now += 10
        app.table.set_rows(rows("cba"))
        assert app.table.cursor_key == "sa"


async def test_a_new_order_waits_while_the_cursor_moves() -> None:
    """New texts and rows are taken at once, in the old order; the order comes when it is quiet."""
    app = Shown()
    async with app.run_test(size=(80, 11)) as pilot:
        app.table.set_rows(rows("abc"))
        await pilot.press("j")
        app.now += 1.9
        app.table.set_rows([row("sc"), row("sb", "refused"), row("sa"), row("sd")])
        await pilot.pause()
        assert app.services() == ["sa", "sb", "sc", "sd"]
        assert "refused" in app.texts()[2]
        app.table.settle()
        await pilot.pause()
        assert app.services() == ["sa", "sb", "sc", "sd"]
        app.now += 0.2
        app.table.settle()
        await pilot.pause()
        assert app.services() == ["sc", "sb", "sa", "sd"]
        assert app.table.cursor_key == "sb"


async def test_an_order_that_was_asked_for_does_not_wait() -> None:
    """Somebody who sorts sees it sorted."""
    app = Shown()
    async with app.run_test(size=(80, 11)) as pilot:
        app.table.set_rows(rows("abc"))
        await pilot.press("j")
        app.table.sort = ("service", True)
        app.table.set_rows(rows("cba"))
        await pilot.pause()
        assert app.services() == ["sc", "sb", "sa"]


@pytest.mark.parametrize(("ascii_only", "signs"), [(False, "▲▼"), (True, "^v")])
async def test_the_sorted_column_has_a_sign(ascii_only: bool, signs: str) -> None:
    """It stands in the label and is dropped with it."""
    app = Shown(ascii_only=ascii_only)
    async with app.run_test(size=(80, 11)) as pilot:
        app.table.sort = ("state", False)
        await pilot.pause()
        assert app.texts()[0].startswith(f" STATE{signs[0]}")
        app.table.sort = ("cert", True)
        await pilot.pause()
        assert f" CERT{signs[1]} " in app.texts()[0]


async def test_the_mouse_sorts_moves_and_opens() -> None:
    """A label, a row, a row twice, and nothing below the rows."""
    app = Shown()
    async with app.run_test(size=(80, 11)) as pilot:
        app.table.set_rows(rows("abcd"))
        await pilot.pause()
        app.said.clear()
        await pilot.click(Counting, offset=(10, 0))
        await pilot.click(Counting, offset=(30, 3))
        await pilot.double_click(Counting, offset=(5, 4))
        await pilot.click(Counting, offset=(5, 9))
        said = [
            (type(each).__name__, getattr(each, "column_id", getattr(each, "key", ""))) for each in app.said
        ]
        assert said == [
            ("HeaderClicked", "service"),
            ("CursorMoved", "sc"),
            ("CursorMoved", "sd"),
            ("RowSelected", "sd"),
        ]


async def test_marks_belong_to_keys() -> None:
    """They survive sorting and filtering, and only those that are shown count."""
    app = Shown()
    async with app.run_test(size=(80, 11)) as pilot:
        app.table.set_rows(rows("abcd"))
        await pilot.press("j", "space", "j", "space")
        assert app.table.marks == ("sb", "sc")
        assert [line[0] for line in app.texts()[1:5]] == [" ", "*", "*", " "]
        app.now += 10
        app.table.set_rows(rows("dca"))
        assert app.table.marks == ("sc",)
        app.table.set_rows(rows("dcba"))
        assert app.table.marks == ("sc", "sb")
        await pilot.press("asterisk")
        assert app.table.marks == ("sd", "sc", "sb", "sa")
        await pilot.press("u")
        assert app.table.marks == ()
        changed = [each.marks for each in app.said if isinstance(each, Table.MarksChanged)]
        assert changed == [("sb",), ("sb", "sc"), ("sc",), ("sc", "sb"), ("sd", "sc", "sb", "sa"), ()]


async def test_the_cursor_row_is_coloured_over_the_whole_width_and_dimmed_without_focus() -> None:
    """One background from edge to edge, another one when the focus is elsewhere."""
    app = Shown()
    async with app.run_test(size=(80, 11)) as pilot:
        app.table.set_rows(rows("abc"))
        await pilot.press("j")
        grounds = []
        for focus in (True, False):
            app.screen.set_focus(app.table if focus else None)
            await pilot.pause()
            strips = [app.table.render_line(y) for y in (1, 2)]
            plain, cursor = ({segment.style.bgcolor for segment in each if segment.style} for each in strips)
            assert len(cursor) == 1
            assert plain != cursor
            grounds.append(cursor)
        assert grounds[0] != grounds[1]


async def test_without_colours_the_cursor_has_a_sign(monkeypatch: pytest.MonkeyPatch) -> None:
    """NO_COLOR leaves `>` in the gutter."""
    monkeypatch.setenv("NO_COLOR", "1")
    app = Shown()
    async with app.run_test(size=(80, 11)) as pilot:
        app.table.set_rows(rows("abc"))
        await pilot.press("j")
        assert [line[0] for line in app.texts()[1:4]] == [" ", ">", " "]


async def test_of_a_thousand_rows_one_changed_cell_paints_one_line() -> None:
    """What is the same is left alone, also when every row is a new object."""
    app = Shown()
    async with app.run_test(size=(80, 24)) as pilot:
        table = app.table
        table.set_rows(rows(range(1000)))
        await pilot.pause()
        table.lines.clear()
        table.set_rows(rows(range(1000)))
        await pilot.pause()
        assert table.lines == []
        changed = rows(range(1000))
        changed[7] = row("s7", "refused")
        table.set_rows(changed)
        await pilot.pause()
        assert table.lines == [8]
        changed[900] = row("s900", "out of sight")
        table.lines.clear()
        table.set_rows(changed)
        await pilot.pause()
        assert table.lines == []
        await pilot.press("j")
        await pilot.pause()
        assert table.lines == [1, 2]


async def test_a_change_of_style_alone_is_painted() -> None:
    """Rich's own comparison of texts overlooks it."""
    app = Shown()
    async with app.run_test(size=(80, 24)) as pilot:
        app.table.set_rows([row("sa"), row("sb")])
        await pilot.pause()
        app.table.lines.clear()
        red = TableRow("sb", {**row("sb").cells, "why": Text("fine", "bold")})
        app.table.set_rows([row("sa"), red])
        await pilot.pause()
        assert app.table.lines == [2]


async def test_two_rows_with_one_key_are_refused() -> None:
    """A key that names two rows is a fault of the caller."""
    app = Shown()
    async with app.run_test(size=(80, 24)):
        with pytest.raises(ValueError, match="same key"):
            app.table.set_rows(rows("aa"))
