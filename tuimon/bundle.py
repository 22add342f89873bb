"""The incident bundle: what whoever is asked about a fault would ask for, in one text for the ticket.

Rule: made of facts that the screen shows as well, so no secret is in it: configurations are the masked
text, of certificates only what they say in public.  Bounded, whatever the fleet and its log are like.
A ticket renders Markdown: what strangers wrote stands within fences, or escaped in a heading.
"""

import platform
import re
import ssl
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

from tuimon import __version__
from tuimon.diagnose.finding import Finding, label
from tuimon.model.action import Logged
from tuimon.model.instance import Instance
from tuimon.model.service import InstanceKey
from tuimon.store import LogLine, Row, Store

MINUTES = 15
"""How far back the log goes unless told otherwise."""

_LINES = 2000  # of the log
_CONFIG = 2000  # lines of one configuration
_PROBES = 10  # handshakes of one service
_ACTIONS = 50

_TICKS = re.compile("`+")
_MARKUP = re.compile(r"[\\`\[\]<>!&]")


def bundle(
    store: Store, keys: Iterable[InstanceKey], actions: Sequence[Logged], *, minutes: float = MINUTES
) -> str:
    """The text, in Markdown, about these instances."""
    wanted = set(keys)
    instances = [row for row in store.instances() if row.instance.key in wanted]
    rows = [row for row in store.rows() if row.key.instance in wanted]
    lines = [
        f"# tuimon on {_heading(store.host)}, {_at(store.now)}",
        *_fenced(_head(store, rows)),
        *(line for row in rows for line in _service(store, row)),
        *(line for each in instances for line in _instance(each.instance, each.findings)),
        *_log(store, {each.instance.log for each in instances}, store.now - 60 * minutes),
        *_actions([each for each in actions if InstanceKey(store.host, each.instance) in wanted]),
    ]
    return "\n".join(lines) + "\n"


def _fenced(lines: Iterable[str], kind: str = "") -> Iterator[str]:
    """Lines that are shown as they are: no run of backticks in them is as long as the fence."""
    kept = list(lines)
    longest = max((len(run) for line in kept for run in _TICKS.findall(line)), default=0)
    fence = "`" * max(3, longest + 1)
    yield from ("", fence + kind, *kept, fence)


def _heading(text: str) -> str:
    """What a heading says, with nothing in it that would become a link, an image or HTML."""
    return _MARKUP.sub(r"\\\g<0>", text)


def _at(moment: float | None) -> str:
    if moment is None:
        return "-"
    return datetime.fromtimestamp(moment, UTC).astimezone().isoformat(sep=" ", timespec="seconds")


def _head(store: Store, rows: list[Row]) -> Iterator[str]:
    ours = f"tuimon {__version__}, Python {platform.python_version()}, {ssl.OPENSSL_VERSION}"
    yield f"{ours}, {platform.release()}"
    for blind in store.blind_spots():
        yield f"not seen: {blind}"
    for name, failure in store.collectors.items():
        if failure:
            yield f"not seen: {name} stopped: {failure}"
    yield ""
    for row in rows:
        name = f"{row.tunnel.service.name} ({row.tunnel.instance.title})"
        yield f"- {label(row.state)} {name} {row.why}".rstrip()


def _finding(each: Finding) -> Iterator[str]:
    yield f"- {each.severity.value} `{each.code}` {each.text}"
    if each.fix:
        yield f"    to do: {each.fix}"
    yield from (f"    {line}" for line in each.evidence)


def _service(store: Store, row: Row) -> Iterator[str]:
    yield from ("", f"## {_heading(row.tunnel.service.name)}: {label(row.state)}")
    yield from _fenced(_told(store, row))


def _told(store: Store, row: Row) -> Iterator[str]:
    tunnel = row.tunnel
    service = tunnel.service
    yield f"{service.file}:{service.line}, {service.role.value}, since {_at(row.since)}"
    accept, connect = (
        ", ".join(each.text for each in service.accept),
        ", ".join(e.text for e in service.connect),
    )
    yield f"accept {accept or '-'}, connect {connect or '-'}, sessions {tunnel.sessions}"
    for finding in row.findings:
        yield from _finding(finding)
    for probe in store.past(row.key).probes(_PROBES):
        took = f"{probe.took:.1f} ms" if probe.took is not None else ""
        yield f"- handshake {_at(probe.at)} {probe.verdict.value} {took}".rstrip()
    handshake = tunnel.handshake
    if handshake is None:
        return
    said = (handshake.tls_version, handshake.cipher, handshake.detail, handshake.alert)
    words = " ".join(each for each in said if each)
    yield f"last: {handshake.target} {handshake.verdict.value} {words}".rstrip()
    for place, each in enumerate(handshake.chain):
        yield f"{place} {each.subject}, until {each.not_after:%Y-%m-%d %H:%M}, issuer {each.issuer}"
        yield from each.pem.strip().splitlines()


def _instance(instance: Instance, findings: Sequence[Finding]) -> Iterator[str]:
    yield from ("", f"## {_heading(instance.key.config)}")
    yield from _fenced(_running(instance, findings))
    if instance.change is not None:
        yield from ("", "loaded → on disk:", *_fenced(instance.change.diff[:_CONFIG], "diff"))
    if instance.config is not None and instance.config.lines:
        numbered = (f"{each.line:4} {each.text}" for each in instance.config.lines[:_CONFIG])
        yield from ("", "on disk, secrets masked:", *_fenced(numbered))


def _running(instance: Instance, findings: Sequence[Finding]) -> Iterator[str]:
    unit = f", unit {instance.unit.name}" if instance.unit else ""
    yield f"stunnel {instance.version or '?'}{unit}, loaded {_at(instance.loaded_at)}"
    for process in instance.processes:
        yield (
            f"pid {process.id.pid} {process.id.exe}, started {_at(process.id.started)}, {process.status},"
            f" {process.fds} of {process.fd_limit} descriptors, {process.memory // 1024} KiB"
        )
    for finding in findings:
        yield from _finding(finding)


def _log(store: Store, sources: set[str], after: float) -> Iterator[str]:
    found: list[LogLine] = []
    for line in reversed(store.logbook.lines):
        if (line.record.time is not None and line.record.time < after) or len(found) >= _LINES:
            break
        if line.source in sources:
            found.append(line)
    yield from ("", f"## log since {_at(after)}", *_fenced(map(_line, reversed(found))))


def _line(line: LogLine) -> str:
    record, own = line.record, " (probe of tuimon)" if line.own else ""
    level = "-" if record.level is None else record.level
    return f"{_at(record.time)} {line.source} {level} [{record.id}] {record.message}{own}"


def _actions(actions: list[Logged]) -> Iterator[str]:
    said = (
        f"- {_at(each.at)} {each.who} {each.action} {each.instance}: {each.result} {each.verdict}".rstrip()
        for each in actions[-_ACTIONS:]
    )
    yield from ("", "## actions", *(_fenced(said) if actions else ("", "none through tuimon")))
