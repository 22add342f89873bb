"""A real systemd host for tests, booted with systemd-nspawn from this machine's own root in a second.

Rule: it owns what it starts, by pid, and no process or mount outlives it even when the test run is
killed: the mount and the network live in namespaces of their own and end with the host, what is written
inside goes to memory.  Where a machine cannot do this the tests are skipped with the reason; in CI
they fail.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pytest
from msgspec import Struct

PROJECT = Path(__file__).resolve().parents[2]
PATIENCE = 30.0
"""Seconds for a boot, and for a command inside."""

_PROGRAMS = {
    "systemd-nspawn": "systemd-container",
    "dbus-daemon": "dbus",
    "stunnel4": "stunnel4",
    "nsenter": "util-linux",
    "ss": "iproute2",
    "openssl": "openssl",
    "sudo": "sudo",
    "pkcheck": "polkitd",
}
# nspawn takes no overlay of `/` itself, only of another mount of it.
_PREPARE = """
set -e
mount --bind / "$1"
while shift; [ "$1" != -- ]; do echo $$ > "$1/cgroup.procs"; done
shift
exec "$@"
"""
_UP = frozenset({"running", "degraded"})
_POWERED_OFF = 15.0  # seconds for a clean power-off, which takes 0.2


class SystemdHost(Struct, frozen=True):
    """A host that runs.  `pid` is that of its PID 1 as this machine sees it."""

    name: str
    pid: int

    def run(self, *argv: str, user: str = "", check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command inside, as root or as `user` without groups; it sees this project's code.

        Raises `AssertionError` with what it printed when it fails and `check` is set.
        """
        enter = ("nsenter", f"--target={self.pid}", "--all", "--root", "--wd")
        become = ("setpriv", f"--reuid={user}", "--regid=nogroup", "--clear-groups") if user else ()
        done = subprocess.run(
            (*enter, *become, *argv),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
            env={"PATH": os.defpath, "LC_ALL": "C.UTF-8", "PYTHONPATH": str(PROJECT), "COLUMNS": "120"},
        )
        assert done.returncode == 0 or not check, f"{argv}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done

    def python(self, *arguments: str, user: str = "") -> subprocess.CompletedProcess[str]:
        """Run this interpreter inside; the exit status is the caller's to judge."""
        return self.run(sys.executable, *arguments, user=user, check=False)

    def wait_for(self, text: str, *argv: str) -> None:
        """Repeat a command until it prints `text`; raises `AssertionError` after `PATIENCE`."""
        said = ""

        def is_said() -> bool:
            nonlocal said
            said = self.run(*argv, check=False).stdout
            return text in said

        self.wait_until(is_said, f"{argv} never said {text!r}", lambda: said)

    def wait_until(self, holds: Callable[[], bool], words: str, said: Callable[[], str] = str) -> None:
        """Look until it holds; raises `AssertionError` with these words after `PATIENCE`."""
        deadline = time.monotonic() + PATIENCE
        while not holds():
            assert time.monotonic() < deadline, f"{words}:\n{said()}"
            time.sleep(0.02)

    def write(self, path: str, text: str, mode: int = 0o644) -> None:
        """Write a file inside; `path` is absolute and no symlink."""
        file = Path(f"/proc/{self.pid}/root{path}")
        file.write_text(text)
        file.chmod(mode)


def _refuse(reason: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(f"no systemd host: {reason}")
    pytest.skip(f"no systemd host: {reason}")


def _missing() -> str:
    if os.geteuid() != 0:
        return "needs root"
    absent = [package for program, package in _PROGRAMS.items() if shutil.which(program) is None]
    return f"needs {' '.join(absent)}" if absent else ""


def _folders() -> list[str]:
    """What has to be brought in: a mount of its own is not in the root, and /tmp is fresh inside."""
    folders = {str(PROJECT), sys.prefix, sys.base_prefix}
    return [folder for folder in sorted(folders) if not folder.startswith("/usr")]


def _open_ways(host: SystemdHost) -> None:
    """Let every user of the host reach the folders brought in, though they may lie in root's home."""
    ways = {str(parent) for folder in _folders() for parent in Path(folder).parents}
    closed = [way for way in sorted(ways) if not Path(f"/proc/{host.pid}/root{way}").stat().st_mode & 1]
    if closed:
        host.run("chmod", "o+x", *closed)


def remove_groups(groups: list[str]) -> None:
    """Remove control groups whose processes have ended, with all below them."""
    for group in groups:
        for folder, _, _ in os.walk(group, topdown=False):
            os.rmdir(folder)


@contextmanager
def _control_groups(name: str) -> Iterator[list[str]]:
    """One group in each hierarchy that systemd uses: two hosts in one would signal each other's units."""
    with open("/proc/self/cgroup", encoding="utf-8") as file:
        ours = dict(line.rstrip("\n").split(":", 2)[1:] for line in file)
    groups: list[str] = []
    for mount in Path("/proc/self/mounts").read_text().splitlines():
        _, folder, kind, options, *_ = mount.split()
        controller = "name=systemd" if "name=systemd" in options.split(",") else ""
        if kind == "cgroup2" or (kind == "cgroup" and controller):
            groups.append(f"{folder}{ours[controller].rstrip('/')}/{name}")
    try:
        try:
            for group in groups:
                os.mkdir(group)
        except OSError as error:
            _refuse(f"control groups: {error}")
        yield groups
    finally:
        remove_groups(groups)


def _command(name: str, lower: str, groups: list[str]) -> list[str]:
    alone = ["setpriv", "--pdeathsig=TERM", "unshare", "--mount"]
    alone += ["sh", "-c", _PREPARE, "sh", lower, *groups, "--"]
    # basic.target: journald and dbus, and nothing of what this machine happens to have installed.
    nspawn = ["systemd-nspawn", "--quiet", f"--directory={lower}", "--volatile=overlay", f"--machine={name}"]
    nspawn += ["--register=no", "--keep-unit", "--private-network", "--console=pipe"]
    nspawn += [f"--bind-ro={folder}" for folder in _folders()]
    return [*alone, *nspawn, "--boot", "systemd.unit=basic.target", f"systemd.hostname={name}"]


def _first_process(nspawn: int) -> int | None:
    """The pid of the host's PID 1 once systemd runs there."""
    for child in Path(f"/proc/{nspawn}/task/{nspawn}/children").read_text().split():
        status = Path(f"/proc/{child}/status").read_text()
        fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        if fields["Name"] == "systemd" and fields["NSpid"].split()[-1] == "1":
            return int(child)
    return None


def _booted(name: str, nspawn: subprocess.Popen[bytes], console: Path) -> SystemdHost:
    """Wait until every job of the boot is done."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and nspawn.poll() is None:
        try:
            pid = _first_process(nspawn.pid)
        except FileNotFoundError:  # a child of the preparation that has just ended
            pid = None
        if pid is not None:
            host = SystemdHost(name, pid)
            if host.run("systemctl", "is-system-running", check=False).stdout.strip() in _UP:
                _open_ways(host)
                return host
        time.sleep(0.02)
    said = " / ".join(console.read_text(errors="replace").split("\n")[-4:])
    _refuse(f"it did not boot within {PATIENCE:.0f} s: {said}")


def _power_off(nspawn: subprocess.Popen[bytes]) -> None:
    for _ in range(2):  # the first asks for a clean end, the second for one at once
        nspawn.send_signal(signal.SIGTERM)
        try:
            nspawn.wait(_POWERED_OFF)
        except subprocess.TimeoutExpired:
            continue
        return
    nspawn.kill()  # takes its PID 1 with it
    nspawn.wait()


@contextmanager
def systemd_host(name: str) -> Iterator[SystemdHost]:
    """Boot a host with a network of its own (loopback only), and power it off at the end."""
    reason = _missing()
    if reason:
        _refuse(reason)
    folder = tempfile.mkdtemp(prefix="host-")
    lower, console = os.path.join(folder, "root"), Path(folder, "console")
    os.mkdir(lower)
    try:
        with _control_groups(os.path.basename(folder)) as groups:
            with console.open("wb") as output:
                nspawn = subprocess.Popen(
                    _command(name, lower, groups), stdin=subprocess.DEVNULL, stdout=output, stderr=output
                )
            try:
                yield _booted(name, nspawn, console)
            finally:
                _power_off(nspawn)
    finally:
        # One by one, and never a tree: this machine's own root was mounted here in another namespace.
        os.rmdir(lower)
        console.unlink(missing_ok=True)
        os.rmdir(folder)
