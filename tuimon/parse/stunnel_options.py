"""The options of stunnel(8): canonical name, scope, repetition, kind of value, since when, secret or not.

Rule: one row an option.  An option whose values changed with a release has one row for each form.
"""

import difflib
from enum import StrEnum
from functools import cache
from typing import NamedTuple

from tuimon.parse import stunnel_values as kinds
from tuimon.parse.stunnel_values import ANYTHING, YES_NO, Kind, number, words
from tuimon.text import printable

Version = tuple[int, int]
"""A release of stunnel, e.g. (5, 68)."""

OLDEST: Version = (0, 0)


class Scope(StrEnum):
    """Where an option may stand: before the first section only, or there (as a default) and in sections."""

    GLOBAL = "global"
    SERVICE = "service"


class Repeat(StrEnum):
    """What a second line of the same option does: replace, add to a list, or add bits to a set."""

    LAST = "last"
    APPEND = "append"
    OR = "or"


class Option(NamedTuple):
    """One option.  `default_kind` judges the value before the first section where that differs;
    `since` is the release that brought this form of the option, `OLDEST` for those of 4.0 and before;
    `until` the last one that had it, None for those that are still there."""

    name: str
    kind: Kind = ANYTHING
    scope: Scope = Scope.SERVICE
    repeat: Repeat = Repeat.LAST
    since: Version = OLDEST
    until: Version | None = None
    secret: bool = False
    aliases: tuple[str, ...] = ()
    default_kind: Kind | None = None


def _plain(
    names: str, kind: Kind = ANYTHING, scope: Scope = Scope.SERVICE, since: Version = OLDEST
) -> list[Option]:
    """Rows for options that differ in nothing but their names."""
    return [Option(name, kind, scope, since=since) for name in names.split()]


def _lists(names: str, since: Version = OLDEST) -> list[Option]:
    return [Option(name, repeat=Repeat.APPEND, since=since) for name in names.split()]


def _seconds(word: str) -> Kind:
    return number(f"Illegal {word} timeout", unit="seconds")


_GLOBALS = [
    *_plain("chroot EGD output pid RNDfile", scope=Scope.GLOBAL),
    *_plain("RNDoverwrite", YES_NO, Scope.GLOBAL),
    *_plain("fips", YES_NO, Scope.GLOBAL, (4, 21)),
    *_plain("syslog", YES_NO, Scope.GLOBAL, (4, 22)),
    Option(
        "compression",
        words("Specified compression type is not available", "deflate", "zlib"),
        Scope.GLOBAL,
        since=(4, 6),
    ),
    Option("engine", scope=Scope.GLOBAL, repeat=Repeat.APPEND, since=(4, 6)),
    Option("engineCtrl", scope=Scope.GLOBAL, repeat=Repeat.APPEND, since=(4, 15), secret=True),
    Option("engineDefault", scope=Scope.GLOBAL, repeat=Repeat.APPEND, since=(5, 0)),
    Option("foreground", YES_NO, Scope.GLOBAL),
    Option(
        "foreground",
        words("The argument needs to be either 'yes', 'quiet' or 'no'", "yes", "quiet", "no"),
        Scope.GLOBAL,
        since=(5, 25),
    ),
    Option(
        "log",
        words("The argument needs to be either 'append' or 'overwrite'", "append", "overwrite"),
        Scope.GLOBAL,
        since=(5, 0),
    ),
    Option(
        "RNDbytes",
        number("Illegal number of bytes to read from random seed files", unit="bytes"),
        Scope.GLOBAL,
    ),
    Option("provider", scope=Scope.GLOBAL, repeat=Repeat.APPEND, since=(5, 75)),
    Option("providerParameter", scope=Scope.GLOBAL, repeat=Repeat.APPEND, since=(5, 75), secret=True),
    Option("setEnv", scope=Scope.GLOBAL, repeat=Repeat.APPEND, since=(5, 75), secret=True),
]

_SERVICE = [
    *_lists("accept connect"),
    *_lists("redirect", (5, 0)),
    *_lists("checkEmail checkHost checkIP", (5, 15)),
    *_plain("CAfile CApath cert ciphers exec execArgs ident key local protocol service setgid setuid"),
    *_plain("CRLfile CRLpath", since=(4, 5)),
    *_plain("protocolHost", since=(4, 15)),
    *_plain("protocolAuthentication protocolUsername", since=(4, 19)),
    *_plain("protocolDomain", since=(5, 24)),
    *_plain("PSKidentity PSKsecrets", since=(5, 9)),
    *_plain("sessiond", since=(4, 28)),
    *_plain("sni", since=(4, 38)),
    *_plain("include", since=(5, 18)),
    *_plain("engineId", since=(5, 0)),
    *_plain("client delay pty", YES_NO),
    *_plain("retry", YES_NO, since=(4, 19)),
    *_plain("libwrap", YES_NO, since=(4, 32)),
    *_plain("renegotiation reset", YES_NO, since=(4, 54)),
    *_plain("OCSPaia", YES_NO, since=(5, 10)),
    *_plain("verifyChain verifyPeer", YES_NO, since=(5, 34)),
    *_plain("sslVersion", kinds.VERSION, since=(4, 16)),
    Option("CAengine", repeat=Repeat.APPEND, since=(5, 68)),
    Option("CAstore", since=(5, 75)),
    Option("ciphersuites", since=(5, 51)),
    Option("config", repeat=Repeat.APPEND, since=(5, 25)),
    Option("curve", since=(4, 34), until=(5, 50)),
    Option("curves", since=(5, 51), aliases=("curve",)),
    Option("debug", kinds.LEVEL, default_kind=kinds.FACILITY_LEVEL),
    Option("engineNum", number("Illegal engine number"), since=(4, 16)),
    Option("failover", words("The argument needs to be either 'rr' or 'prio'", "rr", "prio"), since=(4, 27)),
    Option(
        "logId",
        words("Invalid connection identifier type", "sequential", "unique", "thread", "process"),
        since=(5, 12),
    ),
    Option("OCSP", since=(4, 16)),
    Option("OCSPflag", kinds.OCSP_FLAG, repeat=Repeat.OR, since=(4, 19)),
    Option("OCSPnonce", YES_NO, since=(5, 23)),
    Option("OCSPrequire", YES_NO, since=(5, 71)),
    Option("options", kinds.TLS_OPTION, repeat=Repeat.OR, since=(4, 4)),
    Option("protocolCredentials", since=(4, 15), until=(4, 18), secret=True),
    Option("protocolHeader", repeat=Repeat.APPEND, since=(5, 58), secret=True),
    Option("protocolPassword", since=(4, 19), secret=True),
    Option("requireCert", YES_NO, since=(5, 34)),
    Option("retry", kinds.RETRY_DELAY, since=(5, 70)),
    Option("securityLevel", number("Illegal security level", 0, 5), since=(5, 57)),
    Option("session", number("Illegal session timeout"), until=(4, 53)),
    Option("sessionCacheSize", number("Illegal session cache size"), since=(4, 54)),
    Option(
        "sessionCacheTimeout",
        number("Illegal session cache timeout"),
        since=(4, 54),
        aliases=("session",),
    ),
    Option("sessionResume", YES_NO, since=(5, 60)),
    # Each name of the socket keeps its own value, so every line counts.
    Option("socket", kinds.SOCKET_OPTION, repeat=Repeat.OR),
    Option("sslVersionMax", kinds.VERSION, since=(5, 50)),
    Option("sslVersionMin", kinds.VERSION, since=(5, 50)),
    Option("stack", number("Illegal thread stack size", unit="bytes"), since=(4, 22)),
    Option("ticketKeySecret", kinds.ticket_secret("ticketKeySecret"), since=(5, 54), secret=True),
    Option("ticketMacSecret", kinds.ticket_secret("ticketMacSecret"), since=(5, 54), secret=True),
    Option("TIMEOUTbusy", _seconds("busy")),
    Option("TIMEOUTclose", _seconds("close")),
    Option("TIMEOUTconnect", _seconds("connect"), since=(4, 6)),
    Option("TIMEOUTidle", _seconds("idle")),
    Option("TIMEOUTocsp", number("Illegal OCSP connect timeout", unit="seconds"), since=(5, 71)),
    Option("transparent", kinds.TRANSPARENT),
    Option("verify", number("Bad verify level", 0, 4)),
]

OPTIONS: tuple[Option, ...] = (*_GLOBALS, *_SERVICE)
"""Every option of stunnel on Unix up to 5.75."""

WINDOWS_ONLY = frozenset(("iconactive", "iconerror", "iconidle", "taskbar"))

SECRETS = tuple(dict.fromkeys(option.name for option in OPTIONS if option.secret))
"""Names of the options whose values must never be shown."""


def _by_name() -> dict[str, list[Option]]:
    """Every spelling in lower case to the forms of its option, oldest first."""
    forms: dict[str, list[Option]] = {}
    for option in sorted(OPTIONS, key=lambda row: row.since):
        for name in (option.name, *option.aliases):
            forms.setdefault(name.lower(), []).append(option)
    return forms


_BY_NAME = _by_name()


_SECRET = frozenset(name for name, forms in _BY_NAME.items() if forms[-1].secret)


@cache  # of as many releases as there are, and asked for each line of a configuration
def _forms(version: Version | None) -> dict[str, Option]:
    """Every spelling in lower case that has a form in that release, with the newest one."""
    rows = ((name, row) for name, forms in _BY_NAME.items() for row in forms)
    return {name: row for name, row in rows if version is None or _has(version, row)}


def find(name: str, version: Version | None = None) -> Option | None:
    """The option that `name` (any case, or an alias) means in release `version`; None if there is none.

    Without a version the newest form is returned.
    """
    return _forms(version).get(kinds.lower(name))


def _has(version: Version, row: Option) -> bool:
    return row.since <= version and (row.until is None or version <= row.until)


def is_secret(option: str) -> bool:
    """Whether the value of `option` must never be shown, logged or exported."""
    return kinds.lower(option) in _SECRET


def unknown(name: str, version: Version) -> str:
    """Why stunnel does not know the option `name` where it stands, in words and with what to do."""
    row = find(name)
    shown = printable(name, 40)
    if row and row.since > version:
        return f"`{row.name}` exists since stunnel {row.since[0]}.{row.since[1]:02} only: remove the line"
    if row and row.until and row.until < version:
        return f"`{row.name}` is gone since stunnel {row.until[0]}.{row.until[1] + 1:02}: remove the line"
    if row and row.scope is Scope.GLOBAL:
        return f"`{row.name}` is a global option: move the line above the first [section]"
    if kinds.lower(name) in WINDOWS_ONLY:
        return f"`{shown}` exists on Windows only: remove the line"
    near = difflib.get_close_matches(kinds.lower(shown), _BY_NAME, n=1)
    hint = f": is `{_BY_NAME[near[0]][-1].name}` meant?" if near else ": remove the line or correct its name"
    return f"stunnel has no option `{shown}`{hint}"
