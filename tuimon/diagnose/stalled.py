"""Judgements about a target on this machine that listens and accepts nobody.

Rule: the kernel accepts for it until its queue is full, so stunnel connects and its clients wait; later
the connects time out.  Both follow from here.
"""

from tuimon.diagnose.finding import Finding, Severity, clock
from tuimon.model.endpoint import Backlog, Endpoint
from tuimon.model.tunnel import Tunnel


def stalled(tunnel: Tunnel, now: float) -> Finding | None:
    """A target whose accept queue only grows; new clients are stuck if stunnel takes it first."""
    service = tunnel.service
    if not tunnel.stalled or service.proxies:
        return None
    first = tunnel.stalled[0]
    text = f"target {first.where} accepts nobody: {first.count} wait"
    if first.holder:
        text += f" for {first.holder}"
    evidence = tuple(
        f"accept queue of {each.where}: {each.count} since {clock(each.since, now)}"
        + (f", held by {each.holder}" if each.holder else "")
        for each in tunnel.stalled
    )
    fix = f"look at {first.holder or 'the process that holds it: ss -ltnp'}; restart it"
    down = _everybody_waits(tunnel)
    severity = Severity.CRITICAL if down else Severity.WARNING
    return Finding("connect-stalled", severity, text, fix, evidence, down=down)


def _everybody_waits(tunnel: Tunnel) -> bool:
    """Whether no client gets another target: nobody takes over from one that connects and is silent."""
    service = tunnel.service
    waits = [any(_at(endpoint, each) for each in tunnel.stalled) for endpoint in service.connect]
    in_turn = service.text("failover").lower() == "rr" and service.text("delay").lower() != "yes"
    return all(waits) or (not in_turn and waits[0])


def _at(endpoint: Endpoint, backlog: Backlog) -> bool:
    if endpoint.path:
        return backlog.where == endpoint.path
    return endpoint.number is None or backlog.where.endswith(f":{endpoint.number}")
