"""What a message of stunnel tells: its event, and the service and the peer that it names.

Rule: one table of message beginnings; OpenSSL's file names and lines play no part in it.
"""

import re
from typing import NamedTuple

from tuimon.model.log import Event

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
    _Rule("s_connect: connected ", Event.CONNECTED),
    _Rule("s_connect: connecting ", Event.CONNECTING),
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
_BY_HEAD: dict[str, tuple[tuple[str, Event, str], ...]] = {
    head: tuple((rule.start, rule.event, rule.has) for rule in _RULES if rule.start[:_HEAD] == head)
    for head in {rule.start[:_HEAD] for rule in _RULES}
}
# The two that every connection has, in a form that needs no search; constants, because to ask the
# enumeration for a member costs as much as to look at the message.
_OPENING = "Service ["
_NAME = len(_OPENING)
_FROM, _ACCEPTED = "accepted connection from ", Event.ACCEPTED
_TO, _CONNECTED = "connected remote server from ", Event.CONNECTED
_NONE = (Event.NONE, "", "")


def classify(message: str) -> tuple[Event, str, str]:
    """What `message` tells, and the service and the peer if it names them.

    A failure that stunnel tells in several lines has its event on each of them.
    """
    head = message[:_HEAD]
    if head == "Serv" and message.startswith(_OPENING):
        return _of_service(message)
    for start, event, has in _BY_HEAD.get(head, ()):
        if message.startswith(start) and has in message:
            return event, "", ""
    if head == "Bind" and (match := _BINDING.match(message)):
        # A wildcard accept binds 0.0.0.0 and then `::`, which 0.0.0.0 has taken: no failure.
        wildcard = (match["address"] or "").startswith(":::")
        return (Event.NONE if wildcard else Event.BIND_FAILED), match["service"], ""
    if ': "' in message and _CONFIG_LINE.match(message):
        return Event.CONFIG_FAILED, "", ""
    if " from " in message:
        return _of_old_service(message)
    return _NONE


def _of_old_service(message: str) -> tuple[Event, str, str]:
    if match := _REFUSED.match(message):
        return Event.REJECTED, "", match["address"]
    if match := _UNBRACKETED.match(message):
        event = _SERVICE_EVENTS[match["what"]]
        return event, match["service"], match["address"] if event is Event.ACCEPTED else ""
    return _NONE


def _of_service(message: str) -> tuple[Event, str, str]:
    # A name may hold anything: it ends before the last thing that is said of it.
    head, end, said = message.rpartition("] ")
    if end and said.startswith(_FROM):
        return _ACCEPTED, head[_NAME:], said[len(_FROM) :]
    if end and said.startswith(_TO):
        return _CONNECTED, head[_NAME:], ""
    if match := _SERVICE.match(message):
        service, what, address = match.groups()
        event = _SERVICE_EVENTS.get(what, Event.BOUND if what.endswith("bound to") else Event.NONE)
        # `connected remote server from` shows our own end, `bound to` the listener: no peers.
        peer = address if what.startswith(("accepted", "REFUSED")) else ""
        return event, service, peer
    if match := _SECTION.match(message):
        # `Service [x]: reason` is an error of its section; without the colon it is advice.
        return (Event.CONFIG_FAILED if match["colon"] else Event.NONE), match["service"], ""
    return _NONE
