"""Lines as stunnel counts them, byte by byte."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuimon.parse.stunnel_lines import MAX_LINE, split_lines


def texts(data: bytes) -> list[tuple[int, bytes]]:
    return [(line.number, line.text) for line in split_lines(data)]


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        (b"", []),
        (b"\n", [(1, b"")]),
        (b"a\nb", [(1, b"a"), (2, b"b")]),
        (b"a\nb\n", [(1, b"a"), (2, b"b")]),
        (b"a\r\n\r\nb\r\n", [(1, b"a"), (2, b""), (3, b"b")]),
        (b"a\r", [(1, b"a")]),
        (b"\r\r", []),
        (b"a\rb\rc", [(1, b"abc")]),
        (b"a\0b\nc", [(1, b"a"), (2, b"c")]),
        (b" \t a \v\f\n", [(1, b"a")]),
        (b"\xef\xbb\xbf a\n\xef\xbb\xbfb", [(1, b"a"), (2, b"\xef\xbb\xbfb")]),
        (b"\r\xef\xbb\xbfa", [(1, b"a")]),
    ],
)
def test_lines_are_numbered_as_stunnel_numbers_them(data: bytes, lines: list[tuple[int, bytes]]) -> None:
    """LF, CR, NUL, blanks and the byte order mark."""
    assert texts(data) == lines


@pytest.mark.parametrize(
    ("length", "lengths"),
    [
        (MAX_LINE - 1, [MAX_LINE - 1, 1]),
        (MAX_LINE, [MAX_LINE, 0, 1]),
        (MAX_LINE + 1, [MAX_LINE, 1, 1]),
        (2 * MAX_LINE + 5, [MAX_LINE, MAX_LINE, 5, 1]),
    ],
)
def test_the_rest_of_an_over_long_line_is_a_line_of_its_own(length: int, lengths: list[int]) -> None:
    """A full buffer leaves even the LF to the next line; carriage returns do not count."""
    data = b"x\r" * length + b"\ny"
    assert [len(line.raw) for line in split_lines(data)] == lengths


def test_the_raw_line_is_quoted_as_stunnel_quotes_it() -> None:
    """Byte order mark and indentation stay, carriage returns and what follows a NUL go."""
    (line,) = split_lines(b"\xef\xbb\xbf  a = \rb \0 c")
    assert (line.raw, line.text) == (b"\xef\xbb\xbf  a = b ", b"a = b")


@pytest.mark.parametrize("text", [b"", b"  ", b"# a", b" ;b = c", b"\xef\xbb\xbf;x"])
def test_empty_lines_and_comments_are_idle(text: bytes) -> None:
    """Both comment characters count, at the beginning only."""
    assert all(line.idle for line in split_lines(text))


@settings(derandomize=True, deadline=None)
@given(st.lists(st.sampled_from([b"\n", b"\r", b"\0", b"a", b"\xef\xbb\xbf", b"x" * 9000])).map(b"".join))
def test_no_line_is_too_long_and_none_is_lost(data: bytes) -> None:
    """Every LF ends a line, every line fits the buffer, numbers are consecutive."""
    lines = list(split_lines(data))
    assert [line.number for line in lines] == list(range(1, len(lines) + 1))
    assert all(len(line.raw) <= MAX_LINE for line in lines)
    assert data.count(b"\n") <= len(lines)
