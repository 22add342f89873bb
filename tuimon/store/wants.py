"""What follows from the facts for the prober: whether, and for what, a service is to be probed.

Rule: a reason to look again is told once.  Nothing is asked for before everything that could change
the reason was looked at, and nothing is sent to a process that cannot answer.
"""

from tuimon.model.handshake import Depth
from tuimon.model.tunnel import ProbeWant, Tunnel
from tuimon.store import join
from tuimon.store.facts import Facts

_SHARE = 4  # of the clients that a process allows itself, at most one in so many is one of us


def reachable(tunnel: Tunnel) -> bool:
    """Whether there is anybody to probe: a process that can answer, and its listeners."""
    instance = tunnel.instance
    if not instance.running or tunnel.key.ordinal < 0 or all(each.halted for each in instance.processes):
        return False  # the kernel would take our connections in, and leave them to the process to clear
    if tunnel.waiting and not tunnel.service.client:
        return False  # nobody is accepted there, we would only make the queue longer
    return bool(tunnel.listeners) or (tunnel.service.client and not tunnel.sockets_known)


def settled(tunnel: Tunnel) -> bool:
    """Whether it was probed once, or there is nothing to probe of it."""
    return (
        tunnel.probed_at is not None
        or tunnel.plan.depth in (Depth.OFF, Depth.LISTEN)
        or not tunnel.instance.running
    )


def looked_at(tunnel: Tunnel, facts: Facts) -> bool:
    """Whether sockets, certificates and log of a service were looked at once."""
    log = tunnel.instance.log
    files = all(path in facts.files for path in join.paths(tunnel.service, tunnel.instance))
    return facts.kernel.tables is not None and files and (not log or log in facts.logs)


def probe_want(tunnel: Tunnel) -> ProbeWant:
    """What the service is to be probed for."""
    config, traffic = tunnel.instance.config, tunnel.traffic
    stamp = (
        tuple(process.id for process in tunnel.instance.processes),
        tunnel.instance.loaded_at,
        tuple(each.sha256 for each in tunnel.own.certificates) if tunnel.own else (),
        config.stamp if config else None,
        tuple(sorted(each.inode for each in tunnel.listeners)),
        tunnel.target_listeners,
    )
    doubt = (traffic.failing_since, traffic.target_failure is None)
    limit = tunnel.instance.client_limit
    most = max(1, limit // _SHARE) if limit else None
    return ProbeWant(tunnel.key, tunnel.plan, stamp, traffic.last_success, doubt, most)
