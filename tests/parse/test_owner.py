"""Whose a process is: control groups as they look on machines of every kind, and names of parents."""

import pytest

from tuimon.parse.owner import owner_of, unit_of

HEX = "0123456789abcdef" * 4
SHORT = HEX[:12]


@pytest.mark.parametrize(
    ("cgroup", "parent", "name", "command"),
    [
        (f"/system.slice/docker-{HEX}.scope", (), f"docker container {SHORT}", f"docker restart {SHORT}"),
        (f"/docker/{HEX}", (), f"docker container {SHORT}", f"docker restart {SHORT}"),
        (
            f"/machine.slice/libpod-{HEX}.scope/container",
            (),
            f"podman container {SHORT}",
            f"podman restart {SHORT}",
        ),
        (
            f"/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-{HEX}.scope",
            ("conmon",),
            f"podman container {SHORT}",
            f"podman restart {SHORT}",
        ),
        (
            f"/kubepods.slice/kubepods-pod12.slice/cri-containerd-{HEX}.scope",
            (),
            f"Kubernetes container {SHORT}",
            "",
        ),
        ("/lxc.payload.mail/system.slice/stunnel@a.service", (), "LXC container mail", "lxc-attach -n mail"),
        (
            "/machine.slice/systemd-nspawn@web.service/payload/system.slice/stunnel@a.service",
            (),
            "container web",
            "machinectl shell web",
        ),
        (
            "/user.slice/user-1000.slice/user@1000.service/app.slice/stunnel@a.service",
            ("systemd", "/lib/systemd/systemd", "--user"),
            "user unit stunnel@a (uid 1000)",
            "systemctl --user --machine=1000@.host restart stunnel@a",
        ),
        ("/system.slice/runit.service", ("runsv", "runsv", "tunnel"), "runit", "sv restart tunnel"),
        ("/", ("s6-supervise", "s6-supervise", "tunnel"), "s6", "s6-svc -r tunnel"),
        ("/system.slice/supervisor.service", (), "supervisord", "supervisorctl restart NAME"),
        (
            "/",
            ("python3", "/usr/bin/python3", "/usr/bin/supervisord"),
            "supervisord",
            "supervisorctl restart NAME",
        ),
        ("/system.slice/monit.service", (), "monit", "monit restart NAME"),
        ("/system.slice/cron.service", ("sh", "/bin/sh", "-c"), "cron", "crontab -l"),
        ("/system.slice/stunnel@a.service", (), "", ""),
        ("/user.slice/user-0.slice/session-3.scope", ("bash", "-bash"), "", ""),
        ("", (), "", ""),
    ],
)
def test_the_owner(cgroup: str, parent: tuple[str, ...], name: str, command: str) -> None:
    """Named, with the command to give there; a unit of systemd and a person at a shell are none."""
    assert owner_of(cgroup, parent) == (name, command)


@pytest.mark.parametrize(
    ("cgroup", "unit"),
    [
        ("/system.slice/stunnel@a.service", "stunnel@a.service"),
        ("/system.slice/system-stunnel.slice/stunnel@a.service", "stunnel@a.service"),
        ("/system.slice/stunnel4.service", "stunnel4.service"),
        ("/user.slice/user-0.slice/user@0.service/app.slice/mine.service", ""),
        (f"/system.slice/docker-{HEX}.scope/system.slice/stunnel@a.service", ""),
        ("/user.slice/user-0.slice/session-3.scope", ""),
        ("/../..", ""),
    ],
)
def test_the_unit_of_the_system(cgroup: str, unit: str) -> None:
    """A user's manager and a container have units of their own, unknown to the system's systemctl."""
    assert unit_of(cgroup) == unit
