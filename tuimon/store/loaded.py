"""What every process has loaded, as far as it was seen, and how the disk differs from it.

Rule: a text is taken for the loaded one only while nothing of it was written or replaced since the load;
it stays that until the process loads anew, whatever happens to the file.  A text of another load is
never taken for this one.
"""

from collections.abc import Iterable

from msgspec import Struct
from msgspec.structs import replace

from tuimon import events
from tuimon.diagnose.difference import compare
from tuimon.diagnose.loaded import newer, untouched
from tuimon.model.instance import Instance
from tuimon.model.loaded import REMOVED, Change, Edit, Loaded
from tuimon.model.process import ProcessId
from tuimon.model.service import MASK, Config, InstanceKey, Service, ServiceKey


class _Compared(Struct, frozen=True, gc=False):
    """Two texts and how they differ: what costs time is done once for both."""

    loaded: Config
    disk: Config
    change: Change | None
    services: tuple[Service, ...]


class LoadedTexts:
    """Loads by instance: those that were seen, and those that were kept and are read back."""

    def __init__(self) -> None:
        self._known: dict[InstanceKey, Loaded] = {}
        self._compared: dict[InstanceKey, _Compared] = {}
        self._recalled: dict[str, ProcessId] = {}  # by configuration
        self._kept: dict[str, Loaded] = {}

    def take(self, event: events.LoadedRead | events.LoadedKept, now: float) -> None:
        """Note what was kept before, or that something is kept now."""
        if isinstance(event, events.LoadedKept):
            self._kept[event.loaded.config.path] = event.loaded
            return
        self._recalled[event.config] = event.process
        loaded, key = event.loaded, InstanceKey(event.host, event.config)
        before = self._known.get(key)
        if loaded is None or not loaded.ran(event.process) or loaded.at > now + 1:
            return
        if before is None or not before.ran(event.process) or before.at < loaded.at:
            self._known[key] = loaded

    def join(self, instance: Instance) -> Instance:
        """The instance with what it has loaded, and the services as it serves them."""
        config, process = instance.config, instance.process
        services = config.services if config else ()
        if process is None or instance.loaded_at is None:
            return replace(instance, services=services)
        known = self._known.get(instance.key)
        if known is not None and not known.ran(process.id):
            known = None
        told = known is not None and known.since(instance.loaded_at, from_log=instance.loaded_from_log)
        if known is not None and known.at > instance.loaded_at and not told:  # the log that did is gone
            instance = replace(instance, loaded_at=known.at, loaded_from_log=known.from_log)
        known = self._current(instance, known)
        if known is None:
            return replace(instance, services=services)
        if config is None or config.failure is not None:
            return replace(instance, loaded=known.config, services=known.config.services)
        compared = self._compare(instance.key, known, config)
        return replace(instance, loaded=known.config, change=compared.change, services=compared.services)

    def _current(self, instance: Instance, known: Loaded | None) -> Loaded | None:
        """The load that counts: of the text on disk if that is the loaded one, else what is known of it."""
        config, process, at = instance.config, instance.process, instance.loaded_at
        if process is None or at is None:
            return None
        same = known is not None and known.since(at, from_log=instance.loaded_from_log)
        if config is None or not _usable(config) or not untouched(config, at):
            return known if same else None
        if (
            known is None
            or not same
            or known.config is not config
            or known.from_log is not instance.loaded_from_log
        ):
            known = Loaded(config, process.id, at, instance.loaded_from_log)
            self._known[instance.key] = known
        return known

    def _compare(self, key: InstanceKey, known: Loaded, disk: Config) -> _Compared:
        before = self._compared.get(key)
        if before is not None and before.loaded is known.config and before.disk is disk:
            return before
        change = None
        if known.config is not disk and disk.lines is not None:
            at = disk.stamp.mtime if disk.stamp and newer(disk, known.at) else disk.changed_at
            change = compare(known.config, disk, at)
        services = disk.services if change is None else _served(known.config, disk, change)
        self._compared[key] = found = _Compared(known.config, disk, change, services)
        return found

    # -- what is wanted ---------------------------------------------------------------------------

    def recall(self, instances: Iterable[Instance]) -> frozenset[tuple[str, ProcessId]]:
        """Whose loaded text is not known and may have been kept."""
        return frozenset(
            (each.key.config, each.process.id)
            for each in instances
            if each.process and each.loaded is None and each.config and each.loaded_at is not None
        )

    def keep(self, instances: Iterable[Instance]) -> tuple[Loaded, ...]:
        """What should be kept; `instances` are those whose log was looked at."""
        running = (each.key for each in instances if each.running and each.loaded is not None)
        return tuple(self._known[key] for key in sorted(running))

    def pending(self, recall: Iterable[tuple[str, ProcessId]], keep: Iterable[Loaded]) -> bool:
        """Whether something is still to be read back, or to be kept."""
        unread = any(self._recalled.get(config) != process for config, process in recall)
        return unread or any(self._kept.get(each.config.path) != each for each in keep)


def _usable(config: Config) -> bool:
    """Whether the text can be the loaded one: stunnel loads nothing that it refuses."""
    return config.failure is None and config.lines is not None and not config.problems


def _served(loaded: Config, disk: Config, change: Change) -> tuple[Service, ...]:
    """The services as they are served, each in its place on disk; behind them those that are gone from it."""
    pairs = dict(change.pairs)
    back = {there: here for here, there in pairs.items()}
    old = {each.key.ordinal: each for each in loaded.services}
    edited = {each.disk for each in change.sections if each.edit is Edit.CHANGED}
    edited |= set(back) if change.globals else set()
    found = []
    for service in disk.services:
        before = old.get(back.get(service.key.ordinal, -1))
        if before is not None and service.key.ordinal in edited and _faithful(before):
            primary = _place(before.sni_of, pairs)
            before = replace(before, file=service.file, line=service.line, sni_of=primary)
            service = replace(before, key=service.key)  # noqa: PLW2901
        found.append(service)
    for ordinal, service in old.items():
        if ordinal not in pairs and _faithful(service):
            key = ServiceKey(service.key.host, service.key.config, REMOVED + ordinal)
            found.append(replace(service, key=key, sni_of=_place(service.sni_of, pairs)))
    return tuple(found)


def _place(ordinal: int | None, pairs: dict[int, int]) -> int | None:
    return None if ordinal is None else pairs.get(ordinal, REMOVED + ordinal)


def _faithful(service: Service) -> bool:
    """Whether nothing that counts was masked when the text was kept."""
    values = (value for each in service.options.values() for value in each)
    return not any(MASK in value.text and not value.secret for value in values)
