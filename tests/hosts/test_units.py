"""Units on a real systemd host, looked at as a user does: `tuimon status` run inside.

The host has Debian's own `stunnel@.service` (no Type=, so Type=simple) and every way in which one of
its instances can run or end.  The network is the host's own, so that port numbers are free to choose.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.hosts.systemd_host import SystemdHost, systemd_host

pytestmark = pytest.mark.host

Seen = dict[str, dict[str, Any]]
FOREGROUND = "foreground = yes\n"
PORTS = {
    "good": 8001,
    "secret": 8002,  # runs, and its file is root's alone
    "daemonises": 8003,  # no `foreground = yes`
    "forks": 8004,  # the same, enabled
    "broken": 8005,
    "clashes": 8001,
    "stopped": 8006,
    "paused": 8007,  # stopped, enabled
    "ended": 8008,  # enabled
    "loops": 8009,  # Restart=always
    "idle": 8010,  # never started
    "waiting": 8011,  # never started, enabled
}
ENABLED = ("good", "secret", "forks", "paused", "ended", "waiting")
SECTION = """[{name}]
accept = 127.0.0.1:{port}
connect = 127.0.0.1:7000
cert = /etc/stunnel/cert.pem
key = /etc/stunnel/key.pem
"""
ISSUE = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 90 -subj /CN=tunnel"
RESTART = "[Service]\nRestart=always\nRestartSec=1h\n"
ECHO = "[Service]\nExecStart=/bin/cat\nStandardInput=socket\n"
COLLECT = """
import asyncio, json
from tuimon.collect.units import Units
from tuimon.host.local import LocalHost
from tuimon.settings import Settings

async def main():
    host, seen = LocalHost(), asyncio.Future()
    collecting = asyncio.create_task(Units(host, Settings()).run(seen.set_result))
    event = await seen
    collecting.cancel()
    await host.close()
    fields = ("active_state", "sub_state", "main_pid", "config", "type", "enabled", "stopped")
    print(json.dumps({unit.name: {name: getattr(unit, name) for name in fields} for unit in event.units}))

asyncio.run(main())
"""


def unit(name: str) -> str:
    return f"stunnel@{name}.service"


def configure(host: SystemdHost) -> None:
    """A back end that systemd itself listens for, a certificate, and one file for each instance."""
    host.write("/etc/systemd/system/echo.socket", "[Socket]\nListenStream=127.0.0.1:7000\nAccept=yes\n")
    host.write("/etc/systemd/system/echo@.service", ECHO)
    host.run("mkdir", "/etc/systemd/system/stunnel@loops.service.d")
    host.write("/etc/systemd/system/stunnel@loops.service.d/restart.conf", RESTART)
    host.run("systemctl", "daemon-reload")
    host.run("systemctl", "start", "echo.socket")
    files = ("-keyout", "/etc/stunnel/key.pem", "-out", "/etc/stunnel/cert.pem")
    host.run(*ISSUE.split(), *files)
    for name, port in PORTS.items():
        globals_ = "" if name in {"daemonises", "forks"} else FOREGROUND
        wrong = "bogus = 1\n" if name == "broken" else ""
        text = globals_ + SECTION.format(name=name, port=port) + wrong
        host.write(f"/etc/stunnel/{name}.conf", text, 0o600 if name == "secret" else 0o644)


@pytest.fixture(scope="module")
def gateway() -> Iterator[SystemdHost]:
    """The host with every instance where it shall be."""
    with systemd_host("gw-01") as host:
        configure(host)
        host.run("systemctl", "enable", *map(unit, ENABLED))
        host.run("systemctl", "start", *map(unit, ("good", "secret", "stopped", "paused", "ended", "loops")))
        for name in ("good", "secret"):
            host.wait_for(f"127.0.0.1:{PORTS[name]} ", "ss", "--listening", "--tcp", "--numeric")
        ends = {"daemonises": "inactive", "forks": "inactive", "broken": "failed", "clashes": "failed"}
        host.run("systemctl", "start", *map(unit, ends))
        host.run("systemctl", "stop", unit("stopped"), unit("paused"))
        host.run("systemctl", "kill", "--signal=TERM", unit("ended"), unit("loops"))
        for name, state in {**ends, "ended": "inactive", "loops": "activating"}.items():
            host.wait_for(f"={state}\n", "systemctl", "show", "--property=ActiveState", unit(name))
        yield host


def main_pid(host: SystemdHost, name: str) -> int:
    """What systemd itself says."""
    return int(host.run("systemctl", "show", "--property=MainPID", "--value", unit(name)).stdout)


def sweep(host: SystemdHost, user: str = "") -> tuple[Seen, Seen]:
    """Services by name and instances by configuration, from `tuimon status --json` run inside."""
    done = host.python("-m", "tuimon", "status", "--json", user=user)
    assert done.returncode == 2, done.stderr
    document = json.loads(done.stdout)
    assert (done.stderr, document["host"]) == ("", host.name)
    services = {each["name"]: each for each in document["services"]}
    return services, {each["config"]: each for each in document["instances"]}


@pytest.fixture(scope="module")
def seen(gateway: SystemdHost) -> tuple[Seen, Seen]:
    """What root sees."""
    return sweep(gateway)


def first(services: Seen, name: str) -> tuple[str, str]:
    """The state and the code of the first finding."""
    return services[name]["state"], services[name]["findings"][0]["code"]


def test_the_collector_sees_units_that_run_or_once_ran(gateway: SystemdHost) -> None:
    """Main pid and configuration of a running one; of an inactive one whether somebody stopped it."""
    done = gateway.python("-c", COLLECT)
    assert done.returncode == 0, done.stderr
    units = json.loads(done.stdout)
    assert set(units) == set(map(unit, PORTS))
    assert main_pid(gateway, "good") > 1
    assert units[unit("good")] == {
        "active_state": "active",
        "sub_state": "running",
        "main_pid": main_pid(gateway, "good"),
        "config": "/etc/stunnel/good.conf",
        "type": "simple",
        "enabled": "enabled",
        "stopped": None,
    }
    inactive = ("daemonises", "forks", "stopped", "paused", "ended", "idle", "waiting")
    assert {units[unit(name)]["active_state"] for name in inactive} == {"inactive"}
    ended = {name: units[unit(name)]["stopped"] for name in inactive}
    # systemd forgets what is neither active, failed nor enabled.
    forgotten = {"daemonises": None, "stopped": None, "idle": None, "waiting": None}
    assert ended == {"forks": False, "paused": True, "ended": False, **forgotten}


def test_unit_process_and_configuration_are_one_instance(
    gateway: SystemdHost, seen: tuple[Seen, Seen]
) -> None:
    """One file, one row: no second one for the process or for the unit."""
    services, instances = seen
    assert set(services) == set(PORTS)
    assert set(instances) == {f"/etc/stunnel/{name}.conf" for name in PORTS}
    good = instances["/etc/stunnel/good.conf"]
    assert (good["pid"], good["unit"], good["running"]) == (main_pid(gateway, "good"), unit("good"), True)
    lights = [services["good"][name] for name in ("listen", "tls", "target")]
    assert (services["good"]["state"], lights) == ("ok", ["ok", "ok", "ok"])


def test_one_that_daemonises_is_told_by_its_cause(seen: tuple[Seen, Seen]) -> None:
    """systemd shows no error anywhere, and nothing at all of an instance that is not enabled."""
    services, instances = seen
    for name in ("daemonises", "forks"):
        assert first(services, name) == ("down", "unit-type")
        finding = services[name]["findings"][0]
        assert "`foreground = yes`" in finding["text"]
        assert any("inactive (dead), result success" in each for each in finding["evidence"])
        assert instances[f"/etc/stunnel/{name}.conf"]["unit"] == unit(name)


def test_a_refused_configuration_comes_before_the_failed_unit(seen: tuple[Seen, Seen]) -> None:
    """The line that stunnel stops at, not `exit-code`."""
    services, _ = seen
    assert first(services, "broken") == ("down", "config-error")
    assert "broken.conf:7" in services["broken"]["findings"][0]["text"]
    codes = [each["code"] for each in services["broken"]["findings"]]
    assert "unit-failed" not in codes
    assert "not-running" not in codes


def test_a_port_that_another_tunnel_holds_is_told_by_its_cause(seen: tuple[Seen, Seen]) -> None:
    """The unit failed with `exit-code` like any other; the socket table knows why."""
    services, _ = seen
    assert first(services, "clashes") == ("down", "accept-taken")
    assert "127.0.0.1:8001" in services["clashes"]["findings"][0]["text"]
    assert services["good"]["state"] == "ok"


def test_what_somebody_stopped_is_off_and_not_down(seen: tuple[Seen, Seen]) -> None:
    """By `systemctl stop`, whether systemd remembers it (enabled) or not; and what nobody ever started."""
    services, _ = seen
    for name in ("stopped", "paused", "idle"):
        assert first(services, name) == ("off", "not-running")
        assert services[name]["findings"][0]["fix"] == f"systemctl start {unit(name)}"
    assert services["paused"]["findings"][0]["text"].startswith("stopped at ")


def test_what_ended_without_being_stopped_is_down(seen: tuple[Seen, Seen]) -> None:
    """A signal ends stunnel with status 0: the unit looks exactly like a stopped one, but for its times."""
    services, _ = seen
    assert first(services, "ended") == ("down", "not-running")
    assert "ended by itself" in services["ended"]["findings"][0]["text"]


def test_a_unit_that_waits_for_its_restart_is_down(seen: tuple[Seen, Seen]) -> None:
    """Neither failed nor inactive, and nobody is served meanwhile."""
    services, _ = seen
    assert first(services, "loops") == ("down", "unit-restarting")


def test_an_enabled_unit_that_nothing_started_is_down(seen: tuple[Seen, Seen]) -> None:
    """Enabled says that it should run."""
    services, _ = seen
    assert first(services, "waiting") == ("down", "not-running")
    assert "enabled, but nothing started it" in services["waiting"]["findings"][0]["text"]


def test_a_plain_user_is_told_what_it_may_not_see(gateway: SystemdHost) -> None:
    """It sees units, listeners and handshakes as root does; the rest is named, not guessed."""
    services, instances = sweep(gateway, user="nobody")
    assert instances["/etc/stunnel/good.conf"]["unit"] == unit("good")
    assert services["good"]["state"] == "ok"
    key = services["good"]["findings"][0]
    assert (key["code"], "key.pem not readable" in key["text"]) == ("not-permitted", True)
    hidden = services["secret.conf"]
    assert (hidden["state"], hidden["findings"][0]["code"]) == ("unknown", "not-permitted")
    assert instances["/etc/stunnel/secret.conf"]["running"] is True
    for name, state in {"daemonises": "down", "broken": "down", "paused": "off", "ended": "down"}.items():
        assert services[name]["state"] == state
    table = gateway.python("-m", "tuimon", "status", user="nobody").stdout
    assert "not seen: 2 of 2 processes partly visible" in table
    assert "not seen: 1 configuration not readable" in table


def test_where_the_init_script_runs_a_forgotten_unit_tells_nothing(gateway: SystemdHost) -> None:
    """The script starts every file itself, so that one which does not run was not stopped on purpose."""
    gateway.write("/etc/default/stunnel4", "FILES=/etc/stunnel/absent.conf\n")
    gateway.run("systemctl", "start", "stunnel4.service")
    try:
        services, instances = sweep(gateway)
    finally:
        gateway.run("systemctl", "stop", "stunnel4.service")
    assert instances["/etc/stunnel/stopped.conf"]["unit"] is None
    assert first(services, "stopped") == ("down", "not-running")
    assert services["paused"]["state"] == "off"
