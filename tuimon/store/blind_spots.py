"""What this user may not see, in words.

Rule: what is hidden is said, with who may see it; what is not there is no blind spot.
"""

from tuimon.model.failure import Reason
from tuimon.store.facts import Facts
from tuimon.text import counted


def blind_spots(facts: Facts) -> tuple[str, ...]:
    """What this user may not see, in words; empty where nothing is hidden."""
    said = []
    needs = {}
    partly = sum(bool(process.hidden) for process in facts.running)
    if partly:
        said.append(f"{partly} of {len(facts.running)} processes partly visible")
    for noun, failures in (
        ("configuration", [each.failure for each in facts.configs.values()]),
        ("log", list(facts.logs.values())),
        ("certificate or key file", [each.failure for each in facts.files.values()]),
    ):
        denied = [each for each in failures if each is not None and each.reason is Reason.DENIED]
        if denied:
            said.append(f"{counted(len(denied), noun)} not readable")
            needs.update(dict.fromkeys(each.needs for each in denied if each.needs.startswith("group")))
    if said:
        said[-1] += f": needs {', '.join((*needs, 'or root' if needs else 'root'))}"
    for _, failure in facts.found.failures if facts.found else ():
        if failure.reason is not Reason.MISSING:
            said.append(str(failure))
    for seen in (facts.processes, facts.units):
        if seen and seen.failure and seen.failure.reason is not Reason.UNSUPPORTED:
            said.append(str(seen.failure))
    return tuple(said)
