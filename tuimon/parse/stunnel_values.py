"""What stunnel accepts as the value of an option: one `Kind` for each sort of value.

Rule: only what the text decides.  Whether a file exists, a name resolves or OpenSSL likes a cipher
list is not judged here.  Reasons are stunnel's own words.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

_INTEGER = re.compile(r"[ \t\n\v\f\r]*([+-]?[0-9]+)")
_LONG_MAX = 2**63 - 1


class Kind(NamedTuple):
    """A sort of value: `refuse` returns stunnel's reason against a value, or an empty string; `wants`
    says in words what is accepted (`takes …`)."""

    refuse: Callable[[str], str]
    wants: str


def lower(text: str) -> str:
    """ASCII lower case only: stunnel compares bytes, and no other letter may turn into an ASCII one."""
    return text.lower() if text.isascii() else text


def c_int(text: str) -> int | None:
    """The C `int` that stunnel makes of `text`, with overflow as it happens there, or None."""
    match = _INTEGER.fullmatch(text)
    if not match:
        return None
    digits = match[1]
    # Twenty characters exceed any long; Python refuses to convert thousands of digits.
    number = int(digits) if len(digits.lstrip("+-0")) < 20 else _LONG_MAX + 1
    if digits.startswith("-"):
        number = max(-abs(number), -_LONG_MAX - 1)
    return (min(number, _LONG_MAX) + 2**31) % 2**32 - 2**31


def words(reason: str, *allowed: str) -> Kind:
    """One of a few keywords, in any case."""
    known = frozenset(map(lower, allowed))
    wants = " or ".join(filter(None, (", ".join(allowed[:-1]), allowed[-1])))
    return Kind(lambda text: "" if lower(text) in known else reason, wants)


def number(reason: str, low: int = -(2**31), high: int = 2**31 - 1, unit: str = "") -> Kind:
    """A whole number of base 10 and nothing after it."""

    def refuse(text: str) -> str:
        value = c_int(text)
        return "" if value is not None and low <= value <= high else reason

    limits = f" from {low} to {high}" if low > -(2**31) else ""
    return Kind(refuse, f"a whole number{limits}{f' of {unit}' if unit else ''} and nothing after it")


def _refuse_level(text: str) -> str:
    return "" if text in set("01234567") or lower(text) in _LEVELS else "Illegal debug level"


def _refuse_facility_level(text: str) -> str:
    if "." not in text:
        return _refuse_level(text)
    parts = [part for part in text.split(".") if part]
    if not parts or lower(parts[0]) not in _FACILITIES:
        return "Illegal syslog facility"
    return _refuse_level(parts[1] if len(parts) > 1 else "")


def _refuse_tls_option(text: str) -> str:
    return "" if lower(text.removeprefix("-")) in _TLS_OPTIONS else "Illegal TLS option"


def _refuse_socket_option(text: str) -> str:
    """`a|l|r:NAME=VALUE`; names are case-sensitive, and an empty number counts as 0."""
    match = re.fullmatch(r"[alr]:([A-Z0-9_]+)=(.*)", text, re.DOTALL)
    shape = _SOCKET_OPTIONS.get(match[1], "") if match else ""
    value = match[2] if match else ""
    good = {
        "": False,
        "flag": lower(value) in {"yes", "no", "1", "0"},
        "int": not value or c_int(value) is not None,
        "pair": all(not part or c_int(part) is not None for part in value.split(":", 1)),
        "name": len(value.encode()) < 16,
    }[shape]
    return "" if good else "Illegal socket option"


def _refuse_ticket_secret(option: str) -> Callable[[str], str]:
    def refuse(text: str) -> str:
        # OpenSSL takes colons between the bytes, not inside one.
        pairs = re.fullmatch(r"(?::*[0-9A-Fa-f]{2})*:*", text)
        return "" if pairs and len(text.replace(":", "")) in {32, 64} else f"Failed to read {option}"

    return refuse


def ticket_secret(option: str) -> Kind:
    """16 or 32 bytes in hexadecimal."""
    return Kind(_refuse_ticket_secret(option), "16 or 32 bytes in hexadecimal")


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_LEVELS = frozenset(_names("emerg alert crit err warning notice info debug"))
_FACILITIES = frozenset(
    _names("auth authpriv cron daemon ftp kern lpr mail news ntp syslog user uucp")
    + tuple(f"local{digit}" for digit in range(8))
)
# SSL_OP_ names of OpenSSL 3.0, as `stunnel -options` lists them; any case.
_TLS_OPTIONS = frozenset(
    _names("""
        all allow_client_renegotiation allow_no_dhe_kex allow_unsafe_legacy_renegotiation
        cipher_server_preference cisco_anyconnect cleanse_plaintext cookie_exchange cryptopro_tlsext_bug
        disable_tlsext_ca_names dont_insert_empty_fragments enable_ktls enable_middlebox_compat ephemeral_rsa
        ignore_unexpected_eof legacy_server_connect microsoft_big_sslv3_buffer microsoft_sess_id_bug
        msie_sslv2_rsa_padding netscape_ca_dn_bug netscape_challenge_bug netscape_demo_cipher_change_bug
        netscape_reuse_cipher_change_bug no_anti_replay no_compression no_dtls_mask no_dtlsv1 no_dtlsv1_2
        no_encrypt_then_mac no_extended_master_secret no_query_mtu no_renegotiation
        no_session_resumption_on_renegotiation no_ssl_mask no_sslv2 no_sslv3 no_ticket no_tlsv1 no_tlsv1_1
        no_tlsv1_2 no_tlsv1_3 pkcs1_check_1 pkcs1_check_2 prioritize_chacha safari_ecdhe_ecdsa_bug
        single_dh_use single_ecdh_use ssleay_080_client_dh_bug sslref2_reuse_cert_type_bug
        tls_block_padding_bug tls_d5_bug tlsext_padding tls_rollback_bug
    """)
)
# Socket options of Linux, as `stunnel -sockets` lists them, each with the shape of its value.
_SOCKET_OPTIONS = {
    **dict.fromkeys(_names("SO_DEBUG SO_DONTROUTE SO_KEEPALIVE SO_OOBINLINE SO_REUSEADDR"), "flag"),
    **dict.fromkeys(_names("TCP_NODELAY IP_FREEBIND IPV6_V6ONLY"), "flag"),
    **dict.fromkeys(_names("SO_RCVBUF SO_SNDBUF SO_RCVLOWAT SO_SNDLOWAT IP_TOS IP_TTL"), "int"),
    **dict.fromkeys(_names("TCP_KEEPCNT TCP_KEEPIDLE TCP_KEEPINTVL"), "int"),
    **dict.fromkeys(_names("SO_LINGER SO_RCVTIMEO SO_SNDTIMEO"), "pair"),
    "SO_BINDTODEVICE": "name",
}

TLS_VERSIONS = {
    name: rank for rank, name in enumerate(("all", "sslv3", "tlsv1", "tlsv1.1", "tlsv1.2", "tlsv1.3"))
}
"""Names of `sslVersion` in lower case, oldest first; 0 is no limit."""

ANYTHING = Kind(lambda _: "", "anything")
YES_NO = words("The argument needs to be either 'yes' or 'no'", "yes", "no")
VERSION = words("Invalid protocol version", "all", "SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")
LEVEL = Kind(_refuse_level, "a level from 0 to 7, or emerg … debug, without a facility")
FACILITY_LEVEL = Kind(_refuse_facility_level, "a level from 0 to 7, or emerg … debug, or facility.level")
TLS_OPTION = Kind(_refuse_tls_option, "one option of `stunnel -options`, with `-` before it to clear it")
SOCKET_OPTION = Kind(_refuse_socket_option, "a|l|r:OPTION=VALUE with an option of `stunnel -sockets`")
OCSP_FLAG = words(
    "Illegal OCSP flag",
    *_names("NOCERTS NOINTERN NOSIGS NOCHAIN NOVERIFY NOEXPLICIT NOCASIGN NODELEGATED NOCHECKS"),
    *_names("TRUSTOTHER RESPID_KEY NOTIME"),
)
TRANSPARENT = words(
    "Selected transparent proxy mode is not available",
    *("none", "source", "destination", "both", "yes", "no"),
)
_DELAY = number("Illegal retry delay", low=0, unit="milliseconds")
RETRY_DELAY = Kind(
    lambda text: "" if not YES_NO.refuse(text) else _DELAY.refuse(text),
    "yes, no or a delay in milliseconds",
)
