"""The output of `systemctl show --property=…` in, what systemd would do with a unit out.

Rule: what an older systemd leaves out is empty here, never an error.
"""

import re
from collections.abc import Iterator

from tuimon.model.unit_control import Command, UnitControl
from tuimon.text import printable

PROPERTIES = (
    "Id",
    "LoadState",
    "ActiveState",
    "SubState",
    "Result",
    "MainPID",
    "CanReload",
    "RefuseManualStart",
    "RefuseManualStop",
    "NeedDaemonReload",
    "Type",
    "User",
    "ExecStart",
    "KillMode",
    "WorkingDirectory",
    "RequiredBy",
    "BoundBy",
    "ConsistsOf",
    "TimeoutStartUSec",
    "TimeoutStopUSec",
    "ExecMainStatus",
    "InvocationID",
    "ExecConditionEx",
    "ExecStartPreEx",
    "ExecStartEx",
    "ExecStartPostEx",
    "ExecReloadEx",
    "ExecStopEx",
    "ExecStopPostEx",
    "EnvironmentFiles",
    "RuntimeDirectory",
    "StateDirectory",
    "CacheDirectory",
    "LogsDirectory",
    "RootDirectory",
    "RootImage",
    "StartLimitBurst",
    "StartLimitIntervalUSec",
    "Conflicts",
    "ConflictedBy",
    "TriggeredBy",
    "DynamicUser",
)
"""The properties that `parse_control` reads."""

_FOLLOWERS = ("RequiredBy", "BoundBy", "ConsistsOf")
_PATH = re.compile(r"\{ path=(.*?) ; argv\[\]=")
_COMMAND = re.compile(r"(Exec\w+)Ex=\{ path=(.*?) ; argv\[\]=(.*?) ; flags=(.*?) ;")
_FILE = re.compile(r"EnvironmentFiles=(.*) \(ignore_errors=no\)")
_MADE = {
    "RuntimeDirectory": "/run",
    "StateDirectory": "/var/lib",
    "CacheDirectory": "/var/cache",
    "LogsDirectory": "/var/log",
}
_SPAN = re.compile(r"(\d+(?:\.\d+)?)(us|ms|s|min|h|d|w|month|y)")
_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1, "min": 60, "h": 3600, "d": 86400, "w": 604800}
_LONG = 86400.0  # as long as anybody waits


def parse_control(output: bytes) -> UnitControl | None:
    """Read one block; None where it names no unit."""
    lines = output.decode("utf-8", "replace").split("\n")
    said = {key: printable(value) for key, equals, value in (line.partition("=") for line in lines) if equals}
    if not said.get("Id"):
        return None
    makes = tuple(f"{base}/{each}" for name, base in _MADE.items() for each in said.get(name, "").split())
    path = _PATH.search(said.get("ExecStart", ""))
    return UnitControl(
        name=said["Id"],
        load_state=said.get("LoadState", ""),
        active_state=said.get("ActiveState", ""),
        sub_state=said.get("SubState", ""),
        result=said.get("Result", ""),
        main_pid=_number(said.get("MainPID", "")),
        can_reload=said.get("CanReload") == "yes",
        refuses_start=said.get("RefuseManualStart") == "yes",
        refuses_stop=said.get("RefuseManualStop") == "yes",
        stale=said.get("NeedDaemonReload") == "yes",
        type=said.get("Type", ""),
        user=said.get("User", ""),
        program=path[1] if path else "",
        folder=said.get("WorkingDirectory", "").removeprefix("!"),
        kill_mode=said.get("KillMode", ""),
        followers=tuple(dict.fromkeys(unit for each in _FOLLOWERS for unit in said.get(each, "").split())),
        start_timeout=span(said.get("TimeoutStartUSec", "")),
        stop_timeout=span(said.get("TimeoutStopUSec", "")),
        exit_status=_number(said.get("ExecMainStatus", "")),
        invocation=said.get("InvocationID", ""),
        commands=tuple(_commands(lines)),
        needs=() if _elsewhere(said) else (*_environment(lines), *_folder(said, makes)),
        makes=makes,
        burst=_number(said.get("StartLimitBurst", "")),
        interval=span(said.get("StartLimitIntervalUSec", "0")),
        rivals=(*said.get("Conflicts", "").split(), *said.get("ConflictedBy", "").split()),
        dynamic=said.get("DynamicUser") == "yes",
        triggers=tuple(said.get("TriggeredBy", "").split()),
    )


def _commands(lines: list[str]) -> Iterator[Command]:
    for found in filter(None, map(_COMMAND.match, lines)):
        name, path, argv, flags = map(printable, found.groups())
        yield Command(
            name, (path, *argv.split(" ")[1:]), bool({"privileged", "no-setuid"} & {*flags.split()})
        )


def _elsewhere(said: dict[str, str]) -> bool:
    """Whether its paths are those of a root of its own."""
    return bool(said.get("RootDirectory") or said.get("RootImage"))


def _environment(lines: list[str]) -> Iterator[str]:
    """EnvironmentFile without a dash in front, and no pattern."""
    found = (printable(each[1]) for each in map(_FILE.match, lines) if each)
    return (path for path in found if not set(path) & set("*?["))


def _folder(said: dict[str, str], makes: tuple[str, ...]) -> Iterator[str]:
    folder = said.get("WorkingDirectory", "")
    if folder.startswith("/") and not any(f"{folder}/".startswith(f"{each}/") for each in makes):
        yield folder


def span(text: str) -> float:
    """`1min 30s` in seconds; `infinity` is a day, and what is not told is systemd's default."""
    if text == "infinity":
        return _LONG
    found = _SPAN.findall(text)
    return (
        min(_LONG, sum(float(count) * _SECONDS.get(unit, _LONG) for count, unit in found)) if found else 90.0
    )


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else 0
