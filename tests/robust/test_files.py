"""Whatever stands where a file is expected: nothing hangs or falls, and a sentence says what it is."""

import asyncio
import json
import os
import random
import shutil
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures import Pki, eventually, free_port
from tests.robust.alone import alone, open_folder
from tests.robust.odd_files import KINDS, PLACES, ROWS, Row, fleet, write
from tests.tables import Line, leave
from tuimon.events import CollectorFailed, Event
from tuimon.host.local import LocalHost
from tuimon.runtime import Runtime
from tuimon.settings import Intervals, Settings
from tuimon.settings.file import SettingsError, load
from tuimon.ui import view

ROOT = Path(__file__).resolve().parents[2]
DEADLINE = 90.0
"""Seconds after which a command counts as hanging: it is given five for a file that does not answer."""
CODES = {
    "config": {"config-error"},
    "include": {"config-error", "include-missing"},
    "cert": {"cert-unreadable", "cert-missing"},
    "key": {"key-unreadable", "key-missing"},
    "ca": {"ca-empty", "ca-missing"},
    "crl": {"crl-unreadable", "crl-missing"},
    "capath": {"ca-empty"},
    "psk": {"psk-missing", "psk-invalid"},
}
FINE = {"include-folder"}  # what it should be
UNJUDGED = {
    "ca-huge",
    "crl-huge",
    "cert-huge",
    "key-huge",
    "psk-huge",
}  # stunnel would read on; lint says that it did not

pytestmark = pytest.mark.timeout(180)


def tuimon(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end; one that hangs fails the test."""
    argv = [sys.executable, "-m", "tuimon", *arguments]
    return subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=DEADLINE, check=False)


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory, pki: Pki) -> Path:
    """A folder with `conf`, the fleet, and `odd`, what its files are."""
    folder = tmp_path_factory.mktemp("files")
    for name in ("conf", "odd"):
        (folder / name).mkdir()
    fleet(folder / "conf", folder / "odd", pki)
    return folder


def test_status_names_every_odd_file(odd: Path, pytestconfig: pytest.Config) -> None:
    """Each by the first finding of the service that needs it; and nothing of tuimon's own fell over it."""
    began = time.monotonic()
    done = tuimon("status", "--json", str(odd / "conf"))
    assert done.stderr == ""
    document = json.loads(done.stdout)
    found = {Path(each["config"]).stem: each["findings"] for each in document["services"]}
    assert found.keys() == {row.name for row in ROWS}
    assert not [each for each in found.values() for finding in each if finding["code"] == "tuimon-failed"]
    wrong = [row.name for row in ROWS if not _named(row, found[row.name])]
    words = f"{len(ROWS)} odd files named by one sweep in {time.monotonic() - began:.1f} s"
    leave(pytestconfig, "odd files", [Line(words, good=not wrong)])
    assert wrong == []


def _named(row: Row, findings: list[dict[str, Any]]) -> bool:
    first = findings[0]
    if row.name in FINE or row.place == "pid" or (row.place in {"ca", "crl", "psk"} and row.name in UNJUDGED):
        return first["code"] in {"not-running", "pid-unwritable"}
    if row.place == "log":  # a log that is no file is written to all the same, but never read
        return row.kind in {"bytes", "huge", "nowhere"} or any(row.name in each["text"] for each in findings)
    return first["code"] in CODES[row.place] and row.name in first["text"]


def test_lint_names_every_odd_file(odd: Path) -> None:
    """As stunnel would, or by saying that it did not look; the path is in the sentence or before it."""
    done = tuimon("lint", "--json", str(odd / "conf"))
    assert done.stderr == ""
    told = {Path(each["path"]).stem: each["findings"] for each in json.loads(done.stdout)["files"]}
    assert told.keys() == {row.name for row in ROWS}
    for row in ROWS:
        if row.place in CODES and row.name not in FINE:
            first = next(each for each in told[row.name] if each["scope"] != "advice")
            assert first["code"] in CODES[row.place] | {"not-judged"}, row
            assert (first["code"] == "not-judged") == (row.name in UNJUDGED), row
            assert row.name in first["text"] + first["path"]


def test_certs_has_a_sentence_for_each(odd: Path) -> None:
    """What cannot be read is named, and the others are read."""
    files = sorted(map(str, (odd / "odd").glob("cert-*")))
    done = tuimon("certs", "--json", *files)
    assert (done.returncode, done.stderr) == (2, "")
    assert [(each["path"], bool(each["error"])) for each in json.loads(done.stdout)] == [
        (path, True) for path in files
    ]


@pytest.mark.parametrize(
    "kind", sorted(KINDS.keys() - {"fifo"})
)  # a pipe that nobody writes: see test_stalled
def test_odd_settings_are_a_sentence_and_an_odd_arrangement_is_none(tmp_path: Path, kind: str) -> None:
    """The one keeps the program from starting, the other from nothing."""
    odd = tmp_path / f"odd-{kind}.toml"
    KINDS[kind](odd)
    with pytest.raises(SettingsError, match=f"odd-{kind}"):
        load(str(odd))
    assert view.load(str(odd)) == view.View()
    view.save(str(odd), view.View())


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to close files to somebody else")
def test_what_is_closed_to_us_is_said_and_held_against_nobody(pki: Pki, pytestconfig: pytest.Config) -> None:
    """stunnel, started by root, reads what tuimon, run by nobody, may not: nothing is refused by that."""
    with open_folder() as folder:
        conf, own = folder / "conf", folder / "own"
        for each in (conf, own):
            each.mkdir()
        for name, mode in (("server.pem", 0o644), ("server.key", 0o600), ("ca.pem", 0o644)):
            shutil.copy(pki.path(name), own / name)
            (own / name).chmod(mode)
        for place in PLACES:
            _closed(folder, Row(place, "closed"), own)
        found = json.loads(alone("closed", conf, by=()))["services"]
    told = {Path(each["config"]).stem: [(f["code"], f["text"]) for f in each["findings"]] for each in found}
    assert told.keys() == {f"{place}-closed" for place in PLACES}
    for name, findings in told.items():
        assert {code for code, _ in findings} <= {"not-running", "not-permitted"}, findings
        assert name == "pid-closed" or any(name in text for code, text in findings if code == "not-permitted")
    leave(pytestconfig, "odd files", [Line(f"{len(told)} files that only root may read named to nobody")])


def _closed(folder: Path, row: Row, own: Path) -> None:
    odd = folder / row.name if row.place != "config" else folder / "conf" / f"{row.name}.conf"
    if row.place in {"include", "capath"}:
        odd.mkdir()
    else:
        odd.write_text("; nobody's\n")
    odd.chmod(0)
    if row.place != "config":
        cert, key, ca = (str(own / name) for name in ("server.pem", "server.key", "ca.pem"))
        write(folder / "conf", row, odd, port=free_port(), cert=cert, key=key, ca=ca)


class _Watching(Runtime):
    """A runtime that keeps what fell."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.fallen: list[CollectorFailed] = []

    def _publish(self, event: Event) -> None:
        if isinstance(event, CollectorFailed):
            self.fallen.append(event)
        super()._publish(event)


def _churn(things: list[Path], texts: dict[Path, bytes], rounds: int) -> None:
    """Put anything in the place of these files, again and again; at last what they were."""
    dice = random.Random(7)  # noqa: S311
    for _ in range(rounds):
        place = dice.choice(things)
        fresh = place.with_name(f".{place.name}.new")
        kind = dice.choice([*KINDS, "itself", "nothing", "half"])
        if kind in KINDS:
            KINDS[kind](fresh)
        elif kind != "nothing":
            fresh.write_bytes(texts[place][: None if kind == "itself" else dice.randrange(len(texts[place]))])
        _away(place)
        with suppress(FileNotFoundError):
            fresh.rename(place)
        time.sleep(0.002)  # so that something is read in between
    for place in things:
        _away(place)
        place.write_bytes(texts[place])
        place.chmod(0o600)


def _away(place: Path) -> None:
    if place.is_dir() and not place.is_symlink():
        place.rmdir()
    else:
        place.unlink(missing_ok=True)


async def test_files_that_come_and_go_and_change_their_kind(
    tmp_path: Path, pki: Pki, pytestconfig: pytest.Config
) -> None:
    """Configuration, certificate, key, CA, include, log and pid file, replaced while they are read."""
    conf = tmp_path / "conf"
    conf.mkdir()
    names = {"cert": "server.pem", "key": "server.key", "ca": "ca.pem"}
    more = tmp_path / "more"
    more.mkdir()
    things = [*(tmp_path / name for name in ("cert", "key", "ca", "log", "pid")), more / "some.conf"]
    for place in things:
        source = names.get(place.name)
        place.write_bytes(Path(pki.path(source)).read_bytes() if source else b"; 1\n")
    config = conf / "web.conf"
    options = f"include = {more}\noutput = {tmp_path}/log\npid = {tmp_path}/pid\n"
    section = f"accept = 127.0.0.1:{free_port()}\nconnect = 127.0.0.1:1\ncert = {tmp_path}/cert\n"
    config.write_text(f"{options}[web]\n{section}key = {tmp_path}/key\nCAfile = {tmp_path}/ca\n")
    things.append(config)
    texts = {place: place.read_bytes() for place in things}
    runtime = _Watching(LocalHost(poll=0.5), Settings(intervals=Intervals(units=0.5)), (str(conf),))
    running = asyncio.create_task(runtime.run())
    try:
        await runtime.settle()
        before = _said(runtime)
        assert before[0] == "not-running", before
        churning = threading.Thread(target=_churn, args=(things, texts, 1500))
        churning.start()
        await asyncio.to_thread(churning.join)
        await eventually(lambda: _said(runtime) == before, 30)
        leave(pytestconfig, "odd files", [Line("1,500 replacements under the eyes of the collectors")])
        assert runtime.fallen == []
        assert not running.done()
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def _said(runtime: Runtime) -> list[str]:
    return [finding.code for row in runtime.store.rows() for finding in row.findings]
