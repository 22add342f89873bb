"""Real processes that are held still, or that run what was replaced: what the first screen says of them."""

import shutil
from collections.abc import Callable
from pathlib import Path

from tests.fixtures import Stunnel, free_port
from tests.host.test_standing import ROOT, group, library
from tuimon.commands.status import sweep
from tuimon.diagnose.finding import Finding
from tuimon.settings import Settings
from tuimon.store import Row

__all__ = ["group"]

Start = Callable[..., Stunnel]


async def row(program: Stunnel) -> Row:
    """As one sweep shows it."""
    (found,) = (await sweep(Settings(), (str(program.config),))).rows()
    return found


async def first(program: Stunnel) -> Finding:
    return (await row(program)).findings[0]


def service() -> str:
    return f"[web]\naccept = 127.0.0.1:{free_port()}\nconnect = 127.0.0.1:{free_port()}\n"


def client() -> str:
    return f"[web]\nclient = yes\naccept = 127.0.0.1:{free_port()}\nconnect = 127.0.0.1:1\n"


def upgrade(path: Path) -> None:
    """As a package manager does: the new file is renamed over the old one."""
    shutil.copy(path, path.with_suffix(".new"))
    path.with_suffix(".new").rename(path)


async def test_an_upgrade_that_did_not_reach_the_process(tmp_path: Path, start_stunnel: Start) -> None:
    """First the library alone, then the program too: each by its name, and what to do."""
    program, ssl = tmp_path / "stunnel", tmp_path / "libssl.so.3"
    shutil.copy(shutil.which("stunnel") or "", program)
    shutil.copy(library(), ssl)
    started = start_stunnel(client(), by=("env", f"LD_LIBRARY_PATH={tmp_path}", str(program)))
    assert not {each.code for each in (await row(started)).findings} & {"binary-replaced", "library-replaced"}
    upgrade(ssl)
    (found,) = (each for each in (await row(started)).findings if each.code == "library-replaced")
    assert found.text == "runs the old libssl.so.3 since an upgrade: restart"
    upgrade(program)
    (found,) = (each for each in (await row(started)).findings if each.code == "binary-replaced")
    assert found.text == "runs the old stunnel since an upgrade: restart"
    assert found.evidence == (
        f"/proc/{started.pid}/exe: {program} (deleted)",
        f"/proc/{started.pid}/maps: libssl.so.3 (deleted)",
    )


@ROOT
async def test_a_frozen_process_is_named_before_the_probe_that_times_out(
    group: Path, start_stunnel: Start
) -> None:
    """It only sleeps, and its socket takes connections: the control group tells why nobody is served."""
    started = start_stunnel(service())
    (group / "cgroup.procs").write_text(str(started.pid))
    (group / "cgroup.freeze").write_text("1")
    found = await first(started)
    assert (found.code, found.down) == ("hung", True)
    assert found.text == f"frozen with its control group {group.name}: it accepts nobody"
