"""The machine formats of a journal and of Docker -> the lines that people read.

Rule: an entry becomes the line that `journalctl -o short-iso-precise` would print of it, so that one
grammar reads them all.  Export entries are bounded: a field that claims to be longer than a line may
be is skipped over, not held.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from tuimon.parse.lines import MAX_LINE, LineAssembler

_MAGIC = b"__CURSOR="
_WANTED = frozenset(
    {b"__REALTIME_TIMESTAMP", b"_HOSTNAME", b"SYSLOG_IDENTIFIER", b"_COMM", b"_PID", b"MESSAGE"}
)


def entry_line(fields: Mapping[str, str]) -> str:
    """The line of one journal entry: `2026-11-24T02:41:48.500000+00:00 host stunnel[90]: message`."""
    try:
        moment = datetime.fromtimestamp(int(fields["__REALTIME_TIMESTAMP"]) / 1e6, UTC)
        stamp = moment.isoformat(timespec="microseconds")
    except (KeyError, ValueError, OverflowError, OSError):
        stamp = "-"
    tag = fields.get("SYSLOG_IDENTIFIER") or fields.get("_COMM") or "-"
    host = fields.get("_HOSTNAME") or "-"
    pid = fields.get("_PID")
    head = f"{stamp} {_word(host)} {_word(tag)}{f'[{pid}]' if pid else ''}: "
    return head + fields.get("MESSAGE", "").rstrip("\n")


def json_line(line: bytes) -> str | None:
    """The line of one `journalctl -o json` entry, or of Docker's json-file log; None if it is neither."""
    try:
        found: Any = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict):
        return None
    if isinstance(log := found.get("log"), str) and isinstance(stamp := found.get("time"), str):
        return f"{_word(stamp)} {_word(str(found.get('stream') or '-'))} F " + log.rstrip("\r\n")
    if "MESSAGE" not in found or "__REALTIME_TIMESTAMP" not in found:
        return None
    return entry_line({name: _text(value) for name, value in found.items()})


def _text(value: Any) -> str:
    """A journal field as JSON has it: text, or a list of bytes if it is not UTF-8."""
    if isinstance(value, list) and all(isinstance(each, int) and 0 <= each < 256 for each in value):
        return bytes(value).decode("utf-8", "replace")
    return value if isinstance(value, str) else ""


def _word(text: str) -> str:
    return "-".join(text.split()) or "-"


class LogAssembler:
    """Bytes of any log in, complete lines out, as `LineAssembler` does.

    A stream that begins with `__CURSOR=` is a `journalctl -o export` one: each of its entries (lines
    `KEY=value`, or `KEY`, eight bytes of length and that many of value; an empty line ends it) gives
    one line.
    """

    def __init__(self) -> None:
        self._start: bytes | None = b""
        self._lines: LineAssembler | _Export = LineAssembler()

    def feed(self, data: bytes) -> list[bytes]:
        """Return the lines that `data` completes."""
        if self._start is not None:
            self._start += data
            if len(self._start) < len(_MAGIC) and _MAGIC.startswith(self._start):
                return []
            data = self._begin()
        return self._lines.feed(data)

    def flush(self) -> list[bytes]:
        """Return what has no end yet, and start afresh."""
        lines = self._lines.feed(self._begin()) if self._start else []
        lines += self._lines.flush()
        self._start, self._lines = b"", LineAssembler()
        return lines

    def _begin(self) -> bytes:
        data, self._start = self._start or b"", None
        if data.startswith(_MAGIC):
            self._lines = _Export()
        return data


class _Export:
    """Cuts an export stream into entries."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._fields: dict[str, str] = {}
        self._name = b""  # of the binary field that is being read
        self._left = -1  # bytes of it that are still to come, with the newline after it; -1: none is
        self._value = bytearray()
        self._overlong = False  # in the rest of a line that was cut

    def feed(self, data: bytes) -> list[bytes]:
        self._held += data
        lines: list[bytes] = []
        start = 0
        while (end := self._step(start, lines)) > start:
            start = end
        del self._held[:start]
        return lines

    def flush(self) -> list[bytes]:
        """The entry that has no end yet, with what has come of its last field."""
        if self._left < 0 and self._held:
            self._field(bytes(self._held))
        return self._entry()

    def _step(self, start: int, lines: list[bytes]) -> int:
        """Take one field, or a part of one, from `start` on; returns where it ends."""
        if self._left >= 0:
            return self._binary(start)
        end = self._held.find(b"\n", start)
        if end < 0:
            if len(self._held) - start <= MAX_LINE:
                return start
            if not self._overlong:
                self._field(bytes(self._held[start : start + MAX_LINE]))
                self._overlong = True
            return len(self._held)
        if self._overlong:
            self._overlong = False
        elif end == start:
            lines += self._entry()
        elif self._held.find(b"=", start, end) >= 0:
            self._field(bytes(self._held[start:end]))
        elif end + 9 > len(self._held):
            return start
        else:
            self._name = bytes(self._held[start:end])
            self._left = int.from_bytes(self._held[end + 1 : end + 9], "little") + 1
            self._value.clear()
            return end + 9
        return end + 1

    def _binary(self, start: int) -> int:
        part = self._held[start : start + self._left]
        self._value += part[: MAX_LINE + 1 - len(self._value)]
        self._left -= len(part)
        if self._left == 0:
            self._field(self._name + b"=" + bytes(self._value).removesuffix(b"\n"))
            self._left = -1
        return start + len(part)

    def _field(self, line: bytes) -> None:
        name, _, value = line.partition(b"=")
        if name in _WANTED:
            self._fields[name.decode()] = value[:MAX_LINE].decode("utf-8", "replace")

    def _entry(self) -> list[bytes]:
        fields, self._fields = self._fields, {}
        return [entry_line(fields).encode("utf-8", "replace").replace(b"\n", b"\r")] if fields else []
