"""Ten times the services, at most ten times the cost: the worst step of each measure.

Rule: a stunnel that listens on ten thousand ports keeps its core, and the caches, so busy that a handshake
costs whoever makes it more: `openssl s_time` beside it tells by how much.
"""

from collections.abc import Callable
from itertools import pairwise

from tests.bench.field import TUIMON, Ended, Field, name_of, ports_of
from tests.bench.figure import Figure, Scale
from tests.bench.handshakes import by_openssl
from tests.bench.latency import keys, lines
from tests.bench.soak import settle
from tests.bench.tube import Tube

Costs = dict[str, tuple[float, float]]
"""By what is measured, unit included: what it costs us, and what a service of it costs somebody else (1 where
nobody does the same)."""

_SECONDS = 5  # of handshakes beside a sweep
_TICK = 0.01  # seconds: less CPU is not seen
_SHARE = 4  # a full run would time as many keys, and watch as long, for every size


def _lint(field: Field, count: int, _scale: Scale) -> Costs:
    argv = (*TUIMON, "lint", str(field.written(f"grown-{count}", count)))
    return _alone({"lint, CPU s": Ended(argv, field.environment, expect=(0, 1)).cpu})


def _first(field: Field, count: int, _scale: Scale) -> Costs:
    with Tube((*TUIMON, str(field.written(f"shown-{count}", count))), field.environment) as tube:
        took = tube.until(name_of(0)) - tube.began
        return _alone({"first rows, s": took, "first rows, peak MB": tube.memory("VmHWM")})


def _running(field: Field, count: int, scale: Scale) -> Costs:
    """One sweep of a running fleet, and the screen over it."""
    with field.fleet(f"fleet-{count}", count) as running:
        port, argv = ports_of(running.config)[0], (*TUIMON, "status", str(running.config))
        swept = Ended(argv, field.environment, expect=(0, 1))
        made, ended = by_openssl(port, _SECONDS, field, "taskset", "-c", "0")
        costs = {
            "status, CPU s": (swept.cpu, ended.cpu / made),
            "sweep, s": (swept.wall, _SECONDS / made),
        }
        with Tube((*TUIMON, str(running.config)), field.environment) as tube:
            settle(tube, count)
            began = tube.cpu()
            tube.watch(scale.watched / _SHARE)
            spent = max(tube.cpu() - began, _TICK)
            timed = max(2, scale.timed // _SHARE)
            seen = {
                "one core's share, %": 100 * spent / (scale.watched / _SHARE),
                "memory, MB": tube.memory(),
                "line → painted, p99, ms": 1000 * lines(tube, running.log, timed),
                "key → painted, p99, ms": 1000 * keys(tube, timed, count),
            }
            return costs | _alone(seen)


def _alone(costs: dict[str, float]) -> Costs:
    return {name: (cost, 1.0) for name, cost in costs.items()}


_MEASURES: tuple[Callable[[Field, int, Scale], Costs], ...] = (_lint, _first, _running)


def run(field: Field, scale: Scale) -> list[Figure]:
    """The factor of the worst step by what a step's services grow by, 1 is linear; beside it the factor of
    what a service costs somebody else."""
    figures = []
    for measure in _MEASURES:
        taken = [(size, measure(field, size, scale)) for size in scale.sizes]
        for name in taken[0][1]:
            steps = [
                (more[name][0] / less[name][0] / (larger / smaller), more[name][1] / less[name][1])
                for (smaller, less), (larger, more) in pairwise(taken)
            ]
            shown = " → ".join(f"{costs[name][0]:.3g}" for _, costs in taken)
            grown, others = max(steps, key=lambda step: step[0] / step[1])
            figures.append(Figure(f"growth of {name} ({shown})", grown, others, "×", 1))
    return figures
