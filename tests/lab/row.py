"""A row of the laboratory: one fault or one healthy oddity, and the shelf on which its kin stand."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.lab.bench import Bench

Build = Callable[[Bench], None]


@dataclass(frozen=True)
class Fault:
    """One row: what is wrong, the codes of which one must come first, and words of its text.

    A healthy oddity has no codes: nothing above information may be found.  `name` stands in words for
    the row's own name, `{port}` and `{target}` for its ports.
    """

    name: str
    codes: tuple[str, ...]
    words: tuple[str, ...]
    build: Build


class Shelf:
    """The rows of one kin, in the order in which they are written."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []

    def fault(self, codes: str, *words: str) -> Callable[[Build], Build]:
        """Decorate the function that builds a row named after it; `codes` are blank-separated."""

        def note(build: Build) -> Build:
            name = build.__name__.replace("_", "-")
            self.faults.append(Fault(name, tuple(codes.split()), words, build))
            return build

        return note

    @property
    def healthy(self) -> Callable[[Build], Build]:
        """Decorate the function that builds a healthy oddity."""
        return self.fault("")
