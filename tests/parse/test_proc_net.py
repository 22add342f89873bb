"""/proc/net: read from the running kernel, compared with what `ss` says of the same sockets."""

import socket
import subprocess
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuimon.model.endpoint import Socket, SocketState
from tuimon.parse.proc_net import parse_tcp, parse_unix

HEADING = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"


def proc(name: str) -> bytes:
    return Path(f"/proc/net/{name}").read_bytes()


def of_port(sockets: tuple[Socket, ...], port: int) -> list[Socket]:
    """The sockets that have `port` on either side."""
    return [each for each in sockets if port in (each.port, each.remote_port)]


def test_the_queue_of_a_listener_is_what_it_has_not_accepted() -> None:
    """Three connections that nobody accepts: the kernel and `ss -ltn` both say 3, then 2."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=8))
        port = listener.getsockname()[1]

        def queue() -> int:
            (found,) = (s for s in of_port(parse_tcp(proc("tcp")), port) if s.state is SocketState.LISTEN)
            shown = subprocess.run(
                ["ss", "-ltnH", f"sport = :{port}"], capture_output=True, text=True, check=True
            )
            assert int(shown.stdout.split()[1]) == found.queue
            return found.queue

        assert queue() == 0
        for _ in range(3):
            stack.enter_context(socket.create_connection(("127.0.0.1", port)))
        assert queue() == 3
        stack.enter_context(listener.accept()[0])
        assert queue() == 2


def test_both_ends_of_a_connection_and_the_inode() -> None:
    """An established connection is seen from both sides; the inode is that of the descriptor."""
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()) as client,
        listener.accept()[0] as server,
    ):
        found = of_port(parse_tcp(proc("tcp")), client.getsockname()[1])
        inodes = {each.inode: each for each in found}
        ours = inodes[Path(f"/proc/self/fd/{client.fileno()}").stat().st_ino]
        assert (ours.state, ours.queue) == (SocketState.ESTABLISHED, 0)
        assert (ours.address, ours.port) == client.getsockname()
        assert (ours.remote_address, ours.remote_port) == listener.getsockname()
        theirs = inodes[Path(f"/proc/self/fd/{server.fileno()}").stat().st_ino]
        assert (theirs.address, theirs.port) == listener.getsockname()
        assert len(found) == 2


def test_ipv6_and_mapped_addresses() -> None:
    """`::1` and `::` are written as usual; a mapped IPv4 peer of an IPv6 listener is shown as IPv4."""
    with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as listener:
        port = listener.getsockname()[1]
        with (
            socket.create_connection(("127.0.0.1", port)),
            listener.accept()[0],
            socket.create_connection(("::1", port)),
            listener.accept()[0],
        ):
            found = {each for each in parse_tcp(proc("tcp6")) if each.port == port}
    assert {each.address for each in found if each.state is SocketState.LISTEN} == {"::"}
    established = {(s.address, s.remote_address) for s in found if s.state is SocketState.ESTABLISHED}
    assert established == {("127.0.0.1", "127.0.0.1"), ("::1", "::1")}


def test_unix_sockets_by_path(tmp_path: Path) -> None:
    """A listener and what it accepted bear the path, blanks and odd characters included."""
    path = tmp_path / "a b\x1b.sock"
    with (
        socket.socket(socket.AF_UNIX) as listener,
        socket.socket(socket.AF_UNIX) as client,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other,
    ):
        listener.bind(str(path))
        listener.listen()
        other.bind(str(tmp_path / "datagrams"))
        client.connect(str(path))
        with listener.accept()[0]:
            found = [each for each in parse_unix(proc("unix")) if each.address.startswith(str(tmp_path))]
    shown = f"{tmp_path}/a b\ufffd.sock"
    assert sorted((each.state.value, each.address) for each in found) == [
        ("established", shown),
        ("listen", shown),
    ]


def test_the_queue_of_a_unix_listener_is_what_it_has_not_accepted(tmp_path: Path) -> None:
    """Also those who have hung up meanwhile; the kernel lists them, and `ss -xl` counts the same."""
    path = str(tmp_path / "queue.sock")
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket(socket.AF_UNIX))
        listener.bind(path)
        listener.listen()

        def queue() -> int:
            (found,) = (s for s in parse_unix(proc("unix")) if (s.address, s.state.value) == (path, "listen"))
            shown = subprocess.run(["ss", "-xlH", f"src {path}"], capture_output=True, text=True, check=True)
            assert int(shown.stdout.split()[2]) == found.queue
            return found.queue

        assert queue() == 0
        clients = [stack.enter_context(socket.socket(socket.AF_UNIX)) for _ in range(3)]
        for each in clients:
            each.connect(path)
        clients[0].close()
        assert queue() == 3
        stack.enter_context(listener.accept()[0])
        assert queue() == 2


def test_a_session_whose_client_has_said_its_last_is_still_held() -> None:
    """CLOSE_WAIT: the process has its socket until it closes too; afterwards it is nobody's."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        server = listener.accept()[0]
        port = server.getpeername()[1]
        client.close()
        (found,) = (each for each in of_port(parse_tcp(proc("tcp")), port) if each.inode)
        assert (found.state, found.remote_port) == (SocketState.CLOSING, port)
        server.close()
        assert of_port(parse_tcp(proc("tcp")), port) == []


def test_other_byte_orders_and_other_states() -> None:
    """A big-endian machine prints the address in network order; TIME_WAIT and the like are left out."""
    line = (
        "   0: {} 00000000:0000 {} 00000000:00000002 00:00000000 00000000     0        0 7 1 0 100 0 0 10 0\n"
    )
    assert parse_tcp(HEADING + line.format("7F000001:1F90", "0A"), byteorder="big") == (
        Socket(SocketState.LISTEN, "127.0.0.1", 8080, "0.0.0.0", 0, 2, 7),  # noqa: S104
    )
    assert parse_tcp(HEADING + line.format("0100007F:1F90", "06"), byteorder="little") == ()


@pytest.mark.parametrize("parse", [parse_tcp, parse_unix])
@settings(derandomize=True)
@given(st.one_of(st.binary(max_size=300), st.from_regex(rb"\n( ?[0-9A-Fa-f:]{0,40}){0,12}")))
def test_a_broken_table_is_no_error(parse: object, content: bytes) -> None:
    """Lines that are not understood are left out."""
    assert callable(parse)
    assert isinstance(parse(content), tuple)
