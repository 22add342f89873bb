"""The gateway with a bug in its screen, which meets a secret: `python -m tests.ui.stumbling`."""

import sys

from tests.ui.gateway import Gateway
from tuimon.settings import Settings
from tuimon.store import Changes
from tuimon.ui.app import show
from tuimon.ui.screens.log import LogScreen

SECRET = "hunter2-the-passphrase"  # noqa: S105


def _stumble(self: LogScreen, changes: Changes) -> None:
    held = {"key": SECRET, "changes": changes}
    raise KeyError(held["key"])


if __name__ == "__main__":
    LogScreen.refresh_body = _stumble  # type: ignore[method-assign]
    sys.exit(show(Gateway().runtime, Settings()))
