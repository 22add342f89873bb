"""What the journal holds of the last run of a unit: why stunnel did not start, in its own words.

Rule: sans-IO; ask journalctl with `-o json` and `FIELDS`.  Lines of connections are no reason for an
end: what counts is what stunnel says before it has any, and what systemd says of the unit.
"""

import re
from collections.abc import Iterable, Iterator

import msgspec

from tuimon.model.log import Event, LogRecord
from tuimon.model.unit import LastRun
from tuimon.parse.stunnel_log import parse_line
from tuimon.parse.stunnel_reasons import reason_in_words
from tuimon.text import printable

FIELDS = (
    *("MESSAGE", "PRIORITY", "UNIT", "N_RESTARTS", "_SYSTEMD_UNIT"),
    *("INVOCATION_ID", "_SYSTEMD_INVOCATION_ID"),
)
"""The fields that are read, besides the time."""

SCHEDULED = "5eb03494b6584870a536b337290809b3"
"""MESSAGE_ID of systemd's `Scheduled restart job` (systemd.journal-fields(7), sd-messages.h)."""

_SYSTEMD = {"init.scope", ""}
_NOTICE = 5  # of syslog(3): what systemd tells of a failure is at least so important
_LIMIT = 12  # lines kept of each
_START = frozenset({"", "ui", "main"})  # ids of lines that belong to no connection
_NOISE = ("No trusted certificates found", "Unhandled error library", "errno: ", "Failed to reload")
_VAGUE = ("Configuration failed", "error queue: ")
_SECTION = re.compile(r"Service \[(.*)\]: (.*)")
_BINDING = re.compile(
    r"Binding service \[(?P<name>.*)\] to (?P<address>.+?): (?P<words>[^:]+?)(?: \(\d+\))?$"
)
_CREATE = re.compile(r"create: (?P<words>.+?)(?: \(\d+\))?$")


class _Fields(msgspec.Struct, rename={"message": "MESSAGE", "priority": "PRIORITY", "about": "UNIT"}):
    message: str | list[int] | None = None
    priority: str = ""
    about: str = ""
    restarts: str = msgspec.field(name="N_RESTARTS", default="")
    unit: str = msgspec.field(name="_SYSTEMD_UNIT", default="")
    invocation: str = msgspec.field(name="INVOCATION_ID", default="")
    invoked: str = msgspec.field(name="_SYSTEMD_INVOCATION_ID", default="")
    realtime: str = msgspec.field(name="__REALTIME_TIMESTAMP", default="")


_decoder = msgspec.json.Decoder(_Fields)


def parse_last_runs(lines: Iterable[bytes], invocation: str = "") -> dict[str, LastRun]:
    """By unit, of the lines that `journalctl -o json` printed, in their order.

    With an `invocation` what came before its first line is left out, and what is of another one.
    """
    records: dict[str, list[LogRecord]] = {}
    told: dict[str, dict[str, None]] = {}
    since: dict[str, float] = {}
    for fields in _last(lines, invocation):
        text, about = _text(fields.message), printable(fields.about)
        if about and fields.unit in {*_SYSTEMD, fields.about}:  # its own: systemd's child, before the exec
            if fields.restarts == "1" and fields.realtime.isdigit():
                since[about] = int(fields.realtime) / 1e6
            if _matters(fields.priority, text):
                told.setdefault(about, {})[text.removeprefix(f"{about}: ")] = None
        elif fields.unit:
            record = parse_line(text.encode())
            if _of_the_start(record):
                records.setdefault(printable(fields.unit), []).append(record)
    return {
        name: LastRun(
            why=why_it_ended(records.get(name, ())),
            stunnel=tuple(dict.fromkeys(each.message for each in records.get(name, ())))[-_LIMIT:],
            systemd=tuple(told.get(name, ()))[-_LIMIT:],
            restarting_since=since.get(name),
        )
        for name in {*records, *told, *since}
    }


def _last(lines: Iterable[bytes], invocation: str) -> Iterator[_Fields]:
    """The entries of this invocation; a process that ends at once may leave some that name none."""
    begun = not invocation
    for line in lines:
        try:
            fields = _decoder.decode(line)
        except (msgspec.MsgspecError, ValueError):
            continue
        named = fields.invocation or fields.invoked
        begun = begun or named == invocation
        if begun and (not invocation or named in {invocation, ""} or fields.unit in _SYSTEMD):
            yield fields


def _text(message: str | list[int] | None) -> str:
    if isinstance(message, list):
        message = bytes(each for each in message if 0 <= each < 256).decode("utf-8", "replace")
    return printable((message or "").replace("\n", " "), 1000)


def _matters(priority: str, text: str) -> bool:
    if text.endswith(("'.", "'")) and "Failed with result" in text:
        return False  # `Result` says it
    loud = priority.isdigit() and int(priority) <= _NOTICE
    return loud or " was skipped because " in text or "Dependency failed" in text


def _of_the_start(record: LogRecord) -> bool:
    if not record.parsed or record.id not in _START or record.message.startswith(_NOISE):
        return False
    return (record.level or 0) <= 3 or record.event is Event.BIND_FAILED


def errors_of_the_start(lines: Iterable[bytes]) -> tuple[LogRecord, ...]:
    """Of what a start printed on its standard error the lines that tell why it failed."""
    return tuple(record for record in map(parse_line, lines) if _of_the_start(record))


def why_it_ended(records: Iterable[LogRecord]) -> str:
    """The line that says why, in few words; empty where there is none.

    The first error is the cause, the rest follows from it; only the section that it is about, or the
    reason of the system, stands in another line.
    """
    lines = [record.message for record in records]
    first = next((line for line in lines if not line.startswith(_VAGUE)), "")
    if not first:
        return ""
    if bound := next(filter(None, map(_BINDING.match, lines)), None):
        words = bound["words"]
        return f"[{bound['name']}] cannot bind {bound['address']}: {words[:1].lower()}{words[1:]}"
    if first.startswith("Cannot create pid file"):
        why = next(filter(None, map(_CREATE.match, lines)), None)
        return f"{first}: {why['words']}" if why else first
    section = next(filter(None, map(_SECTION.match, lines)), None)
    said = reason_in_words(first) or first
    if section is None:
        return said
    return f"[{section[1]}] {section[2] if section[0] == first else said}"
