"""LogReader: which service and which peer a line belongs to, on captured logs."""

from collections.abc import Iterable
from datetime import UTC, date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuimon.model.log import Event, LogRecord
from tuimon.parse import stunnel_connections
from tuimon.parse.lines import LineAssembler
from tuimon.parse.stunnel_connections import LogReader

LOGS = Path(__file__).parent.parent / "data" / "logs"
START = "ui stunnel 5.68 on x86_64-pc-linux-gnu platform"


def read(*lines: str, tag: str = "") -> list[LogRecord]:
    """Records of lines written as `ID MESSAGE`."""
    return feed(LogReader(), *lines, tag=tag)


def feed(reader: LogReader, *lines: str, tag: str = "") -> list[LogRecord]:
    header = f"Nov 24 02:41:48 host {tag}: " if tag else ""
    parts = [line.partition(" ") for line in lines]
    level = {True: 7, False: 5}
    return reader.feed(
        f"{header}LOG{level[text.endswith('started')]}[{log_id}]: {text}".encode()
        for log_id, _, text in parts
    )


def whose(records: Iterable[LogRecord]) -> list[tuple[str, str]]:
    return [(record.service, record.peer) for record in records]


def accept(log_id: str, service: str, port: int) -> str:
    return f"{log_id} Service [{service}] accepted connection from 10.0.0.1:{port}"


def close(log_id: str) -> str:
    return f"{log_id} Connection closed: 0 byte(s) sent to TLS, 0 byte(s) sent to socket"


def test_every_line_of_a_connection_has_its_service_and_peer() -> None:
    """From the accept line to the close line, between lines of others; not before and not after."""
    records = read(
        "0 early", accept("0", "a", 1), accept("1", "b", 2), "0 x", "1 y", close("0"), "0 late", "ui z"
    )
    a, b, nobody = ("a", "10.0.0.1:1"), ("b", "10.0.0.1:2"), ("", "")
    assert whose(records) == [nobody, a, b, a, b, a, nobody, nobody]


def test_an_sni_switch_changes_the_service_of_later_lines() -> None:
    """The switching line is still the primary's; the close line is the secondary's."""
    records = read(accept("0", "main", 1), "0 SNI: switched to service [b [x]]", "0 x", close("0"))
    assert [record.service for record in records] == ["main", "main", "b [x]", "b [x]"]


@pytest.mark.parametrize("end", [START, "main Terminated", "ui Received SIGINT; terminating"])
def test_the_end_of_a_process_ends_all_its_connections(end: str) -> None:
    """No close line is written for them; their ids begin anew."""
    records = read(accept("3", "a", 1), end, "3 x", accept("3", "b", 2), "3 y")
    assert whose(records)[2:] == [("", ""), ("b", "10.0.0.1:2"), ("b", "10.0.0.1:2")]


def test_a_second_connection_zero_is_a_new_process() -> None:
    """A start may go unlogged (`debug = 3` with a louder service); sequential ids begin at 0 once."""
    reader = LogReader()
    records = feed(reader, accept("0", "a", 1), accept("1", "a", 2), accept("0", "b", 3), "0 x", "1 y")
    assert whose(records)[3:] == [("b", "10.0.0.1:3"), ("", "")]
    assert not reader.ambiguous


def test_connections_that_share_an_id_are_not_told_apart() -> None:
    """`logId = process`: silence while several are open, certainty again once all are closed."""
    reader = LogReader()
    one, two = accept("77", "a", 1), accept("77", "b", 2)
    records = feed(reader, one, "77 x", two, "77 x", close("77"), "77 x", close("77"), one, "77 x")
    a, b, nobody = ("a", "10.0.0.1:1"), ("b", "10.0.0.1:2"), ("", "")
    assert whose(records) == [a, a, b, nobody, nobody, nobody, nobody, a, a]
    assert reader.ambiguous
    feed(reader, START)
    assert not reader.ambiguous


def test_shared_ids_at_debug_7_are_counted_by_their_first_and_last_lines() -> None:
    """`started` and `accepted connection` are one connection, `finished` is its end."""
    one = ("77 Service [a] started", accept("77", "a", 1))
    two = ("77 Service [b] started", accept("77", "b", 2))
    reader = LogReader()
    feed(reader, *one, *two, close("77"), "77 Service [a] finished (1 left)")
    assert whose(feed(reader, "77 x", close("77"))) == [("", "")] * 2
    feed(reader, "77 Service [b] finished (0 left)")
    assert whose(feed(reader, *one, "77 x"))[-1] == ("a", "10.0.0.1:1")


def test_processes_in_one_journal_have_their_own_ids() -> None:
    """The tag with its pid tells them apart, and the start of one does not end the other's."""
    reader = LogReader(zone=UTC, today=date(2026, 11, 24))
    feed(reader, accept("0", "a", 1), tag="stunnel[90]")
    feed(reader, START, accept("0", "b", 2), tag="stunnel[91]")
    assert whose(feed(reader, "0 x", tag="stunnel[90]")) == [("a", "10.0.0.1:1")]
    assert whose(feed(reader, "0 x", tag="stunnel[91]")) == [("b", "10.0.0.1:2")]
    assert not reader.ambiguous


def test_open_connections_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest is forgotten first."""
    monkeypatch.setattr(stunnel_connections, "MAX_OPEN", 3)
    reader = LogReader()
    feed(reader, *(accept(str(number), "a", number) for number in range(1, 5)))
    assert whose(feed(reader, "1 x", "2 x")) == [("", ""), ("a", "10.0.0.1:2")]


def test_a_debug_7_connection_is_attributed_to_its_last_line() -> None:
    """A captured client-mode connection: descriptors are closed after the close line."""
    records = LogReader(zone=UTC).feed((LOGS / "debug7-connection.log").read_bytes().splitlines())
    assert {record.service for record in records} == {"c-ok"}
    assert {record.peer for record in records[3:]} == {"127.0.0.1:47732"}
    assert records[-1].message == "Service [c-ok] finished (0 left)"


def test_retries_of_an_exec_section_are_connections_of_their_own() -> None:
    """Ids `0_0`, `0_1`, … each have their own peer."""
    records = LogReader(zone=UTC).feed((LOGS / "exec-connect-retry.log").read_bytes().splitlines())
    peers = {record.id: record.peer for record in records if record.event is Event.CONNECT_FAILED}
    assert peers == {"0_0": "127.0.0.1:60495", "0_1": "127.0.0.1:43049", "0_2": "127.0.0.1:33851"}


def test_captured_peer_rejections_and_sni() -> None:
    """The services of a captured server log, each with how its connections went."""
    records = LogReader(zone=UTC).feed((LOGS / "peers-and-sni.log").read_bytes().splitlines())
    assert {record.service for record in records if record.event is Event.PEER_REJECTED} == {
        "opt-cert",
        "redir",
    }
    assert {record.service for record in records if record.event is Event.PEER_VERIFIED} == {"crl", "redir"}
    assert [record.service for record in records if record.event is Event.CLOSED][-3:] == [
        "sni-a",
        "sni-main",
        "sni-main",
    ]


@pytest.mark.parametrize("name", sorted(path.name for path in LOGS.iterdir()))
def test_byte_by_byte_is_the_same_as_in_one_block(name: str) -> None:
    """How a log arrives makes no difference."""
    data = (LOGS / name).read_bytes()
    today = date(2026, 11, 24)
    whole, single = LogReader(zone=UTC, today=today), LogReader(zone=UTC, today=today)
    assembler = LineAssembler()
    bytewise = [
        record for at in range(len(data)) for record in single.feed(assembler.feed(data[at : at + 1]))
    ]
    assert bytewise + single.feed(assembler.flush()) == whole.feed(data.splitlines())


STEPS = st.sampled_from(
    [accept, close, "{} x", "{} SNI: switched to service [s]", START, "{} Service [a] started"]
)


@settings(derandomize=True)
@given(st.lists(st.tuples(STEPS, st.sampled_from("0125")), max_size=40))
def test_nothing_is_attributed_that_was_not_accepted(steps: list[tuple[object, str]]) -> None:
    """Whatever the order of lines, a peer is one that the same id accepted before."""
    lines = []
    for port, (step, log_id) in enumerate(steps):
        if step is accept:
            lines.append(accept(log_id, "a", port))
        else:
            lines.append(close(log_id) if step is close else str(step).format(log_id))
    seen: set[tuple[str, str]] = {("0", ""), ("1", ""), ("2", ""), ("5", ""), ("ui", "")}
    for record in read(*lines):
        if record.event is Event.ACCEPTED:
            seen.add((record.id, record.peer))
        assert (record.id, record.peer) in seen
