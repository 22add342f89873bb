"""The benchmarks still run: at sizes that measure nothing, and with nothing asserted of time."""

from pathlib import Path

import pytest

from tests.bench.__main__ import NAMES, measure
from tests.bench.figure import TINY, Figure, interleaved, late, table


@pytest.mark.parametrize("name", NAMES)
def test_every_benchmark_gives_rows(name: str) -> None:
    figures = measure([name], TINY)
    assert figures
    assert all(figure.measured > 0 or figure.reference is None for figure in figures)


def test_the_names_are_the_modules() -> None:
    here = Path(__file__).parent
    found = {path.stem for path in here.glob("*.py") if "\ndef run(field" in path.read_text()}
    assert found == {*NAMES}


def test_a_ratio_is_compared_the_way_its_target_says() -> None:
    slow = Figure("slow", 30, 10, "ms", 2)
    fast = Figure("fast", 30, 10, "/s", 2, "≥")
    lean = Figure("lean", 3, None, "%", 3)
    assert [each.met for each in (slow, fast, lean)] == [False, True, True]
    lines = table([slow, fast, lean])
    assert "3.00 ×" in lines[2]
    assert lines[2].rstrip(" |").endswith("MISSED")
    assert len(set(map(len, lines))) == 1


def test_measures_take_turns() -> None:
    order: list[str] = []

    def measure_of(name: str, value: float) -> float:
        order.append(name)
        return value

    assert interleaved(2, lambda: measure_of("a", 1), lambda: measure_of("b", 2)) == [1, 2]
    assert order == ["a", "b", "a", "b"]
    assert late([float(number) for number in range(1000)]) == 990
