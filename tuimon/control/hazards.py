"""What a reload of this very process would come to.

Rule: what is known to go wrong is judged in `diagnose`; here an outage, and a reload that can only fail,
is refused with what to do instead, and what is merely lost is said.
"""

from collections.abc import Iterator

from tuimon.control import effect
from tuimon.control.survey import Survey
from tuimon.diagnose.hazard import Outcome, denials, hazards
from tuimon.model.action import Note


def refusals(survey: Survey) -> Iterator[Note]:
    """Reloads that would be an outage, or cannot work."""
    handed = survey.origin is not None and survey.origin.sockets > 0
    for hazard in hazards(survey.instance):
        if hazard.outcome is Outcome.LOSS or (handed and hazard.outcome is Outcome.OUTAGE):
            continue  # sockets that were handed to it are never bound again
        harm = "" if hazard.outcome is Outcome.OUTAGE else "; what serves now would serve on"
        yield Note("reload-hazard", f"{hazard.text}{harm}", hazard.fix)


def again(survey: Survey) -> Iterator[Note]:
    """What keeps a process that was never root from coming back: it starts as who it is."""
    if survey.setuid:
        return
    for hazard in denials(survey.instance):
        fix = hazard.fix.removeprefix("restart instead; or ")
        yield Note("restart-hazard", f"it would not come back: {hazard.text.partition(': ')[2]}", fix)


def warnings(survey: Survey) -> Iterator[Note]:
    """What every reload costs, and what this one costs besides."""
    fresh = ", ".join(each.new for each in effect.changes(survey) if each.what.startswith("listener"))
    if fresh:
        yield Note("reload-binds", f"if {fresh} cannot be bound, every service of the process goes down")
    yield Note("reload-gap", "all listeners close for a moment: a client may be refused and come again")
    for hazard in hazards(survey.instance):
        if hazard.outcome is Outcome.LOSS:
            yield Note("reload-hazard", hazard.text, "its end is saved before")
    if survey.origin is not None and survey.origin.sockets:
        yield Note("reload-hazard", "its listening sockets were handed to it: new addresses are not bound")
