"""Situations before a start, on plain processes."""

import os
import signal

from tests.control.bench import Bench
from tests.control.row import Play, Shelf
from tuimon.model.action import Action, Result

shelf = Shelf()
VERIFIED, REFUSED, FAILED = Result.VERIFIED, Result.REFUSED, Result.FAILED


def situation(result: Result, *words: str):  # type: ignore[no-untyped-def]
    return shelf.situation(Action.START, result, *words)


@situation(VERIFIED, "started in", "1 of 1 service answer")
def start_in_the_foreground(bench: Bench) -> Play:
    bench.write()
    yield
    assert bench.serves()


@situation(VERIFIED, "started in", "1 of 1 service answer")
def start_a_daemon(bench: Bench) -> Play:
    bench.write(foreground="", options=f"pid = {bench.folder}/pid")
    yield
    assert (bench.folder / "pid").read_text() == f"{bench.pids[0]}\n"


@situation(REFUSED, "it runs already", "reload or restart")
def start_what_runs(bench: Bench) -> Play:
    bench.start()
    yield
    assert len(bench.pids) == 1


@situation(REFUSED, "it would not start", "No '=' found")
def start_a_broken_file(bench: Bench) -> Play:
    bench.write(bench.section("oops"))
    yield
    assert bench.pids == []


@situation(REFUSED, "is held by", "it cannot bind")
def start_on_a_taken_port(bench: Bench) -> Play:
    bench.write(bench.section(accept=f"127.0.0.1:{bench.hold()}"))
    yield


@situation(FAILED, "it did not start", "cannot bind", "address already in use")
def start_on_a_port_of_someone_unseen(bench: Bench) -> Play:
    bench.write(bench.section(accept=f"127.0.0.1:{bench.hold(listen=False)}"))
    yield


@situation(FAILED, "it did not start", "cannot bind", "address already in use")
def start_a_daemon_on_a_port_of_someone_unseen(bench: Bench) -> Play:
    bench.write(bench.section(accept=f"127.0.0.1:{bench.hold(listen=False)}"), foreground="")
    yield


@situation(REFUSED, "it would not start", "s.sock", "is left over")
def start_on_a_socket_left_by_a_killed_process(bench: Bench) -> Play:
    path = bench.folder / "s.sock"
    bench.start(bench.section(), bench.section(name="unix", accept=str(path)))
    bench.tell(signal.SIGKILL)
    bench.until(lambda: not bench.pids)
    assert path.is_socket()
    yield


@situation(VERIFIED, "1 of 1 service answer")
def start_beside_a_pid_file_left_by_a_killed_process(bench: Bench) -> Play:
    bench.start(foreground="", options=f"pid = {bench.folder}/pid")
    bench.until((bench.folder / "pid").exists)
    old = bench.pids[0]
    bench.tell(signal.SIGKILL)
    bench.until(lambda: not bench.pids)
    assert (bench.folder / "pid").read_text() == f"{old}\n"
    yield
    assert (bench.folder / "pid").read_text() == f"{bench.pids[0]}\n"


@situation(REFUSED, "it would not start", "pid")
def start_without_the_folder_of_the_pid_file(bench: Bench) -> Play:
    bench.write(options=f"pid = {bench.folder}/nowhere/pid")
    yield


@situation(REFUSED, "not run with more rights than who could have written it", "belongs to user 65534")
def start_programs_that_somebody_named(bench: Bench) -> Play:
    bench.write(bench.section().replace("connect = ", "exec = /bin/cat\n; "))
    os.chown(bench.config, 65534, 0)
    yield
    assert bench.pids == []
