"""Hostile bytes through every input of every command: nothing on stdout or stderr that a terminal would obey.

Rule: what a command says is held against the one list of what is unfit; a line feed is the only control
character that a command may write.
"""

import os
import subprocess
import sys
import time
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.fixtures import free_port
from tests.tables import Line, leave
from tests.ui import hostile

ROOT = Path(__file__).resolve().parents[2]
EVIL = hostile.RAW.replace(b"\0", b"").replace(b"/", b"|")
"""What can stand in an argument and in a file name."""
UNFIT = {"Cc", "Cs", "Zl", "Zp"}
MARKS = set("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")

pytestmark = pytest.mark.timeout(180)


class Said(NamedTuple):
    """What a command wrote, and how it ended."""

    arguments: tuple[bytes, ...]
    text: bytes
    status: int

    @property
    def harmful(self) -> list[str]:
        """Every character that must not reach a terminal, and bytes that are no UTF-8."""
        try:
            text = self.text.decode()
        except UnicodeDecodeError as error:
            return [str(error)]
        found = {each for each in text if unicodedata.category(each) in UNFIT or each in MARKS}
        return sorted(map(repr, found - {"\n"}))


def tuimon(*arguments: bytes, folder: Path) -> Said:
    """Run a command with these bytes."""
    argv = [os.fsencode(sys.executable), b"-m", b"tuimon", *arguments]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "LANG": "C.UTF-8"}
    done = subprocess.run(argv, cwd=folder, env=environment, capture_output=True, timeout=90, check=False)
    return Said(arguments, done.stdout + done.stderr, done.returncode)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files with hostile contents under plain names and under hostile ones."""
    place = tmp_path_factory.mktemp("hostile")
    conf = place / "conf"
    conf.mkdir()
    pem, key = hostile.certificate()
    log = b"\n".join(hostile.log(time.strftime("%Y.%m.%d %H:%M:%S").encode())) + b"\n"
    contents = {
        b"evil.pem": pem + key,
        b"evil.log": log,
        b"evil.toml": b'theme = "' + hostile.EVIL.encode() + b'"\n',
        b"raw.toml": hostile.RAW,
        b"keys.toml": b'[keys]\n"\\u001b]0;x\\u0007" = "\\u009b2J"\n"list.sort" = "\\u001b[2J"\n',
        b"junk.pem": b"-----BEGIN CERTIFICATE-----\n" + hostile.RAW + b"\n-----END CERTIFICATE-----\n",
        EVIL + b".pem": pem,
        EVIL + b".junk": hostile.RAW,
        EVIL + b".log": log,
        EVIL + b".toml": hostile.RAW,
    }
    for name, data in contents.items():
        with open(os.path.join(os.fsencode(place), name), "wb") as file:
            file.write(data)
    text = hostile.config(log=f"{place}/evil.log", cert=f"{place}/evil.pem", port=free_port())
    (conf / "evil.conf").write_bytes(text)
    (conf / "old.conf").write_bytes(hostile.REFUSED)
    with open(os.path.join(os.fsencode(conf), EVIL + b".conf"), "wb") as file:
        file.write(text)
    return place


NAMES = (b"evil.pem", b"junk.pem", EVIL + b".pem", EVIL + b".junk", EVIL)
CONFIG = b"conf/" + EVIL + b".conf"
# Of drill, bundle and certs --against only what does not sweep the whole machine, whoever works on it.
COMMANDS: tuple[tuple[bytes, ...], ...] = (
    (EVIL,),
    (b"--" + EVIL,),
    (b"--config", EVIL, b"status"),
    (b"--config", EVIL + b".toml", b"status"),
    (b"--config", b"evil.toml", b"status"),
    (b"--config", b"keys.toml", b"status"),
    (b"status", b"conf"),
    (b"status", b"conf", b"--json"),
    (b"status", CONFIG),
    (b"status", EVIL),
    (b"status", b"--timeout", EVIL),
    (b"lint", b"conf"),
    (b"lint", b"conf", b"--json"),
    (b"lint", CONFIG),
    (b"lint", EVIL),
    (b"lint", b"--for-stunnel", EVIL, b"conf"),
    (b"certs", *NAMES),
    (b"certs", b"--json", *NAMES),
    (b"certs", b"--password-file", EVIL, b"evil.pem"),
    (b"certs", b"--against", b"conf/evil.conf", b"evil.pem", EVIL + b".junk"),
    (b"logs", b"evil.log"),
    (b"logs", b"--json", b"evil.log"),
    (b"logs", b"--connections", b"evil.log"),
    (b"logs", b"--connections", b"--json", b"evil.log"),
    (b"logs", b"evil.log", EVIL + b".log", EVIL),
    (b"probe", EVIL),
    (b"probe", EVIL + b":443", b"--timeout", b"2"),
    (b"probe", b"127.0.0.1:1", b"--sni", EVIL, b"--ca", EVIL, b"--cert", EVIL, b"--key", EVIL),
    (b"probe", b"127.0.0.1:1", b"--ca", b"junk.pem", b"--cert", EVIL + b".junk"),
    (b"probe", b"127.0.0.1:1", b"--protocol", EVIL),
    (b"drill", b"conf/evil.conf"),
    (b"bundle", b"conf/evil.conf"),
    (b"bundle", b"--minutes", EVIL),
    *((each, b"--dry-run", what) for each in (b"reload", b"start") for what in (EVIL, CONFIG)),
    (b"restart", b"--dry-run", b"conf/evil.conf"),
    (b"stop", b"--yes", EVIL),
    (b"settings", b"--check", EVIL),
    (b"settings", b"--check", EVIL + b".toml"),
    (b"settings", b"--check", b"evil.toml"),
    (b"settings", b"--check", b"raw.toml"),
    (b"settings", b"--check", b"keys.toml"),
    (b"--config", EVIL, b"settings"),
    (b"completion", EVIL),
    (b"demo", EVIL),
)


@pytest.fixture(scope="module")
def told(folder: Path, pytestconfig: pytest.Config) -> dict[tuple[bytes, ...], Said]:
    """What every command says, two at a time."""
    with ThreadPoolExecutor(2) as two:
        said = list(two.map(lambda each: tuimon(*each, folder=folder), COMMANDS))
    size = sum(len(each.text) for each in said)
    good = not any(each.harmful for each in said)
    words = f"{len(said)} command lines with hostile bytes, {size:,} bytes written, none to be obeyed"
    leave(pytestconfig, "hostile bytes", [Line(words, good=good)])
    return {each.arguments: each for each in said}


def _title(arguments: tuple[bytes, ...]) -> str:
    short = b" ".join(arguments).replace(EVIL, b"EVIL")
    return ascii(short.decode(errors="replace")).strip("'")


@pytest.mark.parametrize("arguments", COMMANDS, ids=map(_title, COMMANDS))
def test_nothing_is_written_that_a_terminal_would_obey(
    told: dict[tuple[bytes, ...], Said], arguments: tuple[bytes, ...]
) -> None:
    """And something is: no command falls silent or over, whatever it is given."""
    said = told[arguments]
    assert said.harmful == []
    assert said.text.strip()
    assert b"Traceback" not in said.text
    assert said.status in range(4)


def test_a_hostile_peer_is_shown_and_not_obeyed(folder: Path, backend: object) -> None:
    """The banner of a peer that is no TLS, in words and as JSON."""
    assert callable(backend)
    peer = backend(b"220 " + hostile.RAW + b"\r\n")
    for more in ((), (b"--json",), (b"--protocol", b"smtp")):
        said = tuimon(b"probe", b"127.0.0.1:%d" % peer.port, *more, folder=folder)
        assert (said.harmful, said.status) == ([], 2)
        assert said.text.strip()
