"""What has not been looked at once: a sweep is complete when nothing of this is left.

Rule: pure, over the facts and what is asked for; what could not be looked at was looked at.
"""

from collections.abc import Iterable

from tuimon.model.tunnel import Interest
from tuimon.store.facts import Facts
from tuimon.store.rows import Row


def pending(
    facts: Facts, interest: Interest, rows: Iterable[Row], *, joining: bool, probing: bool
) -> tuple[str, ...]:
    """The kinds of facts that are missing; `joining`: some are there and not joined yet; `probing`: some
    probe has brought nothing yet."""
    wanted = {*(facts.found.paths if facts.found else ()), *(() if facts.only else interest.configs)}
    kernel = facts.kernel
    waiting = {
        "configurations": facts.found is None or not wanted <= facts.configs.keys(),
        "processes": facts.processes is None,
        "sockets": kernel.tables is None,
        "units": facts.units is None,
        "certificates": not (interest.certificates | interest.folders) <= facts.files.keys(),
        "permissions": not interest.ways <= facts.ways.keys(),
        "pid files": not interest.pid_files <= facts.pid_files.keys(),
        "logs": not interest.logs <= facts.logs.keys(),
        "loaded texts": facts.loads.pending(interest.recall, interest.keep),
        "join": joining,
        "probes": probing,
        "checks": any(want.path not in facts.checks for want in interest.checks),
        "outputs": any(not facts.seen(want) for want in interest.outputs),
        "queues": not probing and any(_undecided(facts, row) for row in rows),  # each probe fills some
        "holders": not kernel.strangers <= kernel.holders.keys(),
    }
    return tuple(name for name, missing in waiting.items() if missing)


def _undecided(facts: Facts, row: Row) -> bool:
    """Whether an accept queue may yet turn out to be one that nobody is taken from: its own, or its
    target's, at which our probe has just knocked."""
    tunnel, queues = row.tunnel, facts.kernel.queues
    probed = facts.probed.get(row.key)
    if probed is not None and tunnel.target_listeners and probed.look >= queues.looks:
        return True
    return queues.undecided((*(each.inode for each in tunnel.listeners), *tunnel.target_listeners))
