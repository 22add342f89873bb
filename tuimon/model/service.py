"""A stunnel configuration as it was read: files, sections, options, each value with its place."""

from enum import StrEnum
from typing import NamedTuple

from msgspec import Struct, field

from tuimon.model.endpoint import Endpoint
from tuimon.model.failure import Failure

MASK = "••••••"
"""What is shown instead of a secret; of fixed length, since its length is a secret too."""


class InstanceKey(NamedTuple):
    """One stunnel instance of a host: its configuration's absolute path, or `pid 123` if unknown."""

    host: str
    config: str


class ServiceKey(NamedTuple):
    """One service: host, configuration path and ordinal of its section (names may repeat)."""

    host: str
    config: str
    ordinal: int

    @property
    def instance(self) -> InstanceKey:
        """The instance this service belongs to."""
        return InstanceKey(self.host, self.config)

    def __str__(self) -> str:
        return f"{self.host}:{self.config}#{self.ordinal}"


class Role(StrEnum):
    """Which side of TLS the service's accept socket is: `client = yes` or not."""

    SERVER = "server"
    CLIENT = "client"


class Value(Struct, frozen=True, gc=False):
    """One value of an option as written, with the file and the line (from 1) it came from.

    `secret` values (passwords, keys) are for stunnel's eyes only: show `shown`.  `raw` is set where
    `text` is not what the file holds, because some of it is not fit to be shown: see `exact`.  `cover` is
    what is shown in place of a text that has a secret in it, such as a password among arguments.
    """

    text: str
    file: str
    line: int
    secret: bool = False
    raw: str = ""
    cover: str = ""

    def __repr__(self) -> str:
        return f"Value({self.shown!r}, {self.file!r}, {self.line})"

    @property
    def exact(self) -> str:
        """The value to hand to the machine (a path, a name), never to be shown."""
        return self.raw or self.text

    @property
    def shown(self) -> str:
        """The value as it may be shown."""
        return MASK if self.secret and self.text else self.cover or self.text


class Service(Struct, frozen=True, gc=False):
    """One section after global defaults were applied.

    `options` maps the canonical option name (stunnel(8) spelling, e.g. `CAfile`) to its effective
    values: one for scalars, all of them in order for options that append.  `sni_of` is the ordinal of
    the primary service for a server-side `sni = primary:pattern`.  `protocol` is lower case or empty.
    """

    key: ServiceKey
    name: str
    file: str
    line: int
    options: dict[str, tuple[Value, ...]] = field(default_factory=dict)
    role: Role = Role.SERVER
    accept: tuple[Endpoint, ...] = ()
    connect: tuple[Endpoint, ...] = ()
    protocol: str = ""
    sni: str = ""
    sni_of: int | None = None
    exec: str = ""
    inetd: bool = False

    def text(self, option: str, default: str = "") -> str:
        """The last value of `option` as written, or `default`."""
        values = self.options.get(option)
        return values[-1].text if values else default

    def texts(self, option: str) -> tuple[str, ...]:
        """All values of `option` as written, in order."""
        return tuple(value.text for value in self.options.get(option, ()))

    def shown(self, option: str) -> str:
        """The last value of `option` as it may be shown; empty where it is not set."""
        values = self.options.get(option)
        return values[-1].shown if values else ""

    def yes(self, option: str) -> bool:
        """Whether a yes/no option is on."""
        return self.text(option).lower() == "yes"

    def place(self, option: str) -> str:
        """`file:line` of the option's last value, or of the section where it is not set."""
        values = self.options.get(option)
        return f"{values[-1].file}:{values[-1].line}" if values else f"{self.file}:{self.line}"

    @property
    def client(self) -> bool:
        """Whether this is a client-mode service."""
        return self.role is Role.CLIENT

    @property
    def cert(self) -> str:
        """Path of the service's own certificate as written; empty if it has none."""
        return self.text("cert")

    @property
    def key_file(self) -> str:
        """Path of the private key as written: `key`, else the certificate's file."""
        return self.text("key") or self.cert

    @property
    def psk(self) -> bool:
        """Whether the service authenticates with pre-shared keys."""
        return bool(self.text("PSKsecrets"))

    @property
    def psk_only(self) -> bool:
        """Whether a handshake without the pre-shared key cannot succeed."""
        return self.psk and not self.cert

    @property
    def proxies(self) -> bool:
        """Whether it connects to wherever its clients say, whatever `connect =` says."""
        return not self.client and self.protocol in {"socks", "connect"}

    @property
    def verifies(self) -> bool:
        """Whether the service verifies the peer's certificate in any way."""
        if any(self.yes(name) for name in ("verifyChain", "verifyPeer", "requireCert")):
            return True
        return self.text("verify") in {"1", "2", "3", "4"}

    @property
    def requires_certificate(self) -> bool:
        """Whether a peer without a certificate is refused (mutual TLS on a server service)."""
        if any(self.yes(name) for name in ("verifyChain", "verifyPeer", "requireCert")):
            return True
        return self.text("verify") in {"2", "3", "4"}


class Problem(NamedTuple):
    """What stunnel says against a file: where, the raw line (empty for errors of a whole section)
    and stunnel's own reason; `meaning` says it in words an operator can act on.

    `fix` is the meaning without the place, `section` the section that was judged, in brackets; `place`
    the file and line that it is about where stunnel names no line.  `environment` tells what the text
    refers to from the text itself; `code` is the public code of the finding.
    """

    file: str
    line: int | None
    text: str
    reason: str
    meaning: str
    fix: str = ""
    section: str = ""
    place: tuple[str, int] | None = None
    environment: bool = False
    code: str = "config-error"


class Stamp(NamedTuple):
    """What tells one version of a file from the next: inode, size, modification time in ns."""

    inode: int
    size: int
    mtime_ns: int

    @property
    def mtime(self) -> float:
        """Modification time, seconds since the epoch."""
        return self.mtime_ns / 1e9


HEADER = "[]"
"""What stands for the option's name of a line that begins a section."""


class ConfigLine(Struct, frozen=True, gc=False):
    """One line as it may be kept and shown: `text` holds no secret.

    `section` is the ordinal of the section it stands in, -1 above the first; `option` the canonical name
    of its option, `HEADER`, or empty for what stunnel skips.  `mark` tells one masked line from another
    of the same text; it is too short to tell the secret.
    """

    file: str
    line: int
    text: str
    section: int = -1
    option: str = ""
    mark: str = ""


class Config(Struct, frozen=True, gc=False):
    """One configuration file with everything it includes.

    `problems` is what stunnel would refuse the text for, the first being the one it stops at; the
    services are shown as far as the text can be understood all the same.  `files` are all files and
    include folders that were read, `globals` the global options, `lines` the text in the order in which
    it is read, None where there is too much of it.  `changed_at` is when any of its files or folders was
    last changed, replaced or renamed (seconds since the epoch), `stamp` that of its newest file.  `withheld`
    is the first file or folder that it includes and that only we could not read: with its path, and why.
    """

    path: str
    services: tuple[Service, ...] = ()
    globals: dict[str, tuple[Value, ...]] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    files: tuple[str, ...] = ()
    lines: tuple[ConfigLine, ...] | None = ()
    stamp: Stamp | None = None
    changed_at: float = 0.0
    failure: Failure | None = None
    withheld: tuple[str, Failure] | None = None

    def text(self, option: str, default: str = "") -> str:
        """The last value of a global option as written, or `default`."""
        values = self.globals.get(option)
        return values[-1].text if values else default

    @property
    def inetd(self) -> bool:
        """Whether this is a file without sections: a process per connection, never a listener."""
        return any(service.inetd for service in self.services)
