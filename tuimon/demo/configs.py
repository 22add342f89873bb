"""The demo's stunnel configurations, as an operator would have written them.

Rule: the text below is the whole truth about the fleet; which ports are needed and which file binds
which of them is read off it, and nothing about the services is told to the screen by another road.

In the text `{accept[NAME]}` is the port on which service NAME is accepted, `{target[NAME]}` the port
of its back end; all are on 127.0.0.1.
"""

import re
from pathlib import Path

from msgspec import Struct

_HEADER = """\
; {name}.conf - part of the throwaway fleet of `tuimon demo`
foreground = quiet
syslog = no
pid =
debug = info
output = {folder}/log/{name}.log

"""

_GATEWAY = """\
[web]
accept = 127.0.0.1:{accept[web]}
connect = 127.0.0.1:{target[web]}
cert = {folder}/pki/web.pem
key = {folder}/pki/web.key

; partners come with a certificate of their own
[api]
accept = 127.0.0.1:{accept[api]}
connect = 127.0.0.1:{target[api]}
cert = {folder}/pki/api.pem
key = {folder}/pki/api.key
CAfile = {folder}/pki/ca.pem
verifyChain = yes

[shop]
accept = 127.0.0.1:{accept[shop]}
connect = 127.0.0.1:{target[shop]}
cert = {folder}/pki/shop.pem
key = {folder}/pki/shop.key

[shop-eu]
sni = shop:*.eu.example
connect = 127.0.0.1:{target[shop-eu]}
cert = {folder}/pki/shop-eu.pem
key = {folder}/pki/shop-eu.key

[mail]
accept = 127.0.0.1:{accept[mail]}
connect = 127.0.0.1:{target[mail]}
protocol = smtp
cert = {folder}/pki/mail.pem
key = {folder}/pki/mail.key

; no certificates here, only a pre-shared key
[psk-link]
accept = 127.0.0.1:{accept[psk-link]}
connect = 127.0.0.1:{target[psk-link]}
ciphers = PSK
PSKsecrets = {folder}/pki/psk.txt

[billing]
accept = 127.0.0.1:{accept[billing]}
connect = 127.0.0.1:{target[billing]}
cert = {folder}/pki/billing.pem
key = {folder}/pki/billing.key

[ldap]
accept = 127.0.0.1:{accept[ldap]}
connect = 127.0.0.1:{target[ldap]}
cert = {folder}/pki/ldap.pem
key = {folder}/pki/ldap.key

[pgsql-eu]
accept = 127.0.0.1:{accept[pgsql-eu]}
connect = 127.0.0.1:{target[pgsql-eu]}
cert = {folder}/pki/pgsql-eu.pem
key = {folder}/pki/pgsql-eu.key

[notice]
accept = 127.0.0.1:{accept[notice]}
exec = /bin/cat
execArgs = cat {folder}/www/notice.txt
cert = {folder}/pki/notice.pem
key = {folder}/pki/notice.key
"""

_EDI = """\
[edi-in]
accept = 127.0.0.1:{accept[edi-in]}
connect = 127.0.0.1:{target[edi-in]}
cert = {folder}/pki/edi-in.pem
key = {folder}/pki/edi-in.key

[as2]
accept = 127.0.0.1:{accept[as2]}
connect = 127.0.0.1:{target[as2]}
cert = {folder}/pki/as2.pem
key = {folder}/pki/as2.key
"""

_CACHE = """\
[cache]
accept = 127.0.0.1:{accept[cache]}
connect = 127.0.0.1:{target[cache]}
cert = {folder}/pki/cache.pem
key = {folder}/pki/cache.key
"""

_BRANCH = """\
client = yes
; this branch office has an address of its own
local = 127.0.0.7

[redis]
accept = 127.0.0.1:{accept[redis]}
connect = 127.0.0.1:{accept[cache]}
sni = cache.corp.example
CAfile = {folder}/pki/ca.pem
verifyChain = yes
checkHost = cache.corp.example

[api-out]
accept = 127.0.0.1:{accept[api-out]}
connect = 127.0.0.1:{accept[api]}
sni = api.corp.example
cert = {folder}/pki/branch-07.pem
key = {folder}/pki/branch-07.key
CAfile = {folder}/pki/ca.pem
verifyChain = yes
checkHost = api.corp.example

[smtp-out]
accept = 127.0.0.1:{accept[smtp-out]}
connect = 127.0.0.1:{accept[mail]}
protocol = smtp
sni = mail.corp.example
CAfile = {folder}/pki/ca.pem
verifyChain = yes
checkHost = mail.corp.example

[psk-out]
accept = 127.0.0.1:{accept[psk-out]}
connect = 127.0.0.1:{accept[psk-link]}
PSKsecrets = {folder}/pki/psk.txt
PSKidentity = branch-07

[erp]
accept = 127.0.0.1:{accept[erp]}
connect = 127.0.0.1:{accept[as2]}
sni = as2.corp.example
CAfile = {folder}/pki/old-ca.pem
verifyChain = yes
checkHost = as2.corp.example
"""

_LEGACY = """\
[testserver] // the example from the blog, port changed
accept = 127.0.0.1:{accept[testserver]}
connect = 127.0.0.1:{target[testserver]}
cert = {folder}/pki/web.pem
key = {folder}/pki/web.key
"""

_NIGHT = """\
[backup]
accept = 127.0.0.1:{accept[backup]}
connect = 127.0.0.1:{target[backup]}
cert = {folder}/pki/backup.pem
key = {folder}/pki/backup.key
"""

_TEXTS = {
    "gateway": _GATEWAY,
    "edi": _EDI,
    "cache": _CACHE,
    "branch": _BRANCH,
    "legacy": _LEGACY,
    "night": _NIGHT,
}

RUNNING = ("gateway", "edi", "cache", "branch")
"""Files whose stunnel is started and stays."""

REFUSED = "legacy"
"""The file that is started like the others and that stunnel refuses."""

DOWN = ("pgsql-eu",)
"""Services whose back end does not listen."""

NOTICE = "Planned work on Sunday from 02:00 to 04:00 UTC: the shop will be read-only.\n"
"""What the exec service `notice` prints."""


class Ports(Struct, frozen=True):
    """The fleet's ports on 127.0.0.1: service name to accept port, service name to back end's port."""

    accept: dict[str, int]
    target: dict[str, int]


def wanted(kind: str) -> tuple[str, ...]:
    """Names of the services that need a port of `kind` ("accept" or "target"), in order of the files."""
    found = re.findall(rf"{{{kind}\[([^]]+)\]}}", "".join(_TEXTS.values()))
    return tuple(dict.fromkeys(found))


def bound_by(name: str) -> tuple[str, ...]:
    """Names of the services on whose accept ports the stunnel of file `name` listens."""
    return tuple(re.findall(r"^accept = .*{accept\[([^]]+)\]}$", _TEXTS[name], re.MULTILINE))


def write_configs(folder: Path, ports: Ports) -> None:
    """Write all `NAME.conf` and what they name, but the certificates, into `folder`.  Raises OSError."""
    (folder / "log").mkdir(exist_ok=True)
    (folder / "www").mkdir(exist_ok=True)
    (folder / "www/notice.txt").write_text(NOTICE)
    for name, text in _TEXTS.items():
        filled = (_HEADER + text).format(name=name, folder=folder, accept=ports.accept, target=ports.target)
        (folder / f"{name}.conf").write_text(filled)
