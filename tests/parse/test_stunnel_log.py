"""One line of a log: every form that stunnel writes, and what each message tells."""

import re
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tuimon.model.log import Event, LogRecord
from tuimon.parse.stunnel_log import parse_line
from tuimon.parse.stunnel_reasons import reason_in_words

LOGS = Path(__file__).parent.parent / "data" / "logs"
OPENSSL = "SSL_accept: ../ssl/record/x.c:318: error:{}:SSL routines::{}"


def records(name: str) -> list[LogRecord]:
    """The records of a captured log, read as if the machine's zone were UTC."""
    lines = (LOGS / name).read_bytes().splitlines()
    return [parse_line(line, zone=UTC, today=date(2026, 11, 24)) for line in lines]


def at(*moment: int) -> float:
    return datetime(*moment, tzinfo=UTC).timestamp()  # type: ignore[misc, arg-type]


@pytest.mark.parametrize(
    ("line", "time", "level", "log_id"),
    [
        (b"2026.11.23 22:30:11 LOG5[87]: hello", at(2026, 11, 23, 22, 30, 11), 5, "87"),
        (b"2026.11.23 22:30:11 LOG5[87]: hello\r\n", at(2026, 11, 23, 22, 30, 11), 5, "87"),
        (
            b"2012.05.03 10:11:12 LOG3[5026:3081313168]: hello",
            at(2012, 5, 3, 10, 11, 12),
            3,
            "5026:3081313168",
        ),
        (b"<29>Nov 23 22:35:57 stunnel: LOG5[ui]: hello", at(2026, 11, 23, 22, 35, 57), 5, "ui"),
        (b"Nov  3 22:35:58 gw-01 stunnel[123]: LOG5[0_1]: hello", at(2026, 11, 3, 22, 35, 58), 5, "0_1"),
        (b"2026-11-24T02:41:48+0000 vm stunnel[90]: LOG5[ui]: hello", at(2026, 11, 24, 2, 41, 48), 5, "ui"),
        (b"2026-11-24T02:41:48.500+01:00 vm mail: LOG7[1]: hello", at(2026, 11, 24, 1, 41, 48) + 0.5, 7, "1"),
        (
            b"Nov 24 02:41:48 vm st[9]: 2026.11.24 02:41:47 LOG5[x]: hello",
            at(2026, 11, 24, 2, 41, 47),
            5,
            "x",
        ),
        (b"LOG0[main]: hello", None, 0, "main"),
        (b"[!] hello", None, 3, ""),
        (b"[ ] hello", None, 6, ""),
        (b"[.] hello", None, 5, ""),
        (b"[:] hello", None, 4, ""),
        (b"[*] hello", None, 2, ""),
        (b"Nov 24 02:41:48 vm stunnel4[93]: [!] hello", at(2026, 11, 24, 2, 41, 48), 3, ""),
    ],
)
def test_every_form_is_understood(line: bytes, time: float | None, level: int, log_id: str) -> None:
    """File, syslog, journal, RFC 3339, bare, start-up and 4.x forms give the same record."""
    record = parse_line(line, zone=UTC, today=date(2026, 11, 24))
    assert record == LogRecord(time, level, log_id, "", Event.NONE, "", "hello")


@pytest.mark.parametrize(
    "line",
    [b"", b"INTERNAL ERROR: Bad magic at ssl.c, line 7", b"2026.11.23 22:30:11 LOG9[1]: x", b" LOG5[1]: x"],
)
def test_any_other_line_is_kept(line: bytes) -> None:
    """What is no record is shown as it is."""
    record = parse_line(line, zone=UTC)
    assert record == LogRecord(None, None, "", "", Event.NONE, "", line.decode(), parsed=False)


def test_the_stamp_is_local_time_of_the_zone() -> None:
    """The same stamp is another moment elsewhere, and summer time counts."""
    paris = ZoneInfo("Europe/Paris")
    winter = parse_line(b"2026.01.10 12:00:30 LOG5[1]: x", zone=paris)
    summer = parse_line(b"2026.07.10 12:00:30 LOG5[1]: x", zone=paris)
    assert winter.time == at(2026, 1, 10, 11, 0, 30)
    assert summer.time == at(2026, 7, 10, 10, 0, 30)


def test_without_a_zone_the_system_decides() -> None:
    """None means the machine's own local time."""
    record = parse_line(b"2026.07.10 12:00:30 LOG5[1]: x")
    assert record.time == datetime(2026, 7, 10, 12, 0, 30).timestamp()


def test_a_stamp_without_year_is_never_in_the_future() -> None:
    """December read in January is last year's; a day ahead is allowed for zones; leap days are found."""

    def year(line: bytes, today: date) -> int:
        time = parse_line(line, zone=UTC, today=today).time
        assert time is not None
        return datetime.fromtimestamp(time, UTC).year

    assert year(b"Dec 31 23:59:59 h stunnel: LOG5[1]: x", date(2027, 1, 1)) == 2026
    assert year(b"Jan  1 00:00:01 h stunnel: LOG5[1]: x", date(2026, 12, 31)) == 2027
    assert year(b"Feb 29 00:00:01 h stunnel: LOG5[1]: x", date(2027, 1, 1)) == 2024


@pytest.mark.parametrize(
    "line",
    [
        b"2026.13.45 22:30:11 LOG5[1]: x",
        b"0001.01.01 00:00:00 LOG5[1]: x",
        b"Foo 12 10:00:00 h stunnel: LOG5[1]: x",
        b"Nov 31 10:00:00 h stunnel: LOG5[1]: x",
        b"2026-11-24T99:41:48Z vm stunnel: LOG5[1]: x",
    ],
)
def test_an_impossible_stamp_gives_no_time(line: bytes) -> None:
    """The record stays, its time is unknown."""
    record = parse_line(line, zone=ZoneInfo("Asia/Tokyo"), today=date(2026, 11, 24))
    assert record.parsed
    assert record.time is None or record.time < 0


def test_outside_text_is_made_fit_for_a_screen() -> None:
    """Escape sequences, bidirectional overrides and broken UTF-8 do not get through."""
    record = parse_line("LOG5[\x1b]: a\x1b]52;c;x\x07 \u202eb\tc ".encode() + b"\xff\xfe", zone=UTC)
    assert record.id == "\ufffd"
    assert record.message == "a\ufffd]52;c;x\ufffd \ufffdb c \ufffd\ufffd"


@pytest.mark.parametrize(
    ("message", "event", "service", "peer"),
    [
        ("stunnel 5.68 on x86_64-pc-linux-gnu platform", Event.STARTED, "", ""),
        ("Service [a] accepted connection from 127.0.0.1:55442", Event.ACCEPTED, "a", "127.0.0.1:55442"),
        ("Service [a] b] accepted connection from ::1:4", Event.ACCEPTED, "a] b", "::1:4"),
        ("Service [a] accepted connection from unnamed socket", Event.ACCEPTED, "a", "unnamed socket"),
        ("Service [a] accepted (FD=3) from 127.0.0.1:1", Event.NONE, "a", "127.0.0.1:1"),
        ("Service [a] connected remote server from 127.0.0.1:2", Event.CONNECTED, "a", ""),
        ("Service [a] (FD=8) bound to 127.0.0.1:31001", Event.BOUND, "a", ""),
        ("Service [a] REFUSED by libwrap from 10.0.0.1:9", Event.REJECTED, "a", "10.0.0.1:9"),
        ("Service [a]: Each service must define two endpoints", Event.CONFIG_FAILED, "a", ""),
        ("Service [a] needs authentication to prevent MITM attacks", Event.NONE, "a", ""),
        ("/e/x.conf:7: \"junk\": No '=' found", Event.CONFIG_FAILED, "", ""),
        ("Binding service [a] to 127.0.0.1:1: Address already in use (98)", Event.BIND_FAILED, "a", ""),
        ("Binding service [a] failed", Event.BIND_FAILED, "a", ""),
        # 0.0.0.0 has the port already: seen at every start of `accept = 20001`
        ("Binding service [a] to :::20001: Address already in use (98)", Event.NONE, "a", ""),
        ("No trusted certificates found", Event.NONE, "", ""),
        ("Terminated", Event.STOPPED, "", ""),
        ("Received SIGQUIT; terminating", Event.STOPPED, "", ""),
        ("Log file reopened", Event.LOG_REOPENED, "", ""),
        ("Failed to reload the configuration file", Event.RELOAD_FAILED, "", ""),
        ("TLS accepted: PSK", Event.TLS_OK, "", ""),
        (
            "transfer: SSL_read: x.c:1: error:0A000418:SSL routines::tlsv1 alert unknown ca",
            Event.TLS_FAILED,
            "",
            "",
        ),
        ("SSL_read: ../x.c:3: error:0A000126:SSL routines::unexpected eof while reading", Event.NONE, "", ""),
        ("s_connect: s_poll_wait 127.0.0.1:1: waiting 10 seconds", Event.NONE, "", ""),
        ("s_connect: s_poll_wait 127.0.0.1:1: TIMEOUTconnect exceeded", Event.CONNECT_FAILED, "", ""),
        ("SNI: no virtual services defined", Event.NONE, "", ""),
        ("Certificate accepted at depth=1: CN=CA", Event.NONE, "", ""),
        ("OCSP: Rejected (revoked)", Event.PEER_REJECTED, "", ""),
        ("Connection closed: 1 byte(s) sent to TLS, 2 byte(s) sent to socket", Event.CLOSED, "", ""),
        ("Connection closed/reset: 1 byte(s) sent to SSL, 2 byte(s) sent to socket", Event.CLOSED, "", ""),
        ("Connection rejected: too many clients (>=13)", Event.LIMIT, "", ""),
    ],
)
def test_what_a_message_tells(message: str, event: Event, service: str, peer: str) -> None:
    """The catalogue, where the captured logs do not show it."""
    record = parse_line(f"LOG5[1]: {message}".encode())
    assert (record.event, record.service, record.peer) == (event, service, peer)


@pytest.mark.parametrize(
    ("name", "events"),
    [
        (
            "daemon-mode-id-main.log",
            "started config-read config-ok accepted connected config-read config-ok stopped",
        ),
        ("limit-clients.log", "accepted limit tls-failed closed"),
        ("limit-emfile.log", "started config-read config-ok accepted limit accepted limit tls-failed closed"),
        (
            "reload-bind-denied.log",
            "started config-read config-ok accepted connected closed config-read config-ok bind-failed",
        ),
        ("badopt.stderr", "config-read config-failed"),
        ("cert_mismatch.stderr", "config-read config-failed"),
    ],
)
def test_the_story_of_a_captured_log(name: str, events: str) -> None:
    """The events of a real log in order, repeats taken together; the first ones are enough."""
    story: list[str] = []
    for record in records(name):
        if record.event and story[-1:] != [record.event.value]:
            story.append(record.event.value)
    assert story[: len(events.split())] == events.split()


def test_a_journal_with_strangers_in_it() -> None:
    """systemd's own lines are kept unparsed, stunnel's are understood in both of their forms."""
    found = records("journal-short.log")
    assert {"systemd[1]" in record.message for record in found if not record.parsed} == {True}
    assert [r.message for r in found if r.event is Event.CONFIG_FAILED] == [
        "/etc/stunnel/c.conf:6: \"••••••\": No '=' found",
        "Configuration failed",
    ]
    assert {record.time for record in found if record.parsed} == {at(2026, 11, 24, 2, 41, 48)}


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (OPENSSL.format("0A00009C", "http request"), "plain HTTP sent to the TLS port"),
        (OPENSSL.format("1407609C", "http request"), "plain HTTP sent to the TLS port"),
        (OPENSSL.format("0A00010B", "wrong version number"), "plain text sent to the TLS port"),
        (OPENSSL.format("0A000126", "unexpected eof while reading"), "peer closed during the handshake"),
        (OPENSSL.format("0A0000C7", "peer did not return a certificate"), "peer did not send a certificate"),
        (
            OPENSSL.format("0A000418", "tlsv1 alert unknown ca"),
            "peer does not know our CA (alert unknown ca)",
        ),
        (OPENSSL.format("0A000102", "unsupported protocol"), "no shared TLS version"),
        (OPENSSL.format("0A0000C1", "no shared cipher"), "no shared cipher"),
        (OPENSSL.format("0A0003E7", "something new"), "something new"),
        (OPENSSL.format("0A0003E7", "reason(999)"), ""),
        (
            "SSL_accept: s3_srvr.c:1: error:1408A0C1:SSL routines:ssl3_get_client_hello:no shared cipher",
            "no shared cipher",
        ),
        ("SSL_connect: x.c:1: error:0A00010B:SSL routines::wrong version number", "peer does not speak TLS"),
        ("transfer: SSL_read: x.c:1: error:0A000126:SSL routines::eof", "peer closed without close_notify"),
        ("SSL_accept: Connection reset by peer (104)", "connection reset by peer during the handshake"),
        ("s_connect: connect 127.0.0.1:1: Connection refused (111)", "connection refused"),
        ("s_connect: connect ::1:1: No route to host (113)", "no route to host"),
        (
            "s_connect: s_poll_wait 127.0.0.1:1: TIMEOUTconnect exceeded",
            "connection timed out (TIMEOUTconnect)",
        ),
        (
            "CERT: Pre-verification error: certificate has expired",
            "certificate rejected: certificate has expired",
        ),
        ("Rejected by CERT at depth=0: O=Lab, CN=x", "certificate rejected: O=Lab, CN=x"),
        ('Error resolving "{x}": Neither nodename nor servname known (EAI_NONAME)', "no such host name: {x}"),
        (
            "SSL_CTX_use_PrivateKey_file: x.c:1: error:05800074:x509 routines::key values mismatch",
            "cannot load the private key: it does not belong to the certificate",
        ),
        ("TLS alert (read): warning: close notify", ""),
        ("SSL_shutdown successfully sent close_notify alert", ""),
        ("Service [a] accepted connection from 127.0.0.1:1", ""),
    ],
)
def test_reasons_in_words(message: str, words: str) -> None:
    """OpenSSL's and stunnel's failures in the words of an operator, whatever the OpenSSL version."""
    assert reason_in_words(message) == words


@settings(derandomize=True, max_examples=300)
@example(b"2026.11.23 22:30:11 LOG5[1]: Service [[[]]] (FD=")
@example(b"[ ] Binding service [] to : ")
@given(
    st.one_of(
        st.binary(max_size=200),
        st.from_regex(re.compile(rb"(\d{4}\.\d\d\.\d\d \d\d:\d\d:\d\d )?LOG[0-7]\[\w*\]: [ -~]{0,80}")),
        st.from_regex(re.compile(rb"[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \S* \S+: LOG5\[1\]: .*")),
        st.from_regex(re.compile(rb"LOG3\[1\]: (SSL_\w+|s_connect): .*error:[0-9A-F]{8}:SSL routines:.*")),
    )
)
def test_no_line_is_too_strange(line: bytes) -> None:
    """Whatever the bytes are, one printable record comes out."""
    record = parse_line(line, zone=UTC, today=date(2026, 11, 24))
    reason_in_words(record.message)
    assert not re.search("[\x00-\x1f\x7f-\x9f]", record.message + record.id + record.service + record.peer)
