"""The laboratory's fixture, built and swept once, and its table at the end of the run."""

import pytest

from tests.lab.table import Verdict, examine, report

_SEEN = pytest.StashKey[dict[str, Verdict]]()


@pytest.fixture(scope="session")
def verdicts(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> dict[str, Verdict]:
    """What one sweep over the whole laboratory says of each row."""
    seen = examine(tmp_path_factory.mktemp("lab"))
    pytestconfig.stash[_SEEN] = seen
    return seen


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the table and the score."""
    if _SEEN in config.stash:
        terminalreporter.section("fault laboratory")
        for line in report(config.stash[_SEEN]):
            terminalreporter.write_line(line)
