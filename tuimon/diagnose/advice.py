"""Advice: what stunnel accepts without complaint though it is probably wrong.

Rule: pure; each piece of advice is one function from a service to remarks, with the line that it is
about.  It follows what stunnel does in effect, not what the line seems to say.
"""

import re
from collections.abc import Callable, Iterator

from tuimon.diagnose.finding import Finding
from tuimon.model.endpoint import Endpoint
from tuimon.model.remark import Remark, Scope, Severity
from tuimon.model.service import Config, Service, Value

COMMENT = re.compile(r"\s(?:[;#]|//)")
"""What looks like a comment after a value, and is part of it."""
_FREE_TEXT = frozenset(("execArgs", "protocolHeader", "protocolPassword", "PSKidentity", "config"))
_ADDRESSES = ("accept", "connect", "redirect")
_OLD = {"sslv3": "SSL 3.0", "tlsv1": "TLS 1.0", "tlsv1.1": "TLS 1.1"}


def advice(config: Config) -> list[Remark]:
    """All advice on one configuration, in the order of its sections."""
    return [each for service in config.services for each in _on(service)]


def _on(service: Service) -> Iterator[Remark]:
    for judge in _JUDGES:
        yield from judge(service)


_MISTAKES = frozenset({"inline-comment", "psk-ignored"})
"""Advice on what cannot be meant: whoever runs it should know.  The rest is a matter of taste or time."""


def advised(service: Service) -> list[Finding]:
    """The advice on one service of a fleet."""
    return [
        Finding(
            each.code,
            each.severity if each.code in _MISTAKES else Severity.INFO,
            each.text.removeprefix(f"[{service.name}]").lstrip(": "),
            each.fix,
            (each.place,),
        )
        for each in _on(service)
    ]


def _advise(value: Value, severity: Severity, code: str, text: str, fix: str) -> Remark:
    return Remark(value.file, value.line, severity, Scope.ADVICE, code, text, fix)


def _header(service: Service) -> Value:
    return Value(service.name, service.file, service.line)


def _authentication(service: Service) -> Iterator[Remark]:
    """stunnel's own warnings: a client that does not know whom it talks to."""
    if not service.client or service.psk:
        return
    level, title = service.text("verify"), f"[{service.name}]"
    peer = service.yes("verifyPeer") or level in {"3", "4"}
    chain = service.yes("verifyChain") or level in {"1", "2", "3"}
    if peer:
        return
    if not chain:
        text = f"{title} does not verify its peer: anybody in between can read and change the traffic"
        fix = "set `verifyChain = yes`, `CAfile` and `checkHost`"
        yield _advise(_header(service), Severity.WARNING, "no-verification", text, fix)
    elif not service.options.keys() & {"checkHost", "checkIP", "checkEmail"}:
        option = "verifyChain" if "verifyChain" in service.options else "verify"
        text = f"{title} accepts every certificate of its CA, whatever name is in it"
        fix = "add `checkHost = NAME` or `checkIP = ADDRESS`"
        yield _advise(service.options[option][-1], Severity.WARNING, "verify-no-name", text, fix)


def _inline_comments(service: Service) -> Iterator[Remark]:
    """There are none in stunnel: what looks like one is part of the value."""
    fix = "move the comment to a line of its own"
    if COMMENT.search(service.name) and not service.inetd:
        text = f"the comment is part of the name: [{service.name}]"
        yield _advise(_header(service), Severity.WARNING, "inline-comment", text, fix)
    for option, values in service.options.items():
        for value in values if option not in _FREE_TEXT else ():
            if not value.secret and COMMENT.search(value.text):
                text = f"the comment is part of the value of `{option}`: {value.shown}"
                yield _advise(value, Severity.WARNING, "inline-comment", text, fix)


def _ports(service: Service) -> Iterator[Remark]:
    for option in _ADDRESSES:
        for value in service.options.get(option, ()):
            port = Endpoint.parse(value.text).port.strip()
            if port.isascii() and port.isdigit() and len(port) < 20 and int(port) > 65535:
                text = f"`{option} = {value.text}`: no such port, {int(port) % 65536} is used in its place"
                fix = "write a port from 1 to 65535"
                yield _advise(value, Severity.WARNING, "port-wraps", text, fix)


def _appended(service: Service) -> Iterator[Remark]:
    """Addresses of the defaults stay in the list when the section adds its own."""
    for option in _ADDRESSES:
        values = service.options.get(option, ())
        # Across included files the order cannot be told from the lines.
        near = [each for each in values if each.file == service.file]
        own = [each for each in near if each.line > service.line]
        inherited = [each for each in near if each.line < service.line]
        if own and inherited and not service.inetd:
            names = ", ".join(each.text for each in values)
            text = f"[{service.name}]: `{option}` adds to the one above the first section, in all: {names}"
            fix = f"remove `{option}` from above the first section if it was meant as a default"
            yield _advise(own[0], Severity.WARNING, "connect-appended", text, fix)


def _loopback(service: Service) -> Iterator[Remark]:
    """Without an IPv4 address two targets are tried, ::1 first."""
    for value in service.options.get("connect", ()):
        target = Endpoint.parse(value.text)
        if target.path or target.host.lower() not in {"", "localhost"} or not target.port:
            continue
        text = f"`connect = {value.text}` tries ::1 first, an error each time if only 127.0.0.1 listens"
        fix = f"write `connect = 127.0.0.1:{target.port}`"
        yield _advise(value, Severity.INFO, "ipv6-first", text, fix)


def _protocols(service: Service) -> Iterator[Remark]:
    for option in ("sslVersion", "sslVersionMin", "sslVersionMax"):
        name = _OLD.get(service.text(option).lower())
        if name:
            verb = "ends at" if option == "sslVersionMax" else "allows"
            text = f"[{service.name}]: `{option}` {verb} {name}, which RFC 8996 and RFC 7568 forbid"
            fix = "write `sslVersionMin = TLSv1.2` instead"
            yield _advise(service.options[option][-1], Severity.WARNING, "weak-protocol", text, fix)


def _debug(service: Service) -> Iterator[Remark]:
    level = service.text("debug").lower().rpartition(".")[2]
    if level in {"7", "debug"}:
        value = service.options["debug"][-1]
        text = "the log is at its loudest: every connection writes about forty lines"
        yield _advise(
            value, Severity.INFO, "debug-left-on", text, "write `debug = 5` when you have seen enough"
        )


def _ignored_keys(service: Service) -> Iterator[Remark]:
    if service.client or not (service.psk and service.cert):
        return
    text = f"[{service.name}]: under TLS 1.3 a client with a wrong pre-shared key gets in by the certificate"
    fix = "give keys and certificate a service each, or set `verifyChain = yes`"
    yield _advise(service.options["PSKsecrets"][-1], Severity.WARNING, "psk-ignored", text, fix)


_JUDGES: tuple[Callable[[Service], Iterator[Remark]], ...] = (
    *(_authentication, _inline_comments, _ports, _appended, _loopback, _protocols, _debug, _ignored_keys),
)
