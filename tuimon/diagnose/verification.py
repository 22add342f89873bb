"""How a service verifies its peer's certificate, and what it has to do so: its options, read once.

Rule: what stunnel(8) 5.68 does counts, not what an option's name suggests: a revocation list is looked
into for the leaf only, `verifyPeer` compares subject and public key.
"""

from tuimon.model.certificate import Certificate, CertificateFile, RevocationList
from tuimon.model.log import LOG_SECOND
from tuimon.model.service import Service
from tuimon.model.tunnel import Tunnel


def verifies_chain(service: Service) -> bool:
    """Whether the chain must end at a trusted authority."""
    return service.yes("verifyChain") or service.text("verify") in {"1", "2", "3"}


def verifies_peer(service: Service) -> bool:
    """Whether the peer's own certificate must be among the trusted ones."""
    return service.yes("verifyPeer") or service.text("verify") in {"3", "4"}


def judges(service: Service) -> bool:
    """Whether any certificate is ever refused."""
    return verifies_chain(service) or verifies_peer(service)


def trusted(tunnel: Tunnel) -> tuple[Certificate, ...]:
    """What CAfile and CApath hold."""
    held = (tunnel.ca, tunnel.ca_folder)
    return tuple(each for file in held if file is not None for each in file.certificates)


def revocations(tunnel: Tunnel) -> tuple[RevocationList, ...]:
    """The lists that are looked into; empty where CRLfile and CRLpath are not set (then nothing is)."""
    if not looks_up_revocation(tunnel.service):
        return ()
    held = (tunnel.crl, tunnel.crl_folder, tunnel.ca, tunnel.ca_folder)
    return tuple(each for file in held if file is not None for each in file.crls)


def looks_up_revocation(service: Service) -> bool:
    """Whether a list of the issuer's is needed for a certificate to be taken."""
    return bool(service.text("CRLfile") or service.text("CRLpath"))


def newer_than_loaded(tunnel: Tunnel, file: CertificateFile | None) -> bool:
    """Whether a file that is read at load only has changed since: what is in force is not what it holds.

    Folders of hashed names are looked into whenever a certificate is verified, and never old.
    """
    loaded = tunnel.instance.loaded_at
    if file is None or file.stamp is None or loaded is None or not tunnel.instance.running:
        return False
    return file.stamp.mtime >= loaded + LOG_SECOND


def title_of(name: str) -> str:
    """The common name of a distinguished name as it is shown, or the whole."""
    for part in name.split(","):
        if part.strip().startswith("CN="):
            return part.strip()[3:]
    return name


def base(path: str) -> str:
    """The last part of a path."""
    return path.rsplit("/", 1)[-1]
