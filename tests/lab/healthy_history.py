"""Healthy oddities with a past: reloaded, mended, scanned, and well again.

Rule: nothing above information may be said of any of them.
"""

import socket

from tests.fixtures import PATIENCE
from tests.lab.bench import Bench
from tests.lab.row import Shelf

shelf = Shelf()
healthy = shelf.healthy


@healthy
def reloaded(bench: Bench) -> None:
    running = bench.start(bench.server())
    bench.write(bench.server("TIMEOUTidle = 60"))
    running.reload()


@healthy
def renewed_and_reloaded(bench: Bench) -> None:
    bench.pki.leaf(bench.name, days=(-80, 10))
    running = bench.start(bench.server(cert=bench.name))
    bench.pki.leaf(bench.name, days=(-1, 89))
    running.reload()


@healthy
def mended_after_a_failed_reload(bench: Bench) -> None:
    running = bench.start(bench.server())
    bench.write(bench.server("oops"))
    running.reload(answer="Failed to reload the configuration file")
    bench.write(bench.server())
    running.reload()


@healthy
def in_the_background(bench: Bench) -> None:
    bench.write(bench.server(), f"pid = {bench.file('background.pid')}", "foreground = no")
    bench.run_detached(bench.lab.folder / "background.pid")


@healthy
def scanned(bench: Bench) -> None:
    bench.start(bench.server())
    for words in (b"", b"GET / HTTP/1.0\r\n\r\n", b"\x16\x03\x01", b"SSH-2.0-x\r\n") * 3:
        with socket.create_connection(("127.0.0.1", bench.accept), PATIENCE) as scanner:
            scanner.sendall(words)


@healthy
def visited_by_strangers(bench: Bench) -> None:
    bench.start(bench.server(bench.ca, "verifyChain = yes"))
    for _ in range(3):  # without a certificate nobody gets in, and that is right
        bench.visit()


@healthy
def back_again(bench: Bench) -> None:
    port = bench.lab.port()
    bench.start(bench.server(connect=port))
    bench.visit()
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind(("127.0.0.1", port))
    listening.listen()
    bench.lab.serve(listening)


@healthy
def target_down_but_mended_unheard(bench: Bench) -> None:
    port = bench.lab.port()
    bench.start(bench.server("debug = 3", connect=port))
    bench.visit()
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind(("127.0.0.1", port))
    listening.listen()
    bench.lab.serve(listening)


@healthy
def proxy_asked_for_a_dead_host(bench: Bench) -> None:
    bench.start(bench.server("protocol = connect"))
    bench.visit(f"CONNECT 127.0.0.1:{bench.lab.port()} HTTP/1.1\r\n\r\n".encode())
