"""`tuimon --version`: of tuimon, and of what it stands on here; what a report of a fault needs.

Rule: nothing heavy is imported for it, least of all Textual.
"""

import platform
import subprocess
from collections.abc import Iterator
from importlib import metadata

from tuimon import __version__
from tuimon.text import printable

_PATIENCE = 5.0  # seconds for stunnel to say its version


def lines() -> Iterator[str]:
    """One line each; the first is tuimon's."""
    from cryptography.hazmat.backends.openssl.backend import backend  # noqa: PLC0415

    yield f"tuimon {__version__}"
    yield f"Python {platform.python_version()}"
    yield f"{backend.openssl_version_text()} (of the handshakes; the system's may be another)"
    yield f"Textual {metadata.version('textual')}"
    yield _stunnel()


def _stunnel() -> str:
    """The first line that stunnel prints of itself, and where it is."""
    from tuimon.demo.fleet import CannotStart, find_stunnel  # noqa: PLC0415

    try:
        path = find_stunnel()
    except CannotStart:
        return "stunnel not found"
    try:
        done = subprocess.run(
            [path, "-version"], capture_output=True, stdin=subprocess.DEVNULL, timeout=_PATIENCE, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"stunnel {path}: {printable(str(error))}"
    said = (done.stderr + done.stdout).decode("utf-8", "replace").splitlines()
    found = next((line for line in said if "stunnel " in line), "stunnel of a release it does not tell")
    return f"{printable(found.removeprefix('[ ] '))} ({path})"
