"""What stunnel judges when a section ends, as far as its text decides.

Rule: checks stand in the order in which stunnel 5.68 makes them; it stops at the first.  Nothing here
looks at a file, resolves a name or asks OpenSSL; a `Stage` marks where stunnel does.
"""

import re
from collections.abc import Callable, Mapping
from enum import Enum, auto
from typing import NamedTuple

from tuimon.model.endpoint import Endpoint
from tuimon.model.service import Value
from tuimon.parse.stunnel_options import Version
from tuimon.parse.stunnel_section import Section, primary_of
from tuimon.parse.stunnel_values import lower

_BOTH_SIDES = frozenset(("socks", "cifs", "pgsql", "smtp", "pop3", "imap", "connect", "capwin"))
_SERVER_ONLY = frozenset(("proxy",))
_CLIENT_ONLY = frozenset(("nntp", "ldap", "capwinctrl"))
_PEER_FIRST = frozenset(("smtp", "pop3", "imap"))  # server side: the target is connected before TLS


_PROTOCOL_SINCE: dict[str, Version] = {
    "socks": (5, 8),
    "ldap": (5, 59),
    "capwin": (5, 61),
    "capwinctrl": (5, 61),
}


class Refusal(NamedTuple):
    """stunnel's reason against a line or a section, and what it means in words.

    `option` is the one that it is about, empty for a section as a whole.  `environment` says that not
    the text is at fault but what it refers to; `code` is the public code of the finding.
    """

    reason: str
    meaning: str
    option: str = ""
    code: str = "config-error"
    environment: bool = False


class Stage(Enum):
    """A point at which stunnel looks at the machine when a section, or the globals, end."""

    GLOBALS = auto()
    ACCEPT = auto()
    PSK = auto()
    CONTEXT = auto()


Check = Callable[[Section, Mapping[str, Section], Version], Refusal | None]
"""What the text decides of the section that ends, given the first section of each name up to this one."""


def judge_globals(values: dict[str, tuple[Value, ...]]) -> Refusal | None:
    """What stunnel says when the global options end."""

    def last(option: str) -> str | None:
        return values[option][-1].text if option in values else None

    if lower(last("foreground") or "no") != "no":
        return None
    output, pid = last("output"), last("pid")
    if output is not None and not output.startswith("/"):
        meaning = "`output` needs an absolute path unless `foreground` is yes or quiet"
        return Refusal("Log file must include full path name", meaning)
    if pid and not pid.startswith("/"):
        meaning = "`pid` needs an absolute path unless `foreground` is yes or quiet"
        return Refusal("Pid file must include full path name", meaning)
    return None


def _check_accept(section: Section, _: Mapping[str, Section], __: Version) -> Refusal | None:
    texts = [value.text for value in section.values.get("accept", ())]
    if not texts or not all(map(_never_resolves, texts)):
        return None
    meaning = f"`accept = {texts[-1]}` is no address: write HOST:PORT and nothing after it"
    if any("[" in text for text in texts):
        meaning = f"`accept = {texts[-1]}` is no address: write IPv6 addresses without brackets, ::1:443"
    return Refusal("Cannot resolve accept target", meaning, "accept")


_PLAIN = re.compile(r"[\w.-]*:?[\w]*", re.ASCII)  # nearly every address: nothing in it to object to


def _never_resolves(text: str) -> bool:
    """Whether no machine could resolve this address: blanks or brackets in it, or too long a socket path."""
    if _PLAIN.fullmatch(text):
        return False
    endpoint = Endpoint.parse(text)
    if endpoint.path:
        return len(text.encode()) > 107
    port = endpoint.port.lstrip()
    bad_port = not port.lstrip("+-").isdigit() and any(map(str.isspace, port))
    return bad_port or any(char.isspace() or char in "[]" for char in endpoint.host)


def _check_cert(section: Section, _: Mapping[str, Section], __: Version) -> Refusal | None:
    if section.values.keys() & {"cert", "PSKsecrets", "engineId", "engineNum"} or section.client:
        return None
    return Refusal("TLS server needs a certificate", "set `cert`, or `client = yes` if it is a client")


def _check_subjects(section: Section, _: Mapping[str, Section], __: Version) -> Refusal | None:
    for option in ("checkEmail", "checkHost", "checkIP"):
        if option in section.values and not section.verifies:
            meaning = f"`{option}` does nothing alone: add `verifyChain = yes` or `verifyPeer = yes`"
            return Refusal('Either "verifyChain" or "verifyPeer" has to be enabled', meaning, option)
    return None


def _check_ocsp(section: Section, _: Mapping[str, Section], version: Version) -> Refusal | None:
    if version < (5, 71) or section.verify_chain:
        return None
    if "OCSP" not in section.values and lower(section.text("OCSPaia")) != "yes":
        return None
    return Refusal('"verifyChain" has to be enabled for OCSP support', "add `verifyChain = yes` to use OCSP")


def _check_protocol(section: Section, _: Mapping[str, Section], version: Version) -> Refusal | None:
    if "protocol" not in section.values:
        return None
    protocol = section.protocol
    if protocol not in _BOTH_SIDES | _SERVER_ONLY | _CLIENT_ONLY:
        meaning = f"stunnel does not speak `{section.text('protocol')}`"
        return Refusal("Protocol not supported", meaning, "protocol")
    since = _PROTOCOL_SINCE.get(protocol, version)
    if version < since:
        meaning = f"`protocol = {protocol}` exists since stunnel {since[0]}.{since[1]:02} only"
        return Refusal("Protocol not supported", meaning, "protocol")
    mode = "client" if section.client else "server"
    if protocol in (_SERVER_ONLY if section.client else _CLIENT_ONLY):
        reason = f"The '{protocol}' protocol is not supported in the {mode} mode"
        meaning = f"`protocol = {protocol}` needs `client = {'no' if section.client else 'yes'}`"
        return Refusal(reason, meaning, "protocol")
    return None


def _check_redirect(section: Section, _: Mapping[str, Section], __: Version) -> Refusal | None:
    if "redirect" not in section.values:
        return None
    if section.client:
        reason = '"redirect" is unsupported in client sections'
        return Refusal(reason, "`redirect` is for servers only: remove it", "redirect")
    if section.protocol in _PEER_FIRST:
        reason = '"redirect" is incompatible with the specified protocol negotiation'
        meaning = f"`redirect` does not go with `protocol = {section.protocol}`"
        return Refusal(reason, meaning, "redirect")
    if not section.verifies:
        reason = 'Either "verifyChain" or "verifyPeer" has to be enabled for "redirect" to work'
        meaning = "add `verifyChain = yes` or `verifyPeer = yes`, or remove `redirect`"
        return Refusal(reason, meaning, "redirect")
    return None


def _check_sni(section: Section, named: Mapping[str, Section], _: Version) -> Refusal | None:
    if "sni" not in section.values or section.client:
        return None
    name, colon, __ = section.text("sni").partition(":")
    if not colon:
        meaning = "on a server write `sni = SECTION:host.name` with a section above"
        return Refusal("Invalid SNI parameter format", meaning, "sni")
    primary = primary_of(section, named)
    if not primary:
        meaning = f"`sni` refers to [{name}], which no section above has as its name (case matters)"
        return Refusal("SNI section name not found", meaning, "sni")
    if primary.client:
        meaning = f"[{name}] is a client and cannot choose by name"
        return Refusal("SNI primary service is a TLS client", meaning, "sni")
    return None


def _check_versions(section: Section, _: Mapping[str, Section], __: Version) -> Refusal | None:
    if section.min_version and section.max_version and section.max_version < section.min_version:
        meaning = "`sslVersionMax` is below `sslVersionMin`"
        return Refusal("Invalid protocol version range", meaning, "sslVersionMax")
    return None


def _check_tickets(section: Section, _: Mapping[str, Section], __: Version) -> Refusal | None:
    if ("ticketKeySecret" in section.values) == ("ticketMacSecret" in section.values) or section.client:
        return None
    reason = '"ticketKeySecret" and "ticketMacSecret" must be set together'
    return Refusal(reason, "add the other of the two ticket secrets, or remove the one")


def _check_authorities(section: Section, _: Mapping[str, Section], version: Version) -> Refusal | None:
    if not section.verifies or "CAengine" in section.values:
        return None
    if any(map(section.text, ("CAfile", "CApath", "CAstore"))):
        return None
    named = '"CAengine", "CAfile" or "CApath"'
    if version >= (5, 75):
        named = '"CAengine", "CAfile", "CApath" or "CAstore"'
    return Refusal(
        f"Either {named} has to be configured", "verification needs a CA: set `CAfile` or `CApath`"
    )


def _check_endpoints(section: Section, _: Mapping[str, Section], __: Version) -> Refusal | None:
    count = len(section.values.keys() & {"accept", "connect", "exec"})
    count += not section.client and "sni" in section.values
    count += section.protocol == ("capwinctrl" if section.client else "socks")
    count += lower(section.text("transparent")) in {"destination", "both"}
    if section.ordinal < 0:
        if "accept" in section.values:
            meaning = "without a [section] stunnel runs under inetd: put a [name] line above `accept`"
            return Refusal("'accept' option is only allowed in a [section]", meaning)
        if count != 1:
            return Refusal("Inetd mode must define one endpoint", "set either `connect` or `exec`")
        return None
    if count != 2:
        meaning = f"it has {count} of two endpoints: set `accept` and either `connect` or `exec`"
        return Refusal("Each service must define two endpoints", meaning)
    return None


CHECKS: tuple[Check | Stage, ...] = (
    *(_check_accept, Stage.ACCEPT, _check_cert, _check_subjects, _check_ocsp, _check_protocol, Stage.PSK),
    *(_check_redirect, _check_sni, _check_versions, _check_tickets, _check_authorities, _check_endpoints),
    Stage.CONTEXT,
)
"""What is judged when a section ends, in stunnel's order."""

PLAIN: tuple[Check, ...] = (_check_accept, _check_cert, _check_endpoints)
"""What is left to judge of a section without `PARTICULAR` options, as nearly every one is."""

PARTICULAR = frozenset(
    (
        *("checkEmail", "checkHost", "checkIP", "OCSP", "OCSPaia", "protocol", "redirect", "sni"),
        *("sslVersion", "sslVersionMin", "sslVersionMax", "ticketKeySecret", "ticketMacSecret"),
        *("verify", "verifyChain", "verifyPeer"),
    )
)
"""The options that the other checks are about."""
