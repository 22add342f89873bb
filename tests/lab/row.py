"""A row of the laboratory: one fault or one healthy oddity, and the shelf on which its kin stand."""

from collections.abc import Callable
from typing import Any

from msgspec import Struct

Build = Callable[[Any], Any]
"""It gets the bench, or the yard of a booted host, that is the row's own."""

_CALM = frozenset({"ok", "not-probed"})


class Fault(Struct, frozen=True):
    """One row: what is wrong, the codes of which one must come first, and words of its text.

    A healthy oddity has no codes: nothing above information may be found, and its state is one of `calm`.
    `name` stands in words for the row's own name, `{port}` and `{target}` for its ports.
    """

    name: str
    codes: tuple[str, ...]
    words: tuple[str, ...]
    build: Build
    calm: frozenset[str] = _CALM


class Shelf:
    """The rows of one kin, in the order in which they are written."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []

    def fault(self, codes: str, *words: str) -> Callable[[Build], Build]:
        """Decorate the function that builds a row named after it; `codes` are blank-separated."""
        return self._noting(tuple(codes.split()), words, _CALM)

    @property
    def healthy(self) -> Callable[[Build], Build]:
        """Decorate the function that builds a healthy oddity."""
        return self.fault("")

    @property
    def off(self) -> Callable[[Build], Build]:
        """Decorate the function that builds one that does not run, as somebody wished."""
        return self._noting((), (), frozenset({"off"}))

    def _noting(
        self, codes: tuple[str, ...], words: tuple[str, ...], calm: frozenset[str]
    ) -> Callable[[Build], Build]:
        def note(build: Build) -> Build:
            name = build.__name__.replace("_", "-")
            self.faults.append(Fault(name, codes, words, build, calm))
            return build

        return note
