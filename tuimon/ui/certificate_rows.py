"""The rows of certificates: their columns, how each looks and sorts, and what a filter looks for in one.

Rule: what there is to do about a certificate is said in the same words and colours wherever it is said.
"""

from rich.text import Text

from tuimon.model.certificate import Certificate
from tuimon.settings import Settings
from tuimon.store import CertificateUse
from tuimon.store.rows import CRITICAL, Todo, todo, urgency
from tuimon.ui.palette import Palette
from tuimon.ui.render import bar, days
from tuimon.ui.widgets.table import Column

COLUMNS = (
    Column("do", "TO DO", 6, keep=100),
    Column("left", "LEFT", 6, align="right", keep=100),
    Column("life", "LIFETIME", 10, keep=9),
    Column("name", "CERTIFICATE", 22, keep=100),
    Column("kind", "KIND", 6, keep=8),
    Column("used", "USED BY", 20, grow=1, min_width=14, keep=100),
    Column("ends", "NOT AFTER", 10, keep=7),
    Column("issuer", "ISSUER", 26, keep=3),
    Column("serial", "SERIAL", 20, keep=2),
    Column("key", "KEY", 12, keep=2),
)

_FEW = 3  # users that are named without being counted


def cells(use: CertificateUse, now: float, settings: Settings, palette: Palette) -> dict[str, Text]:
    """By column id."""
    certificate, wanted = use.certificate, todo(use, now, settings)
    left = certificate.seconds_left(now)
    urgent = 0 if use.spare else urgency(use, now, settings)
    style = (palette.critical if urgent >= CRITICAL else palette.warning) if urgent else ""
    share = left / certificate.lifetime if certificate.lifetime > 0 else 0.0
    return {
        "do": Text(wanted.word, todo_style(wanted, palette)),
        "left": Text(palette.draw(days(left)), style),
        "life": bar(share, 10, style or palette.ok, palette),
        "name": Text(certificate.title),
        "kind": Text(kind(use), palette.muted),
        "used": Text(_users(use)),
        "ends": Text(f"{certificate.not_after:%Y-%m-%d}", style),
        "issuer": Text(certificate.issuer, palette.muted),
        "serial": Text(certificate.serial, palette.muted),
        "key": Text(_key(certificate), palette.muted),
    }


def _users(use: CertificateUse) -> str:
    """Who uses it; of many first how many they are."""
    names = ", ".join(use.used_by)
    return f"{len(use.used_by)}: {names}" if len(use.used_by) > _FEW else names


def _key(certificate: Certificate) -> str:
    """Its public key: `RSA 2048`, `EC secp256r1`."""
    key = certificate.public_key
    return " ".join(str(each) for each in (key.type, key.curve or key.bits) if each)


def kind(use: CertificateUse) -> str:
    """What it is for, in one word."""
    if use.certificate.ca or "ca" in use.roles:
        return "ca"
    return next((role for role in ("own", "client", "served") if role in use.roles), "chain")


def todo_style(wanted: Todo, palette: Palette) -> str:
    """The colour of what there is to do."""
    return {Todo.RENEW: palette.critical, Todo.NOTHING: palette.ok}.get(wanted, palette.warning)


def todo_words(use: CertificateUse, wanted: Todo) -> str:
    """What there is to do about a certificate, in a line; nothing where nothing is."""
    who = _users(use)
    return {
        Todo.RENEW: f"→ renew it, then reload {who}",
        Todo.RELOAD: f"→ renewed on disk: reload {who}",
        Todo.LOOK: f"→ not ours to renew: ask its owner; {who} depends on it",
        Todo.NOTHING: "nobody here needs it" if use.spare else "",
    }[wanted]


SORTS = {
    "left": lambda use: use.certificate.not_after,
    "name": lambda use: use.certificate.title.lower(),
    "kind": kind,
    "used": lambda use: (-len(use.users), ",".join(use.used_by)),
    "ends": lambda use: use.certificate.not_after,
    "issuer": lambda use: use.certificate.issuer,
}


def words(use: CertificateUse) -> str:
    """What a filter looks for in a row."""
    one = use.certificate
    names = (one.subject, one.issuer, *one.san, *use.used_by, *use.paths)
    return " ".join((*names, kind(use), one.serial, one.sha256))
