"""A file system that has gone silent: commands end, the screen lives on, and the file is named.

Rule: it really stalls (FUSE, see `stalled`); where that cannot be had, the module is skipped with the reason.
"""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.fixtures import Pki, Stunnel, eventually, free_port
from tests.robust.odd_files import MORE, PLACES, Row, write
from tests.robust.stalled import stalled
from tests.tables import Line, leave
from tests.ui.terminal import Terminal
from tuimon.host.local import LocalHost
from tuimon.patience import PATIENCE
from tuimon.runtime import Runtime
from tuimon.settings import Settings
from tuimon.ui.app import TuimonApp

Start = Callable[..., Stunnel]
ROOT = Path(__file__).resolve().parents[2]
DEADLINE = 90.0
"""Seconds after which a command counts as hanging: it is given five for a file that does not answer."""

MANY = 40
READ = ("config", "cert", "key", "ca", "crl", "psk", "log")
ROWS = (*(Row(place, "deaf") for place in (*PLACES, *MORE)), *(Row(place, "mute") for place in READ))

pytestmark = pytest.mark.timeout(180)


def tuimon(arguments: Sequence[str], by: tuple[str, ...] = ()) -> str:
    """What a command says until its end; one that hangs fails the test."""
    argv = [*by, sys.executable, "-m", "tuimon", *arguments]
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
    for row in ROWS:
        thing = mount / f"{row.kind}-{row.place}"
        if row.place == "config":
            (conf / f"{row.name}.conf").symlink_to(thing)
        else:
            write(conf, row, thing, port=free_port(), cert=cert, key=key, ca=ca)
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


def test_many_silent_files_cost_the_others_little(
    silent: Path, pki: Pki, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    """Eighty on a server that is gone: one sweep names them all, and judges the sound ones beside them."""
    mount, began = silent / "mount", time.monotonic()
    for number in range(MANY):
        for name, place in (("sound", pki.path("server")), ("silent", f"{mount}/deaf{number}")):
            files = f"cert = {place}.pem\nkey = {place}.key\n"
            text = f"[{name}-{number}]\naccept = 127.0.0.1:{free_port()}\nconnect = 127.0.0.1:1\n{files}"
            (tmp_path / f"{name}-{number}.conf").write_text(text)
    said = json.loads(tuimon(("status", "--json", str(tmp_path))))
    codes = {each["name"]: {finding["code"] for finding in each["findings"]} for each in said["services"]}
    assert [name for name, told in codes.items() if ("cert-unreadable" in told) != ("silent" in name)] == []
    assert len(said["certificates"]) == 1
    words = f"{2 * MANY} silent files beside {MANY} sound services: one sweep"
    leave(pytestconfig, "odd files", [Line(f"{words} {time.monotonic() - began:.1f} s")])


@pytest.mark.pty
def test_the_screen_works_though_what_it_keeps_is_silent(silent: Path, tmp_path: Path) -> None:
    """Nothing can be kept, and saved only here; it is left by its key all the same."""
    kept = {"XDG_STATE_HOME": f"{silent}/mount/deaf"}
    (tmp_path / "here").mkdir()
    with Terminal(
        str(silent / "conf/sound.conf"), environment=kept, as_left=True, cwd=tmp_path / "here"
    ) as screen:
        screen.sees("DOWN sound")
        screen.press("S")
        screen.sees("saved as")
        (saved,) = (tmp_path / "here").iterdir()
        saved.unlink()
        (tmp_path / "here").rmdir()
        screen.press("S")
        screen.sees("cannot write to")
        screen.press("q")
        assert screen.ended() == 0


def test_an_action_is_done_though_its_log_is_silent(silent: Path, start_stunnel: Start) -> None:
    """It says so, and it is verified as ever."""
    program = start_stunnel(f"[web]\naccept = 127.0.0.1:{free_port()}\nexec = /bin/cat\n")
    kept = ("env", f"XDG_STATE_HOME={silent}/mount/deaf")
    said = tuimon(("reload", "--yes", str(program.config)), by=kept)
    assert "1 of 1 service answers; not in the action log:" in said


def test_a_reload_that_would_hang_is_refused(silent: Path, start_stunnel: Start) -> None:
    """stunnel would wait for its CA, and serve nobody meanwhile."""
    program = start_stunnel(f"[web]\naccept = 127.0.0.1:{free_port()}\nexec = /bin/cat\n")
    with program.config.open("a") as config:
        config.write(f"CAfile = {silent}/mount/deaf.pem\nverifyChain = yes\n")
    for action in ("reload", "restart"):
        said = tuimon((action, "--yes", str(program.config)))
        assert "stunnel would hang there" in said
        assert "refused: nothing was done" in said
    assert program.text().count("Configuration successful") == 1


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
        rows = [row for row in app.store.rows() if Path(row.key.instance.config).stem == name]
        return " ".join(finding.text for row in rows for finding in row.findings)

    async with app.run_test(size=(120, 36)) as pilot:
        await eventually(lambda: len(app.store.rows()) == len(os.listdir(silent / "conf")))
        ticking = asyncio.create_task(tick())
        await eventually(lambda: "is not running" in said("sound"), 60)
        unsaid = [row.name for row in ROWS]
        while unsaid:
            await eventually(lambda: "does not answer" in said(unsaid[-1]), 60)
            unsaid.pop()
        fresh = silent / "conf" / "fresh.conf"
        fresh.write_text((silent / "conf" / "sound.conf").read_text().replace("[sound]", "[fresh]"))
        await eventually(lambda: said("fresh"), 30)
        fresh.unlink()
        await eventually(lambda: not said("fresh"), 30)
        await pilot.press("j", "2", "3", "1")
        ticking.cancel()
    wait = f"longest wait of the screen's loop {longest * 1000:.0f} ms"
    words = f"{len(ROWS)} files of a file system that stalls named on the screen; {wait}"
    leave(pytestconfig, "odd files", [Line(words, good=longest < PATIENCE)])
    assert longest < PATIENCE
