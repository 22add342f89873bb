"""Faults of tunnels of which both ends are here: at which end the fault is."""

import signal

from tests.lab.bench import Bench, Running
from tests.lab.row import Shelf

shelf = Shelf()
fault = shelf.fault


def far_end(bench: Bench, *options: str, connect: object = "") -> Bench:
    """A server service of the swept fleet, to be started by the row."""
    far = Bench(bench.lab, f"{bench.name}-far")
    far.write(far.server(*options, connect=connect))
    return far


@fault("connect-closed", "far end [far-back-end-down-far]", "connect 127.0.0.1:", "refused")
def far_back_end_down(bench: Bench) -> None:
    far = far_end(bench, connect=bench.lab.port())
    far.run()
    bench.start(bench.client(far.accept))


@fault("connect-refused", "far end [far-end-killed-far]", "not running")
def far_end_killed(bench: Bench) -> None:
    far = far_end(bench)
    running: Running = far.run()
    bench.start(bench.client(far.accept))
    running.end(signal.SIGKILL)


@fault("connect-stalled", "far end [far-end-stopped-far]", "is stopped")
def far_end_stopped(bench: Bench) -> None:
    far = far_end(bench)
    running = far.run()
    bench.start(bench.client(far.accept))
    running.tell(signal.SIGSTOP)


@fault("connect-refused", "far end [far-end-refused-far]", "No '=' found")
def far_end_refused(bench: Bench) -> None:
    far = far_end(bench, "oops")
    far.fails()
    bench.start(bench.client(far.accept))


@fault("peer-tls-rejected", "refuses our certificate")
def near_end_distrusted(bench: Bench) -> None:
    far = far_end(bench, bench.ca, "verifyChain = yes")
    far.run()
    bench.pki.leaf(bench.name, by=bench.pki.stranger)
    files = (f"cert = {bench.file(bench.name + '.pem')}", f"key = {bench.file(bench.name + '.key')}")
    bench.start(bench.client(far.accept, *files))
