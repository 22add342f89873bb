"""The public JSON as data: each key of the contract with the kind of its value.

Rule: the surface changes only by addition, so that more keys are no fault, and one that is gone is.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

Kind = Any
"""A type, a test of the value, a list of one kind, or an object with at least these keys."""

NUMBER = (int, float)


def time(value: object) -> bool:
    """RFC 3339 with a zone."""
    return isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None


def maybe(kind: Kind) -> Callable[[object], bool]:
    """That, or null."""
    return lambda value: value is None or fits(value, kind, "maybe")


def one_of(words: str) -> Callable[[object], bool]:
    """One of these words."""
    return lambda value: value in words.split("|")


def keys(names: str, kind: Kind) -> dict[str, Kind]:
    """Several keys of one kind."""
    return dict.fromkeys(names.split(), kind)


def fits(value: object, kind: Kind, where: str) -> bool:
    """Whether a value is of a kind; fails with the place where it is not."""
    if isinstance(kind, dict):
        assert isinstance(value, dict), where
        assert kind.keys() <= value.keys(), f"{where} lacks {kind.keys() - value.keys()}"
        return all(fits(value[key], each, f"{where}.{key}") for key, each in kind.items())
    if isinstance(kind, list):
        assert isinstance(value, list), where
        return all(fits(each, kind[0], f"{where}[{index}]") for index, each in enumerate(value))
    typed = isinstance(kind, (type, tuple))
    assert isinstance(value, kind) if typed else kind(value), f"{where} is {value!r}"
    return True


FINDING = {
    "code": str,
    "severity": one_of("info|warning|critical"),
    "text": str,
    "fix": maybe(str),
    "evidence": [str],
}
_PUBLIC_KEY = {
    "type": one_of("RSA|EC|Ed25519|Ed448|DSA|other"),
    "bits": int,
    "curve": maybe(str),
    "exponent": maybe(int),
}
CERTIFICATE = {
    "path": maybe(str),
    "public_key": _PUBLIC_KEY,
    "basic_constraints": maybe({"ca": bool, "path_length": maybe(int)}),
    "aia": {"ocsp": [str], "ca_issuers": [str]},
    "scts": [{"log_id": str, "timestamp": time}],
    "days_left": NUMBER,
    "self_signed": bool,
    "problems": [{"code": str, "text": str}],
    **keys("position version", int),
    **keys("serial signature_algorithm signature_hash issuer subject ski aki", str),
    **keys("sha256 sha1 spki_sha256", str),
    **keys("not_before not_after", time),
    **keys("san key_usage extended_key_usage crl_distribution_points policies", [str]),
}
_VERDICTS = "ok|refused|unreachable|timeout|unresolved|closed|not-tls|tls-alert|negotiation-failed|failed"
PROBE = {
    "target": str,
    "verdict": one_of(_VERDICTS),
    "depth": one_of("certificate|handshake"),
    "messages": [str],
    "client_certificate_requested": bool,
    "client_ca_names": [str],
    "chain": [CERTIFICATE],
    "trusted": maybe(bool),
    "problems": [{"code": str, "text": str}],
    **keys("connect_ms first_byte_ms flight_ms handshake_ms", maybe(NUMBER)),
    **keys("address detail tls_version cipher group alpn", maybe(str)),
}
CLIENT = {
    "peer": str,
    "last_seen": maybe(time),
    "last_reason": maybe(str),
    **keys("connections failed", int),
}
SERVICE = {
    "line": int,
    "role": one_of("server|client"),
    "health": one_of("ok|warning|critical|unknown"),
    "state": one_of("down|critical|warning|ok|unknown|not-probed|off"),
    "probe": one_of("handshake|certificate|listen|off"),
    "sessions": maybe(int),
    "handshake": maybe(PROBE),
    "certificate": maybe(CERTIFICATE),
    "days_left": maybe(NUMBER),
    "findings": [FINDING],
    "clients": [CLIENT],
    **keys("id instance name config", str),
    **keys("accept connect", [str]),
    **keys("protocol sni exec", maybe(str)),
    **keys("since checked_at", maybe(time)),
    **keys("listen tls target", one_of("ok|failed|unknown|skipped")),
}
INSTANCE = {
    "config": str,
    "pid": maybe(int),
    "running": bool,
    "clients": {"now": maybe(int), "limit": maybe(int)},
    "findings": [FINDING],
    "diff": maybe([str]),
    **keys("version unit", maybe(str)),
    **keys("started_at loaded_at", maybe(time)),
}
STATUS = {
    "taken_at": time,
    "host": str,
    "summary": keys("services ok warning critical unknown", int),
    "instances": [INSTANCE],
    "services": [SERVICE],
    "certificates": [CERTIFICATE | {"used_by": [str], "served": bool}],
}
