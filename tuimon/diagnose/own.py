"""Everything about a service's own certificate: its files, what is in use, how long it lasts, its chain.

Rule: that the file's certificate is not in use comes before how long the one in use lasts; a pair that
the next load would refuse comes before the advice to load it.
"""

from tuimon.diagnose import chain, pair
from tuimon.diagnose.certificate import expiry, weakness
from tuimon.diagnose.finding import Finding, Severity
from tuimon.diagnose.in_use import disk_leaf, not_loaded, served_leaf
from tuimon.model.tunnel import Tunnel
from tuimon.settings import Settings


def findings(tunnel: Tunnel, now: float, settings: Settings) -> list[Finding]:
    """All of them; the order among equals is that of the causes."""
    files = pair.on_disk(tunnel)
    broken = any(each.severity is Severity.CRITICAL for each in files)
    stale = not_loaded(tunnel, now, settings.thresholds)
    found = [*([stale] if stale and not broken else []), *files]
    client = tunnel.service.client
    leaf = (None if client else served_leaf(tunnel)) or disk_leaf(tunnel)
    if leaf is None:
        return found
    disk = disk_leaf(tunnel)
    renewed = stale is not None and not broken and disk is not None and disk.not_after >= leaf.not_after
    runs_out = None if renewed else expiry(leaf, now, settings)
    if runs_out is not None:
        found.append(_for_client(runs_out) if client else runs_out)
    found += chain.findings(tunnel, now, settings)
    found += [Finding(each.code, Severity.WARNING, each.text, "issue a new one") for each in weakness(leaf)]
    if leaf.self_signed:
        found.append(Finding("self-signed", Severity.INFO, "the certificate is signed by itself"))
    if not client and not leaf.san and "." in leaf.common_name:  # meant for a host
        text = f"no SAN for {leaf.common_name}: most clients look at no other name"
        evidence = (f"subject {leaf.subject}",)
        found.append(Finding("no-san", Severity.INFO, text, "name the hosts when it is renewed", evidence))
    return found


def _for_client(finding: Finding) -> Finding:
    """The same finding for the certificate that a client service shows its remote."""
    text = finding.text.replace("certificate", "client certificate", 1)
    code = f"client-{finding.code}" if finding.code != "cert-not-yet-valid" else finding.code
    return Finding(code, finding.severity, text, finding.fix, finding.evidence)
