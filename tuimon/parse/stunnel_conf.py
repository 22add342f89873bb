"""A stunnel configuration with everything it includes: bytes in, `Config` out.

Rule: sans-IO.  The parser is a generator that asks its caller for files and folders and opens nothing;
it reads what stunnel reads, in stunnel's order, and records what stunnel would refuse.  After the first
problem it goes on, so that the services still show.
"""

import os
import re
from collections.abc import Callable, Generator

from msgspec import Struct

from tuimon.model.failure import OURS, Failure, Reason
from tuimon.model.service import HEADER, MASK, Config, Problem, Value
from tuimon.parse.stunnel_asks import (
    LOOKED_UP,
    MAX_FILE,
    Answer,
    JudgeLine,
    JudgeSection,
    ListFolder,
    Question,
    ReadFile,
    Request,
)
from tuimon.parse.stunnel_checks import CHECKS, PARTICULAR, PLAIN, Refusal, Stage, judge_globals
from tuimon.parse.stunnel_lines import MAX_LINE, Line, split_lines
from tuimon.parse.stunnel_options import Option, Scope, Version, find, is_secret, unknown
from tuimon.parse.stunnel_secrets import masked_line, masked_value, names, plain
from tuimon.parse.stunnel_section import Section, Values, add_value
from tuimon.parse.stunnel_text import Transcript
from tuimon.text import printable

__all__ = ["DEBIAN_12", "ListFolder", "ReadFile", "judge", "parse", "run"]

DEBIAN_12: Version = (5, 68)
MAX_TOTAL = 4 * MAX_FILE
"""Bytes of all files together."""
MAX_ROWS = 500_000
"""Lines of all files together."""
MAX_FILES = 20_000
MAX_SERVICES = 20_000
MAX_PROBLEMS = 500
MAX_DEPTH = 10
"""Includes inside includes."""

Steps = Generator[Request | Question, Answer, None]
Judged = Generator[Question, Answer, Refusal | None]


def parse(path: str, host: str = "local", version: Version = DEBIAN_12) -> Generator[Request, Answer, Config]:
    """Parse the configuration at `path` as stunnel `version` would.

    Yields requests; is sent `bytes` for a `ReadFile`, a tuple of names for a `ListFolder`, or a
    `Failure` for either.  Returns the `Config`; its `failure` is set where the file itself could not be
    read, or where a bound of this module was reached and the rest was left unread.
    """
    reading = _reading(_Parser(printable(path), host, version), path)
    try:
        request = next(reading)
        while True:
            if isinstance(request, Question):
                raise TypeError(f"asked {request} where the text alone is judged")
            request = reading.send((yield request))
    except StopIteration as end:
        config: Config = end.value
        return config


def judge(
    path: str, host: str = "local", version: Version = DEBIAN_12
) -> Generator[Request | Question, Answer, Config]:
    """`parse` that also asks a `Question` wherever stunnel looks at the machine, in stunnel's order; is
    sent the `Refusal`, or None."""
    return _reading(_Parser(printable(path), host, version, asks=True), path)


def _reading(parser: "_Parser", path: str) -> Generator[Request | Question, Answer, Config]:
    yield from parser.read(path, ())
    return (yield from parser.finish())


def run(
    path: str,
    read: Callable[[str], bytes | Failure],
    list_: Callable[[str], tuple[str, ...] | Failure],
    host: str = "local",
    version: Version = DEBIAN_12,
) -> Config:
    """Drive `parse` with plain callables, for tests and synchronous callers."""
    steps = parse(path, host, version)
    try:
        request = next(steps)
        while True:
            request = steps.send(read(request.path) if isinstance(request, ReadFile) else list_(request.path))
    except StopIteration as end:
        config: Config = end.value
        return config


# `[name] // comment`, `3[name]`, a byte order mark amid the file, `[name`: headers that stunnel refuses.
_BROKEN_HEADER = re.compile(rb"[^=\[]{0,3}\[([^\]=]*)(?:\].*)?", re.DOTALL)
_NEEDS_ENGINE = {
    "engineCtrl": "No engine was defined",
    "engineDefault": "No engine was defined",
    "engineId": "Engine ID not found",
    "engineNum": "Illegal engine number",
}
_COMMENT_TAIL = re.compile(r"\s(?:#|;|//)")


class _Meaning(Struct, frozen=True, gc=False):
    """What a line says: its option, the value's text with `raw` and `cover` (`Value`), `clear` where it needs
    no cover, and what the text says against it; without an option its name, and whether it has a `=`."""

    option: Option | None
    unknown: tuple[bytes, bool]
    shown: str = ""
    raw: str = ""
    cover: str = ""
    refusal: Refusal | None = None
    clear: bool = False


class _Parser:
    """What is known so far.  `current` takes the option lines, also those after an include; `asks` tells
    whether the machine is asked besides the text."""

    def __init__(self, path: str, host: str, version: Version, *, asks: bool = False) -> None:
        self.asks = asks
        self.path = path
        self.host = host
        self.version = version
        self.defaults = Section("stunnel", path, 1)
        self.current = self.defaults
        self.sections: list[Section] = []
        self.named: dict[str, Section] = {}  # the first of each name
        self.globals: Values = {}
        self.globals_refused = False
        self.problems: list[Problem] = []
        self.files: list[str] = []
        self.transcript = Transcript()
        self.options: dict[bytes, Option] = {}  # by the spellings met
        self.meant: dict[bytes, _Meaning] = {}  # by the lines met
        self.size = self.rows = 0
        self.failure: Failure | None = None
        self.withheld: tuple[str, Failure] | None = None

    def finish(self) -> Generator[Request | Question, Answer, Config]:
        """Judge the last section and build the services."""
        unread = self.failure is not None
        if not unread:
            yield from self.end_section(last=True)
        else:
            self.named.setdefault(self.current.name, self.current)
        drafts, lines = self.sections, self.transcript.lines
        if not drafts and not unread and self.defaults.values:
            drafts = [self.defaults]
        return Config(
            path=self.path,
            services=tuple(draft.service(self.host, self.path, self.named) for draft in drafts),
            globals=self.globals,
            problems=tuple(self.problems),
            files=tuple(dict.fromkeys(self.files)),
            lines=None if lines is None or unread else tuple(lines),
            failure=self.failure,
            withheld=self.withheld,
        )

    # Files

    def read(self, path: str, folders: tuple[str, ...]) -> Steps:
        """Read one file; `folders` are the include folders that led to it, outermost first."""
        shown = printable(path)
        if len(self.files) >= MAX_FILES:
            return self.stop(f"more than {MAX_FILES} files and folders")
        self.files.append(shown)
        answer = yield ReadFile(path)
        if isinstance(answer, Failure):
            return self.unreadable(shown, answer, included=bool(folders))
        if not isinstance(answer, bytes):
            raise TypeError(f"bytes or Failure expected for {path}")
        self.size += len(answer)
        if len(answer) > MAX_FILE or self.size > MAX_TOTAL:
            return self.stop(
                f"{shown} is larger than {MAX_FILE >> 20} MiB, or all files together than 4 times that"
            )
        for line in split_lines(answer):
            self.rows += 1
            if self.rows > MAX_ROWS:
                self.stop(f"more than {MAX_ROWS:,} lines")
            if self.failure:
                break
            if line.idle:
                self.keep(line, shown)
            else:
                yield from self.line(line, shown, folders)
        return None

    def keep(
        self, line: Line, file: str, option: str = "", *, known: bool = True, plain: bool = False
    ) -> None:
        """Note a line's text beside what it means."""
        self.transcript.keep(line, file, len(self.sections) - 1, option, known=known, plain=plain)

    def unreadable(self, path: str, failure: Failure, included: bool) -> None:
        """The file itself: nothing is known.  An included one: stunnel stops there, our bounds apart."""
        if not included or failure.reason is Reason.TOO_LARGE:
            self.failure = failure
            return
        if failure.reason in OURS:
            self.withhold(path, failure)
            return
        self.current.refused = True
        meaning = f"{path} is in an include folder and cannot be read: {failure}"
        reason = "Cannot open configuration file"
        self.problem(Problem(path, None, "", reason, meaning, meaning, environment=True))

    def withhold(self, path: str, failure: Failure) -> None:
        """Go on without what stands there: what its section lacks may be in it."""
        self.current.refused = True
        self.withheld = self.withheld or (path, failure)

    def include(self, line: Line, file: str, value: bytes, folders: tuple[str, ...]) -> Steps:
        """Read every regular file of a folder, in byte order of the names."""
        folder = os.fsdecode(value)
        if folder in folders or len(folders) >= MAX_DEPTH:
            # stunnel has no check and runs out of stack.
            meaning = "the include folders include one another: stunnel crashes on this"
            return self.refuse(line, file, Refusal("Segmentation fault", meaning))
        self.files.append(printable(folder))
        answer = yield ListFolder(folder)
        if isinstance(answer, Failure) and answer.reason in OURS:
            return self.withhold(printable(folder), answer)
        if isinstance(answer, Failure):
            meaning = f"the include folder cannot be read: {answer}"
            refusal = Refusal("Failed to include directory", meaning, "include", "include-missing", True)
            return self.refuse(line, file, refusal)
        if not isinstance(answer, tuple) or isinstance(answer, Refusal):
            raise TypeError(f"tuple of names or Failure expected for {folder}")
        for name in sorted(answer, key=os.fsencode):
            if self.failure:
                break
            yield from self.read(f"{folder}/{name}", (*folders, folder))
        return None

    def stop(self, detail: str) -> None:
        """A bound of ours was reached: what follows stays unread."""
        self.failure = Failure(Reason.TOO_LARGE, detail)

    # Lines

    def line(self, line: Line, file: str, folders: tuple[str, ...]) -> Steps:
        """One line that is neither empty nor a comment."""
        text = line.text
        if text.startswith(b"[") and text.endswith(b"]"):
            yield from self.begin_section(text[1:-1], line, file)
            return None
        # The same few lines stand in every section, and from the first header on they mean the same.
        meant = self.meant.get(text) or self.meaning(text)
        option, clear = meant.option, meant.clear
        if option is None:
            yield from self.unknown(line, file, *meant.unknown)
            return None
        self.keep(line, file, option.name, plain=clear)
        if option.name == "include":
            yield from self.include(line, file, text.partition(b"=")[2].strip(), folders)
            return None
        if meant.refusal is not None:
            return self.refuse(line, file, meant.refusal, option)
        said = Value(meant.shown, file, line.number, option.secret, meant.raw, meant.cover)
        if self.asks and option.name in LOOKED_UP:
            answer = yield JudgeLine(option.name, said)
            if isinstance(answer, Refusal):  # what was meant is understood all the same
                self.refuse(line, file, answer, option)
        if option.scope is Scope.GLOBAL:
            add_value(self.globals, option, said)
        else:
            self.current.put(option, said)
        return None

    def meaning(self, text: bytes) -> _Meaning:
        """What the line says, whatever section it stands in."""
        head, equals, tail = text.partition(b"=")
        name, value = head.strip(), tail.strip()
        option = self.find(name) if equals else None
        if option is None:
            return _Meaning(None, (name, bool(equals)))
        shown, raw = printable(value, MAX_LINE), os.fsdecode(value)
        clear = plain(option.name, shown)
        cover = shown if clear else masked_value(option.name, shown)
        refusal = None if option.name == "include" else self.refusal(option, shown)
        found = _Meaning(option, (name, True), shown, "" if raw == shown else raw, cover, refusal, clear)
        if self.sections:
            self.meant[text] = found
        return found

    def find(self, name: bytes) -> Option | None:
        """The option as it is known at this place: no global ones once a section was opened."""
        option = self.options.get(name)
        if option is None:
            option = find(printable(name), self.version)
            if option is not None:
                self.options[name] = option
        return None if option and option.scope is Scope.GLOBAL and self.sections else option

    def refusal(self, option: Option, value: str) -> Refusal | None:
        """What the text says against this value of a known option."""
        judged = option.default_kind if self.current is self.defaults else None
        kind = judged or option.kind
        reason = kind.refuse(value) or self.missing_engine(option)
        return Refusal(reason, _wanted(option, kind.wants, value)) if reason else None

    def missing_engine(self, option: Option) -> str:
        """An engine can be referred to only after a global `engine` line."""
        if "engine" in self.globals:
            return ""
        return _NEEDS_ENGINE.get(option.name, "")

    def unknown(self, line: Line, file: str, name: bytes, equals: bool) -> Steps:
        """A line that is neither a header nor an option; a broken header still begins its section."""
        reason = "Specified option name is not valid here" if equals else "No '=' found"
        bracket = not equals or name.startswith(b"[")
        header = _BROKEN_HEADER.fullmatch(name if equals else line.text) if bracket else None
        if header:
            meaning = "a section header must begin with '[' and end in ']': move the comment to its own line"
            self.quote(line, file, Refusal(reason, meaning))
            yield from self.begin_section(header[1], line, file)
            return None
        said = names(printable(line.raw)) if equals else ""
        self.keep(line, file, said or "?", known=False)
        meaning = "this is neither `option = value` nor a [section], and a comment begins with # or ;"
        if equals and not self.full:  # to look for the name that was meant takes time
            meaning = unknown(said or MASK, self.version)
        code = "unknown-option" if equals else "config-error"
        return self.refuse(line, file, Refusal(reason, meaning, code=code))

    # Sections

    def begin_section(self, name: bytes, line: Line, file: str) -> Steps:
        """A header: stunnel judges what ends here, then copies the defaults."""
        yield from self.end_section()
        if len(self.sections) >= MAX_SERVICES:
            return self.stop(f"more than {MAX_SERVICES} sections")
        shown = printable(name, MAX_LINE)
        self.current = self.defaults.heir(shown, file, line.number, len(self.sections))
        self.sections.append(self.current)
        self.keep(line, file, HEADER)
        return None

    def end_section(self, last: bool = False) -> Steps:
        """Judge the globals at the first header or the end of the text, and the section that ends."""
        section = self.current
        if section is self.defaults:
            if not (self.globals_refused or section.refused):
                refusal = judge_globals(self.globals)
                if refusal is None and self.asks:
                    refusal = yield from self.ask(Stage.GLOBALS)
                if refusal:
                    self.lack("Global options", self.path, refusal, self.globals)
            if not last:
                return
        else:
            self.named.setdefault(section.name, section)
        if section.refused:
            return
        refusal = yield from self.judge_section()
        if refusal:
            title = f"[{section.name}]" if section.ordinal >= 0 else "no section"
            self.lack(title, section.file, refusal, section.values, section.line)

    def judge_section(self) -> Judged:
        """The first reason against the section that ends."""
        plain = not self.asks and self.current.values.keys().isdisjoint(PARTICULAR)
        for check in PLAIN if plain else CHECKS:
            if isinstance(check, Stage):
                refusal = (yield from self.ask(check)) if self.asks else None
            else:
                refusal = check(self.current, self.named, self.version)
            if refusal:
                return refusal
        return None

    def ask(self, stage: Stage) -> Judged:
        """What the machine says at this stage."""
        answer = yield JudgeSection(stage, self.current, self.globals)
        return answer if isinstance(answer, Refusal) else None

    # Problems

    def refuse(self, line: Line, file: str, refusal: Refusal, option: Option | None = None) -> None:
        """Record a refused line; what its section then lacks may be in it, so that is not judged."""
        if option and option.scope is Scope.GLOBAL:
            self.globals_refused = True
        else:
            self.current.refused = True
        self.quote(line, file, refusal)

    def quote(self, line: Line, file: str, refusal: Refusal) -> None:
        """Record a problem with the line that stunnel names."""
        if self.full:  # to make what nobody keeps would take ten times as long as to read it
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

    def lack(self, title: str, file: str, refusal: Refusal, values: Values, line: int | None = None) -> None:
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
        if not self.full:
            self.problems.append(problem)

    @property
    def full(self) -> bool:
        """Whether no further problem is kept."""
        return len(self.problems) >= MAX_PROBLEMS


def _wanted(option: Option, wants: str, value: str) -> str:
    """What to write instead of a refused value."""
    if option.name in _NEEDS_ENGINE:
        return f"`{option.name}` needs a global `engine` line before it"
    if not is_secret(option.name) and _COMMENT_TAIL.search(value):
        return f"a comment cannot follow a value, move it to its own line; `{option.name}` takes {wants}"
    return f"`{option.name}` takes {wants}"
