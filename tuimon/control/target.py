"""TARGET of the command line: which instance is meant.

Rule: pure, and never a guess.  What fits nothing or several is told with the candidates.
"""

from collections.abc import Iterable

from msgspec import Struct

from tuimon.model.instance import Instance
from tuimon.model.service import InstanceKey


class Match(Struct, frozen=True):
    """What a target fits: one instance and perhaps one of its services, or the candidates: those that it
    fits all the same, or else (`similar`) such as are called alike."""

    key: InstanceKey | None = None
    service: str = ""
    candidates: tuple[str, ...] = ()
    similar: tuple[str, ...] = ()


def names(instance: Instance) -> tuple[str, ...]:
    """Everything that an instance is called: its file, its unit, its pids."""
    unit = instance.unit.name if instance.unit else ""
    said = [instance.key.config, unit, unit.removesuffix(".service")]
    said += [str(each.pid) for each in instance.processes]
    return tuple(dict.fromkeys(each for each in said if each))


def resolve(target: str, path: str, instances: Iterable[Instance]) -> Match:
    """`INSTANCE[/SERVICE]`; `path` is the target as an absolute path, symbolic links followed."""
    known = tuple(instances)
    exact = [each for each in known if {target, path} & set(names(each))]
    if len(exact) == 1:
        return Match(exact[0].key)
    if exact:
        return Match(candidates=tuple(each.key.config for each in exact))
    inner = [(each, service) for each in known for service in _inside(target, path, each)]
    if len({each.key for each, _ in inner}) == 1:
        return Match(inner[0][0].key, inner[0][1])
    if inner:
        return Match(candidates=tuple(f"{each.key.config}/{service}" for each, service in inner))
    return Match(similar=tuple(_like(target, known)))


def _inside(target: str, path: str, instance: Instance) -> Iterable[str]:
    services = {each.name for each in instance.config.services} if instance.config else set()
    for name in names(instance):
        for said in (target, path):
            rest = said.removeprefix(f"{name}/")
            if rest != said and rest in services:
                yield rest


def _like(target: str, known: tuple[Instance, ...]) -> Iterable[str]:
    """Instances whose file, unit or service is called so."""
    word = target.rpartition("/")[2].lower().removesuffix(".conf").removesuffix(".service")
    for each in known:
        called = {each.title.lower().removesuffix(".conf"), *(name.lower() for name in names(each)[1:])}
        services = [service.name for service in each.config.services] if each.config else []
        if word in called or any(name.endswith(f"@{word}") for name in called):
            yield each.key.config
        else:
            yield from (f"{each.key.config}/{name}" for name in services if name.lower() == word)
