"""The driver: a terminal that is gone holds nobody up."""

import os
import pty
from contextlib import suppress

from textual.drivers._writer_thread import WriterThread

from tuimon.ui.driver import _Lasting


def test_writing_goes_on_when_the_terminal_is_gone() -> None:
    """Textual's thread takes far more than its queue is long, and ends when it is told to."""
    ours, theirs = pty.openpty()
    file = os.fdopen(theirs, "w")
    thread = WriterThread(_Lasting(file))  # type: ignore[arg-type]
    thread.start()
    thread.write("seen")
    assert os.read(ours, 4) == b"seen"
    os.close(ours)
    for _ in range(300):
        thread.write("nobody sees this")
    thread.stop()
    assert not thread.is_alive()
    with suppress(OSError):
        file.close()
