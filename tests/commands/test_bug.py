"""A bug in a command is one sentence with its place, and nothing of what it met; and what is no bug."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tuimon import cli
from tuimon.commands import logs

TUIMON = (sys.executable, "-m", "tuimon")


def test_a_bug_in_a_command_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With a status of its own."""

    def stumble(*_: object) -> int:
        raise RuntimeError("hunter2-the-passphrase")

    run: Callable[..., int] = stumble
    monkeypatch.setattr(logs, "run", run)
    assert cli.main(["logs", "/dev/null"]) == cli.BUG
    told = capsys.readouterr()
    assert told.err.startswith("tuimon: tuimon itself failed: RuntimeError in ")
    assert told.err.count("\n") == 1
    assert "hunter2" not in told.err + told.out


@pytest.mark.parametrize(
    ("where", "status", "said"),
    [
        ("/dev/full", 3, "tuimon: the output cannot be written: No space left on device\n"),
        ("/dev/null", 0, ""),
    ],
)
def test_a_full_disk_behind_the_output_is_no_bug(where: str, status: int, said: str) -> None:
    """It is said, and the command has not done what was asked."""
    with open(where, "wb") as full:
        done = subprocess.run([*TUIMON, "settings"], stdout=full, stderr=subprocess.PIPE, check=False)
    assert (done.returncode, done.stderr.decode()) == (status, said)


def test_a_locale_without_our_signs_gets_others(tmp_path: Path) -> None:
    """What it cannot write is written otherwise, and the command ends as ever."""
    (tmp_path / "größer.conf").write_text("[a]\naccept = 127.0.0.1:1\nconnect = 127.0.0.1:2\nclient = yes\n")
    for encoding in ("ascii", "latin-1", "utf-8"):
        environment = os.environ | {"PYTHONIOENCODING": encoding}
        done = subprocess.run(
            [*TUIMON, "status", str(tmp_path)], env=environment, capture_output=True, check=False
        )
        assert (done.returncode, done.stderr) == (2, b"")
        assert ("✖" in done.stdout.decode(encoding)) == (encoding == "utf-8")
        assert b"DOWN" in done.stdout


@pytest.mark.parametrize("given", ["nan", "-5", "inf", "0", "x"])
def test_minutes_are_minutes(given: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Anything else is a usage error."""
    with pytest.raises(SystemExit) as ended:
        cli.main(["bundle", "--minutes", given])
    assert ended.value.code == 3
    assert "minutes" in capsys.readouterr().err
