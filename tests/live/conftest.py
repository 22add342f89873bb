"""All cases, watched once, and their table at the end of the run."""

import pytest

from tests.live.watch import Course, report, watch

_SEEN = pytest.StashKey[dict[str, Course]]()


@pytest.fixture(scope="session")
def courses(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> dict[str, Course]:
    """What was told of each patient."""
    seen = watch(tmp_path_factory.mktemp("live"))
    pytestconfig.stash[_SEEN] = seen
    return seen


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the table."""
    if _SEEN in config.stash:
        terminalreporter.section("how soon a cause is named (handshakes every 20 s)")
        for line in report(config.stash[_SEEN]):
            terminalreporter.write_line(line)
