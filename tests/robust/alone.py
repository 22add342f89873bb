"""Scenes that need namespaces of their own: `python -m tests.robust.alone SCENE FOLDER …` in a fresh one.

Rule: whatever is imported is imported before rights are given up, for the interpreter may stand where only
root may look.  What was started ends with the namespace.
"""

import asyncio
import json
import os
import pwd
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.fixtures import Stunnel, free_port
from tuimon import cli
from tuimon.commands.status import sweep
from tuimon.host import origin
from tuimon.host.local import LocalHost
from tuimon.host.procs import ProcessTable
from tuimon.settings import Settings

ROOT = Path(__file__).parents[2]
NAMESPACES = ("unshare", "--pid", "--mount", "--fork", "--mount-proc")
_CLIENT = "[{name}]\nclient = yes\naccept = 127.0.0.1:{port}\nconnect = 127.0.0.1:9\n"


def alone(scene: str, folder: Path, *arguments: str, by: tuple[str, ...] = NAMESPACES) -> str:
    """What a scene prints; the first process of its namespace is a shell, not the scene itself."""
    argv = (*by, "sh", "-c", '"$@"; exit $?', "sh", sys.executable, "-m", "tests.robust.alone", scene)
    homes = {f"XDG_{name}_HOME": str(folder / name.lower()) for name in ("CONFIG", "STATE")}
    done = subprocess.run(
        (*argv, str(folder), *arguments),
        env=os.environ | homes,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout


@contextmanager
def open_folder() -> Iterator[Path]:
    """A folder that everybody may look into, as those of pytest are not."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(os.path.realpath(name))


def hidden(folder: Path, hide: str) -> int:
    """tuimon as nobody, who may not see the processes of others, over a stunnel of root's."""
    if hide != "0":
        subprocess.run(["mount", "-o", f"remount,hidepid={hide}", "/proc"], check=True)
    program = Stunnel(folder, _CLIENT.format(name="web", port=free_port()))
    _become_nobody(folder)
    return cli.main(["status", "--json", str(program.config)])


def _become_nobody(folder: Path) -> None:
    asyncio.run(sweep(Settings(), (str(folder),)))  # imports what is imported late
    nobody = pwd.getpwnam("nobody")
    os.setgroups([])
    os.setresgid(nobody.pw_gid, nobody.pw_gid, nobody.pw_gid)
    os.setresuid(nobody.pw_uid, nobody.pw_uid, nobody.pw_uid)


def closed(folder: Path) -> int:
    """tuimon as nobody over files that only root may read."""
    _become_nobody(folder)
    return cli.main(["status", "--json", str(folder)])


def reused(folder: Path) -> int:
    """One pid as stunnel, as another program, and as stunnel again: what one table says of each."""
    table, said = ProcessTable(), []

    def look(pid: int) -> None:
        said.append([[*each.id[:3], each.argument] for each in table.scan() if each.pid == pid])

    first = Stunnel(folder, _CLIENT.format(name="first", port=free_port()), name="first")
    look(first.pid)
    first.close()
    time.sleep(0.05)  # the kernel counts starts in hundredths of a second
    last = Path("/proc/sys/kernel/ns_last_pid")
    last.write_text(str(first.pid - 1))
    with subprocess.Popen(["sleep", "60"]) as other:
        pids = {first.pid, other.pid}
        look(other.pid)
        other.kill()
    last.write_text(str(first.pid - 1))
    second = Stunnel(folder, _CLIENT.format(name="second", port=free_port()), name="second")
    look(second.pid)
    second.close()
    print(json.dumps({"pids": sorted(pids | {second.pid}), "said": said}))
    return 0


def slept(folder: Path) -> int:
    """How far the clock of intervals is ahead of the one that stands still while the machine sleeps."""
    print(LocalHost().monotonic() - time.monotonic())
    return 0


def stepped(folder: Path, seconds: str) -> int:
    """A stunnel before and after the clock was set: the kernel's time of the boot moves with it."""
    program = Stunnel(folder, _CLIENT.format(name="web", port=free_port()))
    table = ProcessTable()
    (before,) = [each.id for each in table.scan() if each.pid == program.pid]
    lines = Path("/proc/stat").read_text().splitlines(keepends=True)
    moved = [line if not line.startswith("btime ") else _later(line, int(seconds)) for line in lines]
    (folder / "stat").write_text("".join(moved))
    subprocess.run(["mount", "--bind", str(folder / "stat"), "/proc/stat"], check=True)
    (after,) = [each.id for each in table.scan() if each.pid == program.pid]
    (anew,) = [each.id for each in ProcessTable().scan() if each.pid == program.pid]
    told = {"same": origin.same(before), "known": after == before, "moved": anew.started - before.started}
    program.close()
    print(json.dumps(told | {"gone": not origin.same(before)}))
    return 0


def _later(line: str, seconds: int) -> str:
    return f"btime {int(line.split()[1]) + seconds}\n"


if __name__ == "__main__":
    scene = {"hidden": hidden, "closed": closed, "reused": reused, "slept": slept, "stepped": stepped}[
        sys.argv[1]
    ]
    status = scene(Path(sys.argv[2]), *sys.argv[3:])
    sys.stdout.flush()
    os._exit(status)
