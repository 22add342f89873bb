"""systemctl show: captured from a booted Debian 12 (systemd 252) with units of every kind."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuimon.model.unit import Unit
from tuimon.parse.systemctl import PROPERTIES, config_of, is_stunnel, parse_units

CAPTURES = Path(__file__).parent.parent / "data" / "systemctl"


@pytest.fixture(scope="module")
def units() -> dict[str, Unit]:
    """The captured units by name."""
    return {unit.name: unit for unit in parse_units((CAPTURES / "show-252.txt").read_bytes())}


def test_a_running_instance(units: dict[str, Unit]) -> None:
    """Everything that systemd knows of `stunnel@a`."""
    assert units["stunnel@a.service"] == Unit(
        name="stunnel@a.service",
        load_state="loaded",
        active_state="active",
        sub_state="running",
        enabled="enabled",
        type="simple",
        result="success",
        main_pid=90,
        fragment="/lib/systemd/system/stunnel@.service",
        argv=("/usr/bin/stunnel4", "/etc/stunnel/a.conf"),
        config="/etc/stunnel/a.conf",
        description="TLS tunnel for network daemons - per-config-file service",
        since=1795488108.0,
    )


def test_units_that_do_not_run(units: dict[str, Unit]) -> None:
    """A daemonised one ends without an error; a broken configuration fails; an absent unit is named."""
    daemonised, broken, absent = (units[f"{n}.service"] for n in ("stunnel@b", "stunnel@c", "nonexist"))
    assert (daemonised.active_state, daemonised.result, daemonised.since) == ("inactive", "success", None)
    assert (broken.active_state, broken.result, broken.since) == ("failed", "exit-code", 1795488108.0)
    assert (absent.load_state, absent.argv, is_stunnel(absent)) == ("not-found", (), False)


def test_which_units_are_stunnel(units: dict[str, Unit]) -> None:
    """By what they start: not a target, not the init script, not a command with another name."""
    ours = {name.removesuffix(".service") for name, unit in units.items() if is_stunnel(unit)}
    instances = {"stunnel@a", "stunnel@b", "stunnel@c", "stunnel@absent", "relative@a"}
    assert ours == instances | {"quoted", "default", "envd"}


def test_the_configuration_of_each(units: dict[str, Unit]) -> None:
    """Relative to the working folder, with blanks, by default, or not to be known."""
    configs = {name.removesuffix(".service"): unit.config for name, unit in units.items() if unit.argv}
    assert configs["relative@a"] == "/etc/stunnel/a.conf"
    assert configs["quoted"] == "/etc/stunnel/sp ace.conf"
    assert configs["default"] == "/etc/stunnel/stunnel.conf"
    assert configs["envd"] == ""
    assert configs["two"] == configs["stunnel4"] == ""


def test_a_unit_changed_on_disk(units: dict[str, Unit]) -> None:
    """daemon-reload is missing; a folder that may be missing is shown without its mark."""
    changed = units["relative@a.service"]
    assert changed.needs_reload
    assert changed.working_directory == "/etc/stunnel"
    assert changed.description == "relative config, in a language: Überwachung a"
    assert not units["stunnel@a.service"].needs_reload


def test_the_order_is_that_of_the_command() -> None:
    """One unit a block, and worded time stamps are no times."""
    found = parse_units((CAPTURES / "show-252-worded-times.txt").read_text())
    assert [(unit.name, unit.since) for unit in found] == [
        ("stunnel@a.service", None),
        ("nonexist.service", None),
    ]


@pytest.mark.parametrize(
    ("argv", "folder", "config"),
    [
        (("/usr/bin/stunnel", "x.conf"), "", "/x.conf"),
        (("stunnel", "../y/x.conf"), "/etc/stunnel", "/etc/y/x.conf"),
        (("/nix/store/abc/bin/stunnel", "/etc/stunnel.cfg"), "/", "/etc/stunnel.cfg"),
        (("/usr/bin/stunnel", "-fd", "3"), "", ""),
        (("/usr/bin/stunnel3", "-d", "443", "-r", "80"), "", ""),
        (("/bin/sh", "-c", "stunnel"), "", ""),
        ((), "", ""),
    ],
)
def test_the_configuration_that_a_command_line_names(argv: tuple[str, ...], folder: str, config: str) -> None:
    """stunnel(8): one argument, a file or an option; none at all means the default."""
    assert config_of(argv, folder) == config


def test_oneshot_units_and_shell_newlines() -> None:
    """Of several commands the one that starts stunnel counts; the rest of a broken line is ignored."""
    block = (
        "Id=x.service\nExecStart={ path=/bin/sh ; argv[]=/bin/sh -c echo\necho done ; ignore_errors=no ; }\n"
        "ExecStart={ path=/usr/bin/stunnel ; argv[]=/usr/bin/stunnel /a ; ignore_errors=yes ; pid=0 }\n"
    )
    (unit,) = parse_units(block)
    assert unit.argv == ("/usr/bin/stunnel", "/a")
    assert is_stunnel(unit)


@settings(derandomize=True)
@given(st.lists(st.tuples(st.sampled_from(PROPERTIES), st.text(max_size=30)), max_size=20))
def test_no_output_is_too_strange(pairs: list[tuple[str, str]]) -> None:
    """Any values give units or nothing, never an error, and no control character."""
    for unit in parse_units("Id=a\n" + "\n".join(f"{key}={value}" for key, value in pairs)):
        assert unit.name
        assert "\x1b" not in unit.description + unit.config + "".join(unit.argv)


def test_how_a_unit_ended_and_what_it_counts_on() -> None:
    """Exit codes and signals, what pulls it in, the folders it makes, the files that it needs."""
    (unit,) = parse_units(
        "Id=a.service\nActiveState=failed\nResult=signal\nExecMainCode=2\nExecMainStatus=11\n"
        "WantedBy=multi-user.target\nRequiredBy=b.service c.service\nTriggeredBy=\n"
        "RuntimeDirectory=stunnel more\nLogsDirectory=tunnels\n"
        "ExecStartPre={ path=/bin/true ; argv[]=/bin/true ; ignore_errors=no }\n"
        "EnvironmentFiles=/etc/must.env (ignore_errors=no)\n"
        "EnvironmentFiles=/etc/may.env (ignore_errors=yes)\n"
        "ConditionResult=no\nConditionTimestampMonotonic=12\nPIDFile=/run/a.pid\nInvocationID=0a\n"
        "DropInPaths=/run/systemd/system/a.service.d/50-pacemaker.conf\n"
    )
    assert (unit.how, unit.status, unit.condition, unit.managed) == ("killed", 11, False, True)
    assert unit.pulled_in == ("multi-user.target", "b.service", "c.service")
    assert unit.makes == ("/run/stunnel", "/run/more", "/var/log/tunnels")
    assert (unit.prepares, unit.environment, unit.pid_file) == (True, "/etc/must.env", "/run/a.pid")


def test_a_condition_that_was_never_asked_is_met() -> None:
    """systemd shows `no` for a unit that it has not tried to start."""
    (unit,) = parse_units("Id=a.service\nConditionResult=no\nConditionTimestampMonotonic=0\n")
    assert unit.condition


def test_what_a_stranger_wrote_into_a_unit_is_fit_to_be_shown() -> None:
    """Control characters and overrides in every word that reaches the screen."""
    evil = "x\x1b[31m\u202ey"
    (unit,) = parse_units(
        f"Id={evil}.service\nUser={evil}\nPIDFile=/run/{evil}\nRuntimeDirectory={evil}\nWantedBy={evil}\n"
        f"EnvironmentFiles=/etc/{evil} (ignore_errors=no)\nSourcePath={evil}\n"
        f"ExecStart={{ path=/bin/stunnel ; argv[]=/bin/stunnel /etc/{evil} ; ignore_errors=no ; x }}\n"
    )
    assert unit.config.startswith("/etc/x")
    assert not any(each in repr(unit) for each in ("\\x1b", "\\u202e"))
