"""What a process has loaded, as bytes to be kept and from bytes that were kept.

Rule: what was kept is a stranger's text again when it is read.  It goes through the same parser as a
configuration on disk, which bounds, masks and cleans it; whatever does not fit is no text at all.
"""

import os

import msgspec
from msgspec.structs import replace

from tuimon.model.failure import Failure, Reason
from tuimon.model.loaded import Loaded
from tuimon.model.process import ProcessId
from tuimon.model.service import Config, ConfigLine
from tuimon.parse.stunnel_conf import run
from tuimon.parse.stunnel_text import MAX_LINES

_FORMAT = 1
_MISSING = Failure(Reason.MISSING, "not kept")


class _File(msgspec.Struct, array_like=True):
    """One file: its path, and its lines from the first on as (text, mark)."""

    path: str
    lines: list[tuple[str, str]]


class _Kept(msgspec.Struct):
    """One load of one process."""

    format: int
    host: str
    config: str
    pid: int
    started: float
    exe: str
    loaded_at: float
    from_log: bool
    files: list[_File]


def encode(loaded: Loaded, host: str) -> bytes:
    """As it is kept; the same load gives the same bytes."""
    files: dict[str, dict[int, tuple[str, str]]] = {}
    for each in loaded.config.lines or ():  # a folder that is included twice is read twice
        files.setdefault(each.file, {})[each.line] = (each.text, each.mark)
    kept = _Kept(
        _FORMAT,
        host,
        loaded.config.path,
        *loaded.process[:3],
        loaded.at,
        loaded.from_log,
        [_File(path, list(lines.values())) for path, lines in files.items()],
    )
    return msgspec.json.encode(kept)


def decode(data: bytes, host: str, config: str) -> Loaded | None:
    """What was kept of that configuration of that host; None where it is not that, or damaged."""
    try:
        kept = msgspec.json.decode(data, type=_Kept)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None
    if (kept.format, kept.host, kept.config) != (_FORMAT, host, config):
        return None
    if sum(len(file.lines) for file in kept.files) > MAX_LINES:
        return None
    process = ProcessId(kept.pid, kept.started, kept.exe)
    return Loaded(_parsed(kept), process, kept.loaded_at, kept.from_log)


def _parsed(kept: _Kept) -> Config:
    """The text parsed again; a mark stands for a secret that is not in it any more."""
    texts: dict[str, bytes] = {}
    marks: dict[tuple[str, int], str] = {}
    for file in kept.files:
        text = "".join(f"{text.replace(chr(10), ' ')}\n" for text, _ in file.lines)
        texts[file.path] = text.encode("utf-8", "replace")
        marks.update(((file.path, number), mark) for number, (_, mark) in enumerate(file.lines, 1))

    def folder(path: str) -> tuple[str, ...]:
        return tuple(os.path.basename(name) for name in texts if os.path.dirname(name) == path)

    config = run(kept.config, lambda path: texts.get(path, _MISSING), folder, host=kept.host)
    lines = tuple(_marked(each, marks) for each in config.lines or ())
    return replace(config, lines=lines)


def _marked(line: ConfigLine, marks: dict[tuple[str, int], str]) -> ConfigLine:
    mark = marks.get((line.file, line.line), "")
    return replace(line, mark=mark) if mark else line
