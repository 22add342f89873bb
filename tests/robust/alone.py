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
import time
from pathlib import Path

from tests.fixtures import Stunnel
from tuimon import cli
from tuimon.commands.status import sweep
from tuimon.host.local import LocalHost
from tuimon.host.procs import ProcessTable
from tuimon.settings import Settings

_CLIENT = "[{name}]\nclient = yes\naccept = 127.0.0.1:0\nconnect = 127.0.0.1:9\n"


def hidden(folder: Path, hide: str) -> int:
    """tuimon as nobody, who may not see the processes of others, over a stunnel of root's."""
    if hide != "0":
        subprocess.run(["mount", "-o", f"remount,hidepid={hide}", "/proc"], check=True)
    program = Stunnel(folder, _CLIENT.format(name="web"))
    asyncio.run(sweep(Settings(), (str(folder),)))  # imports what is imported late
    nobody = pwd.getpwnam("nobody")
    os.setgroups([])
    os.setresgid(nobody.pw_gid, nobody.pw_gid, nobody.pw_gid)
    os.setresuid(nobody.pw_uid, nobody.pw_uid, nobody.pw_uid)
    return cli.main(["status", "--json", str(program.config)])


def reused(folder: Path) -> int:
    """One pid as stunnel, as another program, and as stunnel again: what one table says of each."""
    table, said = ProcessTable(), []

    def look(pid: int) -> None:
        said.append([[*each.id, each.argument] for each in table.scan() if each.pid == pid])

    first = Stunnel(folder, _CLIENT.format(name="first"), name="first")
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
    second = Stunnel(folder, _CLIENT.format(name="second"), name="second")
    look(second.pid)
    second.close()
    print(json.dumps({"pids": sorted(pids | {second.pid}), "said": said}))
    return 0


def slept(folder: Path) -> int:
    """How far the clock of intervals is ahead of the one that stands still while the machine sleeps."""
    print(LocalHost().monotonic() - time.monotonic())
    return 0


if __name__ == "__main__":
    scene = {"hidden": hidden, "reused": reused, "slept": slept}[sys.argv[1]]
    status = scene(Path(sys.argv[2]), *sys.argv[3:])
    sys.stdout.flush()
    os._exit(status)
