"""A systemd unit at the moment of acting on it."""

from typing import NamedTuple

from msgspec import Struct


class Command(NamedTuple):
    """One Exec line of a unit: which, its arguments, whether it runs as root whatever `User=` says."""

    line: str
    argv: tuple[str, ...]
    privileged: bool = False


class UnitControl(Struct, frozen=True, gc=False):
    """What systemd would do with the unit, in the words of `systemctl show`.

    `program` is the executable of its ExecStart, `user` who runs it (empty: root), `folder` its
    WorkingDirectory.  `followers` are
    units that are stopped with it, `invocation` names its last run.  Timeouts are seconds.
    `needs` are files and folders without which it does not start, `makes` folders that systemd makes before,
    `burst` the starts within `interval` seconds after which systemd refuses another (0: never),
    `rivals` units that cannot run beside it, `triggers` those that start it by themselves.
    `dynamic` says that systemd makes its user.
    """

    name: str
    load_state: str = ""
    active_state: str = ""
    sub_state: str = ""
    result: str = ""
    main_pid: int = 0
    can_reload: bool = False
    refuses_start: bool = False
    refuses_stop: bool = False
    stale: bool = False
    type: str = ""
    user: str = ""
    program: str = ""
    folder: str = ""
    kill_mode: str = ""
    followers: tuple[str, ...] = ()
    start_timeout: float = 90.0
    stop_timeout: float = 90.0
    exit_status: int = 0
    invocation: str = ""
    commands: tuple[Command, ...] = ()
    needs: tuple[str, ...] = ()
    makes: tuple[str, ...] = ()
    burst: int = 0
    interval: float = 0.0
    rivals: tuple[str, ...] = ()
    triggers: tuple[str, ...] = ()
    dynamic: bool = False

    @property
    def ended(self) -> bool:
        """Whether systemd runs nothing under it and does not mean to."""
        return self.active_state in {"failed", "inactive"}
