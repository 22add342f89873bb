"""Textual's driver, for a terminal that may be closed while something is being painted.

Textual writes from a thread behind a queue of bounded length.  An error ends that thread, and the next
few paints then hold up the loop for good: neither SIGHUP nor SIGTERM would be answered.  So here what is
written after the terminal has gone is dropped, and the app ends as the signal says.
"""

from io import TextIOBase
from typing import Any, TextIO, cast

from textual.drivers.linux_driver import LinuxDriver


class _Lasting(TextIOBase):
    """A stream that takes everything, also when nobody is there any more."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._gone = False

    def fileno(self) -> int:
        """The descriptor beneath."""
        return self._file.fileno()

    def write(self, text: str) -> int:
        """Write, or drop."""
        if not self._gone:
            try:
                self._file.write(text)
            except OSError:
                self._gone = True
        return len(text)

    def flush(self) -> None:
        """Send what is buffered, or drop it."""
        if not self._gone:
            try:
                self._file.flush()
            except OSError:
                self._gone = True


class LastingDriver(LinuxDriver):
    """A terminal that may go away."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        if self._file is not None:
            self._file = cast(Any, _Lasting(self._file))

    def take_mouse(self, wanted: bool) -> None:
        """Have the terminal report the mouse, or leave it to the terminal."""
        if wanted:
            self._mouse = True
            self._enable_mouse_support()
        else:
            self._disable_mouse_support()
            self._mouse = False  # or the next suspension would take it again
        self.flush()
