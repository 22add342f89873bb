"""Situations before a restart or a stop, on plain processes."""

import os
import resource
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from tests.control.bench import STUNNEL, Bench
from tests.control.row import Play, Shelf
from tuimon.model.action import Action, Result

shelf = Shelf()
situation = shelf.situation
RESTART, STOP = Action.RESTART, Action.STOP
VERIFIED, REFUSED, FAILED = Result.VERIFIED, Result.REFUSED, Result.FAILED

# Attaches and lets go again at the end of its input.
TRACER = """
import ctypes, os, sys
pid = int(sys.argv[1])
trace = ctypes.CDLL(None).ptrace
trace(16, pid, 0, 0)
os.waitpid(pid, 0x40000000)
print(flush=True)
sys.stdin.read()
trace(17, pid, 0, 0)
"""


def facts(pid: int) -> tuple[str, bytes, str]:
    """What must be as it was: folder, environment, limits."""
    place = Path(f"/proc/{pid}")
    return os.readlink(place / "cwd"), (place / "environ").read_bytes(), (place / "limits").read_text()


@situation(RESTART, VERIFIED, "restarted in", "1 of 1 service answer")
def in_the_foreground(bench: Bench) -> Play:
    os.environ["TUIMON_TEST"] = "kept"
    bench.start(cwd=str(bench.folder))
    del os.environ["TUIMON_TEST"]
    old = bench.pids[0]
    was = facts(old)
    yield
    new = bench.pids
    assert len(new) == 1
    assert new != [old]
    assert facts(new[0]) == was


@situation(RESTART, VERIFIED, "1 of 1 service answer", "1 session will be cut", down=True)
def daemon_with_a_session(bench: Bench) -> Play:
    bench.start(foreground="", options=f"pid = {bench.folder}/pid")
    old, session = bench.pids[0], bench.session()
    yield
    assert not session.alive
    assert bench.serves()
    assert (bench.folder / "pid").read_text() == f"{bench.pids[0]}\n"
    assert bench.pids != [old]


@situation(RESTART, VERIFIED, "serving the new certificate")
def setuid_starts_as_root(bench: Bench) -> Play:
    (bench.folder / "own.key").chmod(0o600)
    bench.start(options="setuid = nobody")
    bench.renew()
    (bench.folder / "own.key").chmod(0o600)
    yield
    assert bench.served() == bench.on_disk()


@situation(RESTART, VERIFIED, "1 of 1 service answer")
def limits_are_kept(bench: Bench) -> Play:
    shutil.copy(STUNNEL, bench.folder / "stunnel")
    bench.folder.chmod(0o755)
    bench.write()
    bench.launch()

    resource.prlimit(bench.pids[0], resource.RLIMIT_NOFILE, (333, 444))
    yield
    assert resource.prlimit(bench.pids[0], resource.RLIMIT_NOFILE) == (333, 444)


@situation(RESTART, VERIFIED, "1 of 1 service answer")
def process_is_stopped(bench: Bench) -> Play:
    bench.start()
    bench.tell(signal.SIGSTOP)
    yield
    assert bench.serves()


@situation(RESTART, VERIFIED, "1 of 1 service answer")
def relative_name(bench: Bench) -> Play:
    bench.write()
    bench.launch(cwd=str(bench.config.parent), argument=bench.config.name)
    yield


@situation(RESTART, REFUSED, "it would not come back", "No '=' found")
def broken_file(bench: Bench) -> Play:
    bench.start()
    bench.write(bench.section("oops"))
    yield


@situation(RESTART, REFUSED, "it would not come back", "own.key")
def key_needs_a_password(bench: Bench) -> Play:
    bench.start()
    key = bench.folder / "own.key"
    lock = ["openssl", "ec", "-in", key, "-out", f"{key}.new", "-aes256", "-passout", "pass:secret"]
    subprocess.run(lock, check=True, capture_output=True)
    os.replace(f"{key}.new", key)
    yield


@situation(RESTART, REFUSED, "it would not come back", "pid")
def folder_of_the_pid_file_is_gone(bench: Bench) -> Play:
    run = bench.folder / "run"
    run.mkdir()
    bench.start(options=f"pid = {run}/pid")
    bench.until((run / "pid").exists)
    shutil.rmtree(run)
    yield


@situation(RESTART, REFUSED, "Its parent", "owns it")
def somebody_waits_for_it(bench: Bench) -> Play:
    bench.child()
    yield


@situation(RESTART, REFUSED, "who could have written it", "is writable for everybody")
def program_that_anybody_could_replace(bench: Bench) -> Play:
    program = bench.folder / "stunnel"
    shutil.copy(STUNNEL, program)
    bench.start(program=str(program))
    yield


@situation(RESTART, REFUSED, "is writable for everybody")
def library_that_anybody_could_replace(bench: Bench) -> Play:
    os.environ["LD_LIBRARY_PATH"] = str(bench.folder)
    bench.start()
    del os.environ["LD_LIBRARY_PATH"]
    yield


@situation(RESTART, REFUSED, "stunnel")
def program_is_gone(bench: Bench) -> Play:
    bench.folder.chmod(0o755)
    program = bench.folder / "stunnel"
    shutil.copy(STUNNEL, program)
    bench.start(program=str(program))
    program.unlink()
    yield


@situation(RESTART, VERIFIED, "1 of 1 service answer")
def nobody_reads_what_it_says(bench: Bench) -> Play:
    fifo = bench.folder / "fifo"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDWR)
    bench.write()
    argv = ["setsid", "--fork", STUNNEL, bench.config]
    subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=reader, stderr=reader, check=True)
    os.close(reader)
    bench.until(bench.serves)
    yield
    assert bench.serves()


@situation(RESTART, REFUSED, "it would not come back: nobody may not read own.key")
def key_closed_to_whom_it_runs_as(bench: Bench) -> Play:
    bench.write(output="")
    become = ["setsid", "--fork", "setpriv", "--reuid=nobody", "--clear-groups", STUNNEL, bench.config]
    subprocess.run(become, stdin=subprocess.DEVNULL, check=True)
    bench.until(lambda: bench.pids and bench.serves())
    (bench.folder / "own.key").chmod(0o600)
    yield


@situation(RESTART, REFUSED, "is tracing-stop: it does not hear a restart")
def somebody_traces_it(bench: Bench) -> Play:
    bench.start()
    tracer = subprocess.Popen(
        [sys.executable, "-c", TRACER, str(bench.pids[0])], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert tracer.stdout is not None
    tracer.stdout.readline()
    yield
    tracer.communicate()
    assert bench.serves()


@situation(STOP, VERIFIED, "no process runs it any more; 1 session cut", "1 session will be cut", down=True)
def stop(bench: Bench) -> Play:
    bench.start()
    bench.session()
    yield
    assert bench.pids == []


@situation(STOP, VERIFIED, "it could not be started again", down=True)
def stop_what_would_not_come_back(bench: Bench) -> Play:
    bench.start()
    bench.write(bench.section("oops"))
    yield


@situation(STOP, REFUSED, "Its parent", "stop it there")
def stop_what_somebody_waits_for(bench: Bench) -> Play:
    bench.child()
    yield
