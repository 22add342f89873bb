"""The measurement, made once, and its table at the end of the run."""

import pytest

from tests.gentle.cycle import Measured, measure, report
from tests.tables import Line, leave


@pytest.fixture(scope="session")
def measured(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Measured:
    """What the prober's cycles cost every kind of service."""
    seen = measure(tmp_path_factory.mktemp("gentle"))
    leave(pytestconfig, "what probes cost", map(Line, report(seen)))
    return seen
