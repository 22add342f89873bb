"""Journal entries as lines for the log parser."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from tuimon.model.log import Event
from tuimon.parse.journal_entry import parse_entry
from tuimon.parse.stunnel_log import parse_line

FIELDS = {
    "MESSAGE": "LOG5[ui]: Configuration successful",
    "_PID": "90",
    "_SYSTEMD_UNIT": "stunnel@a.service",
    "_TRANSPORT": "syslog",
    "__CURSOR": "s=1;i=2",
    "__REALTIME_TIMESTAMP": "1795491440377739",
    "PRIORITY": "5",
}


def test_an_entry_becomes_a_line_with_its_own_time() -> None:
    """Unit, way in and cursor beside it."""
    entry = parse_entry(json.dumps(FIELDS).encode())
    assert entry is not None
    assert (entry.unit, entry.transport, entry.cursor) == ("stunnel@a.service", "syslog", "s=1;i=2")
    record = parse_line(entry.line)
    assert record.event is Event.CONFIG_OK
    assert record.time is not None
    assert int(record.time) == 1795491440
    assert record.id == "ui"


def test_a_message_that_is_not_utf8_comes_as_bytes() -> None:
    """As journald writes it; nothing is lost but what cannot be shown."""
    entry = parse_entry(json.dumps({**FIELDS, "MESSAGE": list(b"LOG5[ui]: caf\xe9\nx")}).encode())
    assert entry is not None
    assert parse_line(entry.line).message == "caf\ufffd x"


def test_what_is_no_entry_is_none() -> None:
    """Other lines, entries without a message."""
    assert parse_entry(b"-- No entries --") is None
    assert parse_entry(b"{}") is None
    assert parse_entry(b'{"MESSAGE": [300]}') is None


@settings(derandomize=True, max_examples=100)
@given(st.binary(max_size=200))
def test_anything_may_come(data: bytes) -> None:
    """No bytes raise."""
    parse_entry(data)
