"""One line of a stunnel log -> one LogRecord.

Rule: no clock and no state.  Every form that stunnel 4 and 5 write is understood (file, stderr of a
failing start, syslog, journal, and what containers make of them); any other line is kept, with `parsed`
False.  What a line tells is looked up in one table of message beginnings; OpenSSL's file names and
lines play no part in it.
"""

import re
from datetime import date, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import NamedTuple

from tuimon.model.log import Event, LogRecord
from tuimon.parse.stunnel_envelopes import unwrapped
from tuimon.parse.stunnel_secrets import masked_message
from tuimon.text import printable

STDERR = " stderr"
"""Ends the tag of a line that was passed on from stderr or stdout, where stunnel stamps its lines itself.

With `foreground = yes` and syslog, a journal has every line twice: this tells the two copies apart.
"""

_LINE = re.compile(
    r"""
    (?: (?:<\d{1,3}>)?                                                  # syslog priority
        (?: ([A-Z][a-z]{2}[ ][ \d]\d[ ]\d\d:\d\d:\d\d)                  # 1 Nov 23 22:35:58
          | (\d{4}-\d\d-\d\dT[\d:.,]+(?:Z|[+-]\d\d:?\d\d)) )            # 2 2026-11-23T22:35:58.123+01:00
        [ ] (?:\S+[ ])? (\S+):[ ] )?                                    # 3 host, then tag, e.g. stunnel[90]
    (?: (\d{4}\.\d\d\.\d\d[ ]\d\d:\d\d):(\d\d)[ ] )?                    # 4 5 the stamp of stunnel itself
    (?: LOG([0-7])\[([^\]]*)\]:[ ] | \[([*!:.\x20])\][ ] )              # 6 level 7 id, or 8 start-up sign
    (.*)                                                                # 9
    """,
    re.VERBOSE,
)

# The signs of a start that has not reached its log yet.  A blank stands for info and for debug.
_SIGNS = {"*": 2, "!": 3, ":": 4, ".": 5, " ": 6}

_SERVICE = re.compile(
    r"Service \[(?P<service>.*)\] (?P<what>accepted connection from|accepted \(FD=-?\d+\) from"
    r"|accepted connection$|connected remote server from|\(FD=-?\d+\) bound to|REFUSED by libwrap from"
    r"|started$|finished \()"
    r" ?(?P<address>.*)"
)
# 4.x up to 4.52 does not put the name in brackets, up to 4.27 it does not say `Service`.
_UNBRACKETED = re.compile(
    r"(?:Service )?(?P<service>\S.*?) (?P<what>accepted connection|connected|connected remote server)"
    r" from (?P<address>\S+)$"
)
_REFUSED = re.compile(r"Connection from (?P<address>\S+) REFUSED by (?:libwrap|IDENT)")
_BINDING = re.compile(r"Binding service \[(?P<service>.*)\] (?:failed$|to (?P<address>.+?): )")
_SECTION = re.compile(r"Service \[(?P<service>.*?)\](?P<colon>:?) ")
# file:line: "raw line": reason (the tail may be missing: stunnel cuts its messages at 1024 bytes)
_CONFIG_LINE = re.compile(r'[^"]+:\d+: "')

_SERVICE_EVENTS = {
    "accepted connection from": Event.ACCEPTED,
    "accepted connection": Event.ACCEPTED,
    "connected": Event.ACCEPTED,
    "connected remote server from": Event.CONNECTED,
    "connected remote server": Event.CONNECTED,
    "REFUSED by libwrap from": Event.REJECTED,
}


class _Rule(NamedTuple):
    """A message that starts with `start`, and has `has` in what follows, tells `event`."""

    start: str
    event: Event
    has: str = ""


_RULES = (
    _Rule("stunnel ", Event.STARTED, " platform"),
    _Rule("stunnel 4.", Event.STARTED, " on "),
    _Rule("Reading configuration from ", Event.CONFIG_READ),
    _Rule("Configuration successful", Event.CONFIG_OK),
    _Rule("Configuration failed", Event.CONFIG_FAILED),
    _Rule("Global options: ", Event.CONFIG_FAILED),
    _Rule("Inetd mode: ", Event.CONFIG_FAILED),
    _Rule("Invalid configuration file name", Event.CONFIG_FAILED),
    _Rule("Cannot open configuration file", Event.CONFIG_FAILED),
    _Rule("Cannot open log file", Event.CONFIG_FAILED),
    _Rule("Cannot create pid file", Event.CONFIG_FAILED),
    _Rule("Failed to reload the configuration file", Event.RELOAD_FAILED),
    _Rule("TLS accepted: ", Event.TLS_OK),
    _Rule("TLS connected: ", Event.TLS_OK),
    _Rule("SSL accepted: ", Event.TLS_OK),  # 4.x
    _Rule("SSL connected: ", Event.TLS_OK),
    _Rule("SSL_accept: ", Event.TLS_FAILED),
    _Rule("SSL_connect: ", Event.TLS_FAILED),
    # With TLS 1.3 the server judges the client's certificate after the client's handshake is over.
    _Rule("SSL_read: ", Event.TLS_FAILED, " alert "),
    _Rule("transfer: SSL_read: ", Event.TLS_FAILED, " alert "),
    _Rule("ssl_start: s_poll_wait: TIMEOUTbusy exceeded", Event.TLS_FAILED),
    _Rule("init_ssl: s_poll_wait: TIMEOUTbusy exceeded", Event.TLS_FAILED),  # 4.x
    _Rule("Unexpected socket close", Event.TLS_FAILED),
    _Rule("fd_getline: Unexpected socket close", Event.TLS_FAILED),
    _Rule("s_read: Unexpected socket close", Event.TLS_FAILED),
    _Rule("s_read: Received ", Event.TLS_FAILED, " out of requested "),  # 5.70 and later
    _Rule("Certificate accepted at depth=0", Event.PEER_VERIFIED),
    _Rule("Certificate accepted: depth=0", Event.PEER_VERIFIED),  # 4.x, and the next three
    _Rule("VERIFY OK: depth=0", Event.PEER_VERIFIED),
    _Rule("VERIFY ERROR", Event.PEER_REJECTED),
    _Rule("CERT: Verification error: ", Event.PEER_REJECTED),
    _Rule("Rejected by ", Event.PEER_REJECTED, " at depth="),
    _Rule("CERT: Pre-verification error: ", Event.PEER_REJECTED),
    _Rule("CERT: Subject checks failed", Event.PEER_REJECTED),
    _Rule("CERT: Certificate not found in local repository", Event.PEER_REJECTED),
    _Rule("OCSP: Rejected", Event.PEER_REJECTED),
    _Rule("Redirecting connection", Event.PEER_REJECTED),
    _Rule("s_connect: connecting ", Event.CONNECTING),
    _Rule("s_connect: connected ", Event.CONNECTED),
    _Rule("s_connect: connect ", Event.CONNECT_FAILED),
    _Rule("s_connect: s_poll_wait ", Event.CONNECT_FAILED, "TIMEOUTconnect exceeded"),
    _Rule("connect_blocking: connecting ", Event.CONNECTING),  # 4.x, and the next four
    _Rule("connect_blocking: connected ", Event.CONNECTED),
    _Rule("connect_blocking: connect ", Event.CONNECT_FAILED),
    _Rule("connect_blocking: s_poll_wait ", Event.CONNECT_FAILED, "TIMEOUTconnect exceeded"),
    _Rule("remote connect (", Event.CONNECT_FAILED, "): "),
    _Rule("No more addresses to connect", Event.CONNECT_FAILED),
    _Rule("Error resolving ", Event.RESOLVE_FAILED),
    _Rule("Unknown TCP service ", Event.RESOLVE_FAILED),
    _Rule("No remote host resolved", Event.RESOLVE_FAILED),
    _Rule("SNI: switched to service ", Event.SNI),
    _Rule("SNI: no servername received", Event.SNI),
    _Rule("SNI: no pattern matched servername: ", Event.SNI),
    _Rule("SNI: sending servername: ", Event.SNI),
    _Rule("Key configured for PSK identity ", Event.PSK),
    _Rule("PSK identity not found", Event.PSK),
    _Rule("PostgreSQL client did not request TLS", Event.REJECTED),
    _Rule("SOCKS connection to ", Event.REJECTED, " rejected"),
    _Rule("Connection closed", Event.CLOSED, " byte(s) sent to "),
    _Rule("Connection reset", Event.CLOSED, " byte(s) sent to "),
    _Rule("Connection closed: ", Event.CLOSED, " bytes sent to "),  # 4.x
    _Rule("Connection reset: ", Event.CLOSED, " bytes sent to "),
    _Rule("Connection rejected: too many clients", Event.LIMIT),
    _Rule("local socket: Too many open files", Event.LIMIT),
    _Rule("Accepting new connections suspended", Event.LIMIT),
    _Rule("Log file reopened", Event.LOG_REOPENED),
    _Rule("Terminated", Event.STOPPED),
    _Rule("Received SIG", Event.STOPPED, "; terminating"),
    _Rule("Received signal ", Event.STOPPED, "; terminating"),  # 4.x
)

_HEAD = 4  # characters that are enough to leave one to three rules to look at
_BY_HEAD: dict[str, tuple[_Rule, ...]] = {
    head: tuple(rule for rule in _RULES if rule.start[:_HEAD] == head)
    for head in {rule.start[:_HEAD] for rule in _RULES}
}


def parse_line(line: bytes, *, zone: tzinfo | None = None, today: date | None = None) -> LogRecord:
    """Read one line of a log, with or without its line end.

    stunnel writes local time without a zone: `zone` is the machine's, None the system's own.  `today`
    gives the year to stamps that have none (syslog): the latest that is not after tomorrow.  Without
    it, and where a stamp is impossible, `time` is None.  `service` and `peer` are filled in only where
    the line itself names them.
    """
    return parse_tagged(line, zone, today)[1]


def parse_tagged(line: bytes, zone: tzinfo | None, today: date | None) -> tuple[str, LogRecord]:
    """The same as `parse_line`, together with the tag: `stunnel[90]`, a container's name, or empty in a
    log file.  It ends in `STDERR` where the line has both a tag and a stamp of its own.
    """
    text = printable(line.rstrip(b"\r\n"))
    match = _LINE.match(text)
    outer = ""
    if match is None:
        outer, text = unwrapped(line, text)
        match = _LINE.match(text)
        if match is None:
            return outer, LogRecord(None, None, "", "", Event.NONE, "", text, parsed=False)
    short, iso, tag, minute, second, level, log_id, sign, message = match.groups()
    time: float | None = None
    if iso:  # it has a zone: better than the stamp of a stunnel that may run in a container's zone
        time = _iso(iso)
    elif minute:
        start = _minute(minute, zone)
        time = None if start is None else start + int(second)
    elif short:
        time = _yearless(short, zone, today)
    if minute and tag:
        tag += STDERR
    event, service, peer = classify(message)
    message = masked_message(message)
    number = int(level) if level else _SIGNS[sign]
    return tag or outer, LogRecord(time, number, log_id or "", service, event, peer, message)


def classify(message: str) -> tuple[Event, str, str]:
    """What `message` tells, and the service and the peer if it names them.

    A failure that stunnel tells in several lines has its event on each of them.
    """
    head = message[:_HEAD]
    if head == "Serv" and message.startswith("Service ["):
        return _of_service(message)
    for rule in _BY_HEAD.get(head, ()):
        if message.startswith(rule.start) and rule.has in message:
            return rule.event, "", ""
    if head == "Bind" and (match := _BINDING.match(message)):
        # A wildcard accept binds 0.0.0.0 and then `::`, which 0.0.0.0 has taken: no failure.
        wildcard = (match["address"] or "").startswith(":::")
        return (Event.NONE if wildcard else Event.BIND_FAILED), match["service"], ""
    if ': "' in message and _CONFIG_LINE.match(message):
        return Event.CONFIG_FAILED, "", ""
    if " from " in message:
        return _of_old_service(message)
    return Event.NONE, "", ""


def _of_old_service(message: str) -> tuple[Event, str, str]:
    if match := _REFUSED.match(message):
        return Event.REJECTED, "", match["address"]
    if match := _UNBRACKETED.match(message):
        event = _SERVICE_EVENTS[match["what"]]
        return event, match["service"], match["address"] if event is Event.ACCEPTED else ""
    return Event.NONE, "", ""


def _of_service(message: str) -> tuple[Event, str, str]:
    if match := _SERVICE.match(message):
        service, what, address = match.groups()
        event = _SERVICE_EVENTS.get(what, Event.BOUND if what.endswith("bound to") else Event.NONE)
        # `connected remote server from` shows our own end, `bound to` the listener: no peers.
        peer = address if what.startswith(("accepted", "REFUSED")) else ""
        return event, service, peer
    if match := _SECTION.match(message):
        # `Service [x]: reason` is an error of its section; without the colon it is advice.
        return (Event.CONFIG_FAILED if match["colon"] else Event.NONE), match["service"], ""
    return Event.NONE, "", ""


@lru_cache(maxsize=256)
def _minute(stamp: str, zone: tzinfo | None) -> float | None:
    """Seconds since the epoch of `2026.11.23 22:30`; lines come in order, so few are converted."""
    try:
        return datetime.strptime(stamp, "%Y.%m.%d %H:%M").replace(tzinfo=zone).timestamp()
    except (ValueError, OverflowError, OSError):
        return None


@lru_cache(maxsize=256)
def _iso(stamp: str) -> float | None:
    try:
        return datetime.fromisoformat(stamp.replace(",", ".")).timestamp()
    except (ValueError, OverflowError, OSError):
        return None


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@lru_cache(maxsize=256)
def _yearless(stamp: str, zone: tzinfo | None, today: date | None) -> float | None:
    """Seconds since the epoch of `Nov 23 22:35:58` in the latest year that is not in the future."""
    if today is None or stamp[:3] not in _MONTHS:
        return None
    month, day = _MONTHS.index(stamp[:3]) + 1, int(stamp[4:6])
    hour, minute, second = (int(part) for part in stamp[7:].split(":"))
    for year in range(today.year + 1, today.year - 5, -1):  # 29 February may lie four years back
        try:
            moment = datetime(year, month, day, hour, minute, second, tzinfo=zone)
            if moment.date() <= today + timedelta(days=1):
                return moment.timestamp()
        except (ValueError, OverflowError, OSError):
            continue
    return None
