"""Units that would not come back, or would take others with them: said before, and nobody is cut off."""

# ruff: noqa: F401, F811 - fixtures of the neighbour
from collections.abc import Callable

import pytest

from tests.control.test_on_systemd import act, gateway, main_pid, pids, serve, yard
from tests.hosts.yard import FOLDER, Yard

pytestmark = [pytest.mark.host, pytest.mark.timeout(120)]
FLAG = f"{FOLDER}/flag"


def flagged(yard: Yard, *service: str, unit: str = "") -> None:
    """A unit that leans on a file, which is gone once it serves."""
    yard.host.write(FLAG, "")
    yard.config()
    yard.unit(*service, unit=unit)
    yard.host.run("systemctl", "daemon-reload")
    yard.start()
    yard.serves()
    yard.host.run("rm", FLAG)


def no_condition(yard: Yard) -> str:
    flagged(yard, unit=f"ConditionPathExists={FLAG}")
    return f"ConditionPathExists={FLAG} is not met"


def no_environment(yard: Yard) -> str:
    flagged(yard, f"EnvironmentFile={FLAG}")
    return f"{FLAG} is missing"


def no_folder(yard: Yard) -> str:
    yard.host.run("mkdir", "/opt/leant-on")
    serve(yard, "WorkingDirectory=/opt/leant-on")
    yard.host.run("rmdir", "/opt/leant-on")
    return "/opt/leant-on is missing"


def no_user(yard: Yard) -> str:
    serve(yard, "Environment=A=1")
    yard.unit("User=gone")
    yard.host.run("systemctl", "daemon-reload")
    return "there is no user gone"


def too_often(yard: Yard) -> str:
    yard.config()
    yard.unit(unit="StartLimitBurst=1\nStartLimitIntervalSec=1h")
    yard.host.run("systemctl", "daemon-reload")
    yard.start()
    yard.serves()
    return "1 starts, 1 are allowed in 60 min"


def key_of_root(yard: Yard) -> str:
    for name in ("cert.pem", "key.pem"):
        yard.host.run("cp", f"{FOLDER}/{name}", f"{FOLDER}/theirs.{name[:-4]}")
    yard.host.run("mv", f"{FOLDER}/theirs.cert", f"{FOLDER}/theirs.pem")
    yard.host.run("chown", "nobody", f"{FOLDER}/theirs.key")
    serve(yard, "User=nobody", cert="theirs")
    yard.host.run("chown", "root", f"{FOLDER}/theirs.key")
    return "nobody may not read theirs.key"


def port_of_root(yard: Yard) -> str:
    yard.host.run("chmod", "a+r", f"{FOLDER}/key.pem")
    serve(yard, "User=nobody")
    yard.config(accept="127.0.0.1:443")
    return "nobody may not bind port 443"


def script_of_somebody(yard: Yard) -> str:
    yard.host.write("/opt/before", "#!/bin/sh\n", 0o755)
    yard.host.run("chown", "nobody", "/opt/before")
    serve(yard, "ExecStartPre=/bin/sh /opt/before")
    return "/opt/before belongs to user 65534"


@pytest.mark.parametrize(
    "build",
    [
        no_condition,
        no_environment,
        no_folder,
        no_user,
        too_often,
        key_of_root,
        port_of_root,
        script_of_somebody,
    ],
)
def test_restart_that_would_end_in_a_stop(yard: Yard, build: Callable[[Yard], str]) -> None:
    """It serves on, and what is missing is named."""
    words = build(yard)
    before = main_pid(yard)
    told = act(yard, "restart")
    assert (told["status"], told["result"]) == (2, "refused"), told["said"]
    assert words in told["verdict"]
    assert main_pid(yard) == before


def test_reload_by_a_script_of_somebody(yard: Yard) -> None:
    """ExecReload runs as root too."""
    yard.host.write("/opt/reload", "#!/bin/sh\ntouch /run/was-run\n", 0o755)
    yard.host.run("chown", "nobody", "/opt/reload")
    serve(yard, "ExecReload=/opt/reload")
    told = act(yard, "reload")
    assert (told["status"], told["result"]) == (2, "refused"), told["said"]
    assert "/opt/reload belongs to user 65534" in told["verdict"]
    assert yard.host.run("test", "-e", "/run/was-run", check=False).returncode == 1


def test_command_that_hits_every_stunnel(yard: Yard) -> None:
    """`killall` in ExecStop would end the instances of others, which nobody asked for."""
    other = Yard(yard.host, f"{yard.name}-b", yard.port + 1000)
    serve(other)
    serve(yard, "ExecStop=/usr/bin/killall stunnel4")
    for action in ("restart", "stop"):
        told = act(yard, action)
        assert (told["status"], told["result"]) == (2, "refused"), told["said"]
        assert f"reaches other stunnels too (pid {main_pid(other)})" in told["verdict"]
    assert main_pid(other)
    other.systemctl("stop")
    assert act(yard, "restart")["result"] == "verified"


def test_start_that_would_stop_another(yard: Yard) -> None:
    """Conflicts= works both ways."""
    other = Yard(yard.host, f"{yard.name}-b", yard.port + 1000)
    serve(other)
    yard.config()
    yard.unit(unit=f"Conflicts={other.unit_name}")
    yard.host.run("systemctl", "daemon-reload")
    before = main_pid(other)
    told = act(yard, "start")
    assert (told["status"], told["result"]) == (2, "refused"), told["said"]
    assert told["verdict"].startswith(f"{other.unit_name} runs, and would be stopped")
    assert main_pid(other) == before
    other.systemctl("stop")


@pytest.mark.parametrize("line", ["RuntimeDirectory={0}", "ExecStartPre=/bin/mkdir -p /run/{0}"])
def test_folder_that_the_unit_makes(yard: Yard, line: str) -> None:
    """It is not there while the unit is stopped, and that is no obstacle."""
    yard.config(f"pid = /run/{yard.name}/pid")
    yard.unit(line.format(yard.name))
    yard.host.run("systemctl", "daemon-reload")
    told = act(yard, "start")
    assert (told["status"], told["result"]) == (0, "verified"), told["said"]


def test_stop_of_what_a_socket_starts_again(yard: Yard) -> None:
    """Stopped it is; for how long is said before."""
    yard.config()
    yard.unit()
    socket = f"{yard.name}.socket"
    yard.host.write(f"/etc/systemd/system/{socket}", f"[Socket]\nListenStream=127.0.0.1:{yard.port}\n")
    yard.host.run("systemctl", "daemon-reload")
    yard.host.run("systemctl", "start", socket)
    yard.start()
    told = act(yard, "stop", "--dry-run")
    yard.host.run("systemctl", "stop", socket)
    assert f"{socket} stays, and would start it again" in told["said"]


def test_reload_and_stop_of_what_was_masked_while_it_runs(yard: Yard) -> None:
    """It may not start again; a signal and an end are no start."""
    before = serve(yard)
    yard.host.run("systemctl", "mask", "--runtime", yard.unit_name)
    told = [act(yard, action) for action in ("restart", "reload", "stop")]
    yard.host.run("systemctl", "unmask", "--runtime", yard.unit_name)
    assert [each["result"] for each in told] == ["refused", "verified", "verified"], told
    assert (told[1]["pid"], pids(yard)) == (before, [])
