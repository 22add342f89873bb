"""A thousand running services watched while nothing happens: CPU, memory, bytes painted."""

from tests.bench.field import TUIMON, Field
from tests.bench.figure import Figure, Scale
from tests.bench.tube import Tube

_SETTLES = 60.0  # seconds until the first sweep, and what follows from it, is over


def settle(tube: Tube, services: int) -> None:
    """Wait until the header counts every service as well, or as badly, as it is."""
    tube.until(f"{services} ok")
    tube.quiet(0.9)


def run(field: Field, scale: Scale) -> list[Figure]:
    """By the default policy: its periodic handshakes are part of the share."""
    with (
        field.fleet("watched", scale.services) as running,
        Tube((*TUIMON, str(running.config)), field.environment) as tube,
    ):
        settle(tube, scale.services)
        tube.watch(min(_SETTLES, scale.watched))
        early, began, painted = tube.memory(), tube.cpu(), len(tube.raw)
        tube.watch(scale.watched)
        spent, painted = tube.cpu() - began, len(tube.raw) - painted
        late = tube.memory()
    many = f"{scale.services:,} services"
    return [
        Figure(f"one core's share, {many}, nothing changing", 100 * spent / scale.watched, None, "%", 3),
        Figure(f"bytes painted a second, {many}, nothing changing", painted / scale.watched, None, "B", 200),
        Figure(f"memory with {many}, after {scale.watched} s", late, early, "MB", 1.1),
        Figure(f"memory with {many}", late, None, "MB", 200),
    ]
