"""Both ends of a tunnel on one machine: a client service whose remote is a server service that is seen
here as well.

Rule: what the far end itself says of its fault comes before what its peer can only guess; a far end that
is well leaves the fault at the near one, and is evidence.
"""

from typing import NamedTuple

from msgspec.structs import replace

from tuimon.diagnose.finding import Finding, Severity
from tuimon.model.tunnel import Tunnel

_GUESSES = frozenset(
    {
        "connect-closed",
        "connect-refused",
        "connect-stalled",
        "connect-timeout",
        "peer-not-tls",
        "peer-protocol-failed",
        "peer-timeout",
        "peer-tls-rejected",
    }
)
"""What a client service sees of its remote without seeing why."""


class FarEnd(NamedTuple):
    """The far end of a client service, judged: its findings in order."""

    findings: tuple[Finding, ...]

    @property
    def cause(self) -> Finding | None:
        """Why it serves nobody, or soon will not."""
        first = self.findings[0] if self.findings else None
        return first if first is not None and first.severity is Severity.CRITICAL else None


def told_by_far_end(found: Finding | None, tunnel: Tunnel, far: FarEnd | None) -> Finding | None:
    """`found`, what is wrong with the remote of `tunnel`, in the light of what the far end says itself."""
    if found is None or far is None or tunnel.far is None or not tunnel.service.client:
        return found
    name, config = tunnel.far.name, tunnel.far.key.config
    title = f"[{name}] of {config.rsplit('/', 1)[-1]}"
    cause = far.cause
    if cause is None:
        well = f"the far end is here and serves: [{name}] of {config}"
        return replace(found, evidence=(*found.evidence, well))
    if found.code not in _GUESSES:
        return found
    evidence = (
        f"far end: [{name}] of {config}: {cause.code}",
        *cause.evidence,
        f"seen from here: {found.text}",
    )
    return replace(found, text=f"far end {title}: {cause.text}", fix=cause.fix, evidence=evidence)
