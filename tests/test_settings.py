"""The settings file: defaults, values, and one sentence for every mistake."""

import itertools
import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tuimon.commands.settings import check_keys
from tuimon.model.handshake import Depth
from tuimon.settings import ServiceRule, Settings
from tuimon.settings.file import SettingsError, default_path, load, parse
from tuimon.settings.places import lines
from tuimon.settings.sample import KeyRow, sample
from tuimon.ui import keymap
from tuimon.ui.keymap import Keymap
from tuimon.ui.keys import TABLES


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
    ("text", "line", "words"),
    [
        ("ascii = 1", 1, "ascii is 1; wanted: true or false"),
        ("\ncolour = true", 2, "there is no setting colour; known here: config_folder, log_lines"),
        ("colums = []", 1, "did you mean columns?"),
        ("[probes]\ntimeout = 0", 2, "probes.timeout is 0; wanted: seconds above 0"),
        (
            "[probes]\n\nconcurrency = 0",
            3,
            "probes.concurrency is 0; wanted: a whole number from 1 up to 1000",
        ),
        ("probes.concurency = 1", 1, "did you mean concurrency?"),
        ("[thresholds]\nwarn_share = 2", 2, "wanted: share from 0 up to 1"),
        ("[thresholds]\nwarn_days = inf", 2, "thresholds.warn_days is"),
        ("log_lines = 1", 1, "log_lines is 1"),
        ('theme = "drak"', 1, 'wanted: "ansi", "auto", "dark" or "light"; did you mean dark?'),
        ('columns = ["why",\n "certt"]', 1, "did you mean cert?"),
        ("columns = []", 1, "columns is []"),
        ('[[services]]\nname = "x"\n[[services]]\nname = "y"\ndepth = "deep"', 5, "services 2: depth is"),
        ("[[services]]\ninterval = 1", 1, "services 1 lacks name"),
        (
            'services = [\n{name = "x"},\n{name = "y", depht = "off"}]',
            3,
            "services 2: depht; did you mean depth?",
        ),
        ("probes = 3", 1, "probes is 3; wanted: a table"),
        ('[keys]\n"list.sort" = 4', 2, "keys.list.sort is 4"),
        ("ascii = \n", 1, "line 1"),
        ("a = 1\na = 2\n", 2, "line 2"),
    ],
)
def test_a_mistake_is_one_sentence_that_names_file_and_place(
    tmp_path: Path, text: str, line: int, words: str
) -> None:
    """With its line and what is allowed; never a traceback."""
    path = write(tmp_path, text)
    with pytest.raises(SettingsError) as caught:
        load(path)
    assert str(caught.value).startswith((f"{path}:{line}: ", f"{path} is not valid TOML"))
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


def test_every_mistake_is_told_in_the_order_of_the_file() -> None:
    """The first in full with the lines of the others, for one line on stderr; all of them for who asks."""
    with pytest.raises(SettingsError) as caught:
        parse("[probes]\nspeed = 1\ntimeout = 0\n[thresholds]\nwarn_days = -1\n", "x.toml")
    assert str(caught.value).startswith("x.toml:2: there is no setting probes.speed")
    assert str(caught.value).endswith("(more is wrong: line 3, 5)")
    assert [each.partition(": ")[0] for each in caught.value.sentences] == [
        "x.toml:2",
        "x.toml:3",
        "x.toml:5",
    ]


def test_keys_may_be_written_with_and_without_quotes() -> None:
    """What TOML makes tables of means the same."""
    for text in ('"list.sort" = "S"', 'list.sort = ["S"]', '[keys.list]\nsort = "S"'):
        assert parse(f"[keys]\n{text}\n", "x.toml").keys == {"list.sort": ("S",)}


def test_keys_that_cannot_be_had_are_refused_with_their_line() -> None:
    """Both actions, the key and the place."""
    for text, line in (('[keys]\n\n"list.sort" = "s"', 3), ('[keys]\nlist.sort = [\n"s"]', 2)):
        with pytest.raises(SettingsError) as caught:
            parse(text, "x.toml", check_keys)
        words = (
            f'x.toml:{line}: keys.list.sort: "s" is action.start in the services already (start an instance'
        )
        assert str(caught.value).startswith(words)


def test_keys_in_conflict_are_told_beside_whatever_else_is_wrong() -> None:
    """Also where another key is wrong in itself."""
    text = (
        'ascii = 3\n[keys]\nlist.sort = "s"\nlist.probe = 7\nlist.invert = "no key"\n[probes]\ntimeot = 1\n'
    )
    with pytest.raises(SettingsError) as caught:
        parse(text, "x.toml", check_keys)
    starts = [
        "ascii is 3",
        'keys.list.sort: "s" is',
        "keys.list.probe is 7",
        "keys.list.invert: ",
        "there is no",
    ]
    told = [sentence.partition(": ")[2] for sentence in caught.value.sentences]
    assert [each.startswith(start) for each, start in zip(told, starts, strict=True)] == [True] * 5, told


def test_the_printed_file_is_the_defaults() -> None:
    """Also where every example in it is made to count."""
    rows = [KeyRow(*row) for row in keymap.rows()]
    text = sample("None is in force here", rows)
    assert parse(text, "sample", check_keys) == Settings()
    awake = re.sub(r"^# (?=(?:# )?(?:\[\[|[a-z_.]+ = ))", "", text, flags=re.MULTILINE)
    full = parse(awake, "sample", check_keys)
    assert full.services[0].name == "bank-*"
    assert None not in [getattr(full.services[0], name) for name in ServiceRule.__struct_fields__]
    assert full.keys.keys() == {row.name for row in rows}
    assert Keymap.of(full.keys).changed == {key.id: key.keys for table in TABLES for key in table}


def test_the_printed_file_says_what_every_setting_means() -> None:
    """A setting without a comment above it, or beside it, has been forgotten."""
    lines = sample("None is in force here", ()).splitlines()
    for above, line in itertools.pairwise(lines):
        if re.match(r"[a-z_]+ = ", line):
            assert above.startswith("# "), line
    assert max(map(len, lines)) <= 100


TOML = st.recursive(
    st.integers() | st.booleans() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


def written(value: object) -> str:
    """A value as TOML, tables inline."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(name)} = {written(each)}" for name, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",\n # ]}\n".join(map(written, value)) + "]"
    return json.dumps(value).replace("\x7f", "\\u007f")


def paths(value: object, above: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, each in inside:
        yield (*above, name)
        yield from paths(each, (*above, name))


@given(st.dictionaries(st.text(max_size=4), TOML, max_size=4), st.text(alphabet=" \t\n", max_size=3))
def test_every_key_has_a_line(document: dict[str, object], blank: str) -> None:
    """Whatever tomllib reads, the places are known of: strings, arrays, inline tables, comments."""
    assume("\\ud" not in json.dumps(document))  # TOML has no surrogates
    text = blank + "\n".join(
        f"{json.dumps(name)} = {written(value)} # =[{{" for name, value in document.items()
    )
    text = text.replace("\x7f", "\\u007f")
    assert tomllib.loads(text) == document
    found = lines(text)
    assert found.keys() == set(paths(document))
    for number, name in enumerate(document):
        assert (
            text.split("\n")[found[(name,)] - 1]
            .lstrip()
            .startswith(json.dumps(name).replace("\x7f", "\\u007f"))
        )
        assert found[(name,)] >= number + 1


def test_headers_and_arrays_of_tables_have_lines() -> None:
    """What stands under an array of tables belongs to its newest element."""
    text = (
        "a.b = 1\n[t.u]\nx = '''\n\n'''\n[[s]]\nn = 1\n[[s]]\n[s.sub]\nz = 1\n[[s.arr]]\n[[s.arr]]\nq = 1\n"
    )
    found = lines(text)
    assert found.keys() == set(paths(tomllib.loads(text)))
    assert (found["a", "b"], found["t", "u", "x"], found["s", 0, "n"], found["s", 1, "sub", "z"]) == (
        1,
        3,
        7,
        10,
    )
    assert found["s", 1, "arr", 1, "q"] == 13


def test_the_command_prints_and_checks(tmp_path: Path) -> None:
    """What is printed can be put in its place; what is wrong there does not keep it from being printed."""
    bad = write(tmp_path, "ascii = 3\nred = 1\n")
    run = [sys.executable, "-m", "tuimon"]
    done = subprocess.run([*run, "--config", bad, "settings"], capture_output=True, text=True, check=True)
    assert f"# In force here: {bad}\n" in done.stdout
    assert parse(done.stdout, "stdout") == Settings()
    done = subprocess.run([*run, "settings", "--check", bad], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (3, "", 2)
    done = subprocess.run([*run, "status", "--config", bad], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (3, 1)
    assert done.stderr.startswith(f"tuimon: {bad}:1: ascii is 3")
