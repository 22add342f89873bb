"""A section of a configuration while it is read, and the service that it becomes.

Rule: a section knows its lines in their order and what they add up to; it refuses nothing.
"""

from collections.abc import Mapping

from msgspec import Struct, field

from tuimon.model.endpoint import Endpoint
from tuimon.model.service import Role, Service, ServiceKey, Value
from tuimon.parse.stunnel_options import Option, Repeat
from tuimon.parse.stunnel_values import TLS_VERSIONS, c_int, lower

_COUNTED = frozenset(
    ("service", "verify", "verifyChain", "verifyPeer", "sslVersion", "sslVersionMin", "sslVersionMax")
)

MAX_VALUES = 256
"""Values kept of one option that appends; the last ones are dropped."""

Values = dict[str, tuple[Value, ...]]
"""Canonical option name to its values in order."""


def add_value(values: Values, option: Option, value: Value) -> None:
    """Take one more line of `option`: replace a scalar, extend what appends."""
    before = () if option.repeat is Repeat.LAST else values.get(option.name, ())
    values[option.name] = (*before, value)[:MAX_VALUES]


class Section(Struct):
    """A section while it is read; `ordinal` is -1 for the defaults above the first one.

    `verify_chain`, `verify_peer`, `min_version` and `max_version` follow the lines in their order, for
    some options overwrite what others set.  `refused` says that a line of it (or of the defaults that
    it inherits) could not be taken: then what it lacks may be in that line.
    """

    name: str
    file: str
    line: int
    ordinal: int = -1
    values: Values = field(default_factory=dict)
    verify_chain: bool = False
    verify_peer: bool = False
    min_version: int = 0
    max_version: int = 0
    refused: bool = False

    def heir(self, name: str, file: str, line: int, ordinal: int) -> "Section":
        """A new section with these options as its defaults; lists go on where they are."""
        return Section(
            *(name, file, line, ordinal, dict(self.values), self.verify_chain, self.verify_peer),
            *(self.min_version, self.max_version, self.refused),
        )

    def put(self, option: Option, value: Value) -> None:
        """Take one accepted line."""
        add_value(self.values, option, value)
        if option.name in _COUNTED:
            self._count(option, value)

    def _count(self, option: Option, value: Value) -> None:
        text = lower(value.text)
        match option.name:
            case "service":
                self.name = value.text
            case "verify":
                level = c_int(text) or 0
                self.verify_chain, self.verify_peer = 1 <= level <= 3, level >= 3
            case "verifyChain":
                self.verify_chain = text == "yes"
            case "verifyPeer":
                self.verify_peer = text == "yes"
            case "sslVersion":
                self.min_version = self.max_version = TLS_VERSIONS[text]
            case "sslVersionMin":
                self.min_version = TLS_VERSIONS[text]
            case "sslVersionMax":
                self.max_version = TLS_VERSIONS[text]

    def text(self, option: str) -> str:
        """The last value of `option`, or an empty string."""
        values = self.values.get(option)
        return values[-1].text if values else ""

    def exact(self, option: str) -> str:
        """The last value of `option` for the machine's eyes, or an empty string."""
        values = self.values.get(option)
        return values[-1].exact if values else ""

    @property
    def client(self) -> bool:
        """Whether `client = yes` is in force."""
        return lower(self.text("client")) == "yes"

    @property
    def protocol(self) -> str:
        """The protocol in lower case, or empty."""
        return lower(self.text("protocol"))

    @property
    def verifies(self) -> bool:
        """Whether the peer's chain or certificate is verified."""
        return self.verify_chain or self.verify_peer

    def service(self, host: str, config: str, named: Mapping[str, "Section"]) -> Service:
        """The fact that this section is; `named` is the first of each name in the whole configuration."""
        sni, sni_of = self.text("sni"), None
        if not self.client and ":" in sni:
            primary = primary_of(self, named)
            sni, sni_of = sni.partition(":")[2], primary.ordinal if primary else None
        return Service(
            key=ServiceKey(host, config, max(self.ordinal, 0)),
            name=self.name,
            file=self.file,
            line=self.line,
            options=self.values,
            role=Role.CLIENT if self.client else Role.SERVER,
            accept=self._endpoints("accept"),
            connect=self._endpoints("connect"),
            protocol=self.protocol,
            sni=sni,
            sni_of=sni_of,
            exec=self.text("exec"),
            inetd=self.ordinal < 0,
        )

    def _endpoints(self, option: str) -> tuple[Endpoint, ...]:
        return tuple(Endpoint.parse(value.text) for value in self.values.get(option, ()))


def primary_of(section: Section, named: Mapping[str, Section]) -> Section | None:
    """The section that a server-side `sni = NAME:pattern` refers to: the first of that very name."""
    return named.get(section.text("sni").partition(":")[0])
