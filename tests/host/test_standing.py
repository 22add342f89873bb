"""What of a real process changes rarely: the files it was made of, who holds it still."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.fixtures import Stunnel, eventually, free_port
from tuimon.host.procs import ProcessTable
from tuimon.model.process import Process

Start = Callable[..., Stunnel]
ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
UNIFIED = next(
    (
        Path(line.split()[1])
        for line in Path("/proc/mounts").read_text().splitlines()
        if line.split()[2] == "cgroup2"
    ),
    None,
)


def service() -> str:
    return f"[web]\nclient = yes\naccept = 127.0.0.1:{free_port()}\nconnect = 127.0.0.1:1\n"


def seen(pid: int) -> Process:
    """As a fresh look shows it."""
    return next(each for each in ProcessTable().scan() if each.pid == pid)


def library() -> Path:
    """The libssl that stunnel uses here."""
    said = subprocess.run(["ldd", shutil.which("stunnel") or ""], capture_output=True, text=True, check=True)
    return next(Path(line.split()[2]) for line in said.stdout.splitlines() if "libssl" in line)


def test_a_program_and_a_library_that_were_upgraded(tmp_path: Path, start_stunnel: Start) -> None:
    """Replaced as a package manager does, by a rename over the old name: the identity stays."""
    program, ssl = tmp_path / "stunnel", tmp_path / "libssl.so.3"
    for original, copy in ((shutil.which("stunnel"), program), (library(), ssl)):
        shutil.copy(original or "", copy)
    started = start_stunnel(service(), by=("env", f"LD_LIBRARY_PATH={tmp_path}", str(program)))
    before = seen(started.pid)
    assert (before.exe_replaced, before.libraries_replaced) == (False, ())
    for path in (program, ssl):
        shutil.copy(path, path.with_suffix(".new"))
        path.with_suffix(".new").rename(path)
    after = seen(started.pid)
    assert (after.exe_replaced, after.libraries_replaced) == (True, ("libssl.so.3",))
    assert after.id == before.id


async def test_who_traces_it_is_named(start_stunnel: Start) -> None:
    """A debugger that has stopped it: `tracing-stop`, and by whom."""
    started = start_stunnel(service())
    script = (
        "import ctypes, os, sys\n"
        "libc = ctypes.CDLL(None)\n"
        "assert libc.ptrace(16, int(sys.argv[1]), None, None) == 0\n"  # PTRACE_ATTACH
        "os.waitpid(int(sys.argv[1]), 0x40000000)\n"
        "print('held', flush=True); sys.stdin.read()\n"
    )
    argv = ["python3", "-c", script, str(started.pid)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as debugger:
        assert debugger.stdout
        assert debugger.stdout.readline() == b"held\n"
        held = seen(started.pid)
        assert held.status == psutil.STATUS_TRACING_STOP
        assert held.tracer == f"{psutil.Process(debugger.pid).name()} {debugger.pid}"
    await eventually(lambda: seen(started.pid).tracer == "")


@pytest.fixture
def group(start_stunnel: Start) -> Iterator[Path]:  # thawed before what is frozen in it is ended
    """A control group of the unified hierarchy; it is thawed and removed at the end."""
    if UNIFIED is None:
        pytest.skip("no unified control group hierarchy is mounted")
    folder = UNIFIED / f"tuimon-test-{os.getpid()}"
    folder.mkdir()
    yield folder
    (folder / "cgroup.freeze").write_text("0")
    for pid in (folder / "cgroup.procs").read_text().split():
        (UNIFIED / "cgroup.procs").write_text(pid)
    folder.rmdir()


@ROOT
async def test_a_frozen_control_group_is_named(group: Path, start_stunnel: Start) -> None:
    """As by `systemctl freeze` or `docker pause`: to look at, the process only sleeps."""
    started = start_stunnel(service())
    (group / "cgroup.procs").write_text(str(started.pid))
    assert seen(started.pid).frozen == ""
    (group / "cgroup.freeze").write_text("1")
    await eventually(lambda: seen(started.pid).frozen == f"/{group.name}")
    assert seen(started.pid).status == psutil.STATUS_SLEEPING
