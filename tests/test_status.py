"""`tuimon status`: the public JSON and table, exit statuses, usage errors; the same truth as the screen."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from tests.contract import STATUS, fits
from tests.fixtures import Pki
from tuimon.demo import lifeline
from tuimon.demo.fleet import Fleet, start_fleet
from tuimon.host.local import LocalHost
from tuimon.runtime import Runtime
from tuimon.settings import Settings
from tuimon.ui.app import TuimonApp

ROOT = Path(__file__).resolve().parents[1]
PATIENCE = 60
NOBODY = 65534


def environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "XDG_CONFIG_HOME"}}
    return kept | {"PYTHONPATH": str(ROOT), "LANG": "C.UTF-8", **more}


def tuimon(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tuimon", *arguments]
    return subprocess.run(
        command, env=environment(**more), capture_output=True, text=True, timeout=PATIENCE, check=False
    )


def status_of(folder: str) -> dict[str, Any]:
    done = tuimon("status", "--json", folder)
    assert done.stderr == ""
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def causes(document: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """State and first finding of every service."""
    return {
        each["name"]: (each["state"], each["findings"][0]["text"] if each["findings"] else "")
        for each in document["services"]
    }


@pytest.fixture(scope="module")
def document(demo_fleet: Fleet) -> dict[str, Any]:
    """The JSON of the whole demo fleet."""
    return status_of(demo_fleet.folder)


def test_headless_demo_is_told_as_json_and_ends_with_ctrl_c() -> None:
    """The folder on stdout, `status` over it, ctrl-c: exit status 0 and nothing left."""
    command = [sys.executable, "-m", "tuimon", "demo", "--headless"]
    with subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, text=True) as demo:
        assert demo.stdout
        folder = demo.stdout.readline().strip()
        assert causes(status_of(f"{folder}/night.conf"))["backup"] == ("down", "stunnel is not running")
        demo.send_signal(signal.SIGINT)
        assert demo.wait(PATIENCE) == 0
    assert lifeline.members(folder) == ()
    assert not os.path.exists(folder)


def test_json_has_every_key_of_the_contract(document: dict[str, Any]) -> None:
    """Each key with a value of its kind, in a fleet where nearly everything occurs."""
    assert fits(document, STATUS, "status")
    summary = document["summary"]
    assert summary == {"services": 20, "ok": 13, "warning": 1, "critical": 6, "unknown": 0}
    assert len({each["id"] for each in document["services"]}) == 20
    assert any(each["handshake"] for each in document["services"])
    assert any(each["served"] and each["used_by"] for each in document["certificates"])


def test_json_tells_every_cause_of_the_demo(document: dict[str, Any]) -> None:
    """The first finding is the cause, with its public code."""
    services = document["services"]
    codes = {each["name"]: each["findings"][0]["code"] for each in services if each["findings"]}
    assert codes == {
        "backup": "not-running",
        "pgsql-eu": "connect-refused",
        "erp": "peer-untrusted",
        "testserver": "config-error",
        "billing": "cert-expired",
        "ldap": "cert-expiring",
        "edi-in": "cert-not-loaded",
    }
    refused = next(each for each in services if each["name"] == "testserver")
    assert "legacy.conf:8" in refused["findings"][0]["text"]


async def test_json_and_table_tell_what_the_screen_tells(demo_fleet: Fleet, document: dict[str, Any]) -> None:
    """The same services in the same order with the same states and causes."""
    settings = Settings()
    app = TuimonApp(Runtime(LocalHost(), settings, (demo_fleet.folder,)), settings)
    async with app.run_test(size=(120, 36)):
        await app.runtime.settle()
        rows = app.store.rows()
        shown = {row.tunnel.service.name: (row.state.value, row.why) for row in rows}
    assert causes(document) == shown
    assert [each["name"] for each in document["services"]] == [row.tunnel.service.name for row in rows]
    table = tuimon("status", demo_fleet.folder, COLUMNS="200").stdout.splitlines()
    for line, row in zip(table[1:], rows, strict=False):
        assert row.tunnel.service.name in line
        assert line.rstrip().endswith(row.why)


@pytest.mark.parametrize(("file", "status"), [("cache.conf", 0), ("edi.conf", 1), ("legacy.conf", 2)])
def test_exit_status_is_that_of_the_worst_service(demo_fleet: Fleet, file: str, status: int) -> None:
    """All well, a warning only, one that is down."""
    done = tuimon("status", f"{demo_fleet.folder}/{file}")
    assert (done.returncode, done.stderr) == (status, "")


def test_nothing_to_see_is_3_and_says_where_it_looked(tmp_path: Path) -> None:
    """An empty folder is no healthy fleet."""
    done = tuimon("status", str(tmp_path))
    assert (done.returncode, done.stderr) == (3, "")
    assert "nothing found" in done.stdout
    assert "looked at" in done.stdout


@pytest.mark.parametrize(("columns", "options"), [(80, ()), (120, ("--ascii",))], ids=["80", "120-ascii"])
def test_table_fits_the_terminal(demo_fleet: Fleet, columns: int, options: tuple[str, ...]) -> None:
    """No line is wider than the terminal; `--ascii` prints nothing else."""
    done = tuimon("status", demo_fleet.folder, *options, COLUMNS=str(columns))
    assert (done.returncode, done.stderr) == (2, "")
    lines = done.stdout.splitlines()
    assert len(lines) >= 21
    assert max(cell_len(line) for line in lines) <= columns
    if options:
        assert done.stdout.isascii()


def test_columns_stand_below_each_other_whatever_a_service_is_called(tmp_path: Path) -> None:
    """A letter may take two cells of a terminal, and several of them one place."""
    names = ("plain", "日本", "e\u0301tude", "a-name-that-is-longer-than-its-column", "日本" * 9)
    for port, name in enumerate(names, 1):
        text = f"[{name}]\nclient = yes\naccept = 127.0.0.1:{port}\nconnect = 127.0.0.1:9\n"
        (tmp_path / f"{port}.conf").write_text(text)
    lines = tuimon("status", str(tmp_path), COLUMNS="200").stdout.splitlines()
    rows = [line for line in lines if "DOWN" in line]
    assert len(rows) == len(names)
    assert {cell_len(line[: line.index("stunnel is")]) for line in rows} == {cell_len("✖ DOWN ") + 35}


@pytest.mark.parametrize("options", [(), ("--json",)], ids=["table", "json"])
def test_a_closed_pipe_is_no_error(demo_fleet: Fleet, options: tuple[str, ...]) -> None:
    """`tuimon status | head -1`."""
    command = [sys.executable, "-m", "tuimon", "status", f"{demo_fleet.folder}/cache.conf", *options]
    with subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as run:
        assert run.stdout
        assert run.stderr
        run.stdout.close()
        assert run.stderr.read() == b""
        assert run.wait(PATIENCE) == 0


BROKEN = {
    "unknown path": ("status", "/nowhere/at/all.conf"),
    "unknown option": ("status", "--jason"),
    "no number": ("status", "--timeout", "soon"),
    "no settings file": ("--config", "/nowhere/settings.toml", "status"),
    "settings are no TOML": ("--config", "{settings}", "status"),
    "no terminal": ("/etc",),
}


@pytest.mark.parametrize("arguments", BROKEN.values(), ids=BROKEN.keys())
def test_a_usage_error_is_one_line_and_3(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """On stderr, with nothing on stdout and no traceback."""
    broken = tmp_path / "settings.toml"
    broken.write_text("thresholds = [\n")
    done = tuimon(*(each.format(settings=broken) for each in arguments))
    assert (done.returncode, done.stdout) == (3, "")
    assert re.fullmatch(r"tuimon: .+\n", done.stderr)


@pytest.mark.parametrize("text", ['colour = "red"\n', "[probes]\ntimeout = -1\n", b"\xff\xfe"])
def test_a_wrong_settings_file_is_named_with_the_place(tmp_path: Path, text: str | bytes) -> None:
    """Unknown name, value out of range, no UTF-8: one line that names the file."""
    wrong = tmp_path / "settings.toml"
    wrong.write_bytes(text if isinstance(text, bytes) else text.encode())
    done = tuimon("--config", str(wrong), "status")
    assert (done.returncode, done.stdout) == (3, "")
    assert re.fullmatch(rf"tuimon: {re.escape(str(wrong))}.+\n", done.stderr)


# -- as an ordinary user --------------------------------------------------------------------------


def as_nobody(python: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", python, *arguments]
    packages = sysconfig.get_paths()["purelib"]
    theirs = environment(
        PYTHONPATH=f"{ROOT}:{packages}", HOME="/nonexistent", PYTHONDONTWRITEBYTECODE="1", COLUMNS="120"
    )
    return subprocess.run(
        command, env=theirs, capture_output=True, text=True, timeout=PATIENCE, cwd="/", check=False
    )


@pytest.fixture(scope="module")
def their_python() -> str:
    """An interpreter that an ordinary user can run with our packages."""
    if os.geteuid() != 0 or not shutil.which("setpriv"):
        pytest.skip("only root, with setpriv, can become an ordinary user")
    for python in (sys.executable, "/usr/bin/python3"):
        try:
            done = as_nobody(python, "-c", "import msgspec, tuimon.runtime")
        except OSError:
            continue
        if done.returncode == 0:
            return python
    pytest.skip("no interpreter here that an ordinary user can run with these packages")


def test_an_ordinary_user_gets_useful_rows_and_honest_blind_spots(
    their_python: str, document: dict[str, Any]
) -> None:
    """What may not be seen is said, and is never a fault of a service."""
    with start_fleet() as fleet:
        Path(fleet.folder).chmod(0o755)  # the configurations; logs and keys stay closed
        done = as_nobody(their_python, "-m", "tuimon", "status", "--json", fleet.folder)
        assert done.stderr == ""
        theirs = causes(json.loads(done.stdout))
        table = as_nobody(their_python, "-m", "tuimon", "status", f"{fleet.folder}/cache.conf").stdout
    ours = causes(document)
    assert theirs.keys() == ours.keys()
    sound = {name for name, (state, _) in ours.items() if state == "ok"}
    faults = {name for name in sound if theirs[name][0] in {"down", "critical", "warning"}}
    assert faults == set()
    for name in ("backup", "testserver", "billing", "ldap"):
        assert theirs[name][0] == ours[name][0], f"{name}: {theirs[name]}"
    assert "not seen:" in table


def test_the_service_that_keeps_the_others_down_comes_first(pki: Pki, tmp_path: Path) -> None:
    """Its key is another certificate's; a thousand others say the same, and which it is."""
    pair = "cert = {0}/server.pem\nkey = {0}/{1}.key\n"
    sections = [
        f"[{name}]\naccept = 127.0.0.1:{port}\nconnect = 1\n{pair.format(tmp_path, key)}"
        for port, (name, key) in enumerate((("a", "server"), ("b", "server"), ("zz", "client")), 40_001)
    ]
    for name in ("server.pem", "server.key", "client.key"):
        shutil.copy(pki.path(name), tmp_path)
    (tmp_path / "many.conf").write_text("foreground = yes\n" + "".join(sections))
    found = status_of(str(tmp_path / "many.conf"))["services"]
    assert [each["name"] for each in found] == ["zz", "a", "b"]
    assert all(each["findings"][0]["text"].startswith("[zz] ") for each in found)
