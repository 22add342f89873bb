"""The laboratory's fixture, built and swept once."""

import pytest

from tests.lab.table import examine
from tests.lab.verdict import Verdict, note


@pytest.fixture(scope="session")
def verdicts(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> dict[str, Verdict]:
    """What one sweep over the whole laboratory says of each row."""
    seen = examine(tmp_path_factory.mktemp("lab"))
    note(pytestconfig, seen)
    return seen
