"""Every situation ends as it must: done and proved, or refused before anybody was cut off."""

import pytest

from tests.control.conftest import ROWS
from tests.control.row import Judged


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", [row.name for row in ROWS])
def test_situation(judged: dict[str, Judged], name: str) -> None:
    """The result, the words, who is served afterwards, and what else the situation asks for."""
    assert not judged[name].wrong
