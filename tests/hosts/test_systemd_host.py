"""The booted host itself: it ends with whoever booted it, and never skips silently in CI."""

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.hosts.systemd_host import PATIENCE, PROJECT, remove_groups, systemd_host

BOOT = """
import signal
from tests.hosts.systemd_host import systemd_host
with systemd_host("orphan") as host:
    print(host.pid, flush=True)
    signal.pause()
"""


def mounts() -> str:
    return Path("/proc/self/mounts").read_text()


def ended(process: psutil.Process) -> bool:
    """Also one that waits for a slow init to collect it."""
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def control_groups(folder: Path) -> list[str]:
    """Those of the hosts that were booted with `folder` for temporary files."""
    names = {each.name for each in folder.iterdir()}
    return [str(each) for each in Path("/sys/fs/cgroup").glob("**/host-*") if each.name in names]


def fail_inside(pids: list[int]) -> None:
    with systemd_host("brief") as host:
        pids.append(host.pid)
        host.write("/etc/brief", "inside only")
        assert host.run("cat", "/etc/brief", "/proc/sys/kernel/hostname").stdout == "inside onlybrief\n"
        raise ZeroDivisionError


@pytest.mark.host
def test_a_test_that_fails_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No process, no mount, no file of what was written inside."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    before = mounts()
    pids: list[int] = []
    with pytest.raises(ZeroDivisionError):
        fail_inside(pids)
    assert [psutil.pid_exists(pid) for pid in pids] == [False]
    assert (mounts(), list(tmp_path.iterdir()), Path("/etc/brief").exists()) == (before, [], False)


@pytest.mark.host
def test_a_host_ends_with_a_test_run_that_is_killed(tmp_path: Path) -> None:
    """Nobody is left to power it off."""
    command, environment = [sys.executable, "-c", BOOT], {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=PROJECT, env=environment) as killed:
        assert killed.stdout
        init = psutil.Process(int(killed.stdout.readline()))
        nspawn = init.parent()
        assert nspawn
        killed.kill()
        deadline = time.monotonic() + PATIENCE
        while not (ended(init) and ended(nspawn)):
            assert time.monotonic() < deadline, "it runs on"
            time.sleep(0.02)
    remove_groups(control_groups(tmp_path))  # fails where a process is left


@pytest.mark.host
def test_two_hosts_do_not_meet() -> None:
    """The same unit in both, and a signal to one of them."""
    unit, sleep = "same.service", ("--unit=same", "sleep", "inf")
    with systemd_host("left") as left, systemd_host("right") as right:
        for host in (left, right):
            host.run("systemd-run", "--quiet", *sleep)
        left.run("systemctl", "kill", unit)
        left.wait_for("inactive", "systemctl", "is-active", unit)
        assert right.run("systemctl", "is-active", unit).stdout == "active\n"


@pytest.mark.parametrize(("ci", "outcome"), [("true", pytest.fail.Exception), ("", pytest.skip.Exception)])
def test_a_machine_that_cannot_boot_a_host_says_why(
    monkeypatch: pytest.MonkeyPatch, ci: str, outcome: type[BaseException]
) -> None:
    """Skipped with the reason, but in CI a failure."""
    monkeypatch.setenv("CI", ci)
    monkeypatch.setenv("PATH", os.devnull)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    with pytest.raises(outcome, match="needs systemd-container dbus stunnel4"), systemd_host("never"):
        pass
