"""Copying out of the screen: OSC 52, through GNU screen in its envelope, and inside tmux through tmux itself.

tmux drops OSC 52 of programs unless it is told otherwise; `load-buffer -w -` it takes.  GNU screen hands on
what stands between DCS and ST, in pieces of at most 768 bytes.
"""

import asyncio
import base64
import os
from typing import Any

from textual.app import App

MOST = 74_994
"""Bytes in base64 that xterm takes, and others after it; a longer text is dropped in silence."""

_PIECE = 760  # bytes in one envelope of GNU screen


def fits(text: str) -> bool:
    """Whether a terminal would take so much."""
    return len(base64.b64encode(text.encode())) <= MOST


def enveloped(sequence: str) -> str:
    """A control sequence as GNU screen hands it on to the terminal."""
    pieces = (sequence[at : at + _PIECE] for at in range(0, len(sequence), _PIECE))
    return "".join(f"\x1bP{piece}\x1b\\" for piece in pieces)


async def copy(app: App[Any], text: str) -> None:
    """Put `text` where the terminal pastes from."""
    if os.environ.get("STY") and app._driver is not None:
        coded = base64.b64encode(text.encode()).decode()
        app._driver.write(enveloped(f"\x1b]52;c;{coded}\x07"))
        return
    app.copy_to_clipboard(text)
    if not os.environ.get("TMUX"):
        return
    try:
        process = await asyncio.create_subprocess_exec(
            "tmux",
            "load-buffer",
            "-w",
            "-",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        async with asyncio.timeout(2):
            await process.communicate(text.encode())
    except (OSError, TimeoutError):
        return  # OSC 52 was sent all the same
