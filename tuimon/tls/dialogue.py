"""A dialogue in plain text before TLS: its steps, and how bytes are pushed through it.

Rule: sans-IO and bounded.  A dialogue is a generator that yields steps: `Send` (bytes go out), `Line`
or `Exactly` (it is resumed with what was read); it returns when TLS may begin and raises
`NegotiationFailed` when the peer says anything else.  `Negotiation` turns that into data.
"""

from collections.abc import Generator
from typing import NamedTuple

from tuimon.text import printable

MAX_LINE = 4096
"""Longest line, in bytes with its end, that a peer may send."""

MAX_LINES = 200
"""Most lines of one answer."""

MAX_BYTES = 65536
"""Most bytes of a whole negotiation."""


class Send(NamedTuple):
    """These bytes go to the peer."""

    data: bytes


class Line(NamedTuple):
    """One line is wanted; it is delivered without its CRLF (or bare LF)."""


class Exactly(NamedTuple):
    """`size` bytes are wanted, 1 to `MAX_LINE`."""

    size: int


class NegotiationFailed(Exception):  # noqa: N818 - it is a verdict's name, and never leaves this module's drivers
    """The peer does not go on to TLS; the argument says why, printable."""


Step = Send | Line | Exactly
Dialogue = Generator[Step, bytes, None]
Answer = Generator[Step, bytes, bytes]


def quote(data: bytes) -> str:
    """What the peer said, in quotes, for a detail."""
    return f"'{printable(data, 120)}'"


class Negotiation:
    """A dialogue driven by pushing bytes.

    `done` says that TLS may begin, `failed` that it will not, `detail` why (printable).  `closed` says
    that it failed because the peer closed the connection.  Plain text that comes together with the
    go-ahead was injected, or is no TLS: it is a failure, and is kept in `leftover`.
    """

    def __init__(self, dialogue: Dialogue | None) -> None:
        self.done = dialogue is None
        self.failed = False
        self.closed = False
        self.detail = ""
        self._dialogue = dialogue
        self._wanted: Line | Exactly | None = None
        self._buffer = bytearray()
        self._received = 0

    @property
    def leftover(self) -> bytes:
        """What was received and not consumed by the dialogue."""
        return bytes(self._buffer)

    def start(self) -> bytes:
        """Begin; returns the bytes to send first (none where the peer speaks first)."""
        return b"" if self.done else self._run(None)

    def feed(self, data: bytes) -> bytes:
        """Take bytes from the peer, `b""` for its end of file; returns the bytes to send."""
        if self.done or self.failed:
            self._buffer += data[: MAX_BYTES - len(self._buffer)]
            return b""
        if not data:
            self.closed = True
            return self._fail("closed during the negotiation")
        self._received += len(data)
        if self._received > MAX_BYTES:
            return self._fail(f"more than {MAX_BYTES} bytes before TLS")
        self._buffer += data
        taken = self._take()
        return b"" if taken is None else self._run(taken)

    def _run(self, taken: bytes | None) -> bytes:
        """Resume the dialogue with `taken` until it wants more than there is; returns what it sends."""
        assert self._dialogue is not None  # noqa: S101 - for the type checker: `done` covers None
        outgoing = b""
        try:
            step = next(self._dialogue) if taken is None else self._dialogue.send(taken)
            while True:
                if isinstance(step, Send):
                    outgoing += step.data
                    step = next(self._dialogue)
                    continue
                self._wanted = step
                taken = self._take()
                if taken is None:
                    return outgoing
                step = self._dialogue.send(taken)
        except StopIteration:
            if self._buffer:
                return self._fail(f"plain text after the go-ahead for TLS: {quote(bytes(self._buffer))}")
            self.done = True
            return outgoing
        except NegotiationFailed as failure:
            return outgoing + self._fail(str(failure))

    def _take(self) -> bytes | None:
        """Cut what is wanted off the buffer, or None while it is not there in full."""
        if isinstance(self._wanted, Exactly):
            size = self._wanted.size
            if len(self._buffer) < size:
                return None
            taken = bytes(self._buffer[:size])
        else:
            size = self._buffer.find(b"\n", 0, MAX_LINE) + 1
            if not size:
                if len(self._buffer) >= MAX_LINE:
                    self._fail(f"a line of more than {MAX_LINE} bytes: {quote(bytes(self._buffer[:60]))}")
                return None
            taken = bytes(self._buffer[:size]).rstrip(b"\r\n")
        del self._buffer[:size]
        return taken

    def _fail(self, detail: str) -> bytes:
        self.failed = True
        self.detail = detail
        return b""
