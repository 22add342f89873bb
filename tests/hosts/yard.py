"""The yard of a booted host: every row gets its configuration, its port, its unit, and its turn to act.

Rule: all rows write their files first, systemd reads them once, then all act and wait together; one sweep,
run inside as a user would, tells what is found.
"""

import json
from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any

from tests.hosts.systemd_host import SystemdHost
from tests.lab.row import Fault
from tests.lab.verdict import Verdict
from tuimon.diagnose.finding import Finding, Severity

ECHO = "[Service]\nExecStart=/bin/cat\nStandardInput=socket\n"
ISSUE = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 90 -subj /CN=tunnel"
FOLDER = "/etc/stunnel"
Turn = Iterator[None]
"""What builds a row: what stands before its first `yield` happens before `daemon-reload`, what stands
between that and the second after it; the rest waits for what has to come of it."""


class Yard:
    """One row's part of the host; `name` is that of its configuration, its section and its unit."""

    def __init__(self, host: SystemdHost, name: str, port: int) -> None:
        self.host, self.name, self.port = host, name, port
        self.config_path = f"{FOLDER}/{name}.conf"
        self.unit_name = f"stunnel@{name}.service"

    def config(
        self, *options: str, foreground: str = "yes", path: str = "", accept: str = "", cert: str = ""
    ) -> None:
        """Write a sound server section, after the global `options`."""
        accept = accept or f"127.0.0.1:{self.port}"
        lines = [f"foreground = {foreground}"] if foreground else []
        lines += [*options, f"[{self.name}]", f"accept = {accept}", "connect = 127.0.0.1:7000"]
        files = (f"{cert}.pem", f"{cert}.key") if cert else ("cert.pem", "key.pem")
        lines += [f"cert = {FOLDER}/{files[0]}", f"key = {FOLDER}/{files[1]}", ""]
        self.host.write(path or self.config_path, "\n".join(lines))

    def unit(self, *service: str, start: str = "", unit: str = "", install: str = "") -> None:
        """Write a unit of its own; `start` in place of Debian's command."""
        self.unit_name = f"{self.name}.service"
        command = start or f"/usr/bin/stunnel4 {self.config_path}"
        lines = ["[Unit]", unit, "[Service]", f"ExecStart={command}", *service, "[Install]", install, ""]
        self.host.write(f"/etc/systemd/system/{self.unit_name}", "\n".join(lines))

    def drop_in(self, *service: str) -> None:
        """Add to Debian's unit."""
        folder = f"/etc/systemd/system/{self.unit_name}.d"
        self.host.run("mkdir", "-p", folder)
        self.host.write(f"{folder}/row.conf", "\n".join(("[Service]", *service, "")))

    def systemctl(self, verb: str, *more: str, check: bool = True) -> None:
        """Do something to its unit."""
        self.host.run("systemctl", verb, *more, self.unit_name, check=check)

    def start(self, *more: str) -> None:
        """Start its unit, which may fail."""
        self.systemctl("start", *more, check=False)

    def serves(self) -> None:
        """Wait until it listens."""
        self.host.wait_for(f"127.0.0.1:{self.port} ", "ss", "--listening", "--tcp", "--numeric")

    def until(self, name: str, value: str) -> None:
        """Wait until systemd shows this value of a property."""
        self.host.wait_for(f"{name}={value}\n", "systemctl", "show", f"--property={name}", self.unit_name)

    def older_than(self, seconds: int) -> None:
        """Wait until its process is so old."""
        argv = ("ps", "-o", "etimes=", "-p", self.host.run("pgrep", "-f", self.config_path).stdout.strip())
        self.host.wait_until(lambda: int(self.host.run(*argv).stdout) > seconds, f"{argv}")

    def hand(self, *argv: str) -> None:
        """Do something as an operator, outside of every unit but a session's."""
        self.host.run(*argv)


def prepare(host: SystemdHost) -> None:
    """A back end that systemd itself listens for, and a certificate for all."""
    host.write("/etc/systemd/system/echo.socket", "[Socket]\nListenStream=127.0.0.1:7000\nAccept=yes\n")
    host.write("/etc/systemd/system/echo@.service", ECHO)
    host.run(*ISSUE.split(), "-keyout", f"{FOLDER}/key.pem", "-out", f"{FOLDER}/cert.pem")


def begin(host: SystemdHost, rows: Sequence[Fault]) -> tuple[dict[str, Yard], list[Turn]]:
    """Let every row write its files, and systemd read them."""
    ports = count(8001)
    yards = {row.name: Yard(host, row.name, next(ports)) for row in rows}
    turns: list[Turn] = [row.build(yards[row.name]) for row in rows]
    for turn in turns:
        next(turn)
    host.run("systemctl", "daemon-reload")
    return yards, turns


def build(host: SystemdHost, rows: Sequence[Fault]) -> dict[str, Yard]:
    """Let every row have its turn."""
    yards, turns = begin(host, rows)
    host.run("systemctl", "start", "echo.socket")
    for _ in range(2):
        for turn in turns:
            next(turn, None)
    return yards


def swept(host: SystemdHost) -> dict[str, Any]:
    """What `tuimon status --json` says inside."""
    done = host.python("-m", "tuimon", "status", "--json")
    assert done.returncode in {0, 1, 2}, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def verdicts(rows: Sequence[Fault], yards: dict[str, Yard], document: dict[str, Any]) -> dict[str, Verdict]:
    """The verdict on each row by name."""
    services = {each["config"]: each for each in document["services"]}
    return {row.name: _verdict(row, yards[row.name], services) for row in rows}


def _verdict(row: Fault, yard: Yard, services: dict[str, Any]) -> Verdict:
    service = services.get(yard.config_path) or {"findings": [], "state": "absent"}
    found = tuple(
        Finding(
            each["code"],
            Severity(each["severity"]),
            each["text"],
            each["fix"] or "",
            tuple(each["evidence"]),
        )
        for each in service["findings"]
    )
    wanted = tuple(word.format(port=yard.port, unit=yard.unit_name) for word in row.words)
    return Verdict(row, found, wanted, service["state"])
