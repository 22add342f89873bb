"""The report on one file, in the shape of `lint --json`.

Rule: the first finding of a refused file is the one that stunnel stops at.
"""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from tuimon.model.remark import Remark, Scope, Severity
from tuimon.model.service import MASK, Config, Problem, Service, Value
from tuimon.text import printable

_ORDER = {Severity.CRITICAL: 0, Severity.WARNING: 1, Severity.INFO: 2}
_FIXES = {
    "accept-unresolved": "write HOST:PORT, with an address of this machine and nothing after it",
    "ca-empty": "put a CA certificate in PEM there",
    "ca-missing": "restore the file or correct the path",
    "cert-missing": "restore the file or correct the path",
    "cert-unreadable": "put the certificate and its chain there in PEM",
    "cert-refused": "have a certificate issued with today's sizes and signatures",
    "cipher-refused": "try lists with `openssl ciphers -v LIST`",
    "config-refused": "see SSL_CONF_cmd(3)",
    "crl-missing": "restore the file, or remove the line",
    "crl-unreadable": "put a CRL in PEM there, or remove the line",
    "curve-refused": "see `openssl ecparam -list_curves`",
    "include-missing": "make the folder, or remove the line",
    "key-encrypted": "write the key without a passphrase, readable for its owner only",
    "key-mismatch": "put the key there that the certificate was issued for",
    "key-missing": "restore the key or correct the path",
    "key-unreadable": "put the private key there in PEM",
    "psk-invalid": "write `identity:key` lines with keys of at least 16 bytes, and no comments",
    "psk-missing": "restore the file or correct the path",
    "user-unknown": "create it, or correct the name",
}


class Report(Struct, frozen=True):
    """What is to be said of one file: `path` as it was asked for, the findings in order, the services."""

    path: str
    remarks: tuple[Remark, ...] = ()
    services: tuple[Service, ...] = ()

    @property
    def accepted(self) -> bool:
        """Whether stunnel would start with it, as far as can be told."""
        return not any(remark.refuses for remark in self.remarks)


def remark(problem: Problem) -> Remark:
    """What stunnel would say against the file."""
    title = f"{problem.section}: " if problem.section else ""
    file, line = problem.place or (problem.file, problem.line)
    if problem.environment:  # stunnel says little about these: what is behind comes first
        text = f"{title}{problem.fix} ({problem.reason})"
        fix = _FIXES.get(problem.code, "")
        brief = f"{title}{problem.fix}"
        return Remark(file, line, Severity.CRITICAL, Scope.ENVIRONMENT, problem.code, text, fix, brief)
    shown = problem.text.strip()
    quoted = f": {shown}" if shown and shown != MASK else ""
    text = f"{title}{problem.reason}{quoted}"
    return Remark(file, line, Severity.CRITICAL, Scope.SYNTAX, problem.code, text, problem.fix)


def at(value: Value, severity: Severity, scope: Scope, *words: str) -> Remark:
    """A finding about the line of `value`; the words are its code, its text and perhaps its fix."""
    return Remark(value.file, value.line, severity, scope, *words)


def compose(path: str, config: Config, notes: Sequence[Remark]) -> Report:
    """Everything about one file: refusals in stunnel's order, then warnings, then the rest by line.

    What several sections inherit from one line is said once.
    """
    refusals = [remark(problem) for problem in config.problems]
    refusals += [note for note in notes if note.refuses]
    others = [note for note in notes if not note.refuses]
    others.sort(key=lambda note: (_ORDER[note.severity], note.path != config.path, note.path, note.line or 0))
    said: dict[tuple[str, str, int | None], Remark] = {}
    for each in (*refusals, *others):
        said.setdefault((each.code if each.code != "config-error" else each.text, each.path, each.line), each)
    return Report(path, tuple(said.values()), config.services)


def exit_status(reports: Sequence[Report]) -> int:
    """0 clean, 1 warnings or advice only, 2 stunnel would refuse."""
    if not all(report.accepted for report in reports):
        return 2
    remarks = [each for report in reports for each in report.remarks]
    return int(any(each.scope is Scope.ADVICE or each.severity is not Severity.INFO for each in remarks))


def as_json(reports: Sequence[Report]) -> dict[str, Any]:
    """The document of `lint --json`."""
    return {"files": [_file(report) for report in reports]}


def _file(report: Report) -> dict[str, Any]:
    return {
        "path": printable(report.path),
        "accepted": report.accepted,
        "findings": [_finding(each) for each in report.remarks],
        "services": [_service(each) for each in report.services],
    }


def _finding(each: Remark) -> dict[str, Any]:
    return {
        "path": printable(each.path),
        "line": each.line,
        "severity": each.severity.value,
        "scope": each.scope.value,
        "code": each.code,
        "text": each.text,
        "fix": each.fix or None,
    }


def _service(each: Service) -> dict[str, Any]:
    return {
        "name": each.name,
        "line": each.line,
        "client": each.client,
        "accept": [endpoint.text for endpoint in each.accept],
        "connect": [endpoint.text for endpoint in each.connect],
        "protocol": each.protocol or None,
        "sni": each.sni or None,
        "exec": each.shown("exec") or None,
        "cert": each.cert or None,
        "key": each.shown("key") or None,
        "CAfile": each.text("CAfile") or None,
        "CApath": each.text("CApath") or None,
        "options": {name: [value.shown for value in values] for name, values in each.options.items()},
    }
