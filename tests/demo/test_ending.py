"""How the demo's fleet ends: with its starter, in every way a starter can end, and without a trace."""

import json
import os
import pty
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from tuimon.demo import fleet as fleet_module
from tuimon.demo import lifeline
from tuimon.demo.fleet import CannotStart, Fleet, start_fleet

PATIENCE = 20.0
ROOT = Path(fleet_module.__file__).resolve().parents[2]
STARTER = """
import json, signal, sys
from tuimon.demo import lifeline
from tuimon.demo.fleet import start_fleet
with start_fleet() as fleet:
    def report():
        print(json.dumps({"folder": fleet.folder, "pids": lifeline.members(fleet.folder)}), flush=True)
    if sys.argv[1] == "wait":
        fleet.wait(report)
    else:
        report()
        {"pause": signal.pause, "fail": lambda: 1 / 0}[sys.argv[1]]()
"""


def eventually(fact: Callable[[], object], seconds: float = PATIENCE) -> None:
    deadline = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < deadline, "did not come true in time"
        time.sleep(0.02)


def gone(pid: int) -> bool:
    """Ended; one that waits for a slow init to collect it has ended too."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def starter(
    then: str,
    *,
    before: tuple[str, ...] = (),
    stdin: int = subprocess.DEVNULL,
    path: str = os.environ["PATH"],
) -> subprocess.Popen[str]:
    """A process of its own that starts a fleet, says so on stdout, and then does `then`."""
    return subprocess.Popen(
        [*before, sys.executable, "-c", STARTER, then],
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PATH": path},
    )


def report_of(process: subprocess.Popen[str]) -> Any:
    """What the starter says once its fleet is up: {"folder": path, "pids": [pid, …]}."""
    assert process.stdout
    return json.loads(process.stdout.readline())


def assert_nothing_is_left(report: dict[str, Any]) -> None:
    assert len(report["pids"]) == 5, "four of stunnel, and the back ends"
    eventually(lambda: all(gone(pid) for pid in report["pids"]))
    eventually(lambda: not os.path.exists(report["folder"]))


@pytest.mark.parametrize("then", ["wait", "pause"])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_fleet_ends_with_a_starter_that_gets_a_signal(then: str, number: signal.Signals) -> None:
    """Handled or not, fatal or not: no process and no folder stays."""
    with starter(then) as process:
        report = report_of(process)
        process.send_signal(number)
        process.communicate(timeout=PATIENCE)
    assert_nothing_is_left(report)
    if then == "wait" and number is not signal.SIGKILL:
        assert process.returncode == 0


def test_fleet_ends_with_its_starter_where_setpriv_is_missing(tmp_path: Path) -> None:
    """The launcher in Python ties processes to their starter as well."""
    with starter("pause", path=str(tmp_path)) as process:
        report = report_of(process)
        process.kill()
        process.communicate(timeout=PATIENCE)
    assert_nothing_is_left(report)


def test_fleet_ends_with_a_starter_that_fails() -> None:
    """An exception in the `with` block."""
    with starter("fail") as process:
        report = report_of(process)
        _, said = process.communicate(timeout=PATIENCE)
    assert "ZeroDivisionError" in said
    assert_nothing_is_left(report)


def test_fleet_ends_when_the_terminal_is_closed() -> None:
    """The starter leads the terminal's session and gets SIGHUP when the terminal goes."""
    terminal, side = pty.openpty()
    with starter("pause", before=("setsid", "--ctty"), stdin=side) as process:
        os.close(side)
        report = report_of(process)
        os.close(terminal)
        process.communicate(timeout=PATIENCE)
    assert process.returncode == -signal.SIGHUP
    assert_nothing_is_left(report)


def test_stopped_processes_and_the_death_of_the_back_ends_hinder_nothing() -> None:
    """A stunnel under SIGSTOP is ended, and without the back ends `stop` clears away itself."""
    fleet = start_fleet()
    pids = lifeline.members(fleet.folder)
    (keeper,) = set(pids) - {pid for _, pid in fleet.processes}
    os.kill(fleet.processes[0][1], signal.SIGSTOP)
    os.kill(keeper, signal.SIGKILL)
    fleet.stop()
    assert all(gone(pid) for pid in pids)
    assert not os.path.exists(fleet.folder)
    fleet.stop()


def test_other_peoples_programs_on_the_folder_are_left_alone() -> None:
    """Who looks at a log with another program keeps it."""
    with start_fleet() as fleet:
        log = f"{fleet.folder}/log/gateway.log"
        with subprocess.Popen(["tail", "-f", log], stdout=subprocess.DEVNULL) as reader:
            fleet.stop()
            assert reader.poll() is None
            reader.terminate()


def test_only_folders_of_the_demo_are_removed(tmp_path: Path) -> None:
    """A folder by another name is not touched."""
    (tmp_path / "keep").touch()
    lifeline.clear(str(tmp_path))
    assert (tmp_path / "keep").exists()


def test_failed_start_says_why_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stunnel that refuses its configuration is quoted."""
    program = tmp_path / "stunnel"
    program.write_text("#!/bin/sh\necho '[!] Service [web]: no luck today' >&2\nexit 1\n")
    program.chmod(0o755)
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    monkeypatch.setattr(fleet_module, "find_stunnel", lambda: str(program))
    with pytest.raises(CannotStart, match=r"did not start: Service \[web\]: no luck today"):
        start_fleet()
    assert list(temporary.iterdir()) == []


def test_missing_stunnel_is_named_with_its_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence, and nothing started."""
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    with pytest.raises(CannotStart, match="stunnel is not installed: apt-get install stunnel4"):
        start_fleet()


def test_fleet_is_started_in_the_main_thread_only() -> None:
    """Elsewhere it would end with the thread, so it is refused."""
    caught: list[BaseException] = []

    def start() -> None:
        try:
            Fleet().start()
        except RuntimeError as error:
            caught.append(error)

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    assert len(caught) == 1


def test_wait_ends_when_the_fleet_is_stopped_elsewhere() -> None:
    """`stop` from another thread lets `wait` return, with the former signal handlers in place."""
    former = signal.getsignal(signal.SIGTERM)
    with start_fleet() as fleet:
        threading.Thread(target=fleet.stop).start()
        fleet.wait()
        assert signal.getsignal(signal.SIGTERM) is former


def test_back_ends_need_the_standard_library_only() -> None:
    """So that they start quickly."""
    look = "import sys, tuimon.demo.backends as _; print({'cryptography', 'psutil'} & sys.modules.keys())"
    command = [sys.executable, "-c", look]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert said.stdout == "set()\n"
