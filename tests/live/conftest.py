"""All cases, watched once, and their table at the end of the run."""

import pytest

from tests.live.watch import Course, report, watch
from tests.tables import Line, leave


@pytest.fixture(scope="session")
def courses(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> dict[str, Course]:
    """What was told of each patient."""
    seen = watch(tmp_path_factory.mktemp("live"))
    title = "how soon a cause is named (handshakes every 20 s)"
    leave(pytestconfig, title, map(Line, report(seen)))
    return seen
