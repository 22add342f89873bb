"""Ten times the services, at most ten times the cost: the worst step of each measure."""

from collections.abc import Callable
from itertools import pairwise

from tests.bench.field import TUIMON, Ended, Field, name_of, ports_of
from tests.bench.figure import Figure, Scale
from tests.bench.handshakes import by_openssl
from tests.bench.latency import keys, lines
from tests.bench.soak import settle
from tests.bench.tube import Tube

Costs = dict[str, float]
"""By what is measured, unit included."""

_SECONDS = 1  # of handshakes beside a sweep
_TICK = 0.01  # seconds: less CPU is not seen
_SHARE = 4  # a full run would time as many keys, and watch as long, for every size


def _lint(field: Field, count: int, _scale: Scale) -> Costs:
    argv = (*TUIMON, "lint", str(field.written(f"grown-{count}", count)))
    return {"lint, CPU s": Ended(argv, field.environment, expect=(0, 1)).cpu}


def _first(field: Field, count: int, _scale: Scale) -> Costs:
    with Tube((*TUIMON, str(field.written(f"shown-{count}", count))), field.environment) as tube:
        took = tube.until(name_of(0)) - tube.began
        return {"first rows, s": took, "first rows, peak MB": tube.memory("VmHWM")}


def _running(field: Field, count: int, scale: Scale) -> Costs:
    """One sweep of a running fleet, and the screen over it."""
    with field.fleet(f"fleet-{count}", count) as running:
        port, argv = ports_of(running.config)[0], (*TUIMON, "status", str(running.config))
        swept = Ended(argv, field.environment, expect=(0, 1))
        # stunnel itself takes longer for each the more ports it listens on
        made, _ = by_openssl(port, _SECONDS, field, "taskset", "-c", "0")
        costs = {"status, CPU s": swept.cpu, "sweep, × `openssl s_time` of one": swept.wall * made / _SECONDS}
        with Tube((*TUIMON, str(running.config)), field.environment) as tube:
            settle(tube, count)
            began = tube.cpu()
            tube.watch(scale.watched / _SHARE)
            spent = max(tube.cpu() - began, _TICK)
            timed = max(2, scale.timed // _SHARE)
            return costs | {
                "one core's share, %": 100 * spent / (scale.watched / _SHARE),
                "memory, MB": tube.memory(),
                "line → painted, p99, ms": 1000 * lines(tube, running.log, timed),
                "key → painted, p99, ms": 1000 * keys(tube, timed, count),
            }


_MEASURES: tuple[Callable[[Field, int, Scale], Costs], ...] = (_lint, _first, _running)


def run(field: Field, scale: Scale) -> list[Figure]:
    """The factor of the worst step by what a step's services grow by: 1 is linear."""
    figures = []
    for measure in _MEASURES:
        taken = [measure(field, size, scale) for size in scale.sizes]
        for name in taken[0]:
            costs = [each[name] for each in taken]
            steps = [
                more / less / (larger / smaller)
                for (smaller, less), (larger, more) in pairwise(zip(scale.sizes, costs, strict=True))
                if less  # a share that is nothing in so short a time
            ]
            shown = " → ".join(f"{cost:.3g}" for cost in costs)
            figures.append(Figure(f"growth of {name} ({shown})", max(steps, default=0), 1.0, "×", 1))
    return figures
