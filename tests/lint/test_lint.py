"""The command `lint`: its advice, its JSON, its exit statuses and releases, and input of any kind."""

import asyncio
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.lint.workshop import CLIENT, STUNNEL
from tuimon.cli import main
from tuimon.commands import lint as command
from tuimon.diagnose.advice import advice
from tuimon.host.local import LocalHost
from tuimon.lint.check import check
from tuimon.lint.machine import Machine
from tuimon.lint.report import Report, exit_status
from tuimon.model.failure import Failure, Reason
from tuimon.model.remark import Remark, Scope, Severity
from tuimon.parse import stunnel_psk
from tuimon.parse.stunnel_conf import run
from tuimon.text import printable

SAFE = "verifyPeer = yes\nCAfile = /ca.pem\n"
C = f"[a]\nclient = yes\n{SAFE}accept = 127.0.0.1:0\nconnect = 127.0.0.1:9\n"
S = "[a]\ncert = /pair.pem\naccept = 127.0.0.1:0\nconnect = 127.0.0.1:9\n"
OPEN = C.replace(SAFE, "")

OPTIONS = ["[a]", "cert", "CAfile", "PSKsecrets", "accept", "setuid", "ciphers", "pid"]

ADVICE = {
    "no-verification": (OPEN, 1),
    "verify-no-name": (f"{OPEN}verifyChain = yes\nCAfile = /ca.pem\n", 5),
    "inline-comment": (C.replace(":9\n", ":9 # back end\n"), 6),
    "port-wraps": (C.replace(":9\n", ":65545\n"), 6),
    "connect-appended": (f"connect = 127.0.0.1:8\n{C}", 7),
    "ipv6-first": (C.replace("127.0.0.1:9", "9"), 6),
    "weak-protocol": (f"{C}sslVersionMin = TLSv1.1\n", 7),
    "debug-left-on": (f"debug = daemon.debug\n{C}", 1),
    "psk-ignored": (f"{S}PSKsecrets = /psk\n", 5),
}
QUIET = {
    "a client that knows its peer": C,
    "a server": S,
    "a client with a pre-shared key": f"{OPEN}PSKsecrets = /psk\n",
    "a client that checks the name": f"{OPEN}verifyChain = yes\nCAfile = /ca.pem\ncheckHost = x\n",
    "a default": C.replace("connect = 127.0.0.1:9\n", "").replace("[a]", "connect = 127.0.0.1:9\n[a]"),
    "today's protocols": f"{C}sslVersionMin = TLSv1.2\n",
    "a quiet log": f"debug = 5\n{C}",
    "a comment within arguments": f"{C}execArgs = sh -c ; #\n",
}


def advised(text: str) -> list[Remark]:
    config = run("/s.conf", lambda _: text.encode(), lambda _: ())
    return advice(config)


@pytest.mark.parametrize("code", ADVICE)
def test_advice_names_its_line(code: str) -> None:
    """One mistake, one piece of advice, at the line that it is about, with something to do."""
    text, line = ADVICE[code]
    found = advised(text)
    assert [(each.code, each.line, each.scope) for each in found] == [(code, line, Scope.ADVICE)]
    assert found[0].fix


@pytest.mark.parametrize("name", QUIET)
def test_no_advice_without_need(name: str) -> None:
    """What is right is left alone."""
    assert advised(QUIET[name]) == []


def lint(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    status = main(["lint", *arguments])
    said = capsys.readouterr()
    return status, said.out, said.err


def document(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    _, out, __ = lint(capsys, "--json", *arguments)
    read: dict[str, Any] = json.loads(out)
    return read


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A clean configuration: a client that knows its peer."""
    path = tmp_path / "clean.conf"
    pair = ("-keyout", tmp_path / "ca.key", "-out", tmp_path / "ca.pem")
    request = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=x"
    subprocess.run([*request.split(), *pair], check=True, capture_output=True)
    path.write_text(C.replace("/ca.pem", str(tmp_path / "ca.pem")))
    return path


def test_clean_is_zero(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing to say, one line that says so."""
    status, out, err = lint(capsys, str(config))
    assert (status, out, err) == (0, "1 file: clean; stunnel would start with it\n", "")


def test_advice_only_is_one(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Advice, even the mildest, is worth a status of its own."""
    config.write_text(config.read_text().replace("127.0.0.1:9", "9"))
    status, out, _ = lint(capsys, str(config))
    assert status == 1
    assert f"{config}:6: advice: `connect = 9` tries ::1 first" in out
    assert out.endswith("1 file: 1 advice; stunnel would start with it\n")


def test_what_does_not_resolve_gets_no_advice_on_how_to_write_it(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`connect = nowhere` is taken for a port of this machine, by a name that no service has."""
    config.write_text(config.read_text().replace("127.0.0.1:9", "nowhere"))
    _, out, _ = lint(capsys, str(config))
    assert "nowhere does not resolve" in out
    assert "127.0.0.1:nowhere" not in out


def test_a_refused_file_is_two(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The line that stunnel stops at comes first, with what to do under it."""
    config.write_text(config.read_text() + "bogus = 1\n")
    status, out, _ = lint(capsys, str(config))
    assert status == 2
    assert out.startswith(f"{config}:7: critical: Specified option name is not valid here")
    assert out.splitlines()[1].startswith("    stunnel has no option `bogus`")


@pytest.mark.parametrize(
    "arguments", [(), ("/none/such.conf",), ("--for-stunnel", "new", "."), ("--nonsense",)]
)
def test_usage_errors_are_three(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    """One line on stderr, nothing on stdout."""
    try:
        status = main(["lint", *arguments])
    except SystemExit as end:
        status = int(str(end.code))
    said = capsys.readouterr()
    assert (status, said.out, said.err.count("\n")) == (3, "", 1)


def test_a_folder_means_its_conf_files(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And a folder without any is an error of usage, not a clean bill."""
    (config.parent / "notes.txt").write_text("not a configuration\n")
    (config.parent / "empty").mkdir()
    assert [each["path"] for each in document(capsys, str(config.parent))["files"]] == [str(config)]
    assert lint(capsys, str(config.parent / "empty"))[0] == 3


def test_json_has_the_shape_of_the_contract(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every key, null for what is not there, addresses as written, secrets never."""
    more = "protocol = smtp\nprotocolPassword = sesame\nTIMEOUTidle = 5\nTIMEOUTidle = 6\n"
    config.write_text(f"TIMEOUTbusy = 4\n{config.read_text()}{more}[b]\nclient = yes\n")
    (file,) = document(capsys, str(config))["files"]
    assert list(file) == ["path", "accepted", "findings", "services"]
    assert (file["path"], file["accepted"]) == (str(config), False)
    first = file["findings"][0]
    assert list(first) == ["path", "line", "severity", "scope", "code", "text", "fix"]
    assert (first["path"], first["line"]) == (str(config), 12)
    assert (first["severity"], first["scope"], first["code"]) == ("critical", "syntax", "config-error")
    assert first["text"] == "[b]: Each service must define two endpoints"
    service = file["services"][0]
    options = service.pop("options")
    assert service == {
        "name": "a",
        "line": 2,
        "client": True,
        "accept": ["127.0.0.1:0"],
        "connect": ["127.0.0.1:9"],
        "protocol": "smtp",
        "sni": None,
        "exec": None,
        "cert": None,
        "key": None,
        "CAfile": str(config.parent / "ca.pem"),
        "CApath": None,
    }
    assert (options["TIMEOUTbusy"], options["TIMEOUTidle"]) == (["4"], ["6"])
    assert "sesame" not in json.dumps(file)


def test_what_a_file_refers_to_is_the_environment(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A missing certificate is found at its own line, though stunnel names none."""
    config.write_text(config.read_text() + "cert = /none/such.pem\n")
    first = document(capsys, str(config))["files"][0]["findings"][0]
    assert (first["line"], first["scope"], first["code"]) == (7, "environment", "cert-missing")


def test_an_inherited_fault_is_said_once(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Forty sections that inherit a missing file are one finding."""
    sections = "".join(f"[s{number}]\naccept = 0\nconnect = 127.0.0.1:9\n" for number in range(40))
    config.write_text(f"cert = /none/such.pem\n{sections}")
    findings = document(capsys, str(config))["files"][0]["findings"]
    assert [each["code"] for each in findings] == ["cert-missing"]


@pytest.mark.parametrize(
    ("version", "line", "accepted"),
    [
        ("4.56", "verifyChain = yes", False),
        ("5.50", "verifyChain = yes", True),
        ("4.56", "curve = prime256v1", True),
        ("5.50", "curves = X25519", False),
        ("5.68", "curve = X25519", True),
        ("5.50", "securityLevel = 2", False),
        ("5.68", "retry = 500", False),
        ("5.75", "retry = 500", True),
        ("5.68", "CAstore = x", False),
        ("5.75", "CAstore = x", True),
        ("4.18", "protocolCredentials = a:b", True),
        ("4.56", "protocolCredentials = a:b", False),
        ("4.56", "protocol = ldap", False),
        ("5.75", "protocol = ldap", True),
    ],
)
def test_releases_differ(
    version: str, line: str, accepted: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An option that a release does not know yet, or no longer, is refused by it."""
    path = tmp_path / "stunnel.conf"
    path.write_text(f"[a]\nclient = yes\naccept = 0\nconnect = 127.0.0.1:9\nCAfile = /none\n{line}\n")
    file = document(capsys, "--for-stunnel", version, str(path))["files"][0]
    refused = [each for each in file["findings"] if each["scope"] == "syntax"]
    assert [each["line"] for each in refused] == ([] if accepted else [6])


async def test_the_installed_release_is_known(host: LocalHost) -> None:
    """It is what `stunnel -version` says."""
    said = subprocess.run([STUNNEL, "-version"], capture_output=True, text=True, check=False).stderr
    version = await Machine(host).stunnel()
    assert version is not None
    assert f"stunnel {version[0]}.{version[1]:02}" in said


async def test_the_pid_file_fails_after_the_fork(tmp_path: Path, host: LocalHost) -> None:
    """In the background the command exits 0 all the same; lint says that nothing will run."""
    path = tmp_path / "stunnel.conf"
    path.write_text(f"syslog = no\npid = /none/such.pid\n[a]\n{CLIENT}")
    started = subprocess.run([STUNNEL, path], capture_output=True, check=False, stdin=subprocess.DEVNULL)
    report = await check(Machine(host), str(path), (5, 68))
    assert started.returncode == 0
    assert not report.accepted
    assert (report.remarks[0].code, report.remarks[0].line) == ("pid-unwritable", 2)
    assert "the command still exits 0" in report.remarks[0].text


async def test_what_was_not_judged_is_said(tmp_path: Path, host: LocalHost) -> None:
    """Neither refused nor clean without a word; information alone is status 0."""
    path = tmp_path / "stunnel.conf"
    path.write_text(f"[a]\nclient = yes\n{CLIENT}config = Options:Bugs\n")
    report = await check(Machine(host), str(path), (5, 68))
    found = [each for each in report.remarks if each.scope is Scope.ENVIRONMENT]
    assert [(each.code, each.severity) for each in found] == [("not-judged", Severity.INFO)]
    assert exit_status([Report("x", tuple(found))]) == 0


class Mute(LocalHost):
    """This machine without any command: no openssl, no getent, no stunnel."""

    async def run(self, argv: tuple[str, ...], timeout: float) -> Failure:
        return Failure(Reason.MISSING, f"{argv[0]}: no such file")


async def test_a_machine_that_does_not_answer_is_not_guessed(tmp_path: Path) -> None:
    """Cipher lists, users and names are reported as not judged; nothing is refused for them."""
    path = tmp_path / "stunnel.conf"
    path.write_text(f"setuid = nosuchuser\n{C}ciphers = NOSUCH\n".replace("127.0.0.1:0", "nosuch:0"))
    host = Mute()
    report = await check(Machine(host), str(path), (5, 68))
    unknown = {each.line for each in report.remarks if each.code == "not-judged"}
    refused = [each.code for each in report.remarks if each.refuses]
    await host.close()
    assert unknown == {1, 6, 8}
    assert refused == ["ca-missing"]


def test_lines_fit_eighty_columns(config: Path) -> None:
    """Folded at blanks; only a path may be longer."""
    remark = Remark("/s.conf", 3, Severity.WARNING, Scope.ADVICE, "x", "word " * 60, "fix " * 60)
    said = list(command.lines([Report("/s.conf", (remark,))], 80))
    assert said[0].startswith("/s.conf:3: advice: word word")
    assert max(map(len, said)) <= 80


@settings(
    max_examples=60,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(st.sampled_from(OPTIONS), max_size=6), st.binary(max_size=300))
@example([], b"accept = " + b"9" * 5000)
@example(["cert"], b"-cert\xff\n\x0b=")
def test_bytes_never_raise(tmp_path: Path, names: list[str], data: bytes) -> None:
    """Whatever the file holds, a report comes of it, and every word of it is printable."""
    path = tmp_path / "fuzz.conf"
    heads = b"".join(b"%b = %b\n" % (name.encode(), data[:20]) for name in names)
    path.write_bytes(heads + data)
    (report,) = asyncio.run(command.judge([str(path)], (5, 68)))
    for each in report.remarks:
        assert each.text == printable(each.text, 99_999)
        assert each.fix == printable(each.fix, 99_999)


@settings(max_examples=300, derandomize=True, deadline=None)
@given(st.binary(max_size=400))
def test_secrets_of_any_bytes_never_raise(data: bytes) -> None:
    """Identities, or stunnel's reason; never a key."""
    read = stunnel_psk.read(data)
    assert isinstance(read, str | tuple)
