"""The parser beside the real stunnel: the same configurations, the same verdict, line and reason.

Each case is a configuration (and perhaps files that it includes).  It is written out with a preamble
that keeps stunnel in the foreground; ports are 0, so that nothing is ever taken.
"""

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest

from tuimon.model.failure import Failure, Reason
from tuimon.model.service import Config, Problem
from tuimon.parse.stunnel_conf import run
from tuimon.parse.stunnel_secrets import masked_line
from tuimon.text import printable

STUNNEL = "/usr/bin/stunnel"
PREAMBLE = "foreground = yes\nsyslog = no\n"
ENDS = "accept = 127.0.0.1:0\nconnect = 127.0.0.1:9\n"
CLIENT = f"client = yes\n{ENDS}"
SERVER = f"cert = @DIR/pair.pem\n{ENDS}"
C, S = f"[a]\n{CLIENT}", f"[a]\n{SERVER}"
HEX = "00112233445566778899aabbccddeeff"
LONG = "x" * 16382

# Name of the case → configuration.  `@DIR` is the folder of the case.  Those under `accepted` start.
ACCEPTED = {
    "client": C,
    "server": S,
    "no final line end": C.rstrip(),
    "byte order mark": f"\ufeff{C}",
    "byte order mark and carriage return": f"\r\ufeff{C}",
    "CRLF": C.replace("\n", "\r\n"),
    "CR within a word": C.replace("client", "cli\rent"),
    "NUL ends a line": C.replace("yes\n", "yes\0 nonsense\n"),
    "latin-1 comment and name": "# caf\udce9\n[caf\udce9]\n" + CLIENT,
    "indented": f"  {PREAMBLE}\t[x] \n\t client\t= YES \n ACCEPT=127.0.0.1:0\n Connect = 9\n",
    "vertical tab and form feed": C.replace("client = yes", "\v client\f=\vyes\f"),
    "both comment characters": f"; a\n# b\n{C} ; c = d\n",
    "blanks in a section name": C.replace("[a]", "[ my sect ]"),
    "empty section name": C.replace("[a]", "[]"),
    "brackets in the comment": C.replace("[a]", "[testserver] ; see [1]"),
    "duplicate sections": C + C,
    "last scalar wins": C.replace("client", "client = no\nclient"),
    "two targets": f"{C}connect = 127.0.0.1:10\n",
    "defaults": "client = yes\naccept = 127.0.0.1:0\n[a]\nconnect = 9\n[b]\nconnect = 9\n",
    "comment after connect": C.replace(":9\n", ":9 # backend\n"),
    "port beyond 65535": C.replace(":9\n", ":99999\n"),
    "empty accept": C.replace("127.0.0.1:0", ""),
    "any address": C.replace("127.0.0.1:0", "*:0"),
    "IPv6 without brackets": C.replace("127.0.0.1:0", "::1:0"),
    "blank before the port": C.replace("127.0.0.1:0", "127.0.0.1: 0"),
    "Unix socket": C.replace("127.0.0.1:0", "@DIR/a.sock"),
    "line of 16382 characters": f";{LONG[1:]}\n{C}",
    "exec and connect": "[a]\nclient = yes\nexec = /bin/true\nconnect = 9\n",
    "empty CAfile": f"{C}CAfile =\n",
    "aliases": f"{C}session = 30\ncurve = X25519\n",
    "negative timeout": f"{C}TIMEOUTidle = -1\n",
    "signed timeout": f"{C}TIMEOUTidle = +08\n",
    "overflowing level": f"{C}securityLevel = 4294967296\n",
    "facility": f"debug = local3.notice\n{C}",
    "facility with dots": f"debug = ..daemon..notice.x\n{C}",
    "level in a section": f"{C}debug = NOTICE\n",
    "log id": f"{C}logId = Unique\n",
    "empty pid in background": C,
    "cleared option": f"{C}options = -no_sslv2\noptions = ALL\n",
    "no limit": f"{C}sslVersion = all\nsslVersionMin = TLSv1.3\n",
    "socket options": f"{C}socket = l:SO_LINGER=1:60\nsocket = a:SO_REUSEADDR=NO\nsocket = r:TCP_KEEPCNT=\n",
    "device name of 15 bytes": f"{C}socket = l:SO_BINDTODEVICE={'x' * 15}\n",
    "transparent": "[a]\nclient = yes\naccept = 127.0.0.1:0\ntransparent = none\nconnect = 9\n",
    "sni": f"{S}[b]\nsni = a:*.x\ncert = @DIR/pair.pem\nconnect = 9\n",
    "sni by the name of `service`": f"{S}service = z\n[b]\nsni = z:x\ncert = @DIR/pair.pem\nconnect = 9\n",
    "sni of itself": "[b]\nsni = b:x\ncert = @DIR/pair.pem\nconnect = 9\n",
    "client sni": f"{C}sni =\n",
    "socks server": "[a]\ncert = @DIR/pair.pem\naccept = 127.0.0.1:0\nprotocol = SOCKS\n",
    "capwinctrl client": "[a]\nclient = yes\naccept = 127.0.0.1:0\nprotocol = capwinctrl\n",
    "verification switched off": f"{C}verify = 2\nverifyChain = no\n",
    "verification reset": f"verifyChain = yes\n{C}verify = 0\n",
    "requireCert alone": f"{S}requireCert = yes\n",
    "checkHost": f"{C}verifyChain = yes\nCAfile = @DIR/pair.pem\ncheckHost = x\n",
    "redirect": f"{S}verifyPeer = yes\nCAfile = @DIR/pair.pem\nredirect = 9\n",
    "ticket secrets": f"{S}ticketKeySecret = {HEX}\nticketMacSecret = {HEX[:2]}:{HEX[2:]}\n",
    "ticket secret of a client": f"{C}ticketKeySecret = {HEX}\n",
    "pre-shared key": f"[a]\n{ENDS}PSKsecrets = @DIR/psk.txt\nciphers = PSK\n",
    "inetd": "client = yes\nconnect = 9\n",
    "inetd exec": "client = yes\nexec = /bin/true\n",
    "empty folder": f"include = @DIR/empty\n{C}",
    "include": f"include = @DIR/good\n{C}",
    "include goes on": f"include = @DIR/section\n{CLIENT}",
}

REFUSED = {
    "comment after a header": C.replace("[a]", "[testserver] // comment"),
    "option in the comment": C.replace("[a]", "[testserver] ; x=y"),
    "digit before a header": C.replace("[a]", "3[a]"),
    "header without end": C.replace("[a]", "[a"),
    "lonely bracket": f"[\n{C}",
    "conflict marker": f"{C}>>>>>>> Stashed changes\n",
    "byte order mark in the middle": f"{C}\ufeff[b]\n{CLIENT}",
    "second mark at the start": f"\ufeff\ufeff{C}",
    "no equals sign": f"{C}this is junk\n",
    "unknown option": f"{C}bogus = 1\n",
    "unknown option in front": f"foo = bar\n{C}",
    "empty name": f"{C} = foo\n",
    "global in a section": f"{C}output = /tmp/x.log\n",
    "pid in a section": f"{C}pid = /tmp/x.pid\n",
    "Windows": f"taskbar = no\n{C}",
    "later release": f"{C}CAstore = x\n",
    "later global": f"provider = x\n{C}",
    "CR only": C.replace("\n", "\r"),
    "continuation": C.replace("127.0.0.1:0", "127.0.0.1:\\\n0"),
    "over-long comment": f"; {LONG}{LONG[:500]}\n{C}",
    "line of 16383 characters shifts": f";{LONG}\n{C}junk\n",
    "quoted": C.replace("client = yes", 'client = "yes"'),
    "comment after yes": C.replace("yes", "yes # comment"),
    "true": C.replace("yes", "true"),
    "empty yes": f"{C}client =\n",
    "NUL in a value": C.replace("yes", "y\0es"),
    "foreground": f"foreground = sure\n{C}",
    "log": f"log = truncate\n{C}",
    "compression": f"compression = rle\n{C}",
    "random bytes": f"RNDbytes = many\n{C}",
    "fips": f"fips = maybe\n{C}",
    "accept with a comment": C.replace(":0\n", ":0 ; local\n"),
    "accept with brackets": C.replace("127.0.0.1:0", "[::1]:0"),
    "accept with blanks": C.replace("127.0.0.1:0", "127.0.0.1 : 0"),
    "accept with a long path": C.replace("127.0.0.1:0", f"/{'x' * 107}"),
    "one endpoint": "[a]\nclient = yes\naccept = 127.0.0.1:0\n",
    "three endpoints": f"{C}exec = /bin/true\n",
    "socks and connect": f"{S}protocol = socks\n",
    "capwinctrl and connect": f"{C}protocol = capwinctrl\n",
    "transparent destination": f"{S}transparent = both\n",
    "transparent word": f"{S}transparent = maybe\n",
    "first section hides the second": "[a]\nclient = yes\n[b]\naccept = [::1]:1\n",
    "section error before a later line": "[a]\nclient = yes\n[b]\njunk\n",
    "line error before the section error": "[a]\nclient = yes\njunk\n[b]\n",
    "no certificate": f"[a]\n{ENDS}",
    "empty section": "[a]\n",
    "empty file": "",
    "inetd accept": CLIENT,
    "inetd without endpoint": "client = yes\n",
    "inetd with two": "client = yes\nconnect = 9\nexec = /bin/true\n",
    "verify without CA": f"{C}verify = 2\n",
    "verifyChain without CA": f"verifyChain = yes\n{C}",
    "verify level": f"{C}verify = 5\n",
    "checkHost alone": f"{C}checkHost = x\n",
    "checkIP with requireCert": f"{C}requireCert = yes\ncheckIP = 127.0.0.1\n",
    "debug level": f"debug = 9\n{C}",
    "syslog facility": f"debug = foo.info\n{C}",
    "facility in a section": f"{C}debug = daemon.info\n",
    "TLS option": f"{C}options = FOO\n",
    "TLS version": f"{C}sslVersion = TLSv1.9\n",
    "SSLv2": f"{C}sslVersion = SSLv2\n",
    "version range": f"{C}sslVersionMin = TLSv1.3\nsslVersionMax = TLSv1.2\n",
    "version range by order": f"{C}sslVersion = TLSv1.2\nsslVersionMin = TLSv1.3\n",
    "security level": f"{C}securityLevel = 6\n",
    "socket option": f"{C}socket = l:FOO=1\n",
    "socket option case": f"{C}socket = l:so_linger=1\n",
    "socket side": f"{C}socket = x:SO_LINGER=1\n",
    "socket flag": f"{C}socket = l:TCP_NODELAY=maybe\n",
    "socket number": f"{C}socket = l:TCP_KEEPCNT=x\n",
    "device name of 16 bytes": f"{C}socket = l:SO_BINDTODEVICE={'x' * 16}\n",
    "timeout with a unit": f"{C}TIMEOUTidle = 10s\n",
    "busy timeout": f"{C}TIMEOUTbusy = abc\n",
    "empty timeout": f"{C}TIMEOUTconnect =\n",
    "cache size": f"{C}sessionCacheSize = many\n",
    "cache timeout by its alias": f"{C}session = long\n",
    "stack": f"{C}stack = 64k\n",
    "engine number": f"{C}engineNum = 1\n",
    "engine id": f"{C}engineId = x\n",
    "failover": f"{C}failover = random\n",
    "log id": f"{C}logId = none\n",
    "OCSP flag": f"{C}OCSPflag = FOO\n",
    "retry": f"{C}retry = 500\n",
    "protocol": f"{C}protocol = foo\n",
    "empty protocol": f"{C}protocol =\n",
    "nntp server": f"{S}protocol = NNTP\n",
    "proxy client": f"{C}protocol = proxy\n",
    "redirect in a client": f"{C}redirect = 9\n",
    "redirect without verification": f"{S}redirect = 9\n",
    "redirect and smtp": f"{S}redirect = 9\nprotocol = smtp\n",
    "sni case": f"{S.replace('[a]', '[Web]')}[b]\nsni = web:x\ncert = @DIR/pair.pem\nconnect = 9\n",
    "sni without colon": f"{S}[b]\nsni = x\ncert = @DIR/pair.pem\nconnect = 9\n",
    "sni of a client": f"{C}[b]\nsni = a:x\ncert = @DIR/pair.pem\nconnect = 9\n",
    "sni of a later section": f"[b]\nsni = a:x\ncert = @DIR/pair.pem\nconnect = 9\n{S}",
    "one ticket secret": f"{S}ticketKeySecret = {HEX}\n",
    "other ticket secret": f"{S}ticketMacSecret = {HEX}\n",
    "short ticket secret": f"{S}ticketKeySecret = 00112233\n",
    "ticket secret of no hex": f"{S}ticketMacSecret = {'x' * 32}\n",
    "relative log in background": f"foreground = no\noutput = x.log\n{C}",
    "relative pid in background": f"foreground = no\npid = x.pid\n{C}",
    "empty log in background": f"foreground = no\noutput =\n{C}",
    "missing folder": f"include = @DIR/none\n{C}",
    "folder that is a file": f"include = @DIR/pair.pem\n{C}",
    "empty include": f"include =\n{C}",
    "bad fragment": f"include = @DIR/bad\n{C}",
    "bad fragment in a section": f"{C}include = @DIR/bad\n",
    "nested fragment": f"include = @DIR/nested\n{C}",
    "section within the include": f"include = @DIR/section\n{CLIENT}output = /tmp/x\n",
    "byte order of names": f"include = @DIR/order\n{C}",
}

FILES = {
    "good/.hidden": "debug = 5\n",
    "good/10.conf": "\ufeffTIMEOUTidle = 5\n",
    "good/sub/junk.conf": "junk\n",
    "section/a.conf": "[included]\n",
    "bad/a.conf": "# fine\njunk\n",
    "nested/a.conf": "include = @DIR/bad\n",
    "order/10": "junk ten\n",
    "order/9": "junk nine\n",
    "order/Z": "junk Z\n",
    "circle/a.conf": "include = @DIR/circle\n",
    "psk.txt": f"alice:{HEX}\n",
}

_LINE = re.compile(r'\[!\] (?P<file>/[^:"]*):(?P<line>\d+): "(?P<text>.*)": (?P<reason>[^"]*(?:"[^"]*)*)$')
_SECTION = re.compile(r"\[!\] (?:Service \[.*?\]|Global options|Inetd mode): (?P<reason>.*)$")


class Verdict(NamedTuple):
    """What stunnel or the parser says first; all empty where the configuration is accepted."""

    file: str = ""
    line: int | None = None
    text: str = ""
    reason: str = ""


def of_problem(problem: Problem | None) -> Verdict:
    return Verdict(*problem[:4]) if problem else Verdict()


def of_stderr(lines: list[str], path: str) -> Verdict:
    """The first line by which stunnel refuses; a message is cut at 1024 bytes."""
    for line in lines:
        if match := _LINE.match(line):
            return Verdict(
                match["file"], int(match["line"]), masked_line(printable(match["text"])), match["reason"]
            )
        if match := _SECTION.match(line):
            return Verdict(path, None, "", match["reason"])
    raise AssertionError(f"stunnel gave no reason: {lines}")


def ask_stunnel(path: Path) -> Verdict:
    """Start stunnel, wait for its verdict, stop it by its pid."""
    with subprocess.Popen(
        [STUNNEL, str(path)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        cwd=path.parent,
        errors="replace",
    ) as process:
        assert process.stderr
        lines = []
        for line in process.stderr:
            lines.append(line.rstrip("\n"))
            if "Configuration successful" in line:
                process.terminate()
                return Verdict()
        assert process.wait(10) == 1
        return of_stderr(lines, str(path))


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.replace("@DIR", str(folder)).encode("utf-8", "surrogateescape"))
    return path


def read_here(path: str) -> bytes | Failure:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        return Failure(Reason.OTHER, str(error))


def list_here(path: str) -> tuple[str, ...] | Failure:
    try:
        return tuple(entry.name for entry in os.scandir(path) if entry.is_file())
    except OSError as error:
        return Failure(Reason.OTHER, str(error))


def parse_here(path: Path) -> Config:
    return run(str(path), read_here, list_here)


Asked = dict[tuple[str, str], tuple[Path, Future[Verdict]]]
"""Kind and name of each case to its file and stunnel's answer."""

CASES = [*(("accepted", name) for name in ACCEPTED), *(("refused", name) for name in REFUSED)]


@pytest.fixture(scope="module")
def verdicts(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Asked]:
    """Every case written out and given to stunnel, four at a time."""
    folder = tmp_path_factory.mktemp("conf")
    (folder / "empty").mkdir()
    for name, text in FILES.items():
        write(folder, name, text)
    request = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=x"
    subprocess.run(
        [*request.split(), "-keyout", folder / "key.pem", "-out", folder / "cert.pem"],
        check=True,
        capture_output=True,
    )
    pair = (folder / "key.pem").read_text() + (folder / "cert.pem").read_text()
    write(folder, "pair.pem", pair)
    with ThreadPoolExecutor(4) as pool:
        asked = {}
        for number, (kind, name) in enumerate(CASES):
            text = (ACCEPTED if kind == "accepted" else REFUSED)[name]
            mark = re.match("\r?\ufeff*", text)
            start = mark[0] if mark else ""
            path = write(folder, f"{number}.conf", start + PREAMBLE + text.removeprefix(start))
            asked[kind, name] = (path, pool.submit(ask_stunnel, path))
        yield asked


@pytest.mark.parametrize(("kind", "name"), CASES)
def test_the_parser_says_what_stunnel_says(verdicts: Asked, kind: str, name: str) -> None:
    """Refused or not, and if so the same file, line, quoted text and reason come first."""
    path, asked = verdicts[kind, name]
    real = asked.result(30)
    config = parse_here(path)
    ours = of_problem(config.problems[0] if config.problems else None)
    assert (real == Verdict()) is (kind == "accepted"), real
    assert ours._replace(text="") == real._replace(text="")
    assert ours.text[:900] == real.text[:900]


def test_stunnel_crashes_where_include_folders_go_in_a_circle(tmp_path: Path) -> None:
    """The parser says so instead of following them."""
    write(tmp_path, "circle/a.conf", "include = @DIR/circle\n")
    path = write(tmp_path, "stunnel.conf", f"{PREAMBLE}include = @DIR/circle\n{C}")
    ended = subprocess.run([STUNNEL, path], stdin=subprocess.DEVNULL, capture_output=True, check=False)
    config = parse_here(path)
    assert ended.returncode == -signal.SIGSEGV
    assert [problem.reason for problem in config.problems] == ["Segmentation fault"]
    assert [service.name for service in config.services] == ["a"]
