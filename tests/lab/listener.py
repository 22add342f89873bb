"""Faults of the accept side: the port is somebody else's, is not there, or speaks no TLS of today."""

from tests.lab.bench import Bench
from tests.lab.row import Shelf

shelf = Shelf()
fault = shelf.fault


@fault("accept-taken", "python", "pid", "cannot start")
def port_of_a_stranger(bench: Bench) -> None:
    port = bench.lab.listener().getsockname()[1]
    bench.refused(bench.server(f"accept = 127.0.0.1:{port}"))


@fault("accept-taken", "stunnel pid", "port-of-another-stunnel-far.conf", "cannot start")
def port_of_another_stunnel(bench: Bench) -> None:
    bench.refused(bench.server(f"accept = 127.0.0.1:{bench.remote()}"))


@fault("accept-taken", "held by python", "pid")
def port_taken_at_reload(bench: Bench) -> None:
    running = bench.start(bench.server())
    port = bench.lab.listener().getsockname()[1]
    moved = bench.server(f"accept = 127.0.0.1:{port}")
    bench.write(moved, keep_time=True)
    running.reload(answer="Address already in use")


@fault("accept-refused", "not listening", "1 of 2")
def one_of_two_ports_taken(bench: Bench) -> None:
    port = bench.lab.listener().getsockname()[1]
    accepts = (f"accept = 127.0.0.1:{bench.accept}", f"accept = 127.0.0.1:{port}")
    bench.start(bench.server(*accepts))


@fault("weak-protocol", "TLSv1")
def old_version_only(bench: Bench) -> None:
    bench.start(bench.server("sslVersion = TLSv1", "securityLevel = 0"))


@fault("tls-rejected tls-no-shared-cipher", "{port}")
def no_cipher_for_this_key(bench: Bench) -> None:
    # the key is an elliptic one: with these ciphers nobody gets through
    bench.start(bench.server("sslVersion = TLSv1.2", "ciphers = aRSA"))
