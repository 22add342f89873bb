"""What a table is made of, and how its columns share the width.

Rule: no widget and no state here; widths are in terminal cells, never in characters.
"""

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from typing import Generic, Literal, NamedTuple, TypeVar

from msgspec import Struct
from rich.cells import cell_len
from rich.console import Console
from rich.segment import Segment
from rich.text import Text

from tuimon.ui.widgets.cells import cut, steady

K = TypeVar("K", bound=Hashable)
"""The type of a table's row keys."""

Align = Literal["left", "right", "center"]

ALWAYS = 100
"""Columns with this `keep` or more are never dropped."""

GUTTER = 1
"""Cells left of the first column, for the signs of the cursor and of marks."""


class Column(Struct, frozen=True):
    """One column: `width` in cells is what it would like.

    It may be squeezed to `min_width` (0: not at all); what is left over goes to the columns with
    `grow`, in that proportion.  In a narrow terminal the columns with the lowest `keep` go first.
    """

    id: str
    label: str
    width: int
    grow: int = 0
    min_width: int = 0
    align: Align = "left"
    keep: int = 0

    @property
    def least(self) -> int:
        """The fewest cells this column can live with."""
        return self.min_width or self.width


class Cells(Mapping[str, Text]):
    """Cells that are made when somebody looks at them: of a thousand rows forty are seen."""

    __slots__ = ("_made", "_make")

    def __init__(self, make: Callable[[], Mapping[str, Text]]) -> None:
        self._make = make
        self._made: Mapping[str, Text] | None = None

    @property
    def made(self) -> bool:
        """Whether somebody has looked."""
        return self._made is not None

    def _all(self) -> Mapping[str, Text]:
        if self._made is None:
            self._made = self._make()
        return self._made

    def __getitem__(self, name: str) -> Text:
        return self._all()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())


class TableRow(Generic[K], Struct, frozen=True):
    """One row: its identity, a one-line text per column id, and a rich style under all of them."""

    key: K
    cells: Mapping[str, Text]
    style: str | None = None

    def looks_like(self, other: "TableRow[K]") -> bool:
        """Whether both rows would be painted alike; of one that nobody has seen that is not worth knowing."""
        if isinstance(self.cells, Cells) and not self.cells.made:
            return self is other
        return self is other or (
            self.style == other.style
            and self.cells.keys() == other.cells.keys()
            and all(same_text(text, other.cells[name]) for name, text in self.cells.items())
        )


_NOTHING = Text()


class Placed(NamedTuple):
    """A column with its place: first cell (the gutter counted) and width."""

    column: Column
    x: int
    width: int


def same_text(one: Text, other: Text) -> bool:
    """Whether two texts look alike; rich's own `==` leaves their base style out."""
    return one is other or (one == other and one.style == other.style)


def fit(columns: Sequence[Column], width: int) -> tuple[Placed, ...]:
    """Place as many of `columns` as `width` cells hold, with one blank between them."""
    kept = _keep(columns, width)
    widths = [column.least for column in kept]
    spare = width - GUTTER - _needed(widths)
    while spare < 0 and kept:  # only columns that must stay are left: the widest gives
        widest = max(range(len(kept)), key=widths.__getitem__)
        if widths[widest] > 1:
            widths[widest] -= 1
        else:
            kept.pop()
            widths.pop()
        spare = width - GUTTER - _needed(widths)
    for at in sorted(range(len(kept)), key=lambda at: -kept[at].keep):
        more = min(spare, max(0, kept[at].width - widths[at]))
        widths[at] += more
        spare -= more
    shares = sum(column.grow for column in kept)
    for at, column in enumerate(kept):
        if column.grow:  # each takes its part of what the ones before it have left
            more = spare * column.grow // shares
            widths[at] += more
            spare -= more
            shares -= column.grow
    placed, x = [], GUTTER
    for column, cells in zip(kept, widths, strict=True):
        placed.append(Placed(column, x, cells))
        x += cells + 1
    return tuple(placed)


def _keep(columns: Sequence[Column], width: int) -> list[Column]:
    kept = list(columns)
    while _needed([column.least for column in kept]) > width - GUTTER:
        droppable = [at for at, column in enumerate(kept) if column.keep < ALWAYS]
        if not droppable:
            break
        del kept[min(droppable, key=lambda at: (kept[at].keep, -at))]
    return kept


def _needed(widths: Sequence[int]) -> int:
    return sum(widths) + max(0, len(widths) - 1)


def line(
    cells: Mapping[str, Text], columns: Sequence[Placed], console: Console, ellipsis: str = "…"
) -> list[Segment]:
    """Return the segments of one line right of the gutter: every cell cut, aligned and filled up."""
    segments: list[Segment] = []
    for column, x, width in columns:
        if x > GUTTER:
            segments.append(Segment(" "))
        text = cut(steady(cells.get(column.id, _NOTHING)), width, ellipsis)
        if text.style and not text.spans:  # Rich drops the style of a whole text without spans
            text = Text().append_text(text)
        room = width - cell_len(text.plain)
        left = {"left": 0, "center": room // 2, "right": room}[column.align]
        segments += (Segment(" " * left), *text.render(console), Segment(" " * (room - left)))
    return [segment for segment in segments if segment.text]


def labels(
    columns: Sequence[Placed], sort: tuple[str, bool] | None, signs: str, ellipsis: str = "…"
) -> dict[str, Text]:
    """Return the text of each label; `signs` are those for ascending and for descending order."""
    texts = {}
    for column, _, width in columns:
        label = Text(column.label)
        if sort is not None and sort[0] == column.id:
            label = cut(label, width - 1, ellipsis) if width > 1 else Text()
            label += signs[sort[1]]
        texts[column.id] = label
    return texts
