"""A systemd unit that starts stunnel."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Unit:
    """One service unit, in the words of `systemctl show`.

    `argv` is its ExecStart, `config` the configuration that it names (absolute) or empty.
    `type` is systemd.service(5) Type=, `enabled` UnitFileState.  `stopped` tells how an inactive unit
    came to be so: True by a stop job (`systemctl stop`), False by itself, None where systemd does not
    know: it forgets a unit that is neither active, failed nor enabled.
    """

    name: str
    load_state: str = ""
    active_state: str = ""
    sub_state: str = ""
    enabled: str = ""
    type: str = ""
    result: str = ""
    main_pid: int = 0
    fragment: str = ""
    argv: tuple[str, ...] = ()
    config: str = ""
    working_directory: str = ""
    description: str = ""
    restarts: int = 0
    needs_reload: bool = False
    since: float | None = None
    stopped: bool | None = None
