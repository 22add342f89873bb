"""What only OpenSSL can judge of a section: cipher lists, groups, protocol versions, its own commands.

Rule: the system's `openssl` is asked exactly what stunnel asks of its library; a command for which that
cannot be done is reported as not judged.
"""

from tuimon.lint.credentials import Doubt, Judgement, failed
from tuimon.lint.machine import Machine
from tuimon.parse.stunnel_section import Section

_NOBODY = "there is no openssl command to ask"
_VERSIONS = {"sslv3": "SSLv3", "tlsv1": "TLSv1", "tlsv1.1": "TLSv1.1", "tlsv1.2": "TLSv1.2"}

# Commands of SSL_CONF_cmd(3) in files, and the option of s_client that does the same.
_ASKABLE = {
    "cipherstring": "-cipher",
    "ciphersuites": "-ciphersuites",
    "clientsignaturealgorithms": "-client_sigalgs",
    "curves": "-curves",
    "groups": "-groups",
    "maxprotocol": "-max_protocol",
    "minprotocol": "-min_protocol",
    "signaturealgorithms": "-sigalgs",
}
_KNOWN = frozenset(
    [
        "certificate",
        "chaincafile",
        "chaincapath",
        "chaincastore",
        "clientcafile",
        "clientcapath",
        "clientcastore",
        "dhparameters",
        "ecdhparameters",
        "numtickets",
        "options",
        "privatekey",
        "protocol",
        "recordpadding",
        "requestcafile",
        "requestcapath",
        "requestcastore",
        "rxcertificatecompression",
        "serverinfofile",
        "txcertificatecompression",
        "verifycafile",
        "verifycapath",
        "verifycastore",
        "verifymode",
    ]
)


async def versions(machine: Machine, section: Section) -> Judgement:
    """`sslVersion` and its bounds, against what the library was built with."""
    for option, flags in (
        ("sslVersion", ("-min_protocol", "-max_protocol")),
        ("sslVersionMin", ("-min_protocol",)),
        ("sslVersionMax", ("-max_protocol",)),
    ):
        name = _VERSIONS.get(section.text(option).lower())
        for flag in flags if name else ():
            reason = await machine.context(flag, str(name))
            if reason is None:
                return Doubt(option, _NOBODY)
            if reason:
                meaning = f"OpenSSL does not take {name} for a bound: {reason}"
                return failed(option, "version-refused", meaning)
    return None


async def ciphers(machine: Machine, section: Section) -> Judgement:
    """`ciphers`, for TLS 1.2 and before."""
    if "ciphers" not in section.values:
        return None
    reason = await machine.openssl("ciphers", "--", section.exact("ciphers"))
    return _said("ciphers", "cipher-refused", reason, "OpenSSL finds no cipher in this list")


async def ciphersuites(machine: Machine, section: Section) -> Judgement:
    """`ciphersuites`, for TLS 1.3."""
    if "ciphersuites" not in section.values:
        return None
    asked = ("ciphers", "-ciphersuites", section.exact("ciphersuites"), "HIGH")
    meaning = "OpenSSL does not take this list of TLS 1.3 ciphersuites"
    return _said("ciphersuites", "cipher-refused", await machine.openssl(*asked), meaning)


async def curves(machine: Machine, section: Section) -> Judgement:
    """`curves`: groups for the key agreement."""
    option = next((name for name in ("curves", "curve") if name in section.values), "")
    if not option:
        return None
    reason = await machine.context("-curves", section.exact(option))
    return _said(option, "curve-refused", reason, "OpenSSL does not take this list of groups")


async def commands(machine: Machine, section: Section) -> Judgement:
    """`config` lines, one after the other; the first that is refused ends them."""
    doubt: Doubt | None = None
    for value in section.values.get("config", ()):
        name, colon, parameter = value.exact.partition(":")
        flag = _ASKABLE.get(name.lower())
        if not flag and name.lower() not in _KNOWN:
            return failed("config", "config-refused", f"OpenSSL has no command `{name}`")
        if not colon:
            return failed("config", "config-refused", f"the command `{name}` needs a parameter after a colon")
        reason = await machine.context(flag, parameter) if flag else None
        if reason:
            return failed("config", "config-refused", f"OpenSSL refuses `{value.shown}`: {reason}")
        if reason is None:
            doubt = doubt or Doubt("config", f"the OpenSSL command `{name}` is not tried")
    return doubt


def _said(option: str, code: str, reason: str | None, meaning: str) -> Judgement:
    if reason is None:
        return Doubt(option, _NOBODY)
    return failed(option, code, f"{meaning}: {reason}") if reason else None
