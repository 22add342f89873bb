"""`tuimon status` on one running service, against an import of the libraries and one openssl s_client."""

from tests.bench.field import TUIMON, Ended, Field, ports_of
from tests.bench.figure import Figure, Scale, interleaved
from tuimon.settings import Settings

_WAIT = Settings().probes.early_close
_LIBRARIES = "import ssl, cryptography.x509, OpenSSL.SSL"


def run(field: Field, scale: Scale) -> list[Figure]:
    """Wall time without the documented wait for an early close."""
    with field.fleet("one", 1) as running:
        door = f"127.0.0.1:{ports_of(running.config)[0]}"

        def ours() -> float:
            argv = (*TUIMON, "status", str(running.config))
            return (Ended(argv, field.environment, expect=(0, 1)).wall - _WAIT) * 1000

        def theirs() -> float:
            libraries = Ended((TUIMON[0], "-c", _LIBRARIES), field.environment)
            client = Ended(("openssl", "s_client", "-connect", door), field.environment)
            return (libraries.wall + client.wall) * 1000

        return [Figure("exec → `status` on one service", *interleaved(scale.rounds, ours, theirs), "ms", 2)]
