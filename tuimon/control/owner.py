"""Whose a process is: who would start it again, or be surprised to find it ended.

Rule: from facts of the kernel only (parent, control group, namespaces, descriptors); whom nothing names
nobody owns.
"""

import re
from typing import NamedTuple

from tuimon.model.action import Action
from tuimon.model.origin import Kin, Origin

_VERBS = {Action.RELOAD: "kill --signal=HUP", Action.RESTART: "restart", Action.STOP: "stop"}
_CONTAINER = re.compile(r"(docker|libpod|cri-containerd|crio|containerd|lxc|nspawn)?[-/.]?([0-9a-f]{12,64})")
_ENGINES = {"libpod": "podman", "docker": "docker"}
_SUPERVISORS = {
    "supervisord": "supervisord",
    "runsv": "runit",
    "s6-supervise": "s6",
    "supervise": "daemontools",
    "supervise-daemon": "OpenRC",
    "procd": "procd",
    "monit": "monit",
    "circusd": "circus",
    "pm2": "pm2",
    "tini": "tini",
    "dumb-init": "dumb-init",
    "docker-init": "docker",
    "catatonit": "podman",
    "containerd-shim": "containerd",
    "conmon": "podman",
}
_INIT = frozenset({"systemd", "init", "openrc-init", "runit", "s6-svscan", "busybox"})
_LOGIN = re.compile(
    r"(?:ssh|sshd|cron|crond|atd|rc-local|user@\d+|.*getty@.*|console-getty|container-getty@.*|"
    r"systemd-logind|serial-getty@.*)\.service"
)


class Owner(NamedTuple):
    """Who owns a process, and the command to give there; without one only the name is known."""

    name: str
    argv: tuple[str, ...] = ()


def unit_of(cgroup: str) -> tuple[str, int | None]:
    """The service in a control group's path, and the user whose manager runs it (None: the system's)."""
    user = re.search(r"/user@(\d+)\.service/", cgroup)
    names = [part for part in cgroup.split("/") if part.endswith(".service")]
    return (names[-1] if names else "", int(user[1]) if user else None)


def is_login(unit: str) -> bool:
    """Whether a service only lets people or clocks in, and owns nothing that they start."""
    return bool(_LOGIN.fullmatch(unit))


def container(origin: Origin, action: Action) -> Owner | None:
    """The container that the process lives in and we do not."""
    if "pid" not in origin.foreign:
        return None
    found = _CONTAINER.search(origin.cgroup)
    engine = _ENGINES.get(found[1] or "", "") if found else ""
    if not found or not engine or action not in _VERBS:
        machine = re.search(
            r"/machine\.slice/(?:machine-|systemd-nspawn@)?([^/]+?)\.(?:scope|service)", origin.cgroup
        )
        name = f"container {machine[1]}" if machine else "a container"
        return Owner(name, ("machinectl", "shell", machine[1]) if machine else ())
    return Owner(f"{engine} container {found[2][:12]}", (engine, *_VERBS[action].split(), found[2][:12]))


def supervisor(origin: Origin, action: Action) -> Owner | None:
    """A parent that stays: it waits for the process, and may start another one when it ends."""
    parent = origin.parent
    if parent is None or parent.pid == 1 or parent.name in _INIT or parent.on_terminal:
        return None
    known = next((word for name, word in _SUPERVISORS.items() if _is(parent, name)), "")
    if not known:
        return Owner(f"its parent {parent.name} (pid {parent.pid})")
    return Owner(f"{known} (pid {parent.pid})", _command(known, parent, origin, action))


def _is(parent: Kin, name: str) -> bool:
    # The kernel keeps 15 characters of a name; a script's is that of its interpreter.
    return parent.name == name[:15] or any(each.rpartition("/")[2] == name for each in parent.argv[:2])


def _command(known: str, parent: Kin, origin: Origin, action: Action) -> tuple[str, ...]:
    reload = action is Action.RELOAD
    if known == "supervisord" and origin.program:
        verb = ("signal", "HUP") if reload else (action.value,)
        return ("supervisorctl", *verb, origin.program)
    if known == "runit" and len(parent.argv) > 1:
        verbs = {Action.RELOAD: "hup", Action.RESTART: "restart", Action.START: "up", Action.STOP: "down"}
        return ("sv", verbs[action], parent.argv[1])
    if known in {"s6", "daemontools"} and len(parent.argv) > 1:
        flags = {Action.RELOAD: "-h", Action.RESTART: "-t", Action.START: "-u", Action.STOP: "-d"}
        return ("s6-svc" if known == "s6" else "svc", flags[action], parent.argv[1])
    return ()


def tied(origin: Origin, *, to_stderr: bool) -> Owner | None:
    """What a process was handed at its start and another one would lack."""
    if origin.sockets:
        return Owner("whoever handed it its listening sockets (LISTEN_FDS)")
    if origin.ambient:
        return Owner("whoever gave it its capabilities")
    other = origin.foreign - {"pid"}
    if other:
        return Owner(f"whoever made its namespaces ({', '.join(sorted(other))})")
    reader = next((each for each in origin.outputs[1:] if each.startswith(("pipe:", "socket:"))), "")
    if reader and to_stderr:
        return Owner(f"whoever reads its messages from a {reader.partition(':')[0]}")
    return None
