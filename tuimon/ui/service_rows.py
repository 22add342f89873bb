"""The rows of services: their columns, how each looks, how they sort, and what a filter looks for in one.

Rule: a row is made anew where it is another one, or says how long ago something was; and its cells when
somebody sees it: of a thousand rows forty are seen.
"""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import NamedTuple

from rich.text import Text

from tuimon.diagnose.finding import State, label
from tuimon.model.service import Service, ServiceKey
from tuimon.store import Past, Row, Store
from tuimon.store.rows import worst_first
from tuimon.ui import past_words
from tuimon.ui.filtering import Filter
from tuimon.ui.palette import LIGHTS, Palette
from tuimon.ui.pictures import most_of, spark
from tuimon.ui.render import days, left_style, state
from tuimon.ui.widgets.table import Column, TableRow
from tuimon.ui.widgets.table_model import Cells, same_text

_PICTURES = frozenset(("trend", "hs"))
PAST = _PICTURES | {"since"}
"""Columns of what was."""

_AGE = 10  # seconds between two repaints for nothing but the passing of time
_CERT = 7  # cells of the CERT column
_PROBES, _PEAKS = 8, 12  # handshakes and peaks of sessions that a row shows
_FEW_SESSIONS = 4  # that do not fill a cell


def columns(name: int, address: int, why: int = 45) -> tuple[Column, ...]:
    """The columns; those with the least `keep` drop first as the terminal narrows."""
    return (
        Column("state", "STATE", 6, keep=100),
        Column("service", "SERVICE", name, keep=100),
        Column("why", "WHY", why, grow=1, min_width=why, keep=100),
        Column("since", "SINCE", 6, keep=2),
        Column("cert", "CERT", _CERT, align="right", keep=100),
        Column("sess", "SESS", 4, align="right", keep=8),
        Column("trend", "SESSIONS 1 H", _PEAKS, keep=1),
        Column("ltc", "L T C", 5, keep=9),
        Column("hs", "HANDSHAKE", 15, keep=2),
        Column("role", "ROLE", 6, keep=3),
        Column("accept", "ACCEPT", address, keep=5),
        Column("connect", "CONNECT", address, keep=4),
        Column("version", "TLS", 7, keep=2),
        Column("instance", "CONFIG", 16, keep=2),
        Column("unit", "UNIT", 20, keep=2),
        Column("pid", "PID", 7, align="right", keep=2),
    )


class _Known(NamedTuple):
    """How a row looked when it was made: in which age, and whether it looks otherwise in the next one
    although nothing happens.  What the CERT column says changes once a day."""

    row: Row
    shown: TableRow[ServiceKey]
    cells: Cells
    age: int
    ages: bool


class ServiceRows:
    """Makes rows; those of the last time are known."""

    def __init__(self) -> None:
        self._known: dict[ServiceKey, _Known] = {}
        self._look: object = None
        self._age = -1

    def age(self, now: float) -> bool:
        """Take the time; whether so much has passed that rows may look otherwise for that alone."""
        before, self._age = self._age, int(now // _AGE)
        return self._age != before

    def rows(
        self, shown: Iterable[Row], store: Store, palette: Palette, sought: Filter, columns: Sequence[Column]
    ) -> list[TableRow[ServiceKey]]:
        """These rows as they look now; what is `sought` stands out in them."""
        look = (palette, str(sought), columns)
        if look != self._look:
            self._known, self._look = {}, look
        ids = frozenset(each.id for each in columns)
        return [self._shown(row, store, palette, sought, ids) for row in shown]

    def _shown(
        self, row: Row, store: Store, palette: Palette, sought: Filter, ids: frozenset[str]
    ) -> TableRow[ServiceKey]:
        known, age = self._known.get(row.key), self._age
        if known is not None and known.row is row:
            if known.age == age or not known.cells.made:
                return known.shown
            cert = _certificate(row, store, palette)
            if not known.ages and same_text(cert, known.cells["cert"]):
                self._known[row.key] = known._replace(age=age)
                return known.shown
        quiet = row.state is State.OK and not sought and ids.isdisjoint(PAST)
        ages = not quiet or bool(past_words.back(store.past(row.key), store.now))
        cells = Cells(partial(_cells, row, store, palette, sought, pictures=not ids.isdisjoint(_PICTURES)))
        shown = TableRow(row.key, cells)
        self._known[row.key] = _Known(row, shown, cells, age, ages)
        return shown


def _cells(row: Row, store: Store, palette: Palette, sought: Filter, *, pictures: bool) -> dict[str, Text]:
    """The cells of a row that somebody looks at, as of now; its pictures only where they are shown."""
    service, sessions, past, now = row.tunnel.service, row.tunnel.sessions, store.past(row.key), store.now
    unit, process = row.tunnel.instance.unit, row.tunnel.instance.process
    name = Text()
    name.append(palette.draw("↳ ") if row.tunnel.primary else "", palette.muted)
    name.append(service.name, palette.strong if row.state in (State.DOWN, State.CRITICAL) else "")
    cells = {
        "state": state(row.state, palette),
        "service": name,
        "why": _why(row, palette, past, now),
        "cert": _certificate(row, store, palette),
        "sess": Text("" if sessions is None else str(sessions), "" if sessions else palette.muted),
        "ltc": _lights(row, palette),
        "role": Text(_role(service), palette.muted),
        "accept": Text(accept(row)),
        "connect": Text(_connect(service)),
        "since": Text("" if row.since is None else past_words.day_or_hour(row.since, now)),
        "version": Text(_version(row), palette.muted),
        "instance": Text(row.tunnel.instance.title),
        "unit": Text(unit.name if unit else "", palette.muted),
        "pid": Text(str(process.id.pid) if process else "", palette.muted),
        **(_pictures(past, now, palette) if pictures else {}),
    }
    return {each: sought.highlight(text, palette) for each, text in cells.items()} if sought else cells


def _why(row: Row, palette: Palette, past: Past, now: float) -> Text:
    """The cause in words and since when; what somebody is doing to it meanwhile; of a healthy service that
    it was down lately; of a healthy SNI row its pattern."""
    if row.acting:
        return Text(palette.draw(row.acting), palette.accent)
    if row.why:
        text = Text(row.why)
        text.append(past_words.since(row, now) if row.state is State.DOWN else "", palette.muted)
        return text
    service = row.tunnel.service
    pattern = f"sni {service.sni}" if service.sni_of is not None else ""
    back = past_words.back_of(row, past, now)
    return Text(back or pattern, palette.muted)


def _certificate(row: Row, store: Store, palette: Palette) -> Text:
    """Days left of the service's certificate; `9→89d` where the disk holds a newer one."""
    certificate, renewed, now = row.certificate, row.renewed, store.now
    if certificate is None:
        return Text("psk" if row.tunnel.service.psk else "", palette.muted)
    left = days(certificate.seconds_left(now))
    if renewed is not None:
        both = f"{left[:-1]}→{days(renewed.seconds_left(now))}"
        return Text(palette.draw(both if len(both) <= _CERT else both[:-1]), palette.warning)
    return Text(palette.draw(left), left_style(certificate, now, store.settings, palette))


def _lights(row: Row, palette: Palette) -> Text:
    """Listener, TLS, connect target."""
    text = Text()
    for index, light in enumerate(row.lights):
        text.append(palette.draw((" " if index else "") + LIGHTS[light]), palette.light(light))
    return text


def _role(service: Service) -> str:
    """What kind of row it is."""
    if service.sni_of is not None:
        return "sni"
    if service.exec and not service.client:
        return "exec"
    return service.role.value


def accept(row: Row) -> str:
    """Where clients come in."""
    service, primary = row.tunnel.service, row.tunnel.primary
    if primary is not None:
        return f"({primary.name})"
    return service.accept[0].text if service.accept else ("per connection" if service.inetd else "")


def _connect(service: Service) -> str:
    """Where they are led."""
    if service.connect:
        more = f" +{len(service.connect) - 1}" if len(service.connect) > 1 else ""
        return service.connect[0].text + more
    return service.shown("exec").rsplit("/", 1)[-1]


def _version(row: Row) -> str:
    """The version of TLS that the last handshake agreed on."""
    return row.tunnel.handshake.tls_version.removeprefix("TLSv") if row.tunnel.handshake else ""


def _pictures(past: Past, now: float, palette: Palette) -> dict[str, Text]:
    """The last handshakes, and the sessions of the last hour."""
    took = [each.took for each in past.probes(_PROBES)]
    last = took[-1] if took else None
    handshake = Text("" if last is None else f"{past_words.millis(last):>6}")
    handshake.pad_left(max(0, 6 - handshake.cell_len))
    if len(took) > 1:  # one alone is as high as itself
        handshake.append(" " * (_PROBES + 1 - len(took)))
        handshake.append_text(spark(took, palette, style=palette.accent, gap="✖"))
    counts = most_of(past.sessions(now), _PEAKS)
    trend = spark(counts, palette, style=palette.accent, least=_FEW_SESSIONS)
    return {"hs": handshake if took else Text(), "trend": trend}


SORTS = {
    "state": worst_first,
    "service": lambda row: row.tunnel.service.name.lower(),
    "cert": lambda row: row.certificate.not_after.timestamp() if row.certificate else float("inf"),
    "sess": lambda row: -(row.tunnel.sessions or 0),
    "role": lambda row: _role(row.tunnel.service),
    "accept": accept,
    "connect": lambda row: _connect(row.tunnel.service),
    "since": lambda row: -(row.since or 0.0),
    "version": _version,
    "instance": lambda row: row.key.config,
    "unit": lambda row: row.tunnel.instance.unit.name if row.tunnel.instance.unit else "",
    "pid": lambda row: row.tunnel.instance.process.id.pid if row.tunnel.instance.process else 0,
}
"""How each column sorts; the first is the order that nobody asked for."""


def words(row: Row) -> str:
    """What a filter looks for in a row: what it says, not what it leads to."""
    service = row.tunnel.service
    said = (row.cause.code, row.cause.text) if row.cause else ()
    return " ".join(
        (
            service.name,
            label(row.state),
            row.state.value,
            *said,
            accept(row),
            *(each.text for each in service.connect),
            service.shown("exec"),
            service.sni or "",
            service.file,
            _role(service),
        )
    )
