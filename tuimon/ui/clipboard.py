"""Copying out of the screen: OSC 52, and inside tmux through tmux itself.

tmux drops OSC 52 of programs unless it is told otherwise; `load-buffer -w -` it takes.
"""

import asyncio
import os
from typing import Any

from textual.app import App


async def copy(app: App[Any], text: str) -> None:
    """Put `text` where the terminal pastes from."""
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
