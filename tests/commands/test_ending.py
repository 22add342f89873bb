"""How commands end that somebody ends, or that can tell early that they are of no use."""

import os
import pty
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fixtures import Pki, Stunnel
from tuimon.commands import UsageError
from tuimon.commands.status import sweep
from tuimon.settings import Probes, Settings
from tuimon.store import Store

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60.0

# The signal comes while OpenSSL tells of a handshake: what is raised in its callbacks is printed and lost.
ENDED = """
import os, signal, sys
from tuimon import cli
from tuimon.tls.outcome import Transcript

heard = Transcript.info

def info(self, *said):
    Transcript.info = heard  # once
    os.kill(os.getpid(), signal.SIGTERM)
    heard(self, *said)

Transcript.info = info
sys.exit(cli.main(["probe", sys.argv[1]]))
"""


def test_sigterm_ends_a_command_wherever_it_is(tmp_path: Path, pki: Pki) -> None:
    """Even in the middle of a handshake, and without a word."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        port = door.getsockname()[1]
    pair = f"cert = {pki.path('server.pem')}\nkey = {pki.path('server.key')}\n"
    stunnel = Stunnel(tmp_path, f"[one]\naccept = 127.0.0.1:{port}\nconnect = 1\n{pair}")
    try:
        argv = [sys.executable, "-c", ENDED, f"127.0.0.1:{port}"]
        done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False)
    finally:
        stunnel.close()
    assert (done.returncode, done.stdout, done.stderr) == (143, "", "")


@pytest.mark.timeout(60)
async def test_a_name_that_nobody_has_waits_for_no_probe(tmp_path: Path) -> None:
    """`bundle nope` and its like: there is a remote that lets its probe wait for ever."""
    with socket.create_server(("127.0.0.1", 0)) as silent, socket.create_server(("127.0.0.1", 0)) as door:
        port, remote = door.getsockname()[1], silent.getsockname()[1]
        door.close()
        stunnel = Stunnel(
            tmp_path, f"[out]\nclient = yes\naccept = 127.0.0.1:{port}\nconnect = 127.0.0.1:{remote}\n"
        )
        known: list[str] = []

        def check(store: Store) -> None:
            known.extend(row.tunnel.service.name for row in store.rows())
            raise UsageError("nobody is called so")

        try:
            with pytest.raises(UsageError):
                await sweep(Settings(probes=Probes(timeout=600)), (str(stunnel.config),), check)
        finally:
            stunnel.close()
    assert known == ["out"]


def test_a_screen_that_nobody_would_see_is_one_line(tmp_path: Path) -> None:
    """It is drawn on standard error: `tuimon 2>file` showed nothing, and went on."""
    (tmp_path / "a.conf").write_text("")
    ours, theirs = pty.openpty()
    try:
        done = subprocess.run(
            [sys.executable, "-m", "tuimon", str(tmp_path)],
            cwd=ROOT,
            env=os.environ | {"TERM": "xterm-256color"},
            stdin=theirs,
            stdout=theirs,
            stderr=subprocess.PIPE,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    finally:
        os.close(ours)
        os.close(theirs)
    words = "the screen is drawn on standard error: leave out what redirects that (2>)"
    assert (done.returncode, done.stderr) == (3, f"tuimon: {words}\n")
