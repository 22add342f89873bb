"""A bug in a command: one sentence, its place, and nothing of what it met."""

from collections.abc import Callable

import pytest

from tuimon import cli
from tuimon.commands import logs


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
