"""Out of the screen: the log in $PAGER and $EDITOR, openssl's word for a certificate, what a reload changes.

Rule: what is started is real, and what it was given is read from what it left behind.
"""

import base64
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ui.terminal import Terminal
from tuimon.demo.fleet import Fleet, start_fleet

pytestmark = pytest.mark.pty

RIGHT = "\x1b[C"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A log with a name that a shell would take apart, and the configuration that writes it."""
    log = tmp_path / "it's a; log $HOME.log"
    stamp = time.strftime("%Y.%m.%d %H:%M:%S")
    log.write_text(f"{stamp} LOG5[ui]: Configuration successful\n{stamp} LOG5[0]: the last line\n")
    sections = "[web]\nclient = yes\naccept = 127.0.0.1:1\nconnect = 127.0.0.1:2\n"
    (tmp_path / "web.conf").write_text(f"foreground = yes\noutput = {log}\n{sections}")
    (tmp_path / "state/tuimon").mkdir(parents=True)
    return log


def program(folder: Path, name: str, status: int = 0) -> Path:
    """A program that leaves its arguments and what its terminal was like, and waits for a line."""
    path = folder / name
    path.write_text(f"""#!/bin/sh
printf '%s\\n' "$#" "$@" > '{folder}/{name}.given'
stty -a > '{folder}/{name}.tty'
echo {name} has the terminal
read line
printf '%s' "$line" > '{folder}/{name}.typed'
exit {status}
""")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(("key", "variable"), [("P", "PAGER"), ("V", "EDITOR")])
def test_the_file_of_the_line_is_opened_and_the_screen_comes_back(
    log: Path, tmp_path: Path, key: str, variable: str
) -> None:
    """One argument, the whole name; the keys and the terminal are the program's meanwhile."""
    shows = program(tmp_path, "shows", 3)
    environment = {variable: f"{shows} -x", "VISUAL": "", "XDG_STATE_HOME": str(tmp_path / "state")}
    with Terminal(str(tmp_path / "web.conf"), environment=environment) as terminal:
        terminal.sees("DOWN web")
        terminal.press("2")
        terminal.sees("─ log ─ all ─ following", "the last line")
        terminal.press(key)
        terminal.sees("shows has the terminal")  # wherever pyte, which knows no other screen, puts it
        terminal.press(*"jq", "enter")
        terminal.sees("─ log ─ all ─ following", "the last line", "ended with 3")
        terminal.press("1")
        terminal.sees("DOWN web")
        terminal.press("q")
        assert terminal.ended() == 0
    assert (tmp_path / "shows.given").read_text().splitlines() == ["2", "-x", str(log)]
    assert (tmp_path / "shows.typed").read_text() == "jq"
    tty = (tmp_path / "shows.tty").read_text()
    assert " icanon" in tty
    assert " echo " in tty


@pytest.mark.parametrize("named", ["/nowhere/less -R", "'unbalanced", " "])
def test_a_program_that_cannot_be_run_is_a_sentence(log: Path, tmp_path: Path, named: str) -> None:
    """And nothing else happens."""
    environment = {"PAGER": named, "XDG_STATE_HOME": str(tmp_path / "state")}
    with Terminal(str(tmp_path / "web.conf"), environment=environment) as terminal:
        terminal.sees("DOWN web")
        terminal.press("2")
        terminal.sees("the last line")
        terminal.press("P")
        terminal.sees(r"cannot run .*: set \$PAGER or \$EDITOR|cannot run", "the last line")
        terminal.press("q")
        assert terminal.ended() == 0


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    """The demo's fleet, of which the last test reloads one instance."""
    with start_fleet() as running:
        yield running


def copied(terminal: Terminal, key: str) -> str:
    """What a key puts into the terminal's clipboard."""
    before = len(terminal.raw)
    terminal.press(key)
    found = terminal.until(
        lambda: re.search(rb"\x1b\]52;c;([^\x07\x1b]*)(?:\x07|\x1b\\)", terminal.raw[before:])
    )
    return base64.b64decode(found[1]).decode()


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("billing.corp.example", r"openssl x509 -in /\S+/pki/billing\.pem .*"),
        ("edi.corp.example 9d", r"openssl s_client -connect 127\.0\.0\.1:\d+ .*"),
    ],
)
def test_openssl_shows_the_same_certificate(fleet: Fleet, tmp_path: Path, name: str, command: str) -> None:
    """The command that O copies runs in a shell as it is, on the file, or on who serves it."""
    words, _, left = name.partition(" ")
    (tmp_path / "tuimon").mkdir()
    with Terminal(fleet.folder, environment={"XDG_STATE_HOME": str(tmp_path)}) as terminal:
        terminal.sees("WARN edi-in +renewed on disk", "CRIT billing")
        terminal.press("3")
        terminal.sees(r"─ 2 renew ─ 1 reload ─")
        terminal.press("/", *words, "enter")
        terminal.sees(r"\d+ hidden")
        terminal.press("g")
        terminal.sees(rf"^ {re.escape(words)}  ", rf" {left} +.*{re.escape(words)}")
        fingerprint, copy = copied(terminal, "f"), copied(terminal, "O")
        pem = copied(terminal, "Y")
    assert re.fullmatch(command, copy)
    done = subprocess.run(["sh", "-c", copy], capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 0, done.stderr
    assert (pem.strip() in done.stdout) or (fingerprint in done.stdout)


def test_a_reload_empties_its_group(fleet: Fleet, tmp_path: Path) -> None:
    """What was to be reloaded is fine, and the old certificate is nobody's any more."""
    (tmp_path / "tuimon").mkdir()
    with Terminal(f"{fleet.folder}/edi.conf", environment={"XDG_STATE_HOME": str(tmp_path)}) as terminal:
        terminal.sees("WARN edi-in +renewed on disk", "OK +as2")
        terminal.press("3")
        terminal.sees(
            r"─ 1 reload ─ \d+ fine", r"^ reload +9d .*edi\.corp\.example", r"→ renewed on disk: reload"
        )
        terminal.press("g", "r")
        terminal.sees(r"\[ Cancel \] +Reload")

        def moved() -> bool:
            terminal.press(RIGHT)
            return bool(terminal.line(r"\[ Reload \]"))

        terminal.until(moved)
        terminal.press("enter")
        terminal.sees(r"serving the new certificate, 89 days left; 2 of 2 services answer")
        terminal.press("enter")
        terminal.until(lambda: not terminal.line(r"\[ Close \]"))
        terminal.until(lambda: not terminal.line(r"reload ─|^ reload"))
        terminal.sees(r"^─ \d+ fine ─", r"^ +89d .*edi\.corp\.example")
        assert not terminal.line(r"^ +9d .*edi\.corp\.example")
