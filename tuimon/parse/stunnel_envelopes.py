"""The envelopes in which others pass on a line of stunnel: containers, and unusual kinds of syslog.

Rule: an envelope is recognised as a whole, from the line's first character to where stunnel's own text
begins, or not at all; what merely quotes stunnel stays a stranger's line.
"""

import re
from datetime import UTC, datetime

from tuimon.parse.journal import json_line
from tuimon.text import printable

_CORE = r"(?P<core>(?:\d{4}\.\d\d\.\d\d \d\d:\d\d:\d\d )?(?:LOG[0-7]\[[^\]]*\]:|\[[*!:. ]\]) .*)$"
_ISO = r"(?P<iso>\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d))"
_SHORT = r"(?P<short>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d)"
_CLOCK = r"(?P<clock>\d\d:\d\d:\d\d)"
_TAG = r"(?P<tag>[^\s:]+): "

_ENVELOPES = tuple(
    re.compile(head + _CORE)
    for head in (
        # docker logs -t, docker compose logs (-t), kubectl logs --prefix --timestamps, a node's CRI file
        rf"(?:\[?(?P<tag>[\w./-]+)(?:\]| +\|) )?(?:{_ISO} )?(?:(?P<stream>stdout|stderr) [FP] )?",
        # RFC 5424: version, stamp, host, tag, process id, message id, structured data
        rf"<\d{{1,3}}>1 {_ISO} \S+ (?P<tag>\S+) (?P<pid>\S+) \S+ (?:-|\[.*?\]) \ufeff?\ufffd?",
        # short, short-precise; a facility before the tag (busybox) or before the host (FreeBSD)
        rf"(?:<\d{{1,3}}>)?{_SHORT}(?:\.\d+)? +(?:<\w+\.\w+> )?(?:\S+ )?(?:\w+\.\w+ )?{_TAG}",
        # short-full and with-unit
        rf"[A-Z][a-z]{{2}} (?P<day>\d{{4}}-\d\d-\d\d) {_CLOCK}(?:\.\d+)? (?P<zone>\S+) \S+ {_TAG}",
        # logread of OpenWrt
        rf"[A-Z][a-z]{{2}} (?P<month>[A-Z][a-z]{{2}}) +(?P<date>\d+) {_CLOCK} (?P<year>\d{{4}})"
        rf" \w+\.\w+ {_TAG}",
        # short-unix and short-monotonic
        rf"(?:(?P<unix>\d{{9,11}}\.\d+)|\[ *\d+\.\d+\]) (?:\S+ )?{_TAG}",
        # a tag and nothing else
        _TAG,
    )
)

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def unwrapped(line: bytes, text: str) -> tuple[str, str]:
    """The tag on the envelope and stunnel's own line, stamped anew where the envelope is dated.

    `text` is `line` made printable.  The result is the text itself, with an empty tag, where there is
    no envelope; an entry of a journal in JSON gives its readable line in any case.
    """
    if text.startswith("{") and (plain := json_line(line)) is not None:
        text = printable(plain)
    for envelope in _ENVELOPES:
        if match := envelope.match(text):
            found = match.groupdict()
            tag = found.get("tag") or found.get("stream") or ""
            if found.get("pid", "-") != "-":
                tag = f"{tag}[{found['pid']}]"
            return tag, _stamped(found, tag or "-")
    return "", text


def _stamped(found: dict[str, str | None], tag: str) -> str:
    """The line as a log file, or a syslog with this stamp, would have it."""
    core = found["core"] or ""
    if iso := found.get("iso"):
        return f"{iso.replace(' ', 'T')} {tag}: {core}"
    if short := found.get("short"):
        return f"{short} {tag}: {core}"
    if unix := found.get("unix"):
        return f"{datetime.fromtimestamp(float(unix), UTC).isoformat()} {tag}: {core}"
    if found.get("zone") == "UTC":
        return f"{found['day']}T{found['clock']}Z {tag}: {core}"
    if core[0].isdigit():  # it has a stamp of its own
        return core
    if day := found.get("day"):
        return f"{day.replace('-', '.')} {found['clock']} {core}"
    if (month := found.get("month")) in _MONTHS:
        return f"{found['year']}.{_MONTHS.index(month) + 1:02}.{found['date']:>02} {found['clock']} {core}"
    return core
