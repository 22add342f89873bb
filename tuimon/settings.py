"""Settings: thresholds, intervals, probe depths and paths; one TOML file, validated, frozen.

Rule: every value has a default that is right for most fleets; a wrong file gives one sentence that
says where and what, and never a traceback.
"""

import os
import tomllib
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated

import msgspec

from tuimon.model.handshake import Depth

_Days = Annotated[float, msgspec.Meta(ge=0)]
_Seconds = Annotated[float, msgspec.Meta(gt=0)]
_Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
_Count = Annotated[int, msgspec.Meta(ge=1, le=1000)]


class SettingsError(Exception):
    """The settings file cannot be used; the message is one sentence for the user."""


class Thresholds(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When a certificate calls for attention: below min(days, share of its lifetime)."""

    warn_days: _Days = 30
    warn_share: _Share = 1 / 4
    critical_days: _Days = 7
    critical_share: _Share = 1 / 12
    ca_warn_days: _Days = 90


class Intervals(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Seconds between two looks at the same thing."""

    clock: _Seconds = 1
    processes: _Seconds = 1
    units: _Seconds = 30
    files: _Seconds = 5
    checks: _Seconds = 300
    handshake: _Seconds = 300
    ways: _Seconds = 30


class Probes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How probes behave: seconds for a whole probe, how many at once, seconds before a failed one is
    repeated, seconds to wait for an early close after the handshake, seconds between the looks at a
    service that fails."""

    timeout: _Seconds = 10
    concurrency: _Count = 16
    repeat_after: _Seconds = 2
    early_close: _Seconds = 0.2
    failing_interval: _Seconds = 30


class ServiceRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What differs for the services whose name matches `name` (shell pattern)."""

    name: str
    depth: Depth | None = None
    interval: _Seconds | None = None
    warn_days: _Days | None = None
    warn_share: _Share | None = None
    critical_days: _Days | None = None
    critical_share: _Share | None = None
    ca_warn_days: _Days | None = None


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that can be set, with its default."""

    thresholds: Thresholds = Thresholds()
    intervals: Intervals = Intervals()
    probes: Probes = Probes()
    services: tuple[ServiceRule, ...] = ()
    config_folder: str = "/etc/stunnel"
    log_lines: Annotated[int, msgspec.Meta(ge=100, le=1_000_000)] = 20_000
    mouse: bool = True
    ascii: bool = False
    read_only: bool = False
    keys: dict[str, tuple[str, ...]] = msgspec.field(default_factory=dict)

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
        return msgspec.structs.replace(self, thresholds=msgspec.structs.replace(self.thresholds, **differing))


def _differing(rule: ServiceRule) -> dict[str, float]:
    """The thresholds that a rule sets, by name."""
    told = {name: getattr(rule, name) for name in Thresholds.__struct_fields__}
    return {name: value for name, value in told.items() if value is not None}


def default_path() -> Path:
    """`$XDG_CONFIG_HOME/tuimon/settings.toml`; the file need not exist."""
    base = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    return Path(base) / "tuimon" / "settings.toml"


def load(path: str | None = None) -> Settings:
    """Read settings from `path`, or from the default place if it exists.

    Raises `SettingsError` with one sentence that names the file and what is wrong in it.
    """
    file = Path(path) if path else default_path()
    try:
        text = file.read_bytes()
    except FileNotFoundError:
        if path is None:
            return Settings()
        raise SettingsError(f"no such settings file: {file}") from None
    except OSError as error:
        raise SettingsError(f"cannot read the settings file {file}: {error.strerror}") from None
    try:
        return msgspec.convert(tomllib.loads(text.decode("utf-8")), Settings)
    except UnicodeDecodeError as error:
        raise SettingsError(f"{file} is not UTF-8 (byte {error.start})") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{file} is not valid TOML: {error}") from None
    except msgspec.ValidationError as error:
        raise SettingsError(f"{file}: {error}") from None
