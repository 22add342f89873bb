"""The command line: what was asked, with which settings, and how it ends.

Rule: usage errors are one line on stderr and exit 3; a closed pipe is not an error; no traceback
reaches a user.  Commands are modules of `tuimon.commands`, loaded only when asked for.
"""

import argparse
import contextlib
import errno
import gc
import io
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn

from tuimon.commands import USAGE, UsageError
from tuimon.commands.tree import asked_for, command, parse
from tuimon.settings import Settings
from tuimon.settings.file import SettingsError, load

_WITHOUT_SETTINGS = {"completion", "settings"}
"""What has to work with a settings file that does not."""


_YOUNG = 50_000  # new objects before Python looks for garbage among them

_UNWRITABLE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}  # a full disk behind `>`

BUG = 70
"""The exit status of a bug in tuimon itself (EX_SOFTWARE of sysexits.h)."""


def _settings(name: str, arguments: argparse.Namespace) -> Settings:
    import msgspec  # noqa: PLC0415 - `--version` does not need it

    from tuimon.commands.settings import check_keys  # noqa: PLC0415

    if name in _WITHOUT_SETTINGS:
        return Settings()
    loaded = load(arguments.config, check_keys)
    return msgspec.structs.replace(
        loaded,
        ascii=loaded.ascii or arguments.ascii or _lacks_signs(),
        read_only=loaded.read_only or arguments.read_only,
    )


def _end(number: int, frame: FrameType | None) -> None:
    """SIGTERM and SIGHUP end a command like an exception does, so that everything is cleaned up.

    Where a loop runs, from there: what is raised in one of OpenSSL's callbacks is printed and lost.
    """
    asyncio = sys.modules.get("asyncio")
    loop = asyncio._get_running_loop() if asyncio is not None else None
    if loop is None:
        sys.exit(128 + number)
    loop.call_soon_threadsafe(sys.exit, 128 + number)


def _open_descriptors() -> None:
    """Whoever starts us without standard input or output means nothing by it."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115 - until our end
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a locale that lacks a sign is no reason to fall silent


def _lacks_signs() -> bool:
    """Whether the locale's encoding has none of our signs."""
    try:
        "✖●▲".encode(sys.stdout.encoding or "utf-8")
    except (UnicodeError, LookupError):
        return True
    return False


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    # Measured on Linux 6.18: vfork beside busy threads makes one exec in a thousand fail with EFAULT.
    subprocess._USE_VFORK = False  # type: ignore[misc]  # the switch that Python's documentation names
    # Nothing that starting makes is garbage: looking for it as often as Python does took a fifth of a start.
    gc.set_threshold(_YOUNG)
    signal.signal(signal.SIGTERM, _end)
    signal.signal(signal.SIGHUP, _end)
    _open_descriptors()
    words = sys.argv[1:] if argv is None else argv
    try:
        name = asked_for(words)
        arguments = parse(name, words)
        status = command(name).run(arguments, _settings(name, arguments))
        sys.stdout.flush()
        return status
    except (UsageError, SettingsError) as error:
        print(f"tuimon: {error}", file=sys.stderr)
        return USAGE
    except BrokenPipeError:
        # The reader had enough (`tuimon status | head`); keep the interpreter from flushing again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        if error.errno not in _UNWRITABLE:
            return _stumbled(error)
        print(f"tuimon: the output cannot be written: {error.strerror}", file=sys.stderr)
        return USAGE
    except Exception as error:
        return _stumbled(error)


def _stumbled(error: Exception) -> int:
    """A bug: its kind and place, not the values it stumbled over."""
    from tuimon.model.failure import bug  # noqa: PLC0415 - nobody else needs it

    print(f"tuimon: {bug(error)}", file=sys.stderr)
    return BUG


def program() -> NoReturn:
    """What `tuimon` runs: `main`, and an end at once.

    Python would take every object apart before it leaves: 8 of the 170 ms of a `status`.  Where a thread of
    ours still works, it is waited for in the usual way.
    """
    status = main()
    others = (each for each in threading.enumerate() if each is not threading.main_thread())
    if not all(each.daemon for each in others):
        sys.exit(status)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):  # nobody reads it any more
            stream.flush()
    os._exit(status)
