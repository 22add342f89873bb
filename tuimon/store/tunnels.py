"""Tunnels: one service joined with its sockets, its certificates, its last probe and what its log says.

Rule: nothing is judged here; a bug that keeps us from a join leaves the service bare.
"""

from msgspec.structs import replace

from tuimon.diagnose.policy import absolute, dialled, plan
from tuimon.model.certificate import Certificate, CertificateFile
from tuimon.model.clients import Clients
from tuimon.model.endpoint import Endpoint
from tuimon.model.failure import bug
from tuimon.model.handshake import Depth
from tuimon.model.instance import Instance
from tuimon.model.service import Service
from tuimon.model.tunnel import Plan, Traffic, Tunnel
from tuimon.store import join
from tuimon.store.facts import Facts, Probed
from tuimon.store.kernel import Sockets


class Tunnels:
    """Joins services of the `facts`."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts

    def joined(self, service: Service, instance: Instance) -> Tunnel:
        """Join one service; where a bug keeps us from that, it is bare."""
        try:
            bare = join.bare(service, instance, instance.bug) if instance.bug else None
            return bare or self._tunnel(service, instance)
        except Exception as error:
            return join.bare(service, instance, bug(error))

    def _tunnel(self, service: Service, instance: Instance) -> Tunnel:
        facts, primary = self._facts, join.primary_of(service, instance.services)
        seen = facts.kernel.sockets(service, primary, instance)
        cwd = join.folder(instance)
        own, key = (absolute(service.text(name), cwd) for name in ("cert", "key"))
        probed, trusted = facts.probed.get(service.key), self._trusted(service, instance)
        return Tunnel(
            service=service,
            instance=instance,
            plan=self._plan(service, primary, instance, cwd, seen),
            primary=primary,
            listeners=seen.listeners,
            sockets_known=facts.kernel.table(instance) is not None,
            taken=seen.taken,
            sessions=seen.sessions,
            target_listeners=seen.targets,
            waiting=seen.waiting,
            stalled=seen.stalled,
            handshake=probed.handshake if probed and instance.running else None,
            probed_at=probed.at if probed else None,
            reaches=probed.reaches if probed and instance.running else (),
            own=facts.files.get(own),
            key_file=facts.files.get(key) if key else None,
            key_way=facts.ways.get(key or own),
            issuer=facts.issuers.of(_last_of_chain(service, probed, facts.files.get(own))),
            ca=trusted["CAfile"],
            ca_folder=trusted["CApath"],
            crl=trusted["CRLfile"],
            crl_folder=trusted["CRLpath"],
            traffic=facts.logbook.traffic.get((instance.log, service.name), Traffic()),
            clients=self._clients(service, primary, instance),
        )

    def _clients(self, service: Service, primary: Service | None, instance: Instance) -> Clients:
        """The peers of a service, from its log; a mail service reaches its target before it speaks TLS."""
        mail = service.protocol in {"smtp", "pop3", "imap"}
        return self._facts.logbook.clientele.clients(
            instance.log,
            service.name,
            client=service.client,
            prompt=not service.client and not mail,
            local=frozenset(each.host for each in (primary or service).accept),
            now=self._facts.now,
        )

    def _trusted(self, service: Service, instance: Instance) -> dict[str, CertificateFile | None]:
        """What the service trusts and the revocation lists that it looks into, by option."""
        places = {**join.files(service, instance), **join.folders(service, instance)}
        options = ("CAfile", "CApath", "CRLfile", "CRLpath")
        return {option: self._facts.files.get(places.get(option, "")) for option in options}

    def _plan(
        self, service: Service, primary: Service | None, instance: Instance, cwd: str, seen: Sockets
    ) -> Plan:
        jail = instance.config.text("chroot") if instance.config else ""
        chosen = plan(service, primary, cwd, self._facts.settings, jail)
        if instance.process is not None and instance.process.net:
            # Its addresses are those of another network namespace: from here we would dial somebody else.
            return replace(chosen, depth=Depth.LISTEN, targets=(), reach=(), reach_always=False)
        if service.client:
            return chosen
        if any(not each.path and each.number == 0 for each in chosen.targets):  # a random port
            bound = tuple(dialled(Endpoint.parse(f"{each.address}:{each.port}")) for each in seen.listeners)
            known = len({each.port for each in bound}) == 1
            chosen = replace(chosen, targets=bound[:1], depth=chosen.depth if known else Depth.LISTEN)
        # Where nobody listens on loopback, to be refused costs nobody anything.
        alone = not seen.targets and join.on_loopback(chosen.reach) == chosen.reach != ()
        return replace(chosen, reach_always=chosen.reach_always or alone)


def _last_of_chain(
    service: Service, probed: Probed | None, own: CertificateFile | None
) -> Certificate | None:
    """The last certificate of a server service's chain as it was seen, else as its file has it."""
    seen = probed.handshake.chain if probed and probed.handshake and not service.client else ()
    chain = seen or (own.certificates if own else ())
    return chain[-1] if chain else None
