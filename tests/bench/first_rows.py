"""From exec to the first rows on the terminal, with a thousand configured services."""

from tests.bench.field import TUIMON, Field, name_of
from tests.bench.figure import Figure, Scale, interleaved
from tests.bench.tube import Tube

_BARE = """
from textual.app import App
from textual.widgets import DataTable, Footer, Header

class Bare(App):
    def compose(self):
        yield Header()
        yield DataTable()
        yield Footer()

    def on_mount(self):
        table = self.query_one(DataTable)
        table.add_columns("state", "service", "accept")
        table.add_rows(("ok", f"svc-{number:05}", "127.0.0.1:1") for number in range(40))

Bare().run()
"""


def run(field: Field, scale: Scale) -> list[Figure]:
    """Wall time, because that is what somebody waits for."""
    config = field.written("configured", scale.services)
    bare = (TUIMON[0], "-c", _BARE)

    def painted(*argv: str) -> float:
        with Tube(argv, field.environment) as tube:
            return (tube.until(name_of(0)) - tube.began) * 1000

    ours, theirs = interleaved(scale.rounds, lambda: painted(*TUIMON, str(config)), lambda: painted(*bare))
    what = f"exec → first rows painted, {scale.services:,} configured services"
    return [Figure(what, ours, theirs, "ms", 1.5)]
