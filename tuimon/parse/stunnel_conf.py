"""A stunnel configuration with everything it includes: bytes in, `Config` out.

Rule: sans-IO.  The parser is a generator that asks its caller for files and folders and opens nothing;
it reads what stunnel reads, in stunnel's order, and records what stunnel would refuse.  After the first
problem it goes on, so that the services still show.
"""

import os
from collections.abc import Callable, Generator

from tuimon.model.failure import OURS, Failure, Reason
from tuimon.model.service import Config, Problem
from tuimon.parse.stunnel_asks import MAX_FILE, Answer, ListFolder, Question, ReadFile, Request
from tuimon.parse.stunnel_checks import Refusal
from tuimon.parse.stunnel_lines import Line, split_lines
from tuimon.parse.stunnel_options import Version
from tuimon.parse.stunnel_sections import Sections
from tuimon.text import printable

__all__ = ["DEBIAN_12", "ListFolder", "ReadFile", "judge", "parse", "run"]

DEBIAN_12: Version = (5, 68)
MAX_TOTAL = 4 * MAX_FILE
"""Bytes of all files together."""
MAX_ROWS = 500_000
"""Lines of all files together."""
MAX_FILES = 20_000
MAX_DEPTH = 10
"""Includes inside includes."""

Steps = Generator[Request | Question, Answer, None]


def parse(path: str, host: str = "local", version: Version = DEBIAN_12) -> Generator[Request, Answer, Config]:
    """Parse the configuration at `path` as stunnel `version` would.

    Yields requests; is sent `bytes` for a `ReadFile`, a tuple of names for a `ListFolder`, or a
    `Failure` for either.  Returns the `Config`; its `failure` is set where the file itself could not be
    read, or where a bound of this module was reached and the rest was left unread.
    """
    steps = _Reading(path, version, asks=False).whole(host)
    try:
        request = next(steps)
        while True:
            if isinstance(request, Question):
                raise TypeError(f"asked {request} where the text alone is judged")
            request = steps.send((yield request))
    except StopIteration as end:
        config: Config = end.value
        return config


def judge(path: str, version: Version) -> Generator[Request | Question, Answer, Config]:
    """`parse` that also asks a `Question` wherever stunnel looks at the machine, in stunnel's order; is
    sent the `Refusal`, or None."""
    return _Reading(path, version, asks=True).whole("local")


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


class _Reading:
    """What is read of one configuration, and how much of it so far."""

    def __init__(self, path: str, version: Version, *, asks: bool) -> None:
        self._path = path
        self._sections = Sections(printable(path), version, asks=asks)
        self._files: list[str] = []
        self._size = self._rows = 0
        self._failure: Failure | None = None
        self._withheld: tuple[str, Failure] | None = None

    def whole(self, host: str) -> Generator[Request | Question, Answer, Config]:
        """Read everything, judge the last section and build the services."""
        yield from self._read(self._path, ())
        found, whole = self._sections, self._failure is None
        if whole:
            yield from found.end(last=True)
        lines = found.transcript.lines
        return Config(
            path=printable(self._path),
            services=found.services(host, whole=whole),
            globals=found.globals,
            problems=tuple(found.problems),
            files=tuple(dict.fromkeys(self._files)),
            lines=tuple(lines) if whole and lines is not None else None,
            failure=self._failure,
            withheld=self._withheld,
        )

    def _read(self, path: str, folders: tuple[str, ...]) -> Steps:
        """Read one file; `folders` are the include folders that led to it, outermost first."""
        shown = printable(path)
        if len(self._files) >= MAX_FILES:
            return self._stop(f"more than {MAX_FILES} files and folders")
        self._files.append(shown)
        answer = yield ReadFile(path)
        if isinstance(answer, Failure):
            return self._unreadable(shown, answer, included=bool(folders))
        if not isinstance(answer, bytes):
            raise TypeError(f"bytes or Failure expected for {path}")
        self._size += len(answer)
        if len(answer) > MAX_FILE or self._size > MAX_TOTAL:
            return self._stop(
                f"{shown} is larger than {MAX_FILE >> 20} MiB, or all files together than 4 times that"
            )
        for line in split_lines(answer):
            self._rows += 1
            if self._rows > MAX_ROWS:
                self._stop(f"more than {MAX_ROWS:,} lines")
            if self._failure:
                break
            if line.idle:
                self._sections.skip(line, shown)
                continue
            told = yield from self._sections.take(line, shown)
            if isinstance(told, Failure):
                self._failure = told
            elif told is not None:
                yield from self._include(told, line, shown, folders)
        return None

    def _unreadable(self, path: str, failure: Failure, included: bool) -> None:
        """The file itself: nothing is known.  An included one: stunnel stops there, our bounds apart."""
        if not included or failure.reason is Reason.TOO_LARGE:
            self._failure = failure
            return
        if failure.reason in OURS:
            self._withhold(path, failure)
            return
        self._sections.doubt()
        meaning = f"{path} is in an include folder and cannot be read: {failure}"
        reason = "Cannot open configuration file"
        self._sections.problem(Problem(path, None, "", reason, meaning, meaning, environment=True))

    def _withhold(self, path: str, failure: Failure) -> None:
        """Go on without what stands there."""
        self._sections.doubt()
        self._withheld = self._withheld or (path, failure)

    def _include(self, folder: str, line: Line, file: str, folders: tuple[str, ...]) -> Steps:
        """Read every regular file of a folder, in byte order of the names."""
        if folder in folders or len(folders) >= MAX_DEPTH:
            # stunnel has no check and runs out of stack.
            meaning = "the include folders include one another: stunnel crashes on this"
            return self._sections.refuse(line, file, Refusal("Segmentation fault", meaning))
        self._files.append(printable(folder))
        answer = yield ListFolder(folder)
        if isinstance(answer, Failure) and answer.reason in OURS:
            return self._withhold(printable(folder), answer)
        if isinstance(answer, Failure):
            meaning = f"the include folder cannot be read: {answer}"
            refusal = Refusal("Failed to include directory", meaning, "include", "include-missing", True)
            return self._sections.refuse(line, file, refusal)
        if not isinstance(answer, tuple) or isinstance(answer, Refusal):
            raise TypeError(f"tuple of names or Failure expected for {folder}")
        for name in sorted(answer, key=os.fsencode):
            if self._failure:
                break
            yield from self._read(f"{folder}/{name}", (*folders, folder))
        return None

    def _stop(self, detail: str) -> None:
        """A bound of ours was reached: what follows stays unread."""
        self._failure = Failure(Reason.TOO_LARGE, detail)
