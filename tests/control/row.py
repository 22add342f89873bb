"""A situation: what stands before an action, how it must end, and what must be so afterwards."""

from collections.abc import Callable, Generator

from msgspec import Struct, field

from tests.control.bench import Bench
from tuimon.model.action import Action, Outcome, Preflight, Result


class Told(Struct, frozen=True):
    """What the action was found to be before, and how it ended."""

    preflight: Preflight
    outcome: Outcome

    @property
    def text(self) -> str:
        """Everything that was said, on one line."""
        notes = (*self.preflight.refusals, *self.preflight.warnings)
        parts = (self.outcome.text, self.outcome.fix, *(f"{each.code}: {each.text}" for each in notes))
        return " | ".join((*parts, *map(str, self.preflight.changes)))


Play = Generator[None, Told, None]
"""What stands before its `yield` is built first; what stands after it looks at what has come of it."""


class Situation(Struct, frozen=True):
    """One row.  `down` says that clients are cut off as they were told: else whoever was served before
    is served afterwards."""

    name: str
    action: Action
    result: Result
    words: tuple[str, ...]
    play: Callable[[Bench], Play]
    down: bool = False


class Judged(Struct, frozen=True):
    """How a situation ended, and what is wrong with that (empty: nothing)."""

    situation: Situation
    told: Told | None
    wrong: str

    def __str__(self) -> str:
        said = self.told.outcome.text if self.told else "nothing"
        mark = "WRONG" if self.wrong else "right"
        row = self.situation
        return f"{mark}  {row.name:50} {row.result.value:10} {self.wrong or said}"


class Shelf(Struct):
    """The situations of one kin, in the order in which they are written."""

    rows: list[Situation] = field(default_factory=list)

    def situation(
        self, action: Action, result: Result, *words: str, down: bool = False
    ) -> Callable[[Callable[[Bench], Play]], Callable[[Bench], Play]]:
        """Decorate the function that plays a situation named after it."""

        def note(play: Callable[[Bench], Play]) -> Callable[[Bench], Play]:
            name = f"{action.value}-{play.__name__.removeprefix(f'{action.value}_').replace('_', '-')}"
            self.rows.append(Situation(name, action, result, words, play, down))
            return play

        return note
