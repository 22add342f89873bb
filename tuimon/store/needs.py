"""Needs: the files that each instance makes somebody look at, and whom a look at one of them concerns.

Rule: what an instance needs follows from its last join; nobody walks all instances to find those that
one file concerns.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from tuimon import diagnose
from tuimon.model.instance import Instance
from tuimon.model.output import OutputWant
from tuimon.model.service import InstanceKey
from tuimon.model.tunnel import CheckWant, Tunnel
from tuimon.store import join


class Needs(NamedTuple):
    """What one instance wants to be looked at; paths are absolute, empty where there is none."""

    certificates: frozenset[str] = frozenset()
    folders: frozenset[str] = frozenset()
    ways: frozenset[str] = frozenset()
    log: str = ""
    pid_file: str = ""
    output: OutputWant | None = None
    check: CheckWant | None = None

    @property
    def paths(self) -> frozenset[str]:
        """Everything whose change concerns it."""
        named = {self.pid_file, self.output.path if self.output else ""} - {""}
        return self.certificates | self.folders | self.ways | named


def needs_of(
    instance: Instance, tunnels: Iterable[Tunnel], ways: frozenset[str], check: CheckWant | None
) -> Needs:
    """What follows from one join; `ways` are those of its hazards."""
    certificates, folders, keys = set[str](), set[str](), set[str]()
    for tunnel in tunnels:
        certificates |= set(join.files(tunnel.service, instance).values())
        folders |= set(join.folders(tunnel.service, instance).values())
        opened = diagnose.pair.open_key(tunnel)
        keys |= {opened.path} if opened is not None else set()
    return Needs(
        frozenset(certificates),
        frozenset(folders),
        ways | keys,
        instance.log,
        join.pid_path(instance),
        join.output_want(instance),
        check,
    )


class Ledger:
    """The needs of all instances, and who needs what."""

    def __init__(self) -> None:
        self._of: dict[InstanceKey, Needs] = {}
        self._users: defaultdict[str, set[InstanceKey]] = defaultdict(set)
        self._writers: defaultdict[str, set[InstanceKey]] = defaultdict(set)

    def put(self, key: InstanceKey, needs: Needs) -> None:
        """Note what an instance needs now."""
        if self._of.get(key) == needs:
            return
        self.drop(key)
        self._of[key] = needs
        for path in needs.paths:
            self._users[path].add(key)
        self._writers[needs.log].add(key)

    def drop(self, key: InstanceKey) -> None:
        """Forget an instance."""
        before = self._of.pop(key, None)
        if before is None:
            return
        for path in before.paths:
            self._users[path].discard(key)
            if not self._users[path]:
                del self._users[path]
        self._writers[before.log].discard(key)

    def users(self, path: str) -> frozenset[InstanceKey]:
        """Whom a look at this file or folder concerns."""
        return frozenset(self._users.get(path, ()))

    def writers(self, log: str) -> frozenset[InstanceKey]:
        """Whose log this is."""
        return frozenset(self._writers.get(log, ()))

    def all(self) -> tuple[Needs, ...]:
        """What every instance needs."""
        return tuple(self._of.values())
