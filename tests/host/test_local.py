"""This machine as a `Host`: what it gives, and the failures in its own words."""

import asyncio
import os
import pwd
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.fixtures import free_port
from tuimon.host.base import Completed, FileContent, Stream, Tail
from tuimon.host.local import LocalHost
from tuimon.model.endpoint import Endpoint
from tuimon.model.failure import Failure, Reason


def failed(result: object) -> Reason:
    assert isinstance(result, Failure), result
    assert result.detail
    return result.reason


async def test_a_file_is_read_with_its_identity(host: LocalHost, tmp_path: Path) -> None:
    """Bytes, stamp, permission bits and owner belong to the same moment."""
    path = tmp_path / "x.conf"
    path.write_bytes(b"[x]\n")
    path.chmod(0o640)
    content = await host.read(str(path))
    assert isinstance(content, FileContent)
    status = path.stat()
    assert content.data == b"[x]\n"
    assert content.stamp == (status.st_ino, 4, status.st_mtime_ns)
    assert content.stamp == await host.stamp(str(path))
    assert (content.mode, content.owner) == (0o640, pwd.getpwuid(os.getuid()).pw_name)


async def test_what_is_no_regular_file_is_never_read(host: LocalHost, tmp_path: Path) -> None:
    """Neither a FIFO (opening it would block, reading it would steal), nor a device, folder or socket."""
    os.mkfifo(tmp_path / "fifo")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket"))
        for path in (tmp_path / "fifo", Path("/dev/zero"), tmp_path):
            assert failed(await host.read(str(path))) is Reason.NOT_REGULAR
            assert failed(await host.tail(str(path))) is Reason.NOT_REGULAR
        assert isinstance(await host.read(str(tmp_path / "socket")), Failure)


async def test_what_is_missing_is_missing(host: LocalHost, tmp_path: Path) -> None:
    """Also below a file, and behind a dangling symlink."""
    (tmp_path / "file").touch()
    (tmp_path / "dangling").symlink_to("nowhere")
    for name in ("nothing", "file/below", "dangling"):
        path = str(tmp_path / name)
        assert failed(await host.read(path)) is Reason.MISSING
        assert failed(await host.stamp(path)) is Reason.MISSING
        assert failed(await host.list(path)) is Reason.MISSING
        assert failed(await host.tail(path)) is Reason.MISSING


async def test_a_file_that_is_too_large_is_not_read_whole(host: LocalHost, tmp_path: Path) -> None:
    """Exactly the limit still is."""
    path = tmp_path / "big"
    path.write_bytes(b"x" * 100)
    assert isinstance(await host.read(str(path), 100), FileContent)
    assert failed(await host.read(str(path), 99)) is Reason.TOO_LARGE


ASK_AS_NOBODY = """
import asyncio, os, pwd, sys
from tuimon.host.local import LocalHost
uid = pwd.getpwnam("nobody").pw_uid
os.setgroups([]); os.setresgid(uid, uid, uid); os.setresuid(uid, uid, uid)
async def main():
    host = LocalHost()
    for ask in (host.read, host.tail, host.stamp):
        print((await ask(sys.argv[1])).reason.value)
    print((await host.list(os.path.dirname(sys.argv[1]))).reason.value)
    await host.close()
asyncio.run(main())
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become somebody else")
async def test_what_is_not_permitted_is_denied(tmp_path: Path) -> None:
    """Asked by a user who may not."""
    folder = tmp_path / "private"
    folder.mkdir(mode=0o700)
    (folder / "key").write_text("secret")
    argv = [sys.executable, "-c", ASK_AS_NOBODY, str(folder / "key")]
    root = Path(__file__).parents[2]
    done = await asyncio.to_thread(
        subprocess.run, argv, capture_output=True, text=True, cwd=root, timeout=30, check=False
    )
    assert done.stdout.split() == ["denied"] * 4, done.stderr


async def test_a_folder_is_listed_through_symlinks(host: LocalHost, tmp_path: Path) -> None:
    """`regular` says what a name leads to."""
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "dangling").symlink_to("nowhere")
    found = await host.list(str(tmp_path))
    assert not isinstance(found, Failure)
    expected = {"file": True, "folder": False, "link": True, "dangling": False}
    assert {entry.name: entry.regular for entry in found} == expected


async def test_a_tail_reads_on_though_the_name_is_gone(host: LocalHost, tmp_path: Path) -> None:
    """Offsets, growth, truncation, and a close that may be repeated."""
    path = tmp_path / "log"
    path.write_bytes(b"0123456789")
    tail = await host.tail(str(path))
    assert not isinstance(tail, Failure)
    opened: Tail = tail
    assert opened.inode == path.stat().st_ino
    assert await opened.read(4) == b"0123"
    assert opened.offset == 4
    path.rename(tmp_path / "log.1")
    with (tmp_path / "log.1").open("ab") as file:
        file.write(b"AB")
    opened.seek(8)
    assert await opened.read(100) == b"89AB"
    assert await opened.read(100) == b""
    os.truncate(tmp_path / "log.1", 3)
    assert await opened.size() == 3
    opened.close()
    opened.close()


async def test_a_slow_file_system_is_a_failure_and_others_go_on(host: LocalHost) -> None:
    """The thread is left behind; the answer comes in time."""
    began = time.monotonic()
    release = asyncio.Event()
    loop = asyncio.get_running_loop()

    def stall() -> None:
        asyncio.run_coroutine_threadsafe(release.wait(), loop).result()

    assert failed(await host.blocking(stall, 0.2)) is Reason.TIMEOUT
    assert await host.blocking(lambda: 1) == 1
    assert time.monotonic() - began < 3
    release.set()


@pytest.mark.parametrize("family", ["127.0.0.1", "::1"])
async def test_a_connection_says_who_and_how_fast(host: LocalHost, family: str) -> None:
    """`local` is how the peer sees us, spelt as stunnel's log spells it."""
    kind = socket.AF_INET6 if ":" in family else socket.AF_INET
    with socket.create_server((family, 0), family=kind) as server:
        port = server.getsockname()[1]
        found = await host.connect(Endpoint.parse(f"{family}:{port}"), 5)
        assert not isinstance(found, Failure)
        stream: Stream = found
        peer, address = server.accept()
        with peer:
            assert stream.local == f"{address[0]}:{address[1]}"
            assert stream.peer == f"{family}:{port}"
            assert stream.connect_ms >= 0
            await stream.send(b"ping")
            assert peer.recv(10) == b"ping"
            peer.sendall(b"pong")
            assert await stream.receive() == b"pong"
        assert await stream.receive() == b""
        stream.close()


async def test_a_port_alone_means_loopback_by_either_family(host: LocalHost) -> None:
    """::1 first, as stunnel does, then 127.0.0.1."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        found = await host.connect(Endpoint.parse(str(server.getsockname()[1])), 5)
        assert not isinstance(found, Failure)
        assert found.peer.startswith("127.0.0.1:")
        found.close()


async def test_the_local_address_can_be_chosen(host: LocalHost) -> None:
    """`local =` of a client service."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        endpoint = Endpoint.parse(f"127.0.0.1:{server.getsockname()[1]}")
        found = await host.connect(endpoint, 5, "127.0.0.7")
        assert not isinstance(found, Failure)
        assert found.local.startswith("127.0.0.7:")
        found.close()
        for impossible in ("192.0.2.1", "not an address"):
            assert isinstance(await host.connect(endpoint, 5, impossible), Failure)


async def test_a_unix_socket_is_connected_to(host: LocalHost, tmp_path: Path) -> None:
    """And one that is not there, or that nobody serves, refuses."""
    path = tmp_path / "door"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        found = await host.connect(Endpoint.parse(str(path)), 5)
        assert not isinstance(found, Failure)
        assert found.peer == str(path)
        found.close(abort=True)
    assert failed(await host.connect(Endpoint.parse(str(path)), 5)) is Reason.REFUSED
    assert failed(await host.connect(Endpoint.parse(str(tmp_path / "none")), 5)) is Reason.REFUSED
    too_long = Endpoint.parse("/" + "x" * 200)
    assert isinstance(await host.connect(too_long, 5), Failure)


async def test_refusals_and_unknown_names(host: LocalHost) -> None:
    """In words that do not depend on the system."""
    assert failed(await host.connect(Endpoint.parse(f"127.0.0.1:{free_port()}"), 5)) is Reason.REFUSED
    for text in ("nowhere.invalid:443", "127.0.0.1:no-such-service", f"{'x' * 70}.invalid:1", ":::1"):
        assert isinstance(await host.connect(Endpoint.parse(text), 5), Failure), text
    unknown = Endpoint.parse("nowhere.invalid:443")
    assert failed(await host.connect(unknown, 5)) is Reason.UNRESOLVED


async def test_a_full_backlog_is_a_timeout(host: LocalHost) -> None:
    """The kernel drops the SYN; the deadline is kept."""
    with socket.socket() as listener, socket.socket() as one, socket.socket() as two:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for filler in (one, two):
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        began = time.monotonic()
        endpoint = Endpoint.parse(f"127.0.0.1:{listener.getsockname()[1]}")
        assert failed(await host.connect(endpoint, 0.3)) is Reason.TIMEOUT
        assert time.monotonic() - began < 3


async def test_a_unix_socket_whose_queue_is_full_is_waited_for(host: LocalHost, tmp_path: Path) -> None:
    """The kernel tells of no event when there is room again; the deadline is kept."""
    path = tmp_path / "socket"
    with ExitStack() as stack:
        server = stack.enter_context(socket.socket(socket.AF_UNIX))
        server.bind(str(path))
        server.listen(0)
        stack.enter_context(socket.socket(socket.AF_UNIX)).connect(str(path))
        assert failed(await host.connect(Endpoint.parse(str(path)), 0.2)) is Reason.TIMEOUT
        waiting = asyncio.create_task(host.connect(Endpoint.parse(str(path)), 5))
        await asyncio.sleep(0.1)
        stack.enter_context(server.accept()[0])
        found = await waiting
        assert not isinstance(found, Failure)
        await found.send(b"heard")
        found.close()


async def test_a_reset_is_a_connection_error(host: LocalHost) -> None:
    """`abort` sends one, `receive` raises one."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        found = await host.connect(Endpoint.parse(f"127.0.0.1:{server.getsockname()[1]}"), 5)
        assert not isinstance(found, Failure)
        peer, _ = server.accept()
        with peer:
            found.close(abort=True)
            with pytest.raises(ConnectionResetError):
                await asyncio.to_thread(peer.recv, 10)


async def test_a_command_runs_without_shell_and_input(host: LocalHost) -> None:
    """Its status and both streams; arguments are taken as they are."""
    done = await host.run(("sh", "-c", 'cat; echo "$1"; echo err >&2; exit 3', "x", "$(id) ;"), 10)
    assert done == Completed(3, b"$(id) ;\n", b"err\n")
    assert failed(await host.run(("no-such-command",), 10)) is Reason.MISSING


async def test_a_command_that_does_not_end_is_killed(host: LocalHost, tmp_path: Path) -> None:
    """Within the deadline, and it is gone."""
    began = time.monotonic()
    pid = tmp_path / "pid"
    found = await host.run(("sh", "-c", f"echo $$ > {pid}; exec sleep 60"), 0.5)
    assert failed(found) is Reason.TIMEOUT
    assert time.monotonic() - began < 5
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)
