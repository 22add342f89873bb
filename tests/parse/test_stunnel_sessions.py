"""Sessions: connections put together from captured logs, however they arrive and whatever they hold."""

import re
import struct
from collections.abc import Iterable
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuimon.model.connection import Connection, Outcome, Tls
from tuimon.parse import stunnel_sessions
from tuimon.parse.journal import LogAssembler
from tuimon.parse.stunnel_log import parse_tagged
from tuimon.parse.stunnel_sessions import Sessions

LOGS = Path(__file__).parent.parent / "data" / "logs"
TODAY = date(2026, 11, 24)
START = "ui 5 stunnel 5.68 on x86_64-pc-linux-gnu platform"
CLOSE = "5 Connection closed: 7 byte(s) sent to TLS, 9 byte(s) sent to socket"
RESET = "5 Connection reset: 0 byte(s) sent to TLS, 0 byte(s) sent to socket"


def connections(lines: Iterable[bytes]) -> list[Connection]:
    sessions = Sessions()
    return sessions.feed(parse_tagged(line, None, TODAY) for line in lines) + sessions.flush()


def captured(name: str) -> list[Connection]:
    """The connections of a captured log."""
    assembler = LogAssembler()
    return connections(assembler.feed((LOGS / name).read_bytes()) + assembler.flush())


def told(*lines: str, sessions: Sessions | None = None) -> list[Connection]:
    """The connections of lines written as `ID LEVEL MESSAGE`; all of them unless `sessions` goes on."""
    parts = [line.split(" ", 2) for line in lines]
    raw = [f"2026.11.24 10:00:00 LOG{level}[{log_id}]: {text}".encode() for log_id, level, text in parts]
    if sessions is None:
        return connections(raw)
    return sessions.feed(parse_tagged(line, None, TODAY) for line in raw)


def accept(log_id: str, service: str, port: int) -> str:
    return f"{log_id} 5 Service [{service}] accepted connection from 10.0.0.1:{port}"


def brief(found: Iterable[Connection]) -> list[tuple[str, str, str, str]]:
    return [(each.service, each.outcome.value, each.tls.value, each.reason) for each in found]


def test_a_captured_server_tells_every_outcome_with_its_reason() -> None:
    """The scenarios of a real server at debug 5, by service."""
    found = {each.service: each for each in captured("scenarios-server.log")}
    asked = ("tls12", "mtls", "redir", "sni-a", "pgsql", "dns-backend")
    assert brief(found[name] for name in asked) == [
        ("tls12", "reset", "failed", "no shared cipher"),
        ("mtls", "reset", "failed", "certificate rejected: certificate has expired"),
        ("redir", "closed", "ok", "redirected: no acceptable certificate"),
        ("sni-a", "closed", "ok", ""),
        ("pgsql", "rejected", "unknown", "client did not ask for TLS"),
        ("dns-backend", "reset", "unknown", "no such host name: no.such.host.invalid"),
    ]
    assert found["failover"].target == "127.0.0.1:31000"
    assert found["full-be"].duration == 1
    assert (found["sni-a"].bytes_to_tls, found["sni-a"].bytes_to_socket) == (5, 5)
    assert all(each.started and each.ended and each.peer for each in found.values())


def test_a_captured_client_tells_what_the_far_side_objected_to() -> None:
    """The scenarios of a real client at debug 5; one whose peer had gone has neither service nor peer."""
    found = {each.service: each for each in captured("scenarios-client.log")}
    assert found["c-dead"].target == "127.0.0.1:31099"
    assert found["c-mtls-nocert"].tls is Tls.FAILED
    assert found["c-mtls-nocert"].reason.endswith("(alert certificate required)")
    assert found["c-wronghost"].reason == "certificate rejected: its names do not match"
    assert found[""].reason == "client was gone before it was accepted"
    assert found["c-ok"].outcome is Outcome.CLOSED


@pytest.mark.parametrize(
    ("name", "outcomes"),
    [
        ("inetd-mode.log", "closed closed"),
        ("psk-good-and-bad.log", "reset reset reset closed closed"),
        ("exec-connect-retry.log", "reset reset reset"),
        ("timeoutclose.log", "closed"),
        ("daemon-mode-id-main.log", "cut"),
        ("debug7-connection.log", "closed"),
        ("per-service-debug.log", "closed"),
    ],
)
def test_outcomes_of_captured_logs(name: str, outcomes: str) -> None:
    """In the order of their ends; retries of an exec section are connections of their own."""
    assert [each.outcome.value for each in captured(name)] == outcomes.split()


def test_version_and_cipher_from_debug_6_on() -> None:
    """As the log names them."""
    (found,) = captured("per-service-debug.log")
    assert (found.tls_version, found.cipher) == ("TLSv1.3", "TLS_AES_256_GCM_SHA384")


@pytest.mark.parametrize("name", ["journal-doubled.log", "journal-export.log", "journal-json.log"])
def test_a_journal_with_every_line_twice_has_every_connection_once(name: str) -> None:
    """`foreground = yes` and syslog: stunnel4[46] and stunnel[46] are the same process."""
    found = captured(name)
    assert len(found) == len({(each.peer, each.started) for each in found}) >= 2
    assert ("web", "reset", "connection refused") in {(c.service, c.outcome.value, c.reason) for c in found}


def test_old_versions_speak_otherwise() -> None:
    """4.15, 4.36 and 4.53: ids of process and thread, no brackets, `SSL`, OpenSSL 1.0's text."""
    found = told(
        "26:140 5 stunnel 4.36 on i386-redhat-linux-gnu with OpenSSL 1.0.0",
        "26:141 5 pop3s connected from 10.0.0.1:1",
        "26:141 3 remote connect (127.0.0.1:110): Connection refused (111)",
        "26:141 5 Connection reset: 0 bytes sent to SSL, 0 bytes sent to socket",
        "26:142 5 Service imaps accepted connection from 10.0.0.1:2",
        "26:142 5 connect_blocking: connected 127.0.0.1:143",
        "26:142 5 Service imaps connected remote server from 127.0.0.1:9",
        "26:142 6 SSL accepted: new session negotiated",
        "26:142 6 Negotiated TLSv1/SSLv3 ciphersuite: AES256-SHA (256-bit encryption)",
        "26:142 5 Connection closed: 12 byte(s) sent to SSL, 3 byte(s) sent to socket",
        "26:143 5 Service [x] accepted connection from 10.0.0.1:3",
        "26:143 4 CERT: Verification error: self signed certificate",
        "26:143 3 SSL_accept: 140890B2: error:140890B2:SSL routines:SSL3_GET_CLIENT_CERTIFICATE:no cert",
        "26:143 5 Connection reset: 0 byte(s) sent to SSL, 0 byte(s) sent to socket",
        "26:144 4 Connection from 10.0.0.1:4 REFUSED by libwrap",
        "26:144 5 Connection reset: 0 byte(s) sent to SSL, 0 byte(s) sent to socket",
        "26:145 5 Service [x] accepted connection from 10.0.0.1:5",
        "26:140 3 Received signal 15; terminating",
    )
    assert brief(found) == [
        ("pop3s", "reset", "unknown", "connection refused"),
        ("imaps", "closed", "ok", ""),
        ("x", "reset", "failed", "certificate rejected: self signed certificate"),
        ("", "rejected", "unknown", "refused by libwrap (hosts.allow, hosts.deny)"),
        ("x", "cut", "unknown", "stunnel was stopped"),
    ]
    assert [each.target for each in found[:2]] == ["127.0.0.1:110", "127.0.0.1:143"]
    assert (found[1].tls_version, found[1].cipher, found[1].bytes_to_tls) == ("", "AES256-SHA", 12)


def test_a_log_that_begins_in_the_middle_keeps_what_it_has() -> None:
    """No accept line: neither start nor peer, but the end and the bytes."""
    (found,) = told(f"17 {CLOSE}")
    assert (found.started, found.peer, found.ended is None) == (None, "", False)
    assert (found.outcome, found.tls, found.bytes_to_tls) == (Outcome.CLOSED, Tls.OK, 7)


@pytest.mark.parametrize(
    ("line", "ended", "reason"),
    [
        ("main 5 Terminated", True, "stunnel was stopped"),
        (START, False, "stunnel ended without saying so"),
        (accept("0", "b", 9), False, "stunnel ended without saying so"),
    ],
)
def test_a_process_that_ends_cuts_its_connections(line: str, ended: bool, reason: str) -> None:
    """Said or unsaid; ids going back to 0 are a new process even when the first 0 was closed."""
    found = told(accept("0", "a", 1), f"0 {CLOSE}", accept("1", "a", 2), line)
    cut = [each for each in found if each.outcome is Outcome.CUT]
    assert [(each.peer, each.ended is not None, each.reason) for each in cut] == [
        ("10.0.0.1:2", ended, reason)
    ]


def test_a_start_that_fails_beside_a_running_one_cuts_nothing() -> None:
    """Its `[.]` lines have no id."""
    sessions = Sessions()
    assert told(accept("5", "a", 1), sessions=sessions) == []
    failed = parse_tagged(b"[.] stunnel 5.68 on x86_64-pc-linux-gnu platform", None, TODAY)
    assert sessions.feed([failed]) == []
    assert [each.outcome for each in sessions.flush()] == [Outcome.OPEN]


def test_connections_that_share_an_id_are_told_apart_only_where_certain() -> None:
    """Same ends: certain. Different ends: they ended, nobody knows which how. Then certainty again."""
    two = (accept("77", "a", 1), accept("77", "b", 2), "77 3 s_connect: connect 1.1.1.1:1: Refused (111)")
    same = told(*two, f"77 {RESET}", f"77 {RESET}")
    assert [(each.service, each.outcome.value, each.bytes_to_tls, each.target) for each in same] == [
        ("a", "reset", None, ""),
        ("b", "reset", None, ""),
    ]
    assert {each.ended for each in same} == {None}
    mixed = told(*two, f"77 {RESET}", f"77 {CLOSE}", accept("77", "c", 3), f"77 {CLOSE}")
    assert [(each.service, each.outcome.value) for each in mixed] == [
        ("a", "closed"),
        ("b", "closed"),
        ("c", "closed"),
    ]
    assert [each.bytes_to_tls for each in mixed] == [None, None, 7]
    assert [each.outcome.value for each in told(*two, f"77 {RESET}")] == ["open", "open"]


def test_a_line_that_is_logged_twice_is_one_connection() -> None:
    """`output = /dev/stdout` with `foreground = yes` in a container."""
    once = (accept("0", "a", 1), "0 6 TLS accepted: new session negotiated")
    found = told(*(line for line in once for _ in range(2)), f"0 {CLOSE}")
    assert brief(found) == [("a", "closed", "ok", "")]


def test_whom_the_limit_turned_away_is_known_at_debug_7() -> None:
    """The accept loop names him just before."""
    limit = "ui 4 Connection rejected: too many clients (>=13)"
    found = told("ui 7 Service [a] accepted (FD=9) from 10.0.0.1:4", limit, limit)
    assert [(each.service, each.peer, each.outcome.value, each.reason) for each in found] == [
        ("a", "10.0.0.1:4", "rejected", "too many clients (>=13)"),
        ("", "", "rejected", "too many clients (>=13)"),
    ]


def test_open_connections_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest is handed out as open, also among those that share an id."""
    monkeypatch.setattr(stunnel_sessions, "MAX_OPEN", 3)
    found = told(*(accept(str(number), "a", number) for number in range(1, 6)))
    assert [each.peer[-1] for each in found] == list("12345")
    shared = told(*(accept("7", "a", number) for number in range(1, 6)), f"7 {CLOSE}", accept("7", "a", 6))
    assert len(shared) == 6


@pytest.mark.parametrize("name", sorted(path.name for path in LOGS.iterdir()))
def test_byte_by_byte_is_the_same_as_in_one_block(name: str) -> None:
    """Lines, records and connections."""
    data = (LOGS / name).read_bytes()
    whole, single = LogAssembler(), LogAssembler()
    lines = [line for at in range(len(data)) for line in single.feed(data[at : at + 1])] + single.flush()
    assert lines == whole.feed(data) + whole.flush()
    assert connections(lines) == captured(name)


STEPS = st.sampled_from(
    [
        "5 Service [a] accepted connection from 10.0.0.1:{port}",
        "5 Service [a] accepted connection from unnamed socket",
        CLOSE,
        RESET,
        "7 Service [a] started",
        "3 s_connect: connect 10.0.0.2:1: Connection refused (111)",
        "5 SNI: switched to service [s]",
        "4 Service [a] REFUSED by libwrap from 10.0.0.1:{port}",
        "4 Connection rejected: too many clients (>=13)",
        "3 getpeerbyname (local_rfd): Transport endpoint is not connected (107)",
        "5 Terminated",
        "5 stunnel 5.68 on x platform",
        "3 SSL_accept: Connection reset by peer (104)",
    ]
)


@settings(derandomize=True, max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["0", "1", "0_0", "ui", "77"]), STEPS), max_size=40))
def test_whatever_the_order_nothing_is_lost_or_made_up(steps: list[tuple[str, str]]) -> None:
    """As many connections with an address as were accepted or refused, each once; none is held back."""
    lines = [f"{log_id} {text.format(port=port)}" for port, (log_id, text) in enumerate(steps)]
    sessions = Sessions()
    found = told(*lines, sessions=sessions) + sessions.flush()
    met = [line.rpartition(" ")[2] for line in lines if "10.0.0.1:" in line]
    assert sorted(each.peer for each in found if each.peer.startswith("10.")) == sorted(met)
    assert sessions.flush() == []


@settings(derandomize=True, max_examples=200, deadline=None)
@given(st.lists(st.binary(max_size=300), max_size=20), st.booleans())
def test_no_bytes_are_too_strange(blocks: list[bytes], export: bool) -> None:
    """Printable text comes out, whatever goes in, also as an export stream."""
    assembler = LogAssembler()
    data = ([b"__CURSOR=x\n"] if export else []) + blocks
    lines = [line for block in data for line in assembler.feed(block)] + assembler.flush()
    for each in connections(lines):
        assert not re.search("[\x00-\x1f\x7f-\x9f]", each.service + each.peer + each.reason + each.target)


def test_an_export_field_may_be_binary() -> None:
    """Eight bytes of length, then anything; what is too long is cut, and a broken end is no error."""
    message = b"LOG5[7]: Service [a] accepted connection from 10.0.0.1:1\nx=y\n\n"
    entry = b"__CURSOR=1\n__REALTIME_TIMESTAMP=1795492835000001\nMESSAGE\n"
    data = entry + struct.pack("<Q", len(message)) + message + b"\n_PID=4\n\n"
    huge = b"BLOB\n" + struct.pack("<Q", 1 << 60) + b"z" * 100
    assembler = LogAssembler()
    (line,) = assembler.feed(data)
    tag, record = parse_tagged(line, None, TODAY)
    assert (tag, record.id, record.time) == ("-[4]", "7", 1795492835.000001)
    assert record.message.startswith("Service [a] accepted connection")
    assert assembler.feed(huge) == assembler.flush() == []
