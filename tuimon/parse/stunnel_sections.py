"""The lines of a configuration in the order in which stunnel reads them, and the sections they make.

Rule: what stunnel would refuse is recorded, and the next line is taken all the same.  Nothing is judged
of a section that has a refused line: what it lacks may be in that line.
"""

import re
from collections.abc import Generator

from tuimon.model.failure import Failure, Reason
from tuimon.model.service import HEADER, MASK, Problem, Service, Value
from tuimon.parse.stunnel_asks import LOOKED_UP, Answer, JudgeLine, JudgeSection, Question
from tuimon.parse.stunnel_checks import CHECKS, PARTICULAR, PLAIN, Refusal, Stage, judge_globals
from tuimon.parse.stunnel_lines import MAX_LINE, Line
from tuimon.parse.stunnel_meaning import Meaning, Meanings
from tuimon.parse.stunnel_options import Option, Scope, Version, unknown
from tuimon.parse.stunnel_secrets import masked_line, names
from tuimon.parse.stunnel_section import Section, Values, add_value
from tuimon.parse.stunnel_text import Transcript
from tuimon.text import printable

MAX_SERVICES = 20_000
MAX_PROBLEMS = 500

Asking = Generator[Question, Answer, None]
Judged = Generator[Question, Answer, Refusal | None]
Taken = Generator[Question, Answer, str | Failure | None]

# `[name] // comment`, `3[name]`, a byte order mark amid the file, `[name`: headers that stunnel refuses.
_BROKEN_HEADER = re.compile(rb"[^=\[]{0,3}\[([^\]=]*)(?:\].*)?", re.DOTALL)


class Sections:
    """What is known so far.  Option lines go to the section that was begun last, also behind an include;
    `asks` tells whether the machine is asked besides the text."""

    def __init__(self, path: str, version: Version, *, asks: bool) -> None:
        self.globals: Values = {}
        self.problems: list[Problem] = []
        self.transcript = Transcript()
        self._path = path
        self._version = version
        self._asks = asks
        self._defaults = self._current = Section("stunnel", path, 1)
        self._sections: list[Section] = []
        self._named: dict[str, Section] = {}  # the first of each name
        self._globals_refused = False
        self._meanings = Meanings(version, self.globals)

    def services(self, host: str, *, whole: bool) -> tuple[Service, ...]:
        """What the sections are; of a text that is `whole` and has none, the defaults."""
        if self._sections:
            self._named.setdefault(self._current.name, self._current)
        bare = whole and not self._sections and self._defaults.values
        drafts = [self._defaults] if bare else self._sections
        return tuple(draft.service(host, self._path, self._named) for draft in drafts)

    def skip(self, line: Line, file: str) -> None:
        """A line that stunnel skips: only its text is kept."""
        self.transcript.keep(line, file, self._current.ordinal)

    def doubt(self) -> None:
        """What the section lacks may stand where it could not be read."""
        self._current.refused = True

    # Lines

    def take(self, line: Line, file: str) -> Taken:
        """One line that is not skipped.  Returns the folder that it includes, if it does, or why neither it
        nor what follows is taken."""
        text = line.text
        if text.startswith(b"[") and text.endswith(b"]"):
            return (yield from self._begin(text[1:-1], line, file))
        meant = self._meanings.of(text, above=self._current is self._defaults)
        option = meant.option
        if option is None:
            return (yield from self._unknown(line, file, meant))
        self.transcript.keep(line, file, self._current.ordinal, option.name, plain=meant.clear)
        if option.name == "include":
            return meant.raw or meant.shown
        if meant.refusal is not None:
            self.refuse(line, file, meant.refusal, option)
            return None
        said = Value(meant.shown, file, line.number, option.secret, meant.raw, meant.cover)
        if self._asks and option.name in LOOKED_UP:
            answer = yield JudgeLine(option.name, said)
            if isinstance(answer, Refusal):  # what was meant is understood all the same
                self.refuse(line, file, answer, option)
        if option.scope is Scope.GLOBAL:
            add_value(self.globals, option, said)
        else:
            self._current.put(option, said)
        return None

    def _unknown(self, line: Line, file: str, meant: Meaning) -> Taken:
        """A line that is neither a header nor an option; a broken header still begins its section."""
        equals = meant.equals
        reason = "Specified option name is not valid here" if equals else "No '=' found"
        bracket = not equals or meant.name.startswith(b"[")
        header = _BROKEN_HEADER.fullmatch(meant.name if equals else line.text) if bracket else None
        if header:
            meaning = "a section header must begin with '[' and end in ']': move the comment to its own line"
            self._quote(line, file, Refusal(reason, meaning))
            return (yield from self._begin(header[1], line, file))
        said = names(printable(line.raw)) if equals else ""
        self.transcript.keep(line, file, self._current.ordinal, said or "?", known=False)
        meaning = "this is neither `option = value` nor a [section], and a comment begins with # or ;"
        if equals and not self._full:  # to look for the name that was meant takes time
            meaning = unknown(said or MASK, self._version)
        self.refuse(line, file, Refusal(reason, meaning, code="unknown-option" if equals else "config-error"))
        return None

    # Sections

    def _begin(self, name: bytes, line: Line, file: str) -> Taken:
        """A header: stunnel judges what ends here, then copies the defaults."""
        yield from self.end()
        if len(self._sections) >= MAX_SERVICES:
            return Failure(Reason.TOO_LARGE, f"more than {MAX_SERVICES} sections")
        shown = printable(name, MAX_LINE)
        self._current = self._defaults.heir(shown, file, line.number, len(self._sections))
        self._sections.append(self._current)
        self.transcript.keep(line, file, self._current.ordinal, HEADER)
        return None

    def end(self, *, last: bool = False) -> Asking:
        """Judge the globals at the first header or the end of the text, and the section that ends."""
        section = self._current
        if section is self._defaults:
            if not (self._globals_refused or section.refused):
                refusal = judge_globals(self.globals)
                if refusal is None and self._asks:
                    refusal = yield from self._ask(Stage.GLOBALS)
                if refusal:
                    self._lack("Global options", self._path, refusal, self.globals)
            if not last:
                return
        else:
            self._named.setdefault(section.name, section)
        if section.refused:
            return
        refusal = yield from self._judge()
        if refusal:
            title = f"[{section.name}]" if section.ordinal >= 0 else "no section"
            self._lack(title, section.file, refusal, section.values, section.line)

    def _judge(self) -> Judged:
        """The first reason against the section that ends."""
        plain = not self._asks and self._current.values.keys().isdisjoint(PARTICULAR)
        for check in PLAIN if plain else CHECKS:
            if isinstance(check, Stage):
                refusal = (yield from self._ask(check)) if self._asks else None
            else:
                refusal = check(self._current, self._named, self._version)
            if refusal:
                return refusal
        return None

    def _ask(self, stage: Stage) -> Judged:
        """What the machine says at this stage."""
        answer = yield JudgeSection(stage, self._current, self.globals)
        return answer if isinstance(answer, Refusal) else None

    # Problems

    def refuse(self, line: Line, file: str, refusal: Refusal, option: Option | None = None) -> None:
        """Record a refused line; what its section then lacks may be in it, so that is not judged."""
        if option and option.scope is Scope.GLOBAL:
            self._globals_refused = True
        else:
            self._current.refused = True
        self._quote(line, file, refusal)

    def _quote(self, line: Line, file: str, refusal: Refusal) -> None:
        """Record a problem with the line that stunnel names."""
        if self._full:  # to make what nobody keeps would take ten times as long as to read it
            return
        text = masked_line(printable(line.raw))
        meaning = f"stunnel refuses this line: {refusal.meaning}"
        self.problem(
            Problem(
                *(file, line.number, text, refusal.reason, meaning, refusal.meaning),
                environment=refusal.environment,
                code=refusal.code,
            )
        )

    def _lack(self, title: str, file: str, refusal: Refusal, values: Values, line: int | None = None) -> None:
        """Record what stunnel says, without a line, when the section or the globals end."""
        said = values.get(refusal.option)
        place = (said[-1].file, said[-1].line) if said else (file, line) if line else None
        where = f"{file}:{line}: {title}" if line else file
        self.problem(
            Problem(
                *(file, None, "", refusal.reason, f"{where}: {refusal.meaning}", refusal.meaning, title),
                *(place, refusal.environment, refusal.code),
            )
        )

    def problem(self, problem: Problem) -> None:
        """Keep the first `MAX_PROBLEMS`."""
        if not self._full:
            self.problems.append(problem)

    @property
    def _full(self) -> bool:
        """Whether no further problem is kept."""
        return len(self.problems) >= MAX_PROBLEMS
