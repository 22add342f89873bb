"""Healthy oddities of clients: strangers, watchers, the clumsy, those who came back, and silences that are
nobody's fault.

Rule: nothing above information may be said of any of them.
"""

import socket
import ssl
import struct
import time
from collections.abc import Iterable

from tests.fixtures import PATIENCE
from tests.lab.bench import Bench
from tests.lab.clients import PARTNER, call, caller, wait_for_end
from tests.lab.ocsp import Responder
from tests.lab.row import Shelf
from tuimon.model.log import LOG_SECOND

shelf = Shelf()
healthy = shelf.healthy


def look_at_the_port(bench: Bench, times: int, *, peer: str = PARTNER, reset: bool = False) -> None:
    """What scanners and simple health checks do: connect and go, with FIN or with RST."""
    for _ in range(times):
        told = bench.log.read_text().count("byte(s) sent to socket")
        with socket.create_connection(("127.0.0.1", bench.accept), PATIENCE, (peer, 0)) as plain:
            if reset:
                plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        wait_for_end(bench, told)


def past(bench: Bench, calls: Iterable[tuple[float, str, str]], *, sent: int = 5) -> None:
    """A history of the log, written before stunnel starts: seconds ago, peer, and why it failed if it did."""
    with bench.log.open("w") as log:
        for number, (ago, peer, failure) in enumerate(calls):
            stamp = time.strftime("%Y.%m.%d %H:%M:%S", time.localtime(time.time() - ago))
            lines = [
                f"LOG5[{number}]: Service [{bench.name}] accepted connection from {peer}:{20000 + number}"
            ]
            if failure:
                lines.append(f"LOG3[{number}]: SSL_accept: {failure}")
                ends = "reset/closed: 0 byte(s) sent to TLS, 0"
            else:
                said = f"Service [{bench.name}] connected remote server from 127.0.0.1:{30000 + number}"
                lines.append(f"LOG5[{number}]: {said}")
                ends = f"closed: {sent} byte(s) sent to TLS, {sent}"
            lines.append(f"LOG5[{number}]: Connection {ends} byte(s) sent to socket")
            log.writelines(f"{stamp} {line}\n" for line in lines)


_HUNG_UP = "../ssl/record/rec_layer_s3.c:318: error:0A000126:SSL routines::unexpected eof while reading"

_UNKNOWN_CA = "../ssl/record/rec_layer_s3.c:1602: error:0A000418:SSL routines::tlsv1 alert unknown ca"


@healthy
def watched_by_a_balancer(bench: Bench) -> None:
    bench.start(bench.server())
    look_at_the_port(bench, 10)
    look_at_the_port(bench, 5, reset=True)


@healthy
def client_and_balancer_at_one_address(bench: Bench) -> None:
    bench.start(bench.server())
    look_at_the_port(bench, 2)
    call(bench, caller(), 3)
    look_at_the_port(bench, 12)


@healthy
def knocked_at_without_a_certificate(bench: Bench) -> None:
    bench.start(bench.server(bench.ca, "verifyChain = yes"))
    for number in (31, 32, 33, 34):
        call(bench, caller(), 4, peer=f"127.0.0.{number}")


@healthy
def tried_with_every_version(bench: Bench) -> None:
    bench.start(bench.server("sslVersionMin = TLSv1.3"))
    call(bench, caller(trusts=bench.file("ca.pem")), 1, peer="127.0.0.35")
    call(bench, caller(at_most=ssl.TLSVersion.TLSv1_2), 14, peer="127.0.0.35")


@healthy
def opened_in_a_browser(bench: Bench) -> None:
    bench.pki.leaf(bench.name, by=bench.pki.stranger)
    bench.start(bench.server(cert=bench.name))
    call(bench, caller(), 3)
    call(bench, caller(trusts=bench.file("ca.pem")), 12, peer="127.0.0.36")


@healthy
def client_that_came_back(bench: Bench) -> None:
    bench.start(bench.server(bench.ca, "verifyChain = yes"))
    ours = caller(cert=bench.file("client"))
    call(bench, ours, 3)
    call(bench, caller(), 4)
    call(bench, ours, 3)


@healthy
def clients_shut_out_until_the_reload(bench: Bench) -> None:
    ours = caller(cert=bench.file("client"))
    sound = bench.server(bench.ca, "verifyChain = yes")
    running = bench.start(sound)
    call(bench, ours, 2)
    bench.write(bench.server(f"CAfile = {bench.file('stranger.pem')}", "verifyChain = yes"))
    running.reload()
    call(bench, ours, 3)
    begun = int(time.time())
    # What the log tells within one second may have any order.
    while time.time() < begun + LOG_SECOND:
        time.sleep(0.005)
    bench.write(sound)
    running.reload()


@healthy
def one_clumsy_client_among_many(bench: Bench) -> None:
    bench.start(bench.server(bench.ca, "verifyChain = yes"))
    for _ in range(3):
        call(bench, caller(cert=bench.file("client")), 3)
        call(bench, caller())
    call(bench, caller(cert=bench.file("client")))


@healthy
def wrong_server_name(bench: Bench) -> None:
    secondary = bench.server("sni = front:*.b.example")
    bench.start(bench.server(f"accept = 127.0.0.1:{bench.accept}", name="front") + secondary)
    call(bench, caller(), 6)  # `SNI: no pattern matched servername` is LOG3, and the primary serves


@healthy
def strangers_redirected(bench: Bench) -> None:
    bench.start(bench.server(bench.ca, "verifyChain = yes", f"redirect = 127.0.0.1:{bench.lab.echo}"))
    call(bench, caller(cert=bench.file("client")), 3, peer="127.0.0.37")
    call(bench, caller(), 9)


@healthy
def watched_by_another_tuimon(bench: Bench) -> None:
    probes = [(60.0 * ago, "127.0.0.1", _HUNG_UP) for ago in range(60, 1, -5)]
    past(bench, [(7000, "127.0.0.1", ""), (6900, "127.0.0.1", ""), *probes])
    bench.start(bench.server(bench.ca, "verifyChain = yes"))


@healthy
def partner_not_seen_since_the_restart(bench: Bench) -> None:
    past(bench, [(300.0 * ago, "10.0.0.9", "") for ago in range(30, 9, -1)])
    bench.start(bench.server())


@healthy
def failed_long_ago(bench: Bench) -> None:
    served = [(90000.0 + 60 * ago, "10.0.0.9", "") for ago in range(9, 4, -1)]
    failed = [(90000.0 + 60 * ago, "10.0.0.9", _UNKNOWN_CA) for ago in range(4, 0, -1)]
    past(bench, served + failed)
    bench.start(bench.server())


@healthy
def responder_quick(bench: Bench) -> None:
    responder = Responder(bench, 0)
    bench.start(bench.server(bench.ca, "verifyChain = yes", responder.option))
    call(bench, caller(cert=bench.file("client")), 4)
