"""Whose a process is, from its control group and its parent: cgroups(7), names of supervisors.

Rule: only what the kernel shows; where nothing names an owner there is none.  A service of systemd itself
is no owner here: that is its unit.
"""

import re

from tuimon.model.process import NOBODY, Owner

_HEX = r"([0-9a-f]{12})[0-9a-f]{52}"
_CONTAINERS: tuple[tuple[re.Pattern[str], str, str], ...] = tuple(
    (re.compile(pattern), name, command)
    for pattern, name, command in (
        (r"kubepods.*(?:cri-containerd|crio|docker)?[-/]" + _HEX, "Kubernetes container {0}", ""),
        (r"(?:/docker-|/docker/)" + _HEX, "docker container {0}", "docker restart {0}"),
        (r"/libpod-" + _HEX, "podman container {0}", "podman restart {0}"),
        (r"/(?:lxc\.payload[./]|lxc/)([^/]+)", "LXC container {0}", "lxc-attach -n {0}"),
        (r"/machine\.slice/machine-([^/]+)\.scope", "container {0}", "machinectl shell {0}"),
        (r"/systemd-nspawn@([^/]+)\.service", "container {0}", "machinectl shell {0}"),
    )
)
_USER = re.compile(r"/user@(\d+)\.service/.*?([^/]+\.service)(?:/|$)")
_SERVICE = re.compile(r"([^/]+\.service)(?:/|$)")
_SUPERVISORS = {
    "supervisord": ("supervisord", "supervisorctl restart NAME"),
    "runsv": ("runit", "sv restart {0}"),
    "s6-supervise": ("s6", "s6-svc -r {0}"),
    "supervise": ("daemontools", "svc -t {0}"),
    "supervise-daemon": ("OpenRC", "rc-service {0} restart"),
    "monit": ("monit", "monit restart NAME"),
    "circusd": ("circus", "circusctl restart NAME"),
    "procd": ("procd", "/etc/init.d/stunnel restart"),
    "conmon": ("podman", "podman restart NAME"),
    "containerd-shim": ("containerd", ""),
    "cron": ("cron", ""),
    "crond": ("cron", ""),
}
_SERVICES = {
    "cron.service": ("cron", "crontab -l"),
    "crond.service": ("cron", "crontab -l"),
    "monit.service": ("monit", "monit restart NAME"),
    "supervisor.service": ("supervisord", "supervisorctl restart NAME"),
    "supervisord.service": ("supervisord", "supervisorctl restart NAME"),
    "atd.service": ("at", ""),
    "rc-local.service": ("/etc/rc.local", ""),
}


def unit_of(cgroup: str) -> str:
    """The system's service whose control group this is, or empty: a user's manager has units of its own."""
    if "/user@" in cgroup or any(pattern.search(cgroup) for pattern, *_ in _CONTAINERS):
        return ""
    found = _SERVICE.findall(cgroup)
    return found[-1] if found else ""


def owner_of(cgroup: str, parent: tuple[str, ...]) -> Owner:
    """Who would start the process again, or has to be asked to end it; `parent` are the first words of
    its parent's command line, with the program's name."""
    for pattern, name, command in _CONTAINERS:
        if match := pattern.search(cgroup):
            return Owner(name.format(match[1]), command.format(match[1]))
    if match := _USER.search(cgroup):
        uid, name = match[1], match[2].removesuffix(".service")
        return Owner(
            f"user unit {name} (uid {uid})", f"systemctl --user --machine={uid}@.host restart {name}"
        )
    for word in parent[:3]:
        known = _SUPERVISORS.get(word.rpartition("/")[2].removesuffix(":"))
        if known is not None:
            return Owner(known[0], known[1].format(parent[-1] if len(parent) > 2 else "NAME"))
    service = unit_of(cgroup)
    return Owner(*_SERVICES[service]) if service in _SERVICES else NOBODY
