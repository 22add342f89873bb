"""Handshakes per second of CPU: a probe with its chain read and parsed, against `openssl s_time -new`."""

import re

from tests.bench.field import ROOT, TUIMON, Ended, Field, ports_of
from tests.bench.figure import Figure, Scale, interleaved

SHAKER = (TUIMON[0], str(ROOT / "tests" / "bench" / "shaker.py"))
_COUNT = re.compile(r"^(\d+) connections in .*real seconds", re.MULTILINE)


def by_openssl(port: int, seconds: int, field: Field, *by: str) -> tuple[int, Ended]:
    """How many handshakes `openssl s_time` makes in so many seconds, one after the other."""
    argv = (*by, "openssl", "s_time", "-new", "-time", str(seconds), "-connect", f"127.0.0.1:{port}")
    ended = Ended(argv, field.environment)
    found = _COUNT.search(ended.output)
    assert found, ended.output
    return int(found[1]), ended


def run(field: Field, scale: Scale) -> list[Figure]:
    """CPU of the process that shakes hands, start-up left out."""
    with field.fleet("shaken", 1) as running:
        port = ports_of(running.config)[0]

        def ours() -> float:
            count = max(2, scale.lines // 200)
            argv = (*SHAKER, str(port), str(count))
            return count / float(Ended(argv, field.environment).output)

        def theirs() -> float:
            count, ended = by_openssl(port, 1, field)
            return count / ended.cpu

        rates = interleaved(scale.rounds, ours, theirs)
    return [Figure("handshakes per CPU-second, chain read and parsed", *rates, "/s", 0.8, "≥")]
