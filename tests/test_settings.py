"""The settings file: defaults, values, and one sentence for every mistake."""

import os
from pathlib import Path

import pytest

from tuimon.model.handshake import Depth
from tuimon.settings import ServiceRule, Settings, SettingsError, default_path, load


def write(folder: Path, text: str) -> str:
    path = folder / "settings.toml"
    path.write_text(text)
    return str(path)


def test_without_a_file_the_defaults_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The default place may be empty; it follows XDG."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert default_path() == tmp_path / "tuimon" / "settings.toml"
    assert load() == Settings()
    default_path().parent.mkdir()
    default_path().write_text("ascii = true\n")
    assert load() == Settings(ascii=True)


def test_an_empty_file_changes_nothing(tmp_path: Path) -> None:
    """Every value has a default."""
    assert load(write(tmp_path, "")) == Settings()


def test_values_are_taken(tmp_path: Path) -> None:
    """One of each kind."""
    settings = load(
        write(
            tmp_path,
            'config_folder = "/usr/local/etc/stunnel"\nmouse = false\nlog_lines = 500\n'
            "[thresholds]\nwarn_days = 14\n[intervals]\nhandshake = 60\n[probes]\nconcurrency = 2\n"
            '[[services]]\nname = "db-*"\ndepth = "listen"\n[[services]]\nname = "*"\ninterval = 900\n',
        )
    )
    assert (settings.config_folder, settings.mouse, settings.log_lines) == (
        "/usr/local/etc/stunnel",
        False,
        500,
    )
    assert (settings.thresholds.warn_days, settings.thresholds.critical_days) == (14, 7)
    assert (settings.intervals.handshake, settings.probes.concurrency) == (60, 2)


def test_the_first_rule_that_matches_a_service_counts(tmp_path: Path) -> None:
    """Shell patterns, case-sensitive as stunnel's names are; no rule is an empty one."""
    text = '[[services]]\nname = "db-*"\ndepth = "listen"\n[[services]]\nname = "db-1"\ninterval = 5\n'
    settings = load(write(tmp_path, text))
    assert settings.rule("db-1").depth is Depth.LISTEN
    assert settings.rule("db-1").interval is None
    for name in ("DB-1", "web"):
        assert (settings.rule(name).depth, settings.rule(name).interval) == (None, None)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("ascii = 1", "`$.ascii`"),
        ("colour = true", "`colour`"),
        ("[probes]\ntimeout = 0", "`$.probes.timeout`"),
        ("[probes]\nconcurrency = 0", "`$.probes.concurrency`"),
        ("[probes]\nspeed = 1", "`speed`"),
        ("[thresholds]\nwarn_share = 2", "`$.thresholds.warn_share`"),
        ("log_lines = 1", "`$.log_lines`"),
        ('[[services]]\nname = "x"\ndepth = "deep"', "`$.services[0].depth`"),
        ("[[services]]\ninterval = 1", "`name`"),
        ("ascii = \n", "line 1"),
        ("a = 1\na = 2\n", "line 2"),
    ],
)
def test_a_mistake_is_one_sentence_that_names_file_and_place(tmp_path: Path, text: str, words: str) -> None:
    """Never a traceback."""
    path = write(tmp_path, text)
    with pytest.raises(SettingsError) as caught:
        load(path)
    assert path in str(caught.value)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    """Named and missing, a folder, not UTF-8."""
    binary = tmp_path / "latin"
    binary.write_bytes(b'config_folder = "gr\xf6"')
    for path, words in ((tmp_path / "none", "no such"), (tmp_path, "cannot read"), (binary, "not UTF-8")):
        with pytest.raises(SettingsError, match=words):
            load(os.fspath(path))


def test_a_service_may_have_thresholds_of_its_own() -> None:
    """What its rule does not set is as for all."""
    settings = Settings(services=(ServiceRule("bank-*", warn_days=60, critical_share=0.5),))
    own = settings.of("bank-eu").thresholds
    assert (own.warn_days, own.critical_share, own.critical_days) == (60, 0.5, 7)
    assert settings.of("web") is settings
