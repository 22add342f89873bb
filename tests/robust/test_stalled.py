"""A file system that has gone silent: commands end, the screen lives on, and the file is named.

Rule: it really stalls (FUSE, see `stalled`); where that cannot be had, the module is skipped with the reason.
"""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.fixtures import Pki, eventually, free_port
from tests.robust.odd_files import Row, write
from tests.robust.stalled import stalled
from tests.tables import Line, leave
from tuimon.host.local import LocalHost
from tuimon.patience import PATIENCE
from tuimon.runtime import Runtime
from tuimon.settings import Settings
from tuimon.ui.app import TuimonApp

ROOT = Path(__file__).resolve().parents[2]
DEADLINE = 90.0
"""Seconds after which a command counts as hanging: it is given five for a file that does not answer."""

pytestmark = pytest.mark.timeout(180)


def tuimon(arguments: Sequence[str]) -> str:
    """What a command says until its end; one that hangs fails the test."""
    argv = [sys.executable, "-m", "tuimon", *arguments]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=DEADLINE, check=False)
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def silent(tmp_path_factory: pytest.TempPathFactory, pki: Pki) -> Iterator[Path]:
    """A file system that does not answer, and beside it `conf`: what needs it, and one that does not."""
    folder = tmp_path_factory.mktemp("silent")
    mount, conf = folder / "mount", folder / "conf"
    mount.mkdir()
    conf.mkdir()
    cert, key, ca = (pki.path(name) for name in ("server.pem", "server.key", "ca.pem"))
    for place in ("cert", "key", "ca", "log"):
        for name in ("mute", "deaf"):
            thing = mount / f"{name}-{place}"
            write(conf, Row(place, name), thing, port=free_port(), cert=cert, key=key, ca=ca)
    sound = f"[sound]\naccept = 127.0.0.1:{free_port()}\nconnect = 127.0.0.1:1\ncert = {cert}\nkey = {key}\n"
    (conf / "sound.conf").write_text(sound)
    with ExitStack() as stack:
        try:
            stack.enter_context(stalled(mount))
        except OSError as error:
            pytest.skip(f"no file system that stalls: {error}")
        yield folder


def test_commands_end_though_a_file_system_does_not_answer(silent: Path, pytestconfig: pytest.Config) -> None:
    """Each with a sentence about the file, and without waiting for the threads that are stuck."""
    mount, conf, fifo = silent / "mount", str(silent / "conf"), silent / "fifo.toml"
    os.mkfifo(fifo)
    commands = (
        ("certs", f"{mount}/mute.pem"),
        ("certs", f"{mount}/deaf.pem"),
        ("logs", f"{mount}/mute.log"),
        ("logs", f"{mount}/deaf.log"),
        ("settings", "--check", f"{mount}/mute.toml"),
        ("--config", f"{mount}/deaf.toml", "status", conf),
        ("lint", f"{conf}/cert-mute.conf", f"{conf}/key-deaf.conf"),
        ("lint", f"{mount}/deaf.conf"),
        ("status", f"{mount}/mute.conf"),
        ("settings", "--check", str(fifo)),
    )
    with ThreadPoolExecutor(len(commands)) as side_by_side:  # each waits, none computes
        told = dict(zip(commands, side_by_side.map(tuimon, commands), strict=True))
    assert [each for each, said in told.items() if "Traceback" in said] == []
    assert [(each, said) for each, said in told.items() if "answ" not in said] == []
    leave(pytestconfig, "odd files", [Line(f"{len(commands)} commands over a file system that stalls ended")])


def test_an_action_ends_as_well(silent: Path) -> None:
    """It is refused, or says that there is no such instance; and it leaves nobody waiting."""
    assert "Traceback" not in tuimon(("reload", "--dry-run", f"{silent}/mount/deaf.conf"))


async def test_the_screen_lives_on_beside_a_file_system_that_does_not_answer(
    silent: Path, pytestconfig: pytest.Config
) -> None:
    """The loop is never held; what is silent is said to be, what is not is judged, changes are seen."""
    settings = Settings()
    app = TuimonApp(Runtime(LocalHost(poll=1), settings, (str(silent / "conf"),)), settings)
    longest = 0.0

    async def tick() -> None:
        nonlocal longest
        while True:
            before = time.monotonic()
            await asyncio.sleep(0.01)
            longest = max(longest, time.monotonic() - before)

    def said(name: str) -> str:
        rows = [row for row in app.store.rows() if row.tunnel.service.name == name]
        return " ".join(finding.text for row in rows for finding in row.findings)

    async with app.run_test(size=(120, 36)) as pilot:
        await eventually(lambda: len(app.store.rows()) == len(os.listdir(silent / "conf")))
        ticking = asyncio.create_task(tick())
        await eventually(lambda: "is not running" in said("sound"), 60)
        for name in ("cert-mute", "cert-deaf", "key-mute", "key-deaf", "log-mute", "log-deaf"):
            await eventually(lambda name=name: "does not answer" in said(name), 60)
        fresh = silent / "conf" / "fresh.conf"
        fresh.write_text((silent / "conf" / "sound.conf").read_text().replace("[sound]", "[fresh]"))
        await eventually(lambda: said("fresh"), 30)
        fresh.unlink()
        await eventually(lambda: not said("fresh"), 30)
        await pilot.press("j", "2", "3", "1")
        ticking.cancel()
    words = f"longest wait of the screen's loop beside them {longest * 1000:.0f} ms"
    leave(pytestconfig, "odd files", [Line(words, good=longest < PATIENCE)])
    assert longest < PATIENCE
