"""A bug of tuimon's own, as the finding of whatever it kept from being looked at, joined or judged.

Rule: such a service is `?`, unless what was judged besides says that it is down.
"""

from tuimon.diagnose.finding import Finding, Severity
from tuimon.model.failure import Failure, bug, places

CODE = "tuimon-failed"


def stumbled(failure: Failure, *evidence: str) -> Finding:
    """What a bug is to whoever reads the row."""
    fix = "report it, with the evidence; the service itself may be well"
    return Finding(CODE, Severity.WARNING, str(failure), fix, evidence)


def itself(error: Exception) -> Finding:
    """The same of a bug that was met just now, with the way to its place."""
    return stumbled(bug(error), *places(error)[::-1])
