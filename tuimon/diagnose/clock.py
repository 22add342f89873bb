"""Judgements that follow from the host's clock.

Rule: a clock that nobody keeps right is no fault by itself; it is where a certificate that is `not yet
valid` may be right and the clock wrong.
"""

from msgspec.structs import replace

from tuimon.diagnose.finding import Finding, Severity
from tuimon.model.instance import Instance
from tuimon.model.tunnel import Tunnel

_EARLY = frozenset({"cert-not-yet-valid", "peer-cert-not-yet-valid"})
_SAID = "the clock of this host is not synchronised (timedatectl)"


def unsynced(tunnel: Tunnel) -> tuple[Finding, ...]:
    """Nobody keeps the clock right by which certificates were just judged."""
    if tunnel.handshake is None or tunnel.instance.supervision.synchronized is not False:
        return ()
    text = "the host's clock is not synchronised"
    fix = "timedatectl set-ntp true"
    return (Finding("clock-unsynced", Severity.INFO, text, fix, ("NTPSynchronized=no",)),)


def doubted(finding: Finding, instance: Instance) -> Finding:
    """The same finding, where it may be the clock that is wrong."""
    if finding.code not in _EARLY or instance.supervision.synchronized is not False:
        return finding
    fix = (
        f"first set the clock: timedatectl; {finding.fix}"
        if finding.fix
        else "first set the clock: timedatectl"
    )
    return replace(finding, fix=fix, evidence=(*finding.evidence, _SAID))
