"""The command that shows a certificate without us: `openssl` on the file, or on who serves it.

Rule: whatever a stranger has called something, the line is one command: every argument is quoted for a shell.
"""

import shlex

from tuimon.model.tunnel import Tunnel
from tuimon.store import CertificateUse, Row

_STARTTLS = {
    "smtp": "smtp",
    "imap": "imap",
    "pop3": "pop3",
    "pgsql": "postgres",
    "nntp": "nntp",
    "ldap": "ldap",
}
"""stunnel's protocols in the words of openssl-s_client(1)."""


def command(use: CertificateUse, rows: list[Row]) -> str:
    """For a file `openssl x509`, for what is only served `openssl s_client`, ready to be pasted."""
    if use.paths:
        return shlex.join(
            ["openssl", "x509", "-in", use.paths[0], "-noout", "-text", "-fingerprint", "-sha256"]
        )
    for row in rows:
        chain = row.tunnel.handshake.chain if row.tunnel.handshake else ()
        if any(each.sha256 == use.certificate.sha256 for each in chain):
            return f"{shlex.join(_client(row.tunnel))} </dev/null"
    return ""


def _client(tunnel: Tunnel) -> list[str]:
    plan, handshake = tunnel.plan, tunnel.handshake
    argv = ["openssl", "s_client", "-connect", handshake.target if handshake else "", "-showcerts"]
    argv += ["-servername", plan.server_name] if plan.server_name else ["-noservername"]
    starttls = _STARTTLS.get(plan.protocol)
    return [*argv, "-starttls", starttls] if starttls else argv
