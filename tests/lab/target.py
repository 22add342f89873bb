"""Faults of what a server service connects to: down, silent, unknown, unreachable, hanging up."""

import socket
import threading

from tests.lab.bench import NOBODY, Bench, Lab
from tests.lab.row import Shelf

shelf = Shelf()
fault = shelf.fault


def full_backlog(lab: Lab) -> int:
    """The port of a listener whose queue is full: whoever connects now waits in vain."""
    listening = lab.listener(backlog=0)
    port: int = listening.getsockname()[1]
    for _ in range(3):  # the queue, and whatever the kernel lets in besides
        waiting = socket.socket()
        lab.defer(waiting.close)
        waiting.setblocking(False)
        waiting.connect_ex(("127.0.0.1", port))
    return port


def hanging_up(lab: Lab, greeting: bytes = b"") -> int:
    """The port of a peer that accepts, says `greeting`, and closes."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with connection:
                connection.sendall(greeting)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()

    def end() -> None:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join(5)

    lab.defer(end)
    port: int = listening.getsockname()[1]
    return port


@fault("connect-refused", "refused")
def target_refused(bench: Bench) -> None:
    bench.start(bench.server(connect=bench.lab.port()))


@fault("connect-refused", "refused")
def both_targets_refused(bench: Bench) -> None:
    second = f"connect = 127.0.0.1:{bench.lab.port()}"
    bench.start(bench.server(second, connect=bench.lab.port()))


@fault("connect-stalled", "{target}", "accepts nobody", "wait for python")
def target_queue_full(bench: Bench) -> None:
    bench.target = full_backlog(bench.lab)
    bench.start(bench.server("TIMEOUTconnect = 1", connect=bench.target))
    bench.visit()  # a handshake alone would not tell: stunnel shakes hands first, then it connects


@fault("connect-stalled", "target 127.0.0.1:{target}", "accepts nobody")
def target_accepts_nobody(bench: Bench) -> None:
    bench.target = bench.lab.listener().getsockname()[1]
    bench.start(bench.server(connect=bench.target))


@fault("connect-stalled", "stuck.sock", "accepts nobody")
def target_socket_accepts_nobody(bench: Bench) -> None:
    listening = socket.socket(socket.AF_UNIX)
    bench.lab.defer(listening.close)
    listening.bind(bench.file("stuck.sock"))
    listening.listen()
    bench.start(bench.server(connect=bench.file("stuck.sock")))


@fault("connect-stalled", "127.0.0.1:{target}", "accepts nobody")
def first_of_two_targets_accepts_nobody(bench: Bench) -> None:
    bench.target = bench.lab.listener().getsockname()[1]
    second = f"connect = 127.0.0.1:{bench.lab.echo}"
    bench.start(bench.server(second, connect=bench.target))


@fault("connect-unresolved", "nowhere.invalid", "cannot be resolved")
def target_unresolved(bench: Bench) -> None:
    bench.start(bench.server(connect=NOBODY))


@fault("connect-unresolved", "cannot be resolved")
def target_with_inline_comment(bench: Bench) -> None:
    bench.start(bench.server(connect=f"127.0.0.1:{bench.lab.echo} # back end"))


@fault("connect-unreachable", "224.0.0.1:7", "unreachable")
def target_unreachable(bench: Bench) -> None:
    bench.start(bench.server(connect="224.0.0.1:7"))  # nothing leaves: TCP has no multicast


@fault("connect-closed", "hangs up")
def target_hangs_up(bench: Bench) -> None:
    bench.start(bench.server(connect=hanging_up(bench.lab)))


@fault("connect-partial", "1 of 2 targets down")
def one_of_two_targets_down(bench: Bench) -> None:
    bench.start(bench.server(f"connect = 127.0.0.1:{bench.lab.port()}"))


@fault("connect-refused", "refused")
def mail_server_down(bench: Bench) -> None:
    bench.start(bench.server("protocol = smtp", connect=bench.lab.port()))


@fault("connect-refused", "refused")
def database_down(bench: Bench) -> None:
    bench.start(bench.server("protocol = pgsql", connect=bench.lab.port()))


@fault("connect-refused connect-closed connect-unreachable", "gone.sock")
def target_socket_missing(bench: Bench) -> None:
    bench.start(bench.server(connect=bench.file("gone.sock")))


@fault("connect-refused", "refused")
def target_refused_behind_sni(bench: Bench) -> None:
    secondary = bench.server("sni = front:*.b.example", connect=bench.lab.port())
    bench.start(bench.server(f"accept = 127.0.0.1:{bench.accept}", name="front") + secondary)


@fault("connect-timeout", "smtp", "{target}")
def mail_server_silent(bench: Bench) -> None:
    bench.target = bench.lab.backend()
    bench.start(bench.server("protocol = smtp", connect=bench.target))


@fault("connect-closed", "smtp", "{target}")
def mail_server_hangs_up(bench: Bench) -> None:
    bench.target = hanging_up(bench.lab)
    bench.start(bench.server("protocol = smtp", connect=bench.target))


@fault("protocol-failed connect-closed", "{target}")
def mail_server_is_none(bench: Bench) -> None:
    bench.target = bench.lab.backend(b"SSH-2.0-OpenSSH_9.2\r\n")
    bench.start(bench.server("protocol = smtp", connect=bench.target))


@fault("connect-refused", "stale.sock")
def target_socket_stale(bench: Bench) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(bench.file("stale.sock"))
    bench.start(bench.server(connect=bench.file("stale.sock")))


@fault("connect-refused", "{target}")
def target_refused_behind_mutual_tls(bench: Bench) -> None:
    bench.target = bench.lab.port()
    bench.start(bench.server(bench.ca, "verifyChain = yes", connect=bench.target))


@fault("connect-refused", "{target}")
def both_targets_refused_behind_mutual_tls(bench: Bench) -> None:
    bench.target = bench.lab.port()
    second = f"connect = 127.0.0.1:{bench.lab.port()}"
    bench.start(bench.server(bench.ca, "verifyChain = yes", second, connect=bench.target))
