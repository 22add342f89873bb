"""The measurement, made once, and its table at the end of the run."""

import pytest

from tests.gentle.cycle import Measured, measure, report

_SEEN = pytest.StashKey[Measured]()


@pytest.fixture(scope="session")
def measured(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Measured:
    """What the prober's cycles cost every kind of service."""
    seen = measure(tmp_path_factory.mktemp("gentle"))
    pytestconfig.stash[_SEEN] = seen
    return seen


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the table."""
    if _SEEN in config.stash:
        terminalreporter.section("what probes cost")
        for line in report(config.stash[_SEEN]):
            terminalreporter.write_line(line)
