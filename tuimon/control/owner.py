"""Whose a process is: who would start it again, or be surprised to find it ended.

Rule: from facts of the kernel only (parent, control group, namespaces, descriptors); whom nothing names
nobody owns.  The command is the owner's own for this very action.
"""

import re
from typing import NamedTuple

from tuimon.model.action import Action
from tuimon.model.origin import Origin
from tuimon.model.process import Process

_INIT = frozenset({"systemd", "init", "openrc-init", "runit", "s6-svscan", "busybox"})
_STARTERS = frozenset({"cron", "at", "/etc/rc.local"})  # they start something once, and forget it
_LOGIN = re.compile(
    r"(?:ssh|sshd|cron|crond|atd|rc-local|user@\d+|.*getty@.*|console-getty|systemd-logind)\.service"
)
# How each of them says `restart`, and what it says for the other actions.
_VERBS: dict[str, tuple[str, dict[Action, str]]] = {
    "docker": ("restart", {Action.RELOAD: "kill --signal=HUP", Action.STOP: "stop"}),
    "podman": ("restart", {Action.RELOAD: "kill --signal=HUP", Action.STOP: "stop"}),
    "supervisorctl": ("restart", {Action.RELOAD: "signal HUP", Action.STOP: "stop"}),
    "sv": ("restart", {Action.RELOAD: "hup", Action.STOP: "down"}),
    "s6-svc": ("-r", {Action.RELOAD: "-h", Action.STOP: "-d"}),
    "svc": ("-t", {Action.RELOAD: "-h", Action.STOP: "-d"}),
    "rc-service": ("restart", {Action.RELOAD: "reload", Action.STOP: "stop"}),
    "monit": ("restart", {Action.STOP: "stop"}),
    "circusctl": ("restart", {Action.RELOAD: "signal --signum=hup", Action.STOP: "stop"}),
}


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


def keeper(process: Process, origin: Origin, action: Action) -> Owner | None:
    """A container or a supervisor that is known by name."""
    known = process.owner
    if known.name and known.name not in _STARTERS:
        return Owner(known.name, _command(known.command, origin.program, action))
    return Owner("a container") if "pid" in origin.foreign else None


def _command(restart: str, program: str, action: Action) -> tuple[str, ...]:
    """The command that restarts it, turned into that of another action."""
    argv = restart.split()
    if program and "NAME" in argv:
        argv[argv.index("NAME")] = program
    if action is Action.RESTART or not argv:
        return tuple(argv)
    said, others = _VERBS.get(argv[0], ("", {}))
    if said not in argv or action not in others:
        return ()
    at = argv.index(said)
    return (*argv[:at], *others[action].split(), *argv[at + 1 :])


def parent(origin: Origin) -> Owner | None:
    """A parent that stays: it waits for the process, and may start another one when it ends."""
    kin = origin.parent
    if kin is None or kin.pid == 1 or kin.name in _INIT or kin.on_terminal:
        return None
    return Owner(f"its parent {kin.name} (pid {kin.pid})")


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
