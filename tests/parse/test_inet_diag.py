"""inet_diag: messages taken apart, and the running kernel's answer beside /proc/net."""

import socket
import struct
from contextlib import ExitStack
from ipaddress import ip_address
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuimon.host import sock_diag
from tuimon.model.endpoint import Socket, SocketState
from tuimon.parse.inet_diag import (
    CLOSE_WAIT,
    ESTABLISHED,
    FIN_WAIT2,
    LISTEN,
    REQUEST,
    parse_inet_diag,
)
from tuimon.parse.proc_net import parse_tcp


def message(state: int, here: str, there: str = "0.0.0.0:0", *, queue: int = 0, inode: int = 9) -> bytes:
    """As the kernel writes it, with an attribute behind."""
    (address, _, port), (remote, _, remote_port) = here.rpartition(":"), there.rpartition(":")
    raw, other = ip_address(address.strip("[]")).packed, ip_address(remote.strip("[]")).packed
    body = struct.pack("=BBBB", socket.AF_INET if len(raw) == 4 else socket.AF_INET6, state, 2, 0)
    body += struct.pack(">HH16s16s", int(port), int(remote_port), raw, other) + struct.pack("=III", 0, 1, 2)
    body += struct.pack("=IIIII", 31_000, queue, 128, 0, inode) + struct.pack("=HHB3x", 5, 8, 0)
    return struct.pack("=IHHII", 16 + len(body), 18, 2, 1, 0) + body


DONE = struct.pack("=IHHIIi", 20, 3, 2, 1, 0, 0)


def parsed(*messages: bytes) -> list[Socket]:
    return list(parse_inet_diag(b"".join(messages) + DONE, {}).values())


def test_both_families_are_told_as_in_proc() -> None:
    """A mapped address is an IPv4 one; the queue of a listener is what it has not accepted."""
    assert parsed(
        message(LISTEN, "127.0.0.1:8443", queue=3),
        message(ESTABLISHED, "[::1]:636", "[2001:db8::7]:51522"),
        message(CLOSE_WAIT, "[::ffff:10.0.0.1]:80", "[::ffff:10.0.0.2]:9", inode=11),
    ) == [
        Socket(SocketState.LISTEN, "127.0.0.1", 8443, "0.0.0.0", 0, 3, 9),  # noqa: S104 - told, not bound
        Socket(SocketState.ESTABLISHED, "::1", 636, "2001:db8::7", 51522, 0, 9),
        Socket(SocketState.CLOSING, "10.0.0.1", 80, "10.0.0.2", 9, 0, 11),
    ]


def test_what_closes_and_nobody_holds_is_left_out() -> None:
    """A connection that was not accepted yet has no inode either, and stays."""
    assert not parsed(message(FIN_WAIT2, "127.0.0.1:1", "127.0.0.1:2", inode=0))
    assert len(parsed(message(ESTABLISHED, "127.0.0.1:1", "127.0.0.1:2", inode=0))) == 1


def test_what_was_known_is_the_same_object_and_what_is_gone_is_forgotten() -> None:
    """A thousand listeners are not made anew every second."""
    first = parse_inet_diag(message(LISTEN, "127.0.0.1:1") + message(LISTEN, "127.0.0.1:2") + DONE, {})
    again = parse_inet_diag(message(LISTEN, "127.0.0.1:2") + DONE, first)
    assert next(iter(again.values())) is list(first.values())[1]
    fuller = parse_inet_diag(message(LISTEN, "127.0.0.1:2", queue=1) + DONE, again)
    assert [each.queue for each in fuller.values()] == [1]


@settings(max_examples=200)
@given(st.binary(max_size=400), st.integers(0, 120))
def test_whatever_the_bytes_are_nothing_falls(data: bytes, cut: int) -> None:
    """Also an answer that is cut off."""
    parse_inet_diag(data, {})
    parse_inet_diag(message(LISTEN, "127.0.0.1:1")[:cut], {})


def test_the_kernel_tells_what_proc_tells() -> None:
    """Both families, both ends of a connection, and a queue."""
    with ExitStack() as stack:
        ports = set[int]()
        for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
            listener = stack.enter_context(socket.create_server((host, 0), family=family))
            ports.add(listener.getsockname()[1])
            for _ in range(2):
                stack.enter_context(socket.create_connection(listener.getsockname()[:2]))
            stack.enter_context(listener.accept()[0])
        asked = parse_inet_diag(sock_diag.ask(REQUEST), {}).values()
        read = parse_tcp(Path("/proc/net/tcp").read_bytes()) + parse_tcp(Path("/proc/net/tcp6").read_bytes())
        ours = [{each for each in found if {each.port, each.remote_port} & ports} for found in (asked, read)]
        assert ours[0] == ours[1]
        assert len(ours[0]) == 10


def test_a_question_that_the_kernel_does_not_know_is_an_error() -> None:
    """It may have no inet_diag: then the files are read."""
    with pytest.raises(OSError):  # noqa: PT011 - which one is the kernel's business
        sock_diag.ask(REQUEST[:4] + struct.pack("=H", 99) + REQUEST[6:])
