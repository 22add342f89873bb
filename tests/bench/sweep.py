"""A sweep of a thousand real listeners, against as many handshakes by `openssl s_time` on one core."""

from tests.bench.field import TUIMON, Ended, Field, ports_of
from tests.bench.figure import Figure, Scale, interleaved
from tests.bench.handshakes import by_openssl

_SECONDS = 2


def run(field: Field, scale: Scale) -> list[Figure]:
    """Wall time of the whole `tuimon status`: discovery, files, checks and judgement included."""
    with field.fleet("swept", scale.services) as running:
        port = ports_of(running.config)[0]

        def ours() -> float:
            argv = (*TUIMON, "status", str(running.config))
            return Ended(argv, field.environment, expect=(0, 1)).wall

        def theirs() -> float:
            count, _ = by_openssl(port, _SECONDS, field, "taskset", "-c", "0")
            return scale.services * _SECONDS / count

        took = interleaved(min(3, scale.rounds), ours, theirs)
    return [Figure(f"sweep of {scale.services:,} real listeners, wall", *took, "s", 2)]
