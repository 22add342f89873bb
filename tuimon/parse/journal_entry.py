"""Entries of `journalctl -o json`, one object a line, with the unit that each belongs to.

Rule: sans-IO.  What stunnel said becomes the line that the log parser reads (`parse.journal`).
"""

from typing import NamedTuple

import msgspec

from tuimon.parse.journal import entry_line
from tuimon.text import printable


class Entry(NamedTuple):
    """One entry: the unit it belongs to, how it reached the journal (`syslog`, `stdout`, …), where it
    stands, and the line for the log parser."""

    unit: str
    transport: str
    cursor: str
    line: bytes


class _Fields(msgspec.Struct, rename={"message": "MESSAGE", "pid": "_PID", "unit": "_SYSTEMD_UNIT"}):
    message: str | list[int] | None = None
    pid: str = ""
    unit: str = ""
    transport: str = msgspec.field(name="_TRANSPORT", default="")
    cursor: str = msgspec.field(name="__CURSOR", default="")
    realtime: str = msgspec.field(name="__REALTIME_TIMESTAMP", default="")


_decoder = msgspec.json.Decoder(_Fields)


def parse_entry(line: bytes) -> Entry | None:
    """One line of `journalctl -o json`; None for what is no entry or has no message."""
    try:
        fields = _decoder.decode(line)
        said = fields.message
        text = bytes(said).decode("utf-8", "replace") if isinstance(said, list) else said
    except (msgspec.MsgspecError, ValueError):
        return None
    if text is None:
        return None
    # One tag for both ways in, so that the ids of a process are one space.
    known = {"SYSLOG_IDENTIFIER": "stunnel", "_HOSTNAME": "journal", "_PID": fields.pid or "0"}
    found = {**known, "__REALTIME_TIMESTAMP": fields.realtime, "MESSAGE": text.replace("\n", " ")}
    header = entry_line(found).encode("utf-8", "replace")
    return Entry(printable(fields.unit), fields.transport, fields.cursor, header)
