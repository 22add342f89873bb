"""Settings: thresholds, intervals, probe depths and paths; one TOML file, validated, frozen.

Rule: every value has a default that is right for most fleets.  What a value means stands beside it, once:
`tuimon settings` prints it as a comment, and the sentence about a wrong value is made from the same type.
`file` reads, `mistakes` judges, `sample` writes.
"""

import os
from fnmatch import fnmatchcase
from typing import Annotated, Literal

from msgspec import Meta, Struct, field, structs

from tuimon.model.handshake import Depth

_Days = Annotated[float, Meta(ge=0, extra={"unit": "days"})]
_Seconds = Annotated[float, Meta(gt=0, le=604_800, extra={"unit": "seconds"})]
_Share = Annotated[float, Meta(ge=0, le=1, extra={"unit": "share"})]

Theme = Literal["auto", "dark", "light", "ansi"]
ColumnName = Literal[
    "state",
    "service",
    "why",
    "since",
    "cert",
    "sess",
    "trend",
    "ltc",
    "hs",
    "role",
    "accept",
    "connect",
    "version",
    "instance",
    "unit",
    "pid",
]
_COLUMNS: tuple[ColumnName, ...] = (
    *("state", "service", "why", "since", "cert", "sess", "trend", "ltc", "hs", "role", "accept", "connect"),
)


class Thresholds(Struct, frozen=True, forbid_unknown_fields=True):
    """When a certificate calls for attention: fewer days and a smaller share of its lifetime are left."""

    warn_days: Annotated[_Days, Meta(description="Warn with fewer days left …")] = 30
    warn_share: Annotated[_Share, Meta(description="… and less than this share of its lifetime.")] = 1 / 4
    critical_days: Annotated[_Days, Meta(description="Critical with fewer days left …")] = 7
    critical_share: Annotated[_Share, Meta(description="… and less than this share of it.")] = 1 / 12
    ca_warn_days: Annotated[_Days, Meta(description="A CA's certificate warns with fewer days left.")] = 90


class Intervals(Struct, frozen=True, forbid_unknown_fields=True):
    """Seconds between two looks at the same thing."""

    clock: Annotated[_Seconds, Meta(description="The clock of the screen.")] = 1
    processes: Annotated[_Seconds, Meta(description="Processes, sockets and accept queues.")] = 1
    units: Annotated[_Seconds, Meta(description="systemd units, outputs and pid files.")] = 30
    files: Annotated[
        _Seconds, Meta(description="Files on file systems that tell of no change by themselves.")
    ] = 5
    checks: Annotated[_Seconds, Meta(description="What stunnel would say to each configuration now.")] = 300
    handshake: Annotated[
        _Seconds, Meta(description="Two handshakes with a service that is well; spread by a jitter.")
    ] = 300
    ways: Annotated[_Seconds, Meta(description="Which folders above a program others may write to.")] = 30


class Probes(Struct, frozen=True, forbid_unknown_fields=True):
    """How services are probed, and how many at once."""

    timeout: Annotated[_Seconds, Meta(description="The longest that a whole probe may take.")] = 10
    concurrency: Annotated[
        int, Meta(ge=1, le=1000, description="Probes at once, those apart that only wait.")
    ] = 16
    repeat_after: Annotated[_Seconds, Meta(description="A failed probe is repeated after so long.")] = 2
    early_close: Annotated[_Seconds, Meta(description="The wait for an early close after the handshake.")] = (
        0.2
    )
    failing_interval: Annotated[_Seconds, Meta(description="Between two looks at what fails.")] = 30


class ServiceRule(Struct, frozen=True, forbid_unknown_fields=True):
    """What differs for some services; the first rule whose name matches counts."""

    name: Annotated[
        str, Meta(description="The service's name, or a shell pattern of names.", examples=["bank-*"])
    ]
    depth: Annotated[
        Depth | None,
        Meta(
            description="How deep it is probed; unset: as its configuration allows (handshake at most).",
            examples=["certificate"],
        ),
    ] = None
    interval: Annotated[
        _Seconds | None,
        Meta(description="Between two handshakes; unset: intervals.handshake.", examples=[900]),
    ] = None
    warn_days: Annotated[_Days | None, Meta(description="Thresholds of its own.", examples=[60])] = None
    warn_share: Annotated[_Share | None, Meta(examples=[0.5])] = None
    critical_days: Annotated[_Days | None, Meta(examples=[14])] = None
    critical_share: Annotated[_Share | None, Meta(examples=[0.25])] = None
    ca_warn_days: Annotated[_Days | None, Meta(examples=[180])] = None


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that can be set, with its default."""

    config_folder: Annotated[
        str, Meta(min_length=1, description="The folder whose *.conf are looked at besides what runs.")
    ] = "/etc/stunnel"
    log_lines: Annotated[
        int, Meta(ge=100, le=1_000_000, description="Log lines kept in memory, of all services together.")
    ] = 20_000
    theme: Annotated[
        Theme,
        Meta(
            description="Colours: dark, light, or ansi for the sixteen of the terminal itself; auto is "
            "ansi where there are no more colours than these, light where the terminal says so ($COLORFGBG), "
            "else dark.  $NO_COLOR has the last word."
        ),
    ] = "auto"
    columns: Annotated[
        tuple[ColumnName, ...],
        Meta(
            min_length=1,
            description="The columns of the services, from the left; on a narrow terminal some drop out.  "
            "Of these, since, trend and hs (the past) need 150 cells; those of a list of your own do not.",
        ),
    ] = _COLUMNS
    mouse: Annotated[
        bool, Meta(description="Take the mouse; false leaves it to the terminal, to select and copy.")
    ] = True
    ascii: Annotated[bool, Meta(description="Draw with ASCII characters only, as --ascii does.")] = False
    read_only: Annotated[
        bool, Meta(description="Offer no reload, restart, start or stop, as --read-only does.")
    ] = False
    thresholds: Thresholds = Thresholds()
    intervals: Intervals = Intervals()
    probes: Probes = Probes()
    services: tuple[ServiceRule, ...] = ()
    keys: Annotated[
        dict[str, tuple[str, ...]],
        Meta(description="Other keys for an action: one, or several in brackets, in place of its own."),
    ] = field(default_factory=dict)

    def rule(self, service: str) -> ServiceRule:
        """The first rule whose pattern matches the service's name, or an empty one."""
        for rule in self.services:
            if fnmatchcase(service, rule.name):
                return rule
        return ServiceRule(name=service)

    def state_file(self, name: str) -> str:
        """Where something is kept between two runs: under `$XDG_STATE_HOME/tuimon`."""
        base = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
        return f"{base}/tuimon/{name}"

    def of(self, service: str) -> "Settings":
        """The same settings with the thresholds of this service."""
        differing = _differing(self.rule(service)) if self.services else {}
        if not differing:
            return self
        return structs.replace(self, thresholds=structs.replace(self.thresholds, **differing))


def _differing(rule: ServiceRule) -> dict[str, float]:
    """The thresholds that a rule sets, by name."""
    told = {name: getattr(rule, name) for name in Thresholds.__struct_fields__}
    return {name: value for name, value in told.items() if value is not None}
