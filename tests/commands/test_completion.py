"""`tuimon completion`: real shells, on a real terminal, with a real Tab."""

import os
import pty
import select
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pyte
import pytest

from tests.test_status import tuimon
from tuimon.commands import COMMANDS

PATIENCE = 20.0
SHELLS = {
    "bash": ["bash", "--norc", "--noprofile", "-i"],
    "zsh": ["zsh", "-f", "-i"],
    "fish": ["fish", "--no-config", "-i"],
}
PREPARE = {
    "bash": "bind 'set show-all-if-ambiguous on'; bind 'set enable-bracketed-paste off'; PS1='ready: '",
    "zsh": "autoload -U compinit; compinit -u -D; unsetopt PROMPT_SP BEEP LIST_AMBIGUOUS; PS1='ready: '",
    "fish": "function fish_prompt; echo -n 'ready: '; end",
}


class Shell:
    """An interactive shell that has read the script."""

    def __init__(self, name: str, folder: Path) -> None:
        if not shutil.which(name):
            pytest.skip(f"{name} is not installed")
        self.screen = pyte.Screen(200, 50)
        self._stream = pyte.ByteStream(self.screen)
        self._ours, theirs = pty.openpty()
        environment = {"PATH": os.environ["PATH"], "TERM": "xterm", "HOME": str(folder), "LANG": "C.UTF-8"}
        self.process = subprocess.Popen(
            ["setsid", "--ctty", *SHELLS[name]],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=environment,
            cwd=folder,
        )
        os.close(theirs)
        self.type(f"{PREPARE[name]}\r")
        self.until(lambda: any(line.startswith("ready:") for line in self.screen.display))
        self.type("source ./script\r")
        self.until(lambda: any(line.startswith("ready: source") for line in self.screen.display))

    def type(self, text: str) -> None:
        os.write(self._ours, text.encode())

    def until(self, fact: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not fact():
            assert time.monotonic() < deadline, "\n".join(self.screen.display).rstrip()
            if select.select([self._ours], [], [], 0.05)[0]:
                self._stream.feed(os.read(self._ours, 65536))

    def completes(self, typed: str, *words: str) -> None:
        """Type, press Tab, and see each of the words; then clear the line and the screen."""
        self.type(f"{typed}\t")
        self.until(lambda: all(any(word in line for line in self.screen.display) for word in words))
        self.type("\x15\x0c")  # ctrl-u, ctrl-l
        self.until(lambda: not any(typed in line for line in self.screen.display))

    def close(self) -> None:
        os.close(self._ours)
        self.process.kill()
        self.process.wait()


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shell]:
    """In a folder with one configuration, one certificate and a folder with a blank in its name."""
    (tmp_path / "script").write_text(tuimon("completion", request.param).stdout)
    (tmp_path / "gateway.conf").touch()
    (tmp_path / "gate.pem").touch()
    (tmp_path / "far away").mkdir()
    opened = Shell(request.param, tmp_path)
    yield opened
    opened.close()


@pytest.mark.pty
def test_tab_completes(shell: Shell) -> None:
    """Commands, options, what options may be, configurations where they are meant, files elsewhere."""
    shell.completes("tuimon stat", "tuimon status ")
    shell.completes("tuimon re", "reload", "restart")
    shell.completes("tuimon status --ti", "tuimon status --timeout")
    shell.completes("tuimon --read", "tuimon --read-only ")
    shell.completes("tuimon probe --protocol sm", "tuimon probe --protocol smtp ")
    shell.completes("tuimon completion f", "tuimon completion fish ")
    shell.completes("tuimon lint gate", "tuimon lint gateway.conf ")
    shell.completes("tuimon reload gate", "tuimon reload gateway.conf ")
    shell.completes("tuimon --config gat", "gate.pem", "gateway.conf")
    shell.completes("tuimon certs gate.", "tuimon certs gate.pem ")
    shell.completes("tuimon --ascii drill far", "tuimon --ascii drill far\\ away/")


def test_every_command_and_option_is_in_every_script() -> None:
    """Made from the parsers: what they know, the shells know."""
    for name in SHELLS:
        script = tuimon("completion", name).stdout
        assert [each for each in COMMANDS if each not in script] == []
        option = "-l for-stunnel" if name == "fish" else "--for-stunnel"
        assert option in script
        if not shutil.which(name):
            continue
        checked = subprocess.run([name, "-n"], input=script, text=True, check=False, capture_output=True)
        assert (checked.returncode, checked.stderr) == (0, ""), name
