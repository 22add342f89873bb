"""What this machine says of real stunnel processes."""

import asyncio
import multiprocessing
import os
import pwd
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.fixtures import PATIENCE, Stunnel, eventually, free_port
from tuimon.host.descriptors import Descriptors
from tuimon.host.local import LocalHost
from tuimon.host.procs import ProcessTable
from tuimon.model.process import Holder, OpenLog, Process
from tuimon.parse.proc_net import parse_tcp

Start = Callable[..., Stunnel]


def seen(table: ProcessTable, pid: int) -> Process | None:
    return next((each for each in table.scan() if each.pid == pid), None)


def service(port: int) -> str:
    return f"[web]\naccept = 127.0.0.1:{port}\nconnect = 127.0.0.1:1\n"


async def test_a_stunnel_is_seen_with_all_its_facts(host: LocalHost, start_stunnel: Start) -> None:
    """Argument, log, descriptors, limits, sockets, who and since when."""
    port = free_port()
    program = start_stunnel(service(port))
    found = await host.processes()
    assert isinstance(found, tuple)
    (process,) = (each for each in found if each.pid == program.pid)
    assert process.argument == str(program.config)
    assert process.config == ""
    assert process.logs == (OpenLog(str(program.log), False, program.log.stat().st_ino),)
    assert os.path.basename(process.id.exe).startswith("stunnel")
    assert abs(process.id.started - program.started) < 2
    assert (process.user, process.cwd, process.root) == ("root", os.getcwd(), "/")
    assert process.threads >= 1
    assert process.fds
    assert process.fds >= 3
    assert process.fd_limit
    assert process.memory > 0
    assert process.hidden == ()
    assert process.net == ""
    sockets = parse_tcp(Path("/proc/net/tcp").read_bytes())
    (listening,) = (each for each in sockets if each.port == port and each.state == "listen")
    assert listening.inode in process.inodes


@pytest.mark.parametrize("words", [[], ["stunnel", "-version"]])
def test_what_is_ending_or_only_prints_runs_no_configuration(
    start_stunnel: Start, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    """Neither stays long enough to be looked at, so the words are given here."""
    program = start_stunnel(service(free_port()))
    assert seen(ProcessTable(), program.pid) is not None
    monkeypatch.setattr(psutil.Process, "cmdline", lambda _: words)
    assert seen(ProcessTable(), program.pid) is None


def test_a_process_that_becomes_stunnel_is_found_though_it_was_another_before(tmp_path: Path) -> None:
    """A wrapper is looked at, remembered as something else, and then execs stunnel."""
    table = ProcessTable()
    config = tmp_path / "x.conf"
    config.write_text(f"foreground = quiet\nsyslog = no\npid =\n[x]\nclient = yes\n"
                      f"accept = 127.0.0.1:{free_port()}\nconnect = 127.0.0.1:1\n")  # fmt: skip
    script = f"read line; exec setpriv --pdeathsig TERM stunnel {config}"
    with subprocess.Popen(["sh", "-c", script], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL) as wrapper:
        try:
            assert seen(table, wrapper.pid) is None
            assert wrapper.stdin
            wrapper.stdin.write(b"go\n")
            wrapper.stdin.flush()
            deadline = time.monotonic() + PATIENCE
            while seen(table, wrapper.pid) is None:
                assert time.monotonic() < deadline
                time.sleep(0.01)
        finally:
            wrapper.terminate()


async def test_a_process_that_ended_is_gone_at_once(start_stunnel: Start) -> None:
    """Also when it was killed."""
    table = ProcessTable()
    program = start_stunnel(service(free_port()))
    assert seen(table, program.pid) is not None
    program.close()
    assert seen(table, program.pid) is None


async def test_a_stopped_process_says_so(start_stunnel: Start) -> None:
    """SIGSTOP: it listens and answers nobody."""
    table = ProcessTable()
    program = start_stunnel(service(free_port()))
    os.kill(program.pid, 19)
    await eventually(lambda: (found := seen(table, program.pid)) and found.status == psutil.STATUS_STOPPED)


async def test_a_log_that_was_rotated_away_is_seen_under_its_new_name(start_stunnel: Start) -> None:
    """Renamed: the new name; deleted: the old one, marked."""
    table = ProcessTable()
    program = start_stunnel(service(free_port()))
    rotated = program.log.with_suffix(".log.1")
    inode = program.log.stat().st_ino
    program.log.rename(rotated)
    found = seen(table, program.pid)
    assert found
    assert found.logs == (OpenLog(str(rotated), False, inode),)
    rotated.unlink()
    found = seen(table, program.pid)
    assert found
    assert found.logs == (OpenLog(str(rotated), True, inode),)


async def test_two_instances_are_two_and_helpers_are_none(start_stunnel: Start) -> None:
    """libwrap's helper processes have the command line of their parent and are no instances."""
    table = ProcessTable()
    first = start_stunnel(service(free_port()) + "libwrap = yes\n", name="first")
    second = start_stunnel(service(free_port()), name="second")
    found = {each.pid: each for each in table.scan()}
    assert {first.pid, second.pid} <= found.keys()
    children = {child.pid for child in psutil.Process(first.pid).children()}
    assert children, "this stunnel starts no libwrap helpers"
    assert not children & found.keys()


def _look_as(uid: int, answer: "multiprocessing.SimpleQueue[object]", pid: int) -> None:
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    answer.put(seen(ProcessTable(), pid))


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become somebody else")
async def test_what_a_user_may_not_see_is_named(start_stunnel: Start) -> None:
    """Somebody else's process: there, with its argument, and what is hidden said."""
    program = start_stunnel(service(free_port()))
    context = multiprocessing.get_context("fork")
    answer = context.SimpleQueue()
    child = context.Process(target=_look_as, args=(pwd.getpwnam("nobody").pw_uid, answer, program.pid))
    child.start()
    found = await asyncio.to_thread(answer.get)
    child.join(PATIENCE)
    assert isinstance(found, Process)
    assert set(found.hidden) == {"exe", "cwd", "open files"}
    assert found.argument == str(program.config)
    assert (found.fds, found.inodes, found.logs) == (None, frozenset(), ())
    assert found.status
    assert found.user == "root"


async def test_who_holds_a_socket(host: LocalHost, start_stunnel: Start) -> None:
    """By inode; a socket that nobody holds is left out."""
    program = start_stunnel(service(port := free_port()))
    sockets = parse_tcp(Path("/proc/net/tcp").read_bytes())
    (listening,) = (each for each in sockets if each.port == port and each.state == "listen")
    found = await host.holders(frozenset({listening.inode, 2**40}))
    assert found == {listening.inode: Holder(program.pid, "stunnel")}


def test_a_file_where_a_socket_was_is_seen_though_the_socket_lives_on(tmp_path: Path) -> None:
    """Descriptors are believed to be what they were; one that is closed and used again is not."""
    ours = Descriptors(os.getpid())
    with socket.socket() as kept, socket.socket() as given, socket.socket() as twin:
        inodes = {os.fstat(each.fileno()).st_ino for each in (kept, given, twin)}
        _, seen, _ = ours.look(frozenset())
        assert inodes <= seen
        assert ours.look(seen)[1] is seen
        os.dup2(given.fileno(), twin.fileno())  # the twin is closed
        with open(tmp_path / "log", "ab") as file:
            os.dup2(file.fileno(), given.fileno())  # and a log stands where the other was
            _, found, logs = ours.look(inodes)
            assert os.fstat(kept.fileno()).st_ino in found
            assert str(tmp_path / "log") in {log.path for log in logs}
        _, found, _ = ours.look(inodes)
        assert found >= {os.fstat(each.fileno()).st_ino for each in (kept, twin)}
