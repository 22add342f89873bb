"""The laboratory's fixture, built and swept once."""

import pytest

from tests.lab.row import Fault
from tests.lab.table import FAULTS, ODDITIES, examine
from tests.lab.verdict import Verdict, note


def _wanted(items: list[pytest.Item]) -> tuple[Fault, ...]:
    """The rows that the selected tests ask for; all of them where one asks for the whole."""
    here = [each for each in items if isinstance(each, pytest.Function) and "verdicts" in each.fixturenames]
    asked = [each.callspec.params if hasattr(each, "callspec") else {} for each in here]
    if any(not params for params in asked):
        return (*FAULTS, *ODDITIES)
    return tuple(dict.fromkeys(row for params in asked for row in params.values()))


@pytest.fixture(scope="session")
def verdicts(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Verdict]:
    """What one sweep over the laboratory says of each row."""
    seen = examine(tmp_path_factory.mktemp("lab"), _wanted(request.session.items))
    note(request.config, seen)
    return seen
