"""`tuimon logs`: what it prints of captured logs, for people and for programs."""

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tuimon import cli
from tuimon.commands.log_columns import ConnectionTable, RecordTable, amount, duration
from tuimon.model.connection import Connection, Outcome, Tls
from tuimon.model.log import Event, LogRecord

LOGS = Path(__file__).parent.parent / "data" / "logs"
RECORD = ["line", "time", "level", "id", "service", "event", "peer", "message"]
CONNECTION = [
    *("service", "id", "peer", "started", "ended", "outcome", "tls", "tls_version", "cipher"),
    *("target", "bytes_to_tls", "bytes_to_socket", "reason", "own_probe"),
]


def logs(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> list[str]:
    """The lines that it prints."""
    assert cli.main(["logs", *arguments]) == status
    return capsys.readouterr().out.splitlines()


def path(name: str) -> str:
    return str(LOGS / name)


def test_records_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    """Every line of the file has its object, with the keys of the contract, in order."""
    name = path("psk-good-and-bad.log")
    found: list[dict[str, Any]] = [json.loads(line) for line in logs(capsys, name, "--json")]
    assert [each["line"] for each in found] == list(range(1, len(Path(name).read_text().splitlines()) + 1))
    assert {tuple(each) for each in found} == {tuple(RECORD)}
    failed = next(each for each in found if each["event"] == "tls-failed")
    assert (failed["service"], failed["id"], failed["level"]) == ("g", "1", 3)
    assert failed["peer"] == "127.0.0.1:50926"
    assert failed["time"].startswith("2026-11-23T22:37:48")
    assert found[0]["service"] is None


@pytest.mark.timeout(20)
def test_a_device_is_no_log(capsys: pytest.CaptureFixture[str]) -> None:
    """One sentence, and what else was asked for; what is always empty may be read."""
    name = path("psk-good-and-bad.log")
    shown = logs(capsys, name)
    assert cli.main(["logs", "/dev/zero", "/dev/full", name, "/dev/null"]) == 2
    said = capsys.readouterr()
    words = "it is a device, not a log"
    assert said.err.splitlines() == [
        f"tuimon: cannot read {each}: {words}" for each in ("/dev/zero", "/dev/full")
    ]
    assert set(shown) <= set(said.out.splitlines())
    with open("/dev/zero", "rb") as zero:
        argv = [sys.executable, "-m", "tuimon", "logs", "-"]
        done = subprocess.run(argv, stdin=zero, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (2, f"tuimon: cannot read standard input: {words}\n".encode())


def test_lines_that_are_no_records_are_kept(capsys: pytest.CaptureFixture[str]) -> None:
    """As they are, for people and programs."""
    stranger = "systemd[1]: stunnel@web.service: Failed with result 'exit-code'."
    assert any(stranger in line for line in logs(capsys, path("journal-doubled.log")))
    found = [json.loads(line) for line in logs(capsys, path("journal-json.log"), "--json")]
    unparsed = [each for each in found if "unparsed" in each]
    assert [list(each) for each in unparsed] == [["line", "unparsed"]] * len(unparsed)
    assert unparsed[0]["unparsed"].startswith("2026-11-24T04:00:35")


@pytest.mark.parametrize("option", ["", "--json", "--connections"])
def test_what_is_no_log_is_said_to_be_none(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, option: str
) -> None:
    """However it is shown; a log beside it, and an empty one, are not blamed."""
    stranger, empty = tmp_path / "stranger", tmp_path / "empty"
    stranger.write_bytes(b"\x7fELF\x02\nroot:x:0:0\n")
    empty.touch()
    arguments = [each for each in (option, path("psk-good-and-bad.log"), str(stranger), str(empty)) if each]
    assert cli.main(["logs", *arguments]) == 0
    assert capsys.readouterr().err == f"tuimon: {stranger} is no log of stunnel: none of its lines is\n"


def test_connections_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    """The keys of the contract; bytes that no line tells are null."""
    found = [
        json.loads(line) for line in logs(capsys, path("psk-good-and-bad.log"), "--connections", "--json")
    ]
    assert {tuple(each) for each in found} == {tuple(CONNECTION)}
    assert [each["outcome"] for each in found] == ["reset", "reset", "reset", "closed", "closed"]
    assert found[0]["reason"] == "wrong pre-shared key"
    assert found[0]["own_probe"] is False
    (cut,) = (
        json.loads(line) for line in logs(capsys, path("daemon-mode-id-main.log"), "--connections", "--json")
    )
    assert (cut["outcome"], cut["bytes_to_tls"], cut["target"]) == ("cut", None, "127.0.0.1:31000")


def test_records_are_aligned(capsys: pytest.CaptureFixture[str]) -> None:
    """Time, level, service, id and message stand below each other."""
    lines = logs(capsys, path("psk-good-and-bad.log"))
    assert lines[12] == (
        "2026-11-23 22:37:48 5 gc      0    Service [gc] accepted connection from 127.0.0.1:40504"
    )
    assert {line[20] for line in lines} <= set("01234567")
    assert lines[0].index("stunnel 5.68") == lines[12].index("Service [gc]")


def test_rotated_files_go_on_and_other_logs_do_not(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """A connection may begin in web.log.2.gz and end in web.log; in another log its id is another's."""
    lines = (LOGS / "timeoutclose.log").read_bytes().splitlines(keepends=True)
    (tmp_path / "web.log.2.gz").write_bytes(gzip.compress(b"".join(lines[:10])))
    (tmp_path / "web.log").write_bytes(b"".join(lines[10:]))
    old, new = str(tmp_path / "web.log.2.gz"), str(tmp_path / "web.log")
    found = logs(capsys, old, new, "--connections", "--json")
    assert [json.loads(line)["outcome"] for line in found] == ["closed"]
    assert json.loads(found[0])["service"] == "t"
    (tmp_path / "web.log").rename(tmp_path / "other.log")
    found = logs(capsys, old, str(tmp_path / "other.log"), "--connections", "--json")
    assert [json.loads(line)["outcome"] for line in found] == ["open", "closed"]
    assert logs(capsys, old, str(tmp_path / "other.log"))[0] == f"==> {old} <=="


def test_what_cannot_be_read_is_said_and_the_rest_is_shown(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """A missing file, a folder, a gzip file that breaks off: exit status 2."""
    packed = gzip.compress((LOGS / "scenarios-server.log").read_bytes(), mtime=0)
    (tmp_path / "cut.gz").write_bytes(packed[: len(packed) // 2])
    bad = [str(tmp_path / "none\x1b.log"), str(tmp_path), str(tmp_path / "cut.gz")]
    assert cli.main(["logs", *bad, path("timeoutclose.log"), "--json"]) == 2
    said = capsys.readouterr()
    errors = said.err.splitlines()
    assert [line.startswith("tuimon: cannot read ") for line in errors] == [True] * 3
    assert "\x1b" not in said.err
    assert json.loads(said.out.splitlines()[-1])["event"] == "stopped"
    assert len(said.out.splitlines()) > 13  # what the gzip file had before it broke off


def test_no_file_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit status 3, one line."""
    with pytest.raises(SystemExit) as raised:
        cli.main(["logs"])
    assert raised.value.code == 3
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_standard_input_goes_out_as_it_comes() -> None:
    """A line is printed while the writer still holds the pipe; the last needs no line end."""
    argv = [sys.executable, "-m", "tuimon", "logs", "-", "--json"]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"2026.11.24 10:00:00 LOG5[ui]: Terminated\n")
        process.stdin.flush()
        assert json.loads(process.stdout.readline())["event"] == "stopped"
        process.stdin.write(b"[!] last")
        process.stdin.close()
        assert json.loads(process.stdout.readline())["message"] == "last"
    assert process.returncode == 0


def test_a_closed_pipe_is_no_error() -> None:
    """`tuimon logs FILE | head -1`."""
    reader, writer = os.pipe()
    os.close(reader)
    argv = [sys.executable, "-m", "tuimon", "logs", path("scenarios-server.log")]
    done = subprocess.run(argv, stdout=writer, stderr=subprocess.PIPE, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, b"")


def connection(reason: str = "", peer: str = "10.0.0.1:50000") -> Connection:
    return Connection(
        "web-service",
        "7",
        peer,
        1.8e9,
        1.8e9 + 65,
        Outcome.RESET,
        Tls.FAILED,
        reason=reason,
        target="[::1]:1",
    )


@pytest.mark.parametrize("width", [40, 80, 100, 120, 200])
def test_connections_fit_the_width(width: int) -> None:
    """Cut with an ellipsis; the outcome is there from 80 columns on, and more columns the wider it is."""
    batch = [connection("why " * 60), connection(peer="[2001:db8::1234:5678:9abc]:50000"), connection()]
    heading, *lines = ConnectionTable(width).rows(batch)
    assert max(map(len, lines)) <= width
    assert lines[0].endswith("…")
    assert ("OUTCOME" in heading) == (width >= 80)
    assert ("TARGET" in heading) == (width >= 200)


def test_nothing_is_cut_without_a_width() -> None:
    """Output to a file or a pipe."""
    reason = "why " * 60
    (_, line) = ConnectionTable(None).rows([connection(reason)])
    assert line.endswith(reason.rstrip())
    assert "1m05s" in line


def test_a_heading_comes_again_only_with_other_columns() -> None:
    """Once for all batches; nothing for an empty one."""
    table = ConnectionTable(120)
    assert list(table.rows([])) == []
    assert len(list(table.rows([connection()]))) == 2
    assert len(list(table.rows([connection()]))) == 1


def test_a_long_message_goes_on_below_its_beginning() -> None:
    """On a terminal; in ASCII the ellipsis of a long name is a tilde."""
    record = LogRecord(1.8e9, 3, "7", "s" * 30, Event.NONE, "", "m" * 100)
    (text,) = RecordTable(80, ascii_only=True).rows([record])
    lines = text.splitlines()
    assert max(map(len, lines)) <= 80
    assert "".join(line.strip() for line in lines).endswith("m" * 100)
    assert "s~ 7 " in lines[0]
    assert lines[1].startswith(" " * 40)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "–"), (0, "0s"), (59.9, "59s"), (125, "2m05s"), (7500, "2h05m"), (2e5, "2d07h")],
)
def test_durations(seconds: float | None, text: str) -> None:
    """Two units are enough."""
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(None, "–"), (0, "0"), (999, "999"), (1000, "1.0k"), (52_000, "51k"), (10**9, "954M"), (10**18, "888P")],
)
def test_amounts(count: int | None, text: str) -> None:
    """Never wider than four characters."""
    assert amount(count) == text


FORMS = {
    "docker logs -t": "2026-11-24T10:00:00.123456789Z ",
    "kubernetes": "2026-11-24T10:00:00.123456789Z stdout F ",
    "compose": "stunnel_1  | ",
    "compose -t": "stunnel-1  | 2026-11-24T10:00:00.123456789Z ",
    "kubectl --prefix": "[pod/web-0/stunnel] ",
    "busybox": "Nov 24 10:00:00 gw daemon.notice stunnel[4]: ",
    "FreeBSD": "Nov 24 10:00:00 <daemon.notice> gw stunnel[4]: ",
    "RFC 5424": "<29>1 2026-11-24T10:00:00.1Z gw stunnel 4 - - ",
    "OpenWrt": "Tue Nov 24 10:00:00 2026 daemon.notice stunnel: ",
    "short-full": "Tue 2026-11-24 10:00:00 UTC gw stunnel[4]: ",
    "short-full elsewhere": "Tue 2026-11-24 10:00:00 CET gw stunnel[4]: ",
    "short-unix": "1795514400.123456 gw stunnel[4]: ",
    "short-monotonic": "[  12.345678] gw stunnel[4]: ",
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("core", ["LOG5[3]: hello", "2026.11.24 10:00:00 LOG5[3]: hello\r"])
def test_every_envelope_is_opened(
    form: str, core: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Containers and unusual syslogs; the moment is on the envelope, or else on the line."""
    (tmp_path / "log").write_text(f"{FORMS[form]}{core}\n", newline="")
    (line,) = logs(capsys, str(tmp_path / "log"), "--json")
    found = json.loads(line)
    assert (found["level"], found["id"], found["message"]) == (5, "3", "hello")
    dated = any(each.isdigit() for each in FORMS[form][:20]) and form not in {"compose", "kubectl --prefix"}
    stamped = core.startswith("2026") or (dated and form != "short-monotonic")
    assert (found["time"] is not None) == stamped


def test_docker_json_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Docker's own file, an object a line."""
    entry = {
        "log": "2026.11.24 10:00:00 LOG5[3]: hello\n",
        "stream": "stderr",
        "time": "2026-11-24T10:00:00.1Z",
    }
    (tmp_path / "x-json.log").write_text(json.dumps(entry) + "\n{}\n")
    first, second = (json.loads(line) for line in logs(capsys, str(tmp_path / "x-json.log"), "--json"))
    assert (first["id"], first["message"]) == ("3", "hello")
    assert second == {"line": 2, "unparsed": "{}"}


def test_a_quoted_line_is_a_strangers(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """What only speaks of stunnel's log is no record of it."""
    (tmp_path / "log").write_text("alert! 2026.11.24 10:00:00 LOG3[1]: SSL_accept: x\n")
    assert logs(capsys, str(tmp_path / "log")) == ["alert! 2026.11.24 10:00:00 LOG3[1]: SSL_accept: x"]


def test_a_stamp_without_year_takes_it_from_the_file(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """The latest year that is not after the file was written."""
    log = tmp_path / "syslog"
    log.write_text("Dec 31 10:00:00 gw stunnel: LOG5[3]: hello\n")
    os.utime(log, (1.64e9, 1.64e9))  # December 2021
    assert json.loads(logs(capsys, str(log), "--json")[0])["time"].startswith("2020-12-31")
