"""Ten times the services, at most ten times the cost: the worst step of each measure."""

from collections.abc import Callable
from itertools import pairwise

from tests.bench.field import TUIMON, Ended, Field, name_of
from tests.bench.figure import Figure, Scale
from tests.bench.tube import Tube


def _lint(field: Field, count: int) -> float:
    argv = (*TUIMON, "lint", str(field.written(f"grown-{count}", count)))
    return Ended(argv, field.environment, expect=(0, 1)).cpu


def _first(field: Field, count: int) -> float:
    with Tube((*TUIMON, str(field.written(f"shown-{count}", count))), field.environment) as tube:
        return tube.until(name_of(0)) - tube.began


def _memory(field: Field, count: int) -> float:
    with Tube((*TUIMON, str(field.written(f"held-{count}", count))), field.environment) as tube:
        tube.until(name_of(0))
        return tube.memory("VmHWM")


def _status(field: Field, count: int) -> float:
    with field.fleet(f"fleet-{count}", count) as running:
        argv = (*TUIMON, "status", str(running.config))
        return Ended(argv, field.environment, expect=(0, 1)).cpu


_MEASURES: tuple[tuple[str, Callable[[Field, int], float]], ...] = (
    ("lint, CPU s", _lint),
    ("first rows, s", _first),
    ("first rows, peak MB", _memory),
    ("status, CPU s", _status),
)


def run(field: Field, scale: Scale) -> list[Figure]:
    """The factor of the worst step by what a step's services grow by: 1 is linear."""
    figures = []
    for name, measure in _MEASURES:
        taken = [(size, measure(field, size)) for size in scale.sizes]
        steps = [more / less / (larger / smaller) for (smaller, less), (larger, more) in pairwise(taken)]
        shown = " → ".join(f"{cost:.3g}" for _, cost in taken)
        figures.append(Figure(f"growth of {name} ({shown})", max(steps), 1.0, "×", 1))
    return figures
