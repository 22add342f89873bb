"""A systemd unit that starts stunnel, and what else on the host could have started one."""

from msgspec import Struct


class Unit(Struct, frozen=True, gc=False):
    """One service unit, in the words of `systemctl show`.

    `argv` is its ExecStart, `config` the configuration that it names (absolute) or empty.
    `type` is systemd.service(5) Type=, `enabled` UnitFileState, `pulled_in` whoever wants, requires or
    triggers it, `source` the init script that it was generated from.  `stopped` tells how an inactive
    unit came to be so: True by a stop job (`systemctl stop`), False by itself, None where systemd does
    not know: it forgets a unit that is neither active, failed nor enabled.

    `how` (`exited`, `killed`, `dumped`, or empty) and `status` are how its main process ended; status is
    then an exit code or a signal.  `condition` is False where a Condition…= kept it from starting,
    `environment` is the last EnvironmentFile= that must exist, `managed` is True where a cluster manager
    starts and stops it.  `makes` are folders that systemd makes for it at every start, `prepares` says
    that commands go before it (ExecStartPre=).
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
    how: str = ""
    status: int = 0
    condition: bool = True
    pulled_in: tuple[str, ...] = ()
    pid_file: str = ""
    source: str = ""
    user: str = ""
    patience: str = ""
    invocation: str = ""
    environment: str = ""
    makes: tuple[str, ...] = ()
    prepares: bool = False
    managed: bool = False
    last_run: "LastRun | None" = None

    @property
    def brief(self) -> str:
        """The name as it is spoken: without `.service`."""
        return self.name.removesuffix(".service")


class LastRun(Struct, frozen=True, gc=False):
    """What the journal holds of the last run of a unit that fails: why stunnel ended, in few words; the
    errors that it told, and what systemd told of the unit, each in order.  `restarting_since` is when the
    row of restarts began (seconds since the epoch).
    """

    why: str = ""
    stunnel: tuple[str, ...] = ()
    systemd: tuple[str, ...] = ()
    restarting_since: float | None = None


class Supervision(Struct, frozen=True, gc=False):
    """What else may start stunnel on a host, or is the same for all of its instances.

    `init_script` is the unit that stands for Debian's init script, `script` the path of it or of another
    one, `enabled_line` the line of
    /etc/default/stunnel4 that says `ENABLED=1`, 0 if there is none.  `synchronized` tells whether the
    clock is kept right, None where nobody knows; `units` whether any unit is enabled or active.
    """

    init_script: Unit | None = None
    script: str = ""
    enabled_line: int = 0
    synchronized: bool | None = None
    units: bool = False


UNSUPERVISED = Supervision()
"""Where nothing is known of it."""
