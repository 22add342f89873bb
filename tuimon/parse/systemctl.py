"""The output of `systemctl show` in, units out (systemctl(1), systemd.service(5)).

Rule: ask with `--timestamp=unix --property=` and `PROPERTIES`; what an older systemd leaves out or
writes in another way is empty or None here, never an error.
"""

import os.path
import re

from tuimon.model.unit import Unit
from tuimon.text import printable

PROPERTIES = (
    "Id",
    "LoadState",
    "ActiveState",
    "SubState",
    "UnitFileState",
    "Type",
    "Result",
    "MainPID",
    "FragmentPath",
    "ExecStart",
    "WorkingDirectory",
    "Description",
    "NRestarts",
    "NeedDaemonReload",
    "ActiveEnterTimestamp",
    "StateChangeTimestamp",
    "ActiveExitTimestampMonotonic",
    "ExecMainExitTimestampMonotonic",
    "ExecMainCode",
    "ExecMainStatus",
    "ConditionResult",
    "ConditionTimestampMonotonic",
    "WantedBy",
    "RequiredBy",
    "UpheldBy",
    "BoundBy",
    "TriggeredBy",
    "PIDFile",
    "SourcePath",
    "User",
    "TimeoutStartUSec",
    "InvocationID",
    "DropInPaths",
    "EnvironmentFiles",
    "ExecStartPre",
    "RuntimeDirectory",
    "LogsDirectory",
    "StateDirectory",
)
"""The properties that `parse_units` reads."""

DEFAULT_CONFIG = "/etc/stunnel/stunnel.conf"
"""The configuration that stunnel reads when it is started without an argument."""

_STUNNEL = frozenset({"stunnel", "stunnel3", "stunnel4"})
_KNOWN = frozenset(PROPERTIES)
_PULLS = ("WantedBy", "RequiredBy", "UpheldBy", "BoundBy", "TriggeredBy")
_REQUIRED = " (ignore_errors=no)"  # how systemctl tells EnvironmentFile=/a from EnvironmentFile=-/a
_FOLDERS = {"RuntimeDirectory": "/run", "LogsDirectory": "/var/log", "StateDirectory": "/var/lib"}
_HOW = {"1": "exited", "2": "killed", "3": "dumped"}  # CLD_… of waitid(2)
_ARGV = re.compile(r" ; argv\[\]=(.*?) ; ignore_errors=")


def parse_units(output: str | bytes) -> tuple[Unit, ...]:
    """Read the blocks that `systemctl show UNIT…` printed, in their order.

    A unit that does not exist has `load_state` `not-found`.  `since` is when an active unit became
    active, and when any other one last changed its state.
    """
    if isinstance(output, bytes):
        output = output.decode("utf-8", "replace")
    units = []
    for block in output.split("\n\n"):
        properties, argv = _properties(block)
        if properties.get("Id"):
            units.append(_unit(properties, argv))
    return tuple(units)


def is_stunnel(unit: Unit) -> bool:
    """Whether the unit starts stunnel itself (not a script that does)."""
    return bool(unit.argv) and _runs_stunnel(unit.argv)


def is_init_script(unit: Unit) -> bool:
    """Whether the unit stands for Debian's init script, which starts every file of its folder."""
    return bool(unit.argv) and not is_stunnel(unit) and os.path.basename(unit.argv[0]) in _STUNNEL


def config_of(argv: tuple[str, ...], working_directory: str = "") -> str:
    """The absolute path of the configuration that a stunnel command line names.

    stunnel takes one argument, a file or an option; systemctl does not quote, so that blanks in it are
    the file's own.  Empty where it cannot be known: another program, `-fd N`, stunnel3 (its arguments
    are the configuration), or a variable of the environment.
    """
    if not argv or not _runs_stunnel(argv) or os.path.basename(argv[0]) == "stunnel3":
        return ""
    argument = " ".join(argv[1:])
    if argument.startswith("-") or "$" in argument:
        return ""
    return os.path.normpath(os.path.join(working_directory or "/", argument or DEFAULT_CONFIG))


def _runs_stunnel(argv: tuple[str, ...]) -> bool:
    folder, name = os.path.split(argv[0])
    # Debian's init script has the name of the program: /etc/init.d/stunnel4 start
    return name in _STUNNEL and os.path.basename(folder) != "init.d"


def _properties(block: str) -> tuple[dict[str, str], tuple[str, ...]]:
    """`Key=Value` lines of one block, and the command line of its ExecStart.

    A unit with `Type=oneshot` may have several: the first that starts stunnel counts.
    """
    properties: dict[str, str] = {}
    commands: list[tuple[str, ...]] = []
    for line in block.split("\n"):
        key, equals, value = line.partition("=")
        if not equals or key not in _KNOWN:
            continue  # such as the second line of a shell command
        if key == "EnvironmentFiles" and not value.endswith(_REQUIRED):
            continue  # one may be missing
        if key != "ExecStart":
            properties[key] = printable(value)
        elif match := _ARGV.search(value):
            commands.append(tuple(printable(match[1]).split()))
    ours = [argv for argv in commands if argv and _runs_stunnel(argv)]
    return properties, next(iter([*ours, *commands]), ())


def _unit(properties: dict[str, str], argv: tuple[str, ...]) -> Unit:
    # `!` stands for a folder that may be missing: WorkingDirectory=-/etc/stunnel.
    folder = properties.get("WorkingDirectory", "").removeprefix("!")
    active = properties.get("ActiveState", "")
    stamp = "ActiveEnterTimestamp" if active in {"active", "reloading"} else "StateChangeTimestamp"
    return Unit(
        name=properties["Id"],
        load_state=properties.get("LoadState", ""),
        active_state=active,
        sub_state=properties.get("SubState", ""),
        enabled=properties.get("UnitFileState", ""),
        type=properties.get("Type", ""),
        result=properties.get("Result", ""),
        main_pid=_number(properties.get("MainPID", "")),
        fragment=properties.get("FragmentPath", ""),
        argv=argv,
        config=config_of(argv, folder if folder.startswith("/") else ""),
        working_directory=folder,
        description=properties.get("Description", ""),
        restarts=_number(properties.get("NRestarts", "")),
        needs_reload=properties.get("NeedDaemonReload") == "yes",
        since=_seconds(properties.get(stamp, "")),
        stopped=None if active in {"active", "reloading"} else _stopped(properties),
        how=_HOW.get(properties.get("ExecMainCode", ""), ""),
        status=_number(properties.get("ExecMainStatus", "")),
        condition=properties.get("ConditionResult") != "no"
        or not _number(properties.get("ConditionTimestampMonotonic", "")),
        pulled_in=tuple(name for pull in _PULLS for name in properties.get(pull, "").split()),
        pid_file=properties.get("PIDFile", ""),
        source=properties.get("SourcePath", ""),
        user=properties.get("User", ""),
        patience=properties.get("TimeoutStartUSec", ""),
        invocation=properties.get("InvocationID", ""),
        environment=properties.get("EnvironmentFiles", "").removesuffix(_REQUIRED),
        makes=tuple(
            f"{top}/{name}" for key, top in _FOLDERS.items() for name in properties.get(key, "").split()
        ),
        prepares="ExecStartPre" in properties,
        managed="/50-pacemaker.conf" in properties.get("DropInPaths", ""),
    )


def _stopped(properties: dict[str, str]) -> bool | None:
    """A stop job ends the active state and then the process; else the process ends first."""
    names = ("ActiveExitTimestampMonotonic", "ExecMainExitTimestampMonotonic")
    left, exited = (_number(properties.get(name, "")) for name in names)
    return left < exited if left and exited else None


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else 0


def _seconds(text: str) -> float | None:
    """`@1795488108` -> seconds since the epoch; an empty or worded stamp -> None."""
    digits = text.removeprefix("@")
    return float(digits) if digits != text and _number(digits) else None
