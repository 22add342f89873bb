"""Many lines at a time are what each of them is alone, whatever stands beside it."""

from datetime import UTC, date
from itertools import pairwise
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tuimon.parse.stunnel_connections import LogReader
from tuimon.parse.stunnel_log import parse_tagged, tagged
from tuimon.text import MAX_TEXT, printable, printable_lines

LOGS = Path(__file__).parent.parent / "data" / "logs"
TODAY = date(2026, 11, 24)

CAPTURED = st.sampled_from([line for log in sorted(LOGS.iterdir()) for line in log.read_bytes().split(b"\n")])
HEADS = st.sampled_from(
    [
        b"2026.11.23 22:30:11 LOG%d[%d]: ",
        b"2026.11.23 22:30:12 LOG%d[%d]: ",
        b"Nov 23 22:30:11 gw stunnel[90]: LOG%d[%d]: ",
        b"2026-11-23T22:30:11.5+01:00 gw stunnel[91]: 2026.11.23 21:30:11 LOG%d[%d]: ",
        b"stunnel[90]: LOG%d[%d]: ",
        b"LOG%d[%d]: ",
    ]
)
MESSAGES = st.sampled_from(
    [
        b"Service [a] accepted connection from 10.0.0.1:1",
        b"Service [a] accepted connection from x] accepted connection from 10.0.0.1:2",
        b"Service [a] b] connected remote server from 10.0.0.2:1",
        b"Service [a] accepted connection from",
        b"Service [accepted connection from 10.0.0.1:3",
        b"Service [a] started",
        b"Service [a] finished (0 left)",
        b"SNI: switched to service [b]",
        b"SSL_accept: ../x.c:1: error:0A000418:SSL routines::tlsv1 alert unknown ca",
        b"Connection closed: 9 byte(s) sent to TLS, 5 byte(s) sent to socket",
        b"/etc/x.conf:7: \"key_password = secret\": No '=' found",
        b" -> AUTH PLAIN c2VjcmV0",
        b"stunnel 5.68 on x86_64-pc-linux-gnu platform",
    ]
)
WRITTEN = st.builds(
    lambda head, level, log_id, message: head % (level, log_id) + message,
    *(HEADS, st.integers(0, 9), st.integers(0, 3), MESSAGES),
)
DAMAGE = st.sampled_from(
    [b"", b"\t", b"\x1b[2J", b"\xff", b"\r", b"\n", b'"', b"] ", b"\xc3\xa9", b"\xe2\x80\xa8", b"\xd9\xa3"]
)
DAMAGED = st.builds(
    lambda line, place, damage: line[:place] + damage + line[place:],
    *(CAPTURED | WRITTEN, st.integers(0, 90), DAMAGE),
)
LINES = st.lists(CAPTURED | WRITTEN | DAMAGED | st.binary(max_size=40), max_size=40)


@settings(derandomize=True)
@example([b"x" * MAX_TEXT, b"x" * (MAX_TEXT + 1)])
@example([b"", b""])
@example([b"one\r\n", b"two\n"])
@given(LINES)
def test_text_is_made_fit_line_by_line(lines: list[bytes]) -> None:
    """The short way for plain text gives what the long one does, and no line becomes two."""
    assert printable_lines(lines) == "\n".join(printable(line.rstrip(b"\r\n")) for line in lines)


@settings(derandomize=True, max_examples=300)
@given(LINES)
def test_each_line_is_read_as_if_it_were_alone(lines: list[bytes]) -> None:
    """Forms, tags, times and events do not depend on the lines around."""
    alone = [parse_tagged(line, UTC, TODAY) for line in lines]
    assert list(tagged(lines, UTC, TODAY)) == alone


@settings(derandomize=True, max_examples=300)
@given(LINES, st.lists(st.integers(0, 40)))
def test_attributions_do_not_depend_on_where_the_log_is_cut(lines: list[bytes], cuts: list[int]) -> None:
    """In pieces of any size, a log gives the same records."""
    whole, pieces = LogReader(zone=UTC, today=TODAY), LogReader(zone=UTC, today=TODAY)
    places = [0, *sorted(cuts), len(lines)]
    in_pieces = [record for begin, end in pairwise(places) for record in pieces.feed(lines[begin:end])]
    assert in_pieces == whole.feed(lines)
    assert pieces.ambiguous == whole.ambiguous
