"""Whether a certificate is good for a name, as X509_check_host(3) decides for stunnel's checkHost & co.

Rule: the subject's common names count only where there is no SAN of the kind that is looked for; a
wildcard stands in the first label only, for one label, and never for a whole top-level domain's.
"""

import ipaddress
import re

from tuimon.model.certificate import Certificate

_LABEL = re.compile(r"[0-9a-z-]+|\*")
_PATTERN = re.compile(
    r"(?P<before>[0-9a-z-]*)\*(?P<after>[0-9a-z-]*)(?P<rest>(?:\.[0-9a-z](?:[0-9a-z-]*[0-9a-z])?){2,})"
)


def _entries(certificate: Certificate, kind: str) -> tuple[str, ...]:
    return tuple(each[len(kind) :] for each in certificate.san if each.startswith(kind))


def names(certificate: Certificate) -> tuple[str, ...]:
    """The DNS names it is good for: its SAN, or its common names where it has no DNS SAN."""
    return _entries(certificate, "DNS:") or certificate.common_names


def _dns_matches(pattern: str, name: str) -> bool:
    pattern, name = pattern.lower(), name.lower()
    if name.startswith(".") and len(name) > 1:  # any name below this one
        return pattern.endswith(name) and len(pattern) > len(name)
    wild = _PATTERN.fullmatch(pattern)
    if wild is None:
        return pattern == name
    before, end = wild["before"], wild["after"] + wild["rest"]
    part_of_label = bool(before or wild["after"])
    fits = name.startswith(before) and name.endswith(end) and len(name) >= len(before) + len(end)
    other_letters = "xn--" in (before[:4], wild["after"][:4]) or (part_of_label and name.startswith("xn--"))
    if not fits or other_letters:  # letters of another alphabet have no parts
        return pattern == name
    stands_for = name[len(before) : len(name) - len(end)]
    return (part_of_label and not stands_for) or _LABEL.fullmatch(stands_for) is not None


def matches_host(certificate: Certificate, host: str) -> bool:
    """Whether it is good for a DNS name."""
    return any(_dns_matches(pattern, host) for pattern in names(certificate))


def matches_ip(certificate: Certificate, address: str) -> bool:
    """Whether it is good for an IP address."""
    try:
        wanted = ipaddress.ip_address(address)
    except ValueError:
        return False
    for value in _entries(certificate, "IP:"):
        try:
            if ipaddress.ip_address(value) == wanted:
                return True
        except ValueError:
            continue
    return False


def matches_email(certificate: Certificate, address: str) -> bool:
    """Whether it is good for a mail address: of the domain alone the case does not matter."""

    def folded(text: str) -> str:
        user, at, domain = text.rpartition("@")
        return user + at + domain.lower()

    known = _entries(certificate, "email:") or certificate.email_addresses
    return folded(address) in map(folded, known)
