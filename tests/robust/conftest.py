"""Proofs of robustness: a laboratory for one module, and tables of figures at the end of the run."""

from collections.abc import Callable, Iterator

import pytest

from tests.lab.bench import Lab
from tests.tables import Line, leave

Note = Callable[[str, str], None]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Certificates, and an end for every process."""
    one = Lab(tmp_path_factory.mktemp("robust"))
    yield one
    one.close()


@pytest.fixture(scope="session")
def note(pytestconfig: pytest.Config) -> Note:
    """Leave one line of figures under a title for the end of the run."""
    return lambda title, text: leave(pytestconfig, title, (Line(text),))
